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

    /// The first orders of a side, as far as so many lots need them.
    pub(crate) fn first_makers<const N: usize>(&self, side: Side, lots: u64) -> [u32; N] {
        let mut makers = [NONE; N];
        let Some((_, level)) = self.ladder(side).best() else { return makers };
        let (mut slot, mut left) = (self.levels[level as usize].head, lots);
        for maker in &mut makers {
            if slot == NONE || left == 0 {
                break;
            }
            let order = self.orders.get(slot);
            left = left.saturating_sub(order.leaves);
            (*maker, slot) = (slot, order.next);
        }
        makers
    }

    /// Looks at an order, at its level and at those before and behind it.
    pub(crate) fn look_beside(&self, slot: u32) -> u64 {
        let order = self.orders.get(slot);
        let beside = [order.prev, order.next].into_iter().filter(|slot| *slot != NONE);
        let level = self.levels.get(order.level as usize).map_or(0, |level| level.quantity);
        beside.fold(order.leaves ^ level, |seen, slot| seen ^ self.orders.get(slot).leaves)
    }
}
