//! Where a resting order stands in the queue of its price.

use super::{Book, NONE};

/// What trades before an order at its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaceInQueue {
    /// How many orders.
    pub orders_ahead: u32,
    /// How many lots of them trade before it: displayed ones, and for a hidden order all that is displayed at its price.
    pub quantity_ahead: u64,
}

impl Book {
    /// What trades before a resting order at its price, were nothing to change; `None` for one that does not rest. Takes
    /// a step for each order ahead.
    pub fn place_in_queue(&self, slot: u32) -> Option<PlaceInQueue> {
        let order = self.order(slot);
        if !order.rests() {
            return None;
        }
        let mut place = PlaceInQueue::default();
        if order.is_hidden()
            && let Some(level) = self.displayed_level(order.side(), order.price)
        {
            (place.orders_ahead, place.quantity_ahead) = (level.count, level.quantity);
        }
        let mut ahead = order.prev;
        while ahead != NONE {
            let order = self.order(ahead);
            place.orders_ahead += 1;
            place.quantity_ahead += self.tradable(ahead, order);
            ahead = order.prev;
        }
        Some(place)
    }
}
