//! Looks at orders that are about to change, so that their memory is near by then: see `Engine::foresee`.

use super::{Book, NONE, key_of};
use crate::ladder::Ladder;
use crate::vocabulary::Side;

impl Book {
    /// The last order displayed at a price, or [`NONE`].
    pub(crate) fn last_at(&self, side: Side, price: u64) -> u32 {
        let level = self.ladder(side).get(key_of(side, price));
        level.map_or(NONE, |level| self.levels[level as usize].tail)
    }

    /// Looks at an order and at those before and behind it.
    pub(crate) fn look_beside(&self, slot: u32) -> u64 {
        let order = self.orders.get(slot);
        let beside = [order.prev, order.next].into_iter().filter(|slot| *slot != NONE);
        beside.fold(order.leaves, |seen, slot| seen ^ self.orders.get(slot).leaves)
    }
}
