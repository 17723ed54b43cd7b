//! An order book: price-time priority over a slab of one-cache-line orders. It knows no accounts.
//!
//! What happens is reported to a [`Sink`]: the engine's settles, a benchmark's writes reports.

use crate::ladder::{AnyLadder, Ladder, LadderKind};
use crate::vocabulary::{Side, TimeInForce};

mod allocation;
mod auction;
mod change;
mod hidden;
mod iceberg;
mod look_ahead;
mod look_beside;
mod place_in_queue;
mod self_trade;
mod sink;
mod slab;

pub use allocation::Allocation;
pub use change::{BestPrices, Changes, LevelChange, OrderChange};
pub use iceberg::Iceberg;
pub use place_in_queue::PlaceInQueue;
pub use sink::{Ending, Incoming, NO_GROUP, Prevented, SelfTrade, Sink};
pub use slab::{Flags, NONE, Order, Slab};

use change::Watch;
use hidden::Hidden;
use iceberg::Icebergs;
use sink::reaches;

/// Orders of one price, first come first served.
#[derive(Clone, Copy, Debug)]
struct Level {
    quantity: u64,
    price: u64,
    head: u32,
    tail: u32,
    count: u32,
}

impl Level {
    fn depth(&self) -> Depth {
        Depth { price: self.price, quantity: self.quantity, orders: self.count }
    }
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
    allocation: Allocation,
    hidden: Hidden,
    icebergs: Icebergs,
    watch: Option<Box<Watch>>,
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
            allocation: Allocation::PriceTime,
            hidden: Hidden::default(),
            icebergs: Icebergs::default(),
            watch: None,
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

    /// The best displayed price of a side.
    pub fn best(&self, side: Side) -> Option<u64> {
        self.ladder(side).best().map(|(key, _)| key_of(side, key))
    }

    /// Whether an order of `side` at `limit` would meet one of the other side, hidden or not.
    pub fn crosses(&self, side: Side, limit: u64) -> bool {
        let other = side.opposite();
        self.best_level(other).is_some_and(|(key, _)| reaches(side, limit, key_of(other, key)))
    }

    /// Displayed levels of a side from the best.
    pub fn depth(&self, side: Side) -> impl Iterator<Item = Depth> + '_ {
        let ladder = self.ladder(side);
        std::iter::successors(ladder.best(), |(key, _)| ladder.after(*key))
            .map(|(_, level)| self.levels[level as usize].depth())
    }

    /// Resting orders of a side in the order in which they would trade by price and time, hidden ones included.
    pub fn queue(&self, side: Side) -> impl Iterator<Item = (u32, &Order)> + '_ {
        let after = move |(key, level): &(u64, u32)| self.level_after(side, *key, self.is_hidden_level(*level));
        let levels = std::iter::successors(self.best_level(side), after);
        levels.flat_map(move |(_, level)| self.slots_of(level).map(|slot| (slot, self.order(slot))))
    }

    /// Trades the incoming order until something ends it; `trades_max` bounds the work: trades, and own orders that were
    /// canceled or decremented instead.
    #[inline]
    pub fn take<S: Sink>(&mut self, incoming: &mut Incoming, trades_max: u32, sink: &mut S) -> Ending {
        if self.allocation != Allocation::PriceTime {
            return self.take_shared(incoming, trades_max, sink);
        }
        let other = incoming.side.opposite();
        let mut trades = 0;
        while incoming.leaves > 0 {
            let Some((key, level)) = self.best_level(other) else {
                return Ending::Exhausted;
            };
            if !incoming.reaches(key_of(other, key)) {
                return Ending::PriceReached;
            }
            let slot = self.levels[level as usize].head;
            let maker = self.orders.get(slot);
            let is_own = incoming.is_own(maker.owner, sink);
            if trades == trades_max && (!is_own || incoming.self_trade.goes_on()) {
                return Ending::TradesReached;
            }
            trades += 1;
            if is_own {
                if let Some(ending) = self.prevent(incoming, slot, sink) {
                    return ending;
                }
                continue;
            }
            let quantity = self.tradable(slot, maker).min(incoming.leaves);
            self.trade(incoming, slot, quantity, sink);
        }
        Ending::Filled
    }

    /// Trades `quantity` with the order in `slot`, of which so much can be traded.
    #[inline]
    fn trade<S: Sink>(&mut self, incoming: &mut Incoming, slot: u32, quantity: u64, sink: &mut S) {
        let maker = self.orders.get_mut(slot);
        maker.leaves -= quantity;
        incoming.leaves -= quantity;
        self.levels[maker.level as usize].quantity -= quantity;
        let is_used_up = if maker.is_iceberg() {
            let iceberg = self.icebergs.get_mut(slot);
            iceberg.shown -= quantity;
            sink.iceberg_traded(slot, maker, quantity, iceberg.shown);
            iceberg.shown == 0
        } else {
            sink.traded(slot, maker, quantity);
            false
        };
        if maker.leaves == 0 {
            self.remove(slot);
        } else if is_used_up {
            let shown = self.refresh(slot);
            sink.refreshed(slot, self.orders.get_mut(slot), shown);
        } else {
            self.note_changed(slot);
        }
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
        let (side, price, mut shown) = (order.side(), order.price, order.leaves);
        let is_hidden = order.is_hidden();
        if order.is_iceberg() {
            let iceberg = self.icebergs.get_mut(slot);
            shown = shown.min(iceberg.display);
            iceberg.shown = shown;
        }
        let reserve = order.leaves - shown;
        let level = self.level_for(side, price, is_hidden);
        if reserve > 0 {
            self.icebergs.set_reserve(level, 0, reserve);
        }
        let queue = &mut self.levels[level as usize];
        let tail = std::mem::replace(&mut queue.tail, slot);
        queue.quantity += shown;
        queue.count += 1;
        if tail == NONE {
            queue.head = slot;
        } else {
            self.orders.get_mut(tail).next = slot;
        }
        let order = self.orders.get_mut(slot);
        (order.prev, order.next, order.level, order.priority) = (tail, NONE, level, priority);
        self.note_changed(slot);
    }

    /// The last order of the level that was made last, while a snapshot is read: the best comes first.
    pub(crate) fn queue_end(&self, side: Side) -> Option<&Order> {
        let level = *self.levels.last()?;
        Some(self.order(level.tail)).filter(|order| order.side() == side)
    }

    /// Takes a resting order out of the queue and keeps it.
    pub fn unlink(&mut self, slot: u32) {
        self.note_gone(slot);
        let order = self.orders.get_mut(slot);
        let (side, price, mut shown) = (order.side(), order.price, order.leaves);
        let is_hidden = order.is_hidden();
        let (prev, next, level) = (order.prev, order.next, order.level);
        (order.prev, order.next, order.level) = (NONE, NONE, NONE);
        if order.is_iceberg() {
            shown = std::mem::take(&mut self.icebergs.get_mut(slot).shown);
            self.icebergs.set_reserve(level, order.leaves - shown, 0);
        }
        let queue = &mut self.levels[level as usize];
        queue.quantity -= shown;
        queue.count -= 1;
        if queue.count == 0 {
            self.free_levels.push(level);
            self.remove_level(side, key_of(side, price), is_hidden);
            return;
        }
        if prev == NONE {
            queue.head = next;
        } else {
            self.orders.get_mut(prev).next = next;
        }
        if next == NONE {
            self.levels[level as usize].tail = prev;
        } else {
            self.orders.get_mut(next).prev = prev;
        }
    }

    /// Changes what is left of an order in place: it keeps its priority. An iceberg order's reserve shrinks first.
    pub fn set_leaves(&mut self, slot: u32, leaves: u64) {
        let order = self.orders.get_mut(slot);
        let mut before = std::mem::replace(&mut order.leaves, leaves);
        let mut after = leaves;
        let level = order.level;
        if level == NONE {
            return;
        }
        if order.is_iceberg() {
            let iceberg = self.icebergs.get_mut(slot);
            let reserve = before - iceberg.shown;
            (before, after) = (iceberg.shown, iceberg.shown.min(leaves));
            iceberg.shown = after;
            self.icebergs.set_reserve(level, reserve, leaves - after);
        }
        let queue = &mut self.levels[level as usize];
        queue.quantity = queue.quantity - before + after;
        self.note_changed(slot);
    }

    /// Takes an order out of the book and forgets it.
    pub fn remove(&mut self, slot: u32) -> Order {
        let order = self.orders.get(slot);
        let is_iceberg = order.is_iceberg();
        if order.rests() {
            self.unlink(slot);
        }
        if is_iceberg {
            self.icebergs.remove(slot);
        }
        self.orders.free(slot)
    }

    fn displayed_level(&self, side: Side, price: u64) -> Option<&Level> {
        let level = self.ladder(side).get(key_of(side, price))?;
        Some(&self.levels[level as usize])
    }

    fn level_for(&mut self, side: Side, price: u64, is_hidden: bool) -> u32 {
        let key = key_of(side, price);
        let known = if is_hidden { self.hidden.of(side).get(key) } else { self.ladder(side).get(key) };
        if let Some(level) = known {
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
        if is_hidden {
            self.hidden.of_mut(side).insert(key, level);
        } else {
            self.ladder_mut(side).insert(key, level);
        }
        level
    }

    fn remove_level(&mut self, side: Side, key: u64, is_hidden: bool) {
        if is_hidden {
            self.hidden.of_mut(side).remove(key);
        } else {
            self.ladder_mut(side).remove(key);
        }
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
