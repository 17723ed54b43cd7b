//! What only few open orders have, beside the book: found by the slot of an order whose flag says that it is there, so
//! that a plain order never looks.

use std::collections::BTreeMap;

use crate::book::{Book, Order};
use crate::id::SEQUENCE_MAX;
use crate::peg::{Peg, Pegs};
use crate::timer::Timers;
use crate::trigger::Waiting;
use crate::vocabulary::{SelfTradePrevention, Side};

/// The attributes of an open order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// When it expires, milliseconds since 1970; zero: never by itself.
    pub(crate) expire_at_ms: u64,
    /// What it waits for; none once it works.
    pub(crate) waiting: Option<Waiting>,
    /// What happens where it would trade with itself; none: the instrument's rule.
    pub(crate) self_trade: Option<SelfTradePrevention>,
    /// It is a market order that rests until its auction.
    pub(crate) market: bool,
    /// What it follows.
    pub(crate) peg: Option<Peg>,
}

/// Attributes by the book's slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttributeTable {
    by_slot: BTreeMap<u32, Attributes>,
    /// How many market orders rest at a price.
    market_orders: BTreeMap<(Side, u64), u32>,
    pub(crate) pegs: Pegs,
}

impl AttributeTable {
    /// The attributes of an order; a plain one's say nothing.
    pub(crate) fn of(&self, slot: u32, order: &Order) -> Attributes {
        if !order.has_attributes() {
            return Attributes::default();
        }
        self.by_slot.get(&slot).copied().unwrap_or_default()
    }

    /// An order that is not plain begins to be open.
    pub(crate) fn open(&mut self, book: &mut Book, slot: u32, attributes: Attributes, timers: &mut Timers) {
        if attributes == Attributes::default() {
            return;
        }
        let order = book.order_mut(slot);
        order.set_attributes(true);
        self.by_slot.insert(slot, attributes);
        if attributes.expire_at_ms != 0 {
            timers.set(attributes.expire_at_ms, order.id & SEQUENCE_MAX);
        }
        if let Some(peg) = attributes.peg {
            self.pegs.add(peg, slot);
        }
        if attributes.market {
            *self.market_orders.entry((order.side(), order.price)).or_default() += 1;
        }
    }

    /// An order is open no longer; returns what it had.
    pub(crate) fn close(&mut self, slot: u32, order: &Order, timers: &mut Timers) -> Attributes {
        if !order.has_attributes() {
            return Attributes::default();
        }
        let attributes = self.by_slot.remove(&slot).unwrap_or_default();
        if attributes.expire_at_ms != 0 {
            timers.clear(attributes.expire_at_ms, order.id & SEQUENCE_MAX);
        }
        if let Some(peg) = attributes.peg {
            self.pegs.remove(peg, slot);
        }
        if attributes.market
            && let Some(count) = self.market_orders.get_mut(&(order.side(), order.price))
        {
            *count -= 1;
            if *count == 0 {
                self.market_orders.remove(&(order.side(), order.price));
            }
        }
        attributes
    }

    /// The price at which a buy holds its lots: its own, or that which a peg never passes.
    pub(crate) fn held_at(&self, slot: u32, order: &Order) -> u64 {
        if !order.has_attributes() {
            return order.price;
        }
        self.of(slot, order).peg.map_or(order.price, |peg| peg.limit)
    }

    /// A peg follows something else.
    pub(crate) fn set_peg(&mut self, slot: u32, peg: Peg) {
        if let Some(before) = self.by_slot.get_mut(&slot).and_then(|attributes| attributes.peg.replace(peg)) {
            self.pegs.remove(before, slot);
            self.pegs.add(peg, slot);
        }
    }

    /// Changes what a waiting order waits for; returns what it waited for.
    pub(crate) fn set_waiting(&mut self, slot: u32, waiting: Option<Waiting>) -> Option<Waiting> {
        let attributes = self.by_slot.get_mut(&slot)?;
        std::mem::replace(&mut attributes.waiting, waiting)
    }

    /// The slots of all orders that wait.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = u32> + '_ {
        self.by_slot.iter().filter(|(_, attributes)| attributes.waiting.is_some()).map(|(slot, _)| *slot)
    }

    /// How many orders that rest at a price name none.
    pub(crate) fn market_orders(&self, side: Side, price: u64) -> u32 {
        if self.market_orders.is_empty() { 0 } else { self.market_orders.get(&(side, price)).copied().unwrap_or(0) }
    }

    /// The slots of orders that end with their auction.
    pub(crate) fn for_auction(&self) -> impl Iterator<Item = u32> + '_ {
        self.by_slot.iter().filter(|(_, attributes)| attributes.market).map(|(slot, _)| *slot)
    }
}
