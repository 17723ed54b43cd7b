//! An order book: price-time priority over a slab of one-cache-line orders. It knows no accounts.
//!
//! What happens is reported to a [`Sink`]: the engine's settles, a benchmark's writes reports.

use crate::ladder::{AnyLadder, Ladder, LadderKind};
use crate::vocabulary::{Side, TimeInForce};

mod slab;
pub use slab::{Flags, NONE, Order, Slab};

/// Hears of every trade while it happens.
pub trait Sink {
    /// `maker` has been reduced by the trade already; it leaves the book after this call if nothing is left of it.
    fn traded(&mut self, slot: u32, maker: &mut Order, quantity: u64);
}

/// What comes in to trade.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// Buy or sell.
    pub side: Side,
    /// The worst price it takes.
    pub limit: u64,
    /// What is left of it.
    pub leaves: u64,
    /// It never trades with an order of the same owner.
    pub owner: u32,
}

/// Why matching ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing is left of the incoming order.
    Filled,
    /// Nothing is left on the other side.
    Exhausted,
    /// What is left on the other side is beyond the limit.
    PriceReached,
    /// The next order belongs to the same owner.
    OwnOrder,
    /// As many trades as allowed have been made.
    TradesReached,
}

/// Orders of one price, first come first served.
#[derive(Clone, Copy, Debug)]
struct Level {
    quantity: u64,
    price: u64,
    head: u32,
    tail: u32,
    count: u32,
}

/// A level as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Price units.
    pub price: u64,
    /// Lots displayed.
    pub quantity: u64,
    /// Number of orders.
    pub orders: u32,
}

/// An order book of one instrument.
#[derive(Clone, Debug)]
pub struct Book {
    orders: Slab,
    levels: Vec<Level>,
    free_levels: Vec<u32>,
    bids: AnyLadder,
    asks: AnyLadder,
    next_priority: u64,
}

/// Smaller is better: an ask's key is its price, a bid's the complement.
const fn key_of(side: Side, price: u64) -> u64 {
    match side {
        Side::Buy => !price,
        Side::Sell => price,
    }
}

impl Book {
    /// An empty book.
    pub fn new(ladder: LadderKind) -> Self {
        Self {
            orders: Slab::default(),
            levels: Vec::new(),
            free_levels: Vec::new(),
            bids: AnyLadder::new(ladder),
            asks: AnyLadder::new(ladder),
            next_priority: 1,
        }
    }

    /// The order in a slot that is in use.
    pub fn order(&self, slot: u32) -> &Order {
        self.orders.get(slot)
    }

    /// The order in a slot, to change what the book does not depend on.
    pub(crate) fn order_mut(&mut self, slot: u32) -> &mut Order {
        self.orders.get_mut(slot)
    }

    /// Number of orders, those not resting included.
    pub fn len(&self) -> u32 {
        self.orders.len()
    }

    /// Whether there is no order.
    pub fn is_empty(&self) -> bool {
        self.orders.len() == 0
    }

    /// The priority that the next order to rest will get.
    pub fn next_priority(&self) -> u64 {
        self.next_priority
    }

    pub(crate) fn set_next_priority(&mut self, priority: u64) {
        self.next_priority = priority;
    }

    /// The best price of a side.
    pub fn best(&self, side: Side) -> Option<u64> {
        self.ladder(side).best().map(|(key, _)| key_of(side, key))
    }

    /// Whether an order of `side` at `limit` would meet one of the other side.
    pub fn crosses(&self, side: Side, limit: u64) -> bool {
        let other = side.opposite();
        self.ladder(other).best().is_some_and(|(key, _)| reaches(side, limit, key_of(other, key)))
    }

    /// Levels of a side from the best.
    pub fn depth(&self, side: Side) -> impl Iterator<Item = Depth> + '_ {
        self.levels_of(side).map(|level| Depth { price: level.price, quantity: level.quantity, orders: level.count })
    }

    /// Resting orders of a side, best price first, then by priority.
    pub fn queue(&self, side: Side) -> impl Iterator<Item = (u32, &Order)> + '_ {
        self.levels_of(side).flat_map(move |level| {
            let used = |slot: u32| (slot != NONE).then_some(slot);
            std::iter::successors(used(level.head), move |slot| used(self.order(*slot).next))
                .map(|slot| (slot, self.order(slot)))
        })
    }

    /// Trades the incoming order until something ends it; `trades_max` bounds the work.
    pub fn take<S: Sink>(&mut self, incoming: &mut Incoming, trades_max: u32, sink: &mut S) -> Ending {
        let other = incoming.side.opposite();
        let mut trades = 0;
        while incoming.leaves > 0 {
            let Some((key, level)) = self.ladder(other).best() else {
                return Ending::Exhausted;
            };
            if !reaches(incoming.side, incoming.limit, key_of(other, key)) {
                return Ending::PriceReached;
            }
            let slot = self.levels[level as usize].head;
            let maker = self.orders.get_mut(slot);
            if maker.owner == incoming.owner {
                return Ending::OwnOrder;
            }
            if trades == trades_max {
                return Ending::TradesReached;
            }
            trades += 1;
            let quantity = maker.leaves.min(incoming.leaves);
            maker.leaves -= quantity;
            incoming.leaves -= quantity;
            self.levels[level as usize].quantity -= quantity;
            sink.traded(slot, maker, quantity);
            if maker.leaves == 0 {
                self.unlink(slot);
                self.orders.free(slot);
            }
        }
        Ending::Filled
    }

    /// Keeps an order without letting it rest; only [`Book::rest`] and [`Book::remove`] may follow.
    pub fn add(&mut self, order: Order) -> u32 {
        self.orders.add(order)
    }

    /// Lets an order that does not rest go to the end of the queue at its price.
    pub fn rest(&mut self, slot: u32) -> u64 {
        let priority = self.next_priority;
        self.rest_at(slot, priority);
        priority
    }

    /// The same with a priority that is known: it must be later than every other at the price.
    pub(crate) fn rest_at(&mut self, slot: u32, priority: u64) {
        self.next_priority = self.next_priority.max(priority + 1);
        let order = self.orders.get(slot);
        let (side, price, leaves) = (order.side(), order.price, order.leaves);
        let level = self.level_for(side, price);
        let queue = &mut self.levels[level as usize];
        let tail = std::mem::replace(&mut queue.tail, slot);
        queue.quantity += leaves;
        queue.count += 1;
        if tail == NONE {
            queue.head = slot;
        } else {
            self.orders.get_mut(tail).next = slot;
        }
        let order = self.orders.get_mut(slot);
        (order.prev, order.next, order.level, order.priority) = (tail, NONE, level, priority);
    }

    /// The last priority at a price, if orders rest there.
    pub(crate) fn last_priority(&self, side: Side, price: u64) -> Option<u64> {
        let level = self.ladder(side).get(key_of(side, price))?;
        Some(self.order(self.levels[level as usize].tail).priority)
    }

    /// Price and priority of the last order at the worst price, while a snapshot is read: the best comes first.
    pub(crate) fn queue_end(&self, side: Side) -> Option<(u64, u64)> {
        let level = *self.levels.last()?;
        let order = self.order(level.tail);
        (order.side() == side).then_some((order.price, order.priority))
    }

    /// Takes a resting order out of the queue and keeps it.
    pub fn unlink(&mut self, slot: u32) {
        let order = self.orders.get_mut(slot);
        let (side, price, leaves) = (order.side(), order.price, order.leaves);
        let (prev, next, level) = (order.prev, order.next, order.level);
        (order.prev, order.next, order.level) = (NONE, NONE, NONE);
        let queue = &mut self.levels[level as usize];
        queue.quantity -= leaves;
        queue.count -= 1;
        if queue.count == 0 {
            self.free_levels.push(level);
            self.ladder_mut(side).remove(key_of(side, price));
            return;
        }
        if prev == NONE {
            queue.head = next;
        }
        if next == NONE {
            queue.tail = prev;
        }
        if prev != NONE {
            self.orders.get_mut(prev).next = next;
        }
        if next != NONE {
            self.orders.get_mut(next).prev = prev;
        }
    }

    /// Changes what is left of an order in place: it keeps its priority.
    pub fn set_leaves(&mut self, slot: u32, leaves: u64) {
        let order = self.orders.get_mut(slot);
        let before = std::mem::replace(&mut order.leaves, leaves);
        if order.level != NONE {
            let level = &mut self.levels[order.level as usize];
            level.quantity = level.quantity - before + leaves;
        }
    }

    /// Takes an order out of the book and forgets it.
    pub fn remove(&mut self, slot: u32) -> Order {
        if self.orders.get(slot).rests() {
            self.unlink(slot);
        }
        self.orders.free(slot)
    }

    fn level_for(&mut self, side: Side, price: u64) -> u32 {
        let key = key_of(side, price);
        if let Some(level) = self.ladder(side).get(key) {
            return level;
        }
        let fresh = Level { quantity: 0, price, head: NONE, tail: NONE, count: 0 };
        let level = if let Some(level) = self.free_levels.pop() {
            self.levels[level as usize] = fresh;
            level
        } else {
            self.levels.push(fresh);
            u32::try_from(self.levels.len() - 1).expect("levels are fewer than orders")
        };
        self.ladder_mut(side).insert(key, level);
        level
    }

    fn levels_of(&self, side: Side) -> impl Iterator<Item = &Level> + '_ {
        let ladder = self.ladder(side);
        std::iter::successors(ladder.best(), |(key, _)| ladder.after(*key))
            .map(|(_, level)| &self.levels[level as usize])
    }

    fn ladder(&self, side: Side) -> &AnyLadder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn ladder_mut(&mut self, side: Side) -> &mut AnyLadder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

/// Whether an order of `side` with `limit` takes `price`.
fn reaches(side: Side, limit: u64, price: u64) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}

impl Order {
    /// An order that does not rest yet.
    pub fn new(id: u64, side: Side, time_in_force: TimeInForce, price: u64, quantity: u64, owner: u32) -> Self {
        Self {
            id,
            price,
            quantity,
            leaves: quantity,
            priority: 0,
            next: NONE,
            prev: NONE,
            level: NONE,
            owner,
            version: 0,
            flags: Flags::new(side, time_in_force),
        }
    }
}
