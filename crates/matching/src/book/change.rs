//! Changes of the visible book, for who asked to watch: order by order, by level, and of the best prices.
//!
//! A book that nobody watches keeps none of this.

use super::{Book, Depth};
use crate::vocabulary::Side;

/// One change of a displayed order (L3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderChange {
    /// The order's id.
    pub id: u64,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: u64,
    /// Its place in time.
    pub priority: u64,
    /// Lots it displays from now on; 0 if it has left the book.
    pub quantity: u64,
}

/// One change of a level (L2): `quantity` is 0 if it has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelChange {
    /// Which side.
    pub side: Side,
    /// How it is now.
    pub depth: Depth,
}

/// Best bid and offer (L1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BestPrices {
    /// The highest displayed bid.
    pub bid: Option<Depth>,
    /// The lowest displayed offer.
    pub ask: Option<Depth>,
}

/// All changes since they were last taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the order in which they happened.
    pub orders: Vec<OrderChange>,
    /// A level once, in the order in which it was first touched, as it is at the end.
    pub levels: Vec<LevelChange>,
    /// The best prices, if they are others than before.
    pub best: Option<BestPrices>,
}

/// What a watched book remembers.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    orders: Vec<OrderChange>,
    best: BestPrices,
}

impl Book {
    /// Begins to keep changes; who watches takes them after each command.
    pub fn watch(&mut self) {
        self.watch = Some(Box::new(Watch { orders: Vec::new(), best: self.best_prices() }));
    }

    /// The best displayed prices with what rests there.
    pub fn best_prices(&self) -> BestPrices {
        BestPrices { bid: self.depth(Side::Buy).next(), ask: self.depth(Side::Sell).next() }
    }

    /// The changes since the last time, which are then forgotten; empty if nobody watches.
    pub fn take_changes(&mut self) -> Changes {
        let best = self.best_prices();
        let Some(watch) = &mut self.watch else {
            return Changes::default();
        };
        let orders = std::mem::take(&mut watch.orders);
        let best = (std::mem::replace(&mut watch.best, best) != best).then_some(best);
        let mut touched: Vec<(Side, u64)> = Vec::new();
        for change in &orders {
            if !touched.contains(&(change.side, change.price)) {
                touched.push((change.side, change.price));
            }
        }
        let level = |(side, price)| LevelChange { side, depth: self.depth_at(side, price) };
        let levels = touched.into_iter().map(level).collect();
        Changes { orders, levels, best }
    }

    /// The displayed level of a price: nothing rests there if `orders` is 0.
    pub fn depth_at(&self, side: Side, price: u64) -> Depth {
        let level = self.displayed_level(side, price);
        level.map_or(Depth { price, quantity: 0, orders: 0 }, super::Level::depth)
    }

    /// A displayed order rests, or displays something else than before.
    #[inline]
    pub(super) fn note_changed(&mut self, slot: u32) {
        if self.watch.is_some() {
            self.note(slot, self.tradable(slot, self.order(slot)));
        }
    }

    /// A displayed order leaves its queue.
    #[inline]
    pub(super) fn note_gone(&mut self, slot: u32) {
        if self.watch.is_some() {
            self.note(slot, 0);
        }
    }

    #[cold]
    fn note(&mut self, slot: u32, quantity: u64) {
        let order = self.orders.get(slot);
        if order.is_hidden() {
            return;
        }
        let (id, side, price, priority) = (order.id, order.side(), order.price, order.priority);
        if let Some(watch) = &mut self.watch {
            watch.orders.push(OrderChange { id, side, price, priority, quantity });
        }
    }
}
