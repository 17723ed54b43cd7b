//! Iceberg orders: a part is displayed, the rest is in reserve.
//!
//! Only the displayed part counts in the level and can be traded at its place in the queue. When it is used up, the next
//! part comes out of the reserve at the end of the queue. The book keeps this beside the orders: a plain order has none.

use std::collections::BTreeMap;

use super::{Book, Order};

/// What an iceberg order has beside a plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iceberg {
    /// How much it displays at most, lots.
    pub display: u64,
    /// How much it displays now; nothing while it does not rest.
    pub shown: u64,
}

/// Icebergs by slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Icebergs {
    by_slot: BTreeMap<u32, Iceberg>,
    /// What is in reserve at a level, by its place; levels without have none.
    reserves: BTreeMap<u32, u64>,
}

impl Icebergs {
    pub(super) fn get(&self, slot: u32) -> Iceberg {
        self.by_slot[&slot]
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Iceberg {
        self.by_slot.get_mut(&slot).expect("an order with the flag has a record")
    }

    pub(super) fn remove(&mut self, slot: u32) {
        self.by_slot.remove(&slot);
    }

    /// What is in reserve at a level.
    pub(super) fn reserve(&self, level: u32) -> u64 {
        if self.reserves.is_empty() { 0 } else { self.reserves.get(&level).copied().unwrap_or(0) }
    }

    /// The reserve of one of a level's orders is another one.
    pub(super) fn set_reserve(&mut self, level: u32, before: u64, after: u64) {
        let reserve = self.reserves.entry(level).or_default();
        *reserve = *reserve - before + after;
        if *reserve == 0 {
            self.reserves.remove(&level);
        }
    }
}

impl Book {
    /// Makes an order that does not rest yet display at most `display` lots at a time.
    pub fn set_display(&mut self, slot: u32, display: u64) {
        assert!(display > 0, "an iceberg displays at least one lot");
        let order = self.orders.get_mut(slot);
        assert!(!order.rests(), "an order that rests is taken out of its queue first");
        order.set_iceberg();
        self.icebergs.by_slot.insert(slot, Iceberg { display, shown: 0 });
    }

    /// What is displayed of an iceberg order and at most; `None` for any other order.
    pub fn iceberg(&self, slot: u32) -> Option<Iceberg> {
        self.order(slot).is_iceberg().then(|| self.icebergs.get(slot))
    }

    /// What everybody sees of an order that rests.
    pub fn displayed(&self, slot: u32) -> u64 {
        let order = self.order(slot);
        if order.is_hidden() { 0 } else { self.tradable(slot, order) }
    }

    /// Says what a resting iceberg order displays, for a book that is rebuilt from facts.
    pub fn set_shown(&mut self, slot: u32, shown: u64) {
        let before = std::mem::replace(&mut self.icebergs.get_mut(slot).shown, shown);
        let Order { level, leaves, .. } = *self.orders.get(slot);
        self.icebergs.set_reserve(level, leaves - before, leaves - shown);
        let queue = &mut self.levels[level as usize];
        queue.quantity = queue.quantity - before + shown;
        self.note_changed(slot);
    }

    /// What can be traded of a resting order at its place in the queue.
    #[inline]
    pub(super) fn tradable(&self, slot: u32, order: &Order) -> u64 {
        if order.is_iceberg() { self.icebergs.get(slot).shown } else { order.leaves }
    }

    /// Brings the next part out of the reserve, at the end of the queue.
    #[cold]
    pub(super) fn refresh(&mut self, slot: u32) -> u64 {
        self.unlink(slot);
        self.rest(slot);
        self.icebergs.get(slot).shown
    }
}
