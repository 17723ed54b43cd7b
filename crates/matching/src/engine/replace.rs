//! Replacing an order: a smaller quantity keeps its priority, anything else loses it.

use super::Engine;
use super::entry::{Hold, check_available, check_limits, check_size, hold_of};
use super::post_only::working_price;
use super::settle::{Taker, push_order_event, working_status};
use crate::command::ReplaceOrder;
use crate::event::{Body, Events, Instrument, OrderId, OrderReplaced, Price, Quantity, Resting, Text};
use crate::vocabulary::{AccountState, Reason, Request, Session};

/// A replacement that passed every check.
#[derive(Clone, Copy)]
struct Change {
    account: u32,
    instrument: Instrument,
    slot: u32,
    quantity: u64,
    price: u64,
}

impl Engine {
    pub(super) fn replace(&mut self, c: &ReplaceOrder<'_>, events: &mut Events) {
        match self.check_replace(c) {
            Ok(change) => {
                let client_order_id = c.client_order_id.map(|text| events.add_text(text));
                self.make_change(change, client_order_id, events);
            }
            Err(reason) => self.reject_request(c.account_id, c.order_id, Request::Replace, reason, events),
        }
    }

    /// Checks: unknown_account, order_not_found, order_closed, account_suspended, market_closed, invalid_quantity,
    /// invalid_price, quantity_too_large, price_too_large, quantity_below_executed, post_only_would_trade,
    /// order_notional_limit, order_quantity_limit, insufficient_funds or insufficient_position.
    fn check_replace(&self, c: &ReplaceOrder<'_>) -> Result<Change, Reason> {
        let (account, instrument, slot) = self.find_open(c.account_id, c.order_id)?;
        let owner = self.accounts.get(account);
        let market = &self.markets[instrument as usize];
        let instrument = Instrument(instrument);
        if owner.state == AccountState::Suspended {
            return Err(Reason::AccountSuspended);
        }
        if market.session == Session::Closed {
            return Err(Reason::MarketClosed);
        }
        let (order, terms) = (market.book.order(slot), self.terms(instrument));
        let (quantity, price) = (c.quantity.unwrap_or(order.quantity), c.price.unwrap_or(order.price));
        check_size(terms, quantity, Some(price))?;
        if quantity <= order.executed() {
            return Err(Reason::QuantityBelowExecuted);
        }
        let price = working_price(&market.book, order.post_only(), order.side(), price, terms.max_price)?;
        check_limits(owner, terms, self.quote_scale(terms), Some(terms.notional(price, quantity)), quantity)?;
        let (asset, before) = hold_of(terms, order.side(), order.price, order.leaves);
        let (_, after) = hold_of(terms, order.side(), price, quantity - order.executed());
        if after > before {
            check_available(owner, order.side(), asset, after - before)?;
        }
        Ok(Change { account, instrument, slot, quantity, price })
    }

    fn make_change(&mut self, change: Change, client_order_id: Option<Text>, events: &mut Events) {
        let Change { account, instrument, slot, quantity, price } = change;
        let market = &mut self.markets[instrument.0 as usize];
        let before = *market.book.order(slot);
        let leaves = quantity - before.executed();
        let keeps_priority = price == before.price && quantity <= before.quantity;
        let mut rests = None;
        if keeps_priority {
            market.book.set_leaves(slot, leaves);
            rests = Some(before.priority);
        } else {
            market.book.unlink(slot);
            market.book.set_leaves(slot, leaves);
        }
        let order = market.book.order_mut(slot);
        (order.quantity, order.price) = (quantity, price);
        order.version += 1;
        let version = u64::from(order.version);
        let side = order.side();
        if !keeps_priority && !market.book.crosses(side, price) {
            rests = Some(market.book.rest(slot));
        }
        let terms = self.catalog.instrument(instrument).expect("a market has terms");
        let (asset, held) = hold_of(terms, side, before.price, before.leaves);
        let (_, holds) = hold_of(terms, side, price, leaves);
        let postings = self.change_hold(account, asset, holds - held, events);
        let body = OrderReplaced {
            order_id: OrderId(before.id),
            client_order_id,
            account_id: self.account_id(account),
            symbol: instrument,
            quantity: Quantity(quantity),
            price: Price(price),
            status: working_status(quantity, leaves),
            cum_quantity: Quantity(before.executed()),
            leaves_quantity: Quantity(leaves),
            rests: rests.map(|priority| Resting { price: Price(price), quantity: Quantity(leaves), priority }),
            postings,
        };
        push_order_event(events, body.order_id, version, Body::OrderReplaced(body));
        if rests.is_none() {
            self.take_replaced(change, events);
        }
    }

    /// The new price crosses: the order takes, keeping its id and its account's list; what is left rests again.
    fn take_replaced(&mut self, change: Change, events: &mut Events) {
        let Change { account, instrument, slot, quantity, price } = change;
        let market = &mut self.markets[instrument.0 as usize];
        let order = *market.book.order(slot);
        let taken = self.take(
            instrument,
            Taker {
                order_id: OrderId(order.id),
                account,
                side: order.side(),
                limit: price,
                hold: Hold::AtLimit,
                quantity,
                leaves: order.leaves,
                cum_notional: self.markets[instrument.0 as usize].beside.cum_notional(slot),
                version: u64::from(order.version),
            },
            events,
        );
        let taker = taken.taker;
        if taker.leaves == 0 || taken.stopped().is_some() {
            self.close_order(instrument.0, slot);
            if let Some(reason) = taken.stopped() {
                self.cancel_rest(instrument, &taker, reason, events);
            }
            return;
        }
        let market = &mut self.markets[instrument.0 as usize];
        market.book.set_leaves(slot, taker.leaves);
        market.book.order_mut(slot).version = u32::try_from(taker.version).expect("fewer than 2^32 events");
        market.beside.set_cum_notional(slot, taker.cum_notional);
        let priority = market.book.rest(slot);
        let rests = Resting { price: Price(price), quantity: Quantity(taker.leaves), priority };
        taken.note_resting(rests, events);
    }
}
