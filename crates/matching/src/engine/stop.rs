//! Orders that wait for a price: stop, stop-limit, market- and limit-if-touched.

use super::entry::{
    Entry, Hold, asked_price, check_available, check_limits, check_parts, check_room, check_size, protected,
};
use super::place::attributes_of;
use super::settle::{push_order_event, working_status};
use super::{Engine, MILLISECOND_NS};
use crate::book::Order;
use crate::command::{PlaceOrder, ReplaceOrder};
use crate::event::{
    Body, Events, Instrument, LeftOut, LimitPrice, OrderId, OrderReplaced, OrderTriggered, Price, Quantity, Text,
};
use crate::trigger::Waiting;
use crate::vocabulary::{Reason, Reference, Side, TimeInForce};

/// A waiting order's replacement that passed every check.
#[derive(Clone, Copy)]
pub(super) struct WaitingChange {
    instrument: u32,
    slot: u32,
    quantity: u64,
    price: u64,
    trigger_price: u64,
}

impl Engine {
    /// The checks of an order that is to wait, in the order that the README documents.
    pub(super) fn check_waiting(&self, c: &PlaceOrder<'_>) -> Result<Entry, Reason> {
        let (account, instrument) = self.check_open(c.account_id, c.instrument_id)?;
        let owner = self.accounts.get(account);
        let (terms, market) = (self.terms(instrument), &self.markets[instrument.0 as usize]);
        if c.time_in_force == TimeInForce::Gtd && c.terms.expire_at_ms <= self.last_stamp_ns / MILLISECOND_NS {
            return Err(Reason::ExpireTimePassed);
        }
        let given = asked_price(c);
        check_size(terms, c.quantity, given)?;
        check_parts(&c.terms, c.quantity)?;
        check_trigger_price(c.terms.trigger_price, terms.max_price)?;
        let limit = given.unwrap_or_else(|| protected(terms, c.side, c.terms.trigger_price));
        let valued_at = match c.side {
            Side::Sell if !c.order_type.has_price() => c.terms.trigger_price,
            _ => limit,
        };
        let worth = Some(terms.notional(valued_at, c.quantity));
        check_limits(owner, terms, self.quote_scale(terms), worth, c.quantity)?;
        check_room(owner, market)?;
        let entry = Entry {
            account,
            instrument,
            quantity: c.quantity,
            limit,
            hold: Hold::AtLimit,
            may_rest: false,
            collects: false,
        };
        let (asset, amount) = entry.held(terms, c.side);
        check_available(owner, c.side, asset, amount)?;
        Ok(entry)
    }

    /// A new order begins to wait.
    pub(super) fn begin_to_wait(&mut self, instrument: Instrument, c: &PlaceOrder<'_>, order: Order) {
        let market = &mut self.markets[instrument.0 as usize];
        let waiting = Waiting {
            order_type: c.order_type,
            trigger_by: c.terms.trigger_by.expect("an order that waits has a trigger method"),
            trigger_price: c.terms.trigger_price,
            armed: market.triggers.next_armed,
            all_or_none: c.terms.all_or_none,
            minimum_quantity: c.terms.minimum_quantity,
        };
        let owner = order.owner;
        let (display, attributes) = (c.terms.display_quantity, attributes_of(&c.terms));
        let slot = market.add_waiting(order, display, waiting, attributes, &mut self.timers);
        market.beside.link(self.accounts.get_mut(owner), instrument.0, slot);
        self.index.open(instrument.0, slot);
        self.look_at_once(instrument.0, slot, waiting);
    }

    /// A price that the order waits for may be there already.
    fn look_at_once(&mut self, instrument: u32, slot: u32, waiting: Waiting) {
        let market = &self.markets[instrument as usize];
        let reference = waiting.reference(market.book.order(slot).side());
        let price = match reference {
            Reference::Last => market.triggers.last_trade,
            Reference::Mark => market.triggers.mark,
            Reference::Bid | Reference::Ask => 0,
        };
        if price != 0 && self.is_trading(instrument) {
            let market = &mut self.markets[instrument as usize];
            market.triggers.pass(reference, price, price);
        }
        self.touch(instrument);
    }

    /// The order that waited enters: it rests, trades, or ends.
    pub(super) fn trigger(&mut self, instrument: u32, slot: u32, events: &mut Events) {
        let market = &mut self.markets[instrument as usize];
        let waiting = market.end_waiting(slot).expect("only orders that wait are reached");
        let order = market.book.order_mut(slot);
        order.version += 1;
        let order = *order;
        let crosses = market.book.crosses(order.side(), order.price);
        let may_rest = waiting.order_type.has_price() && !order.time_in_force().is_immediate();
        let rests = (may_rest && !crosses).then(|| {
            market.book.rest(slot);
            market.resting(slot)
        });
        let body = OrderTriggered {
            order_id: OrderId(order.id),
            account_id: self.account_id(order.owner),
            symbol: Instrument(instrument),
            side: order.side(),
            trigger_price: Price(waiting.trigger_price),
            price: Price(order.price),
            status: working_status(order.quantity, order.leaves),
            leaves_quantity: Quantity(order.leaves),
            rests,
        };
        push_order_event(events, body.order_id, u64::from(order.version), Body::OrderTriggered(body));
        if rests.is_some() {
            return;
        }
        let conditions = (order.time_in_force(), waiting.all_or_none, waiting.minimum_quantity);
        let self_trade = self.self_trade_of(instrument, self.markets[instrument as usize].self_trade_chosen(slot));
        if let Some(reason) = self.too_little(Instrument(instrument), &order, self_trade, conditions, crosses) {
            return self.end_order(instrument, slot, reason, events);
        }
        let rest = if may_rest { None } else { Some(waiting.order_type) };
        self.take_open(instrument, slot, rest, events);
    }

    /// Checks of a waiting order's replacement: invalid_quantity, invalid_price, quantity_too_large, price_too_large,
    /// invalid_minimum_quantity, invalid_trigger_price, order_notional_limit, order_quantity_limit, insufficient_funds or
    /// insufficient_position.
    pub(super) fn check_waiting_change(
        &self,
        c: &ReplaceOrder<'_>,
        instrument: u32,
        slot: u32,
        waiting: &Waiting,
    ) -> Result<WaitingChange, Reason> {
        let (terms, order) = (self.terms(Instrument(instrument)), self.markets[instrument as usize].book.order(slot));
        let (quantity, side) = (c.quantity.unwrap_or(order.quantity), order.side());
        let trigger_price = c.trigger_price.unwrap_or(waiting.trigger_price);
        check_size(terms, quantity, c.price)?;
        if waiting.minimum_quantity > quantity {
            return Err(Reason::InvalidMinimumQuantity);
        }
        check_trigger_price(trigger_price, terms.max_price)?;
        let price = match c.price {
            Some(price) => price,
            None if waiting.order_type.has_price() || c.trigger_price.is_none() => order.price,
            None => protected(terms, side, trigger_price),
        };
        let valued_at = if side == Side::Sell && !waiting.order_type.has_price() { trigger_price } else { price };
        let owner = self.accounts.get(order.owner);
        let worth = Some(terms.notional(valued_at, quantity));
        check_limits(owner, terms, self.quote_scale(terms), worth, quantity)?;
        let (asset, more) = self.more_held(Instrument(instrument), order, price, quantity);
        if more > 0 {
            check_available(owner, side, asset, more)?;
        }
        Ok(WaitingChange { instrument, slot, quantity, price, trigger_price })
    }

    /// A waiting order waits for something else, or for as much as before.
    pub(super) fn change_waiting(&mut self, change: WaitingChange, client_order_id: Option<Text>, events: &mut Events) {
        let WaitingChange { instrument, slot, quantity, price, trigger_price } = change;
        let before = *self.markets[instrument as usize].book.order(slot);
        let (asset, more) = self.more_held(Instrument(instrument), &before, price, quantity);
        let postings = self.change_hold(before.owner, asset, more, events);
        let market = &mut self.markets[instrument as usize];
        let rearmed = market.rearm(slot, trigger_price);
        let order = market.book.order_mut(slot);
        (order.quantity, order.leaves, order.price) = (quantity, quantity, price);
        order.version += 1;
        let order = *order;
        let body = OrderReplaced {
            order_id: OrderId(order.id),
            client_order_id,
            account_id: self.account_id(order.owner),
            symbol: Instrument(instrument),
            quantity: Quantity(quantity),
            price: Price(price),
            status: working_status(quantity, quantity),
            cum_quantity: Quantity(0),
            leaves_quantity: Quantity(quantity),
            rests: None,
            postings,
            trigger_price: LeftOut(Some(Price(trigger_price))),
            limit_price: LimitPrice(0),
        };
        push_order_event(events, body.order_id, u64::from(order.version), Body::OrderReplaced(body));
        if let Some(waiting) = rearmed {
            self.look_at_once(instrument, slot, waiting);
        }
    }
}

/// Checks: invalid_trigger_price, price_too_large.
fn check_trigger_price(price: u64, max_price: u64) -> Result<(), Reason> {
    match price {
        0 => Err(Reason::InvalidTriggerPrice),
        price if price > max_price => Err(Reason::PriceTooLarge),
        _ => Ok(()),
    }
}
