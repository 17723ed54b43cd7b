//! Entering an order: accept or reject it, trade it, and let rest what may.

use super::Engine;
use super::entry::{Entry, hold_of};
use super::settle::{Taken, Taker, push_order_event};
use crate::book::{Ending, Order};
use crate::command::PlaceOrder;
use crate::event::{
    AccountId, Body, Events, Instrument, OrderCreated, OrderRejected, Postings, Price, Quantity, Resting, Text,
};
use crate::order_index::NO_ACCOUNT;
use crate::vocabulary::{OrderType, Reason, Status};

impl Engine {
    pub(super) fn place(&mut self, c: &PlaceOrder<'_>, events: &mut Events) {
        let client_order_id = c.client_order_id.map(|text| events.add_text(text));
        match self.check_entry(c) {
            Ok(entry) => self.enter(c, entry, client_order_id, events),
            Err(reason) => self.reject(c, reason, client_order_id, events),
        }
    }

    fn reject(&mut self, c: &PlaceOrder<'_>, reason: Reason, client_order_id: Option<Text>, events: &mut Events) {
        let number = self.index.skip(self.accounts.find(c.account_id).unwrap_or(NO_ACCOUNT));
        let body = OrderRejected {
            order_id: self.order_id(number),
            client_order_id,
            account_id: AccountId(c.account_id),
            symbol: self.find_instrument(c.instrument_id).unwrap_or(Instrument::UNKNOWN),
            side: c.side,
            order_type: c.order_type,
            time_in_force: c.time_in_force,
            quantity: Quantity(c.quantity),
            price: shown_price(c),
            status: Status::Rejected,
            reason,
        };
        push_order_event(events, body.order_id, 1, Body::OrderRejected(body));
    }

    fn enter(&mut self, c: &PlaceOrder<'_>, entry: Entry, client_order_id: Option<Text>, events: &mut Events) {
        let instrument = entry.instrument;
        let (asset, hold) = hold_of(self.terms(instrument), c.side, entry.limit, c.quantity);
        let postings = self.change_hold(entry.account, asset, hold, events);
        let book = &self.markets[instrument.0 as usize].book;
        let crosses = book.crosses(c.side, entry.limit);
        let mut taker = Taker {
            order_id: self.order_id(self.index.next()),
            account: entry.account,
            side: c.side,
            limit: entry.limit,
            quantity: c.quantity,
            leaves: c.quantity,
            cum_notional: 0,
            version: 1,
        };
        if !crosses && entry.may_rest {
            let rests = self.rest_new(instrument, c, &taker);
            return created(c, instrument, &taker, client_order_id, Some(rests), postings, events);
        }
        created(c, instrument, &taker, client_order_id, None, postings, events);
        let taken = self.take(instrument, taker, events);
        taker = taken.taker;
        if taker.leaves == 0 {
            self.index.skip(taker.account);
        } else if let Some(reason) = reason_to_cancel(c, &taken, entry.may_rest) {
            self.cancel_rest(instrument, &taker, reason, events);
            self.index.skip(taker.account);
        } else {
            let rests = self.rest_new(instrument, c, &taker);
            taken.note_resting(rests, events);
        }
    }

    /// Puts a new order into the book, the index and its account's list.
    fn rest_new(&mut self, instrument: Instrument, c: &PlaceOrder<'_>, taker: &Taker) -> Resting {
        let market = &mut self.markets[instrument.0 as usize];
        let mut order =
            Order::new(taker.order_id.0, c.side, c.time_in_force, taker.limit, taker.quantity, taker.account);
        order.leaves = taker.leaves;
        order.version = u32::try_from(taker.version).expect("an order has fewer than 2^32 events");
        let slot = market.book.add(order);
        market.beside.link(self.accounts.get_mut(taker.account), instrument.0, slot);
        market.beside.set_cum_notional(slot, taker.cum_notional);
        let priority = market.book.rest(slot);
        self.index.open(instrument.0, slot);
        Resting { price: Price(taker.limit), quantity: Quantity(taker.leaves), priority }
    }
}

/// Why what is left of a new order is canceled; `None` if it rests.
fn reason_to_cancel(c: &PlaceOrder<'_>, taken: &Taken, may_rest: bool) -> Option<Reason> {
    let reason = match (c.order_type, taken.ending) {
        (OrderType::Market, Ending::PriceReached) => Reason::ProtectionPrice,
        (OrderType::Market, _) => Reason::NoLiquidity,
        (OrderType::Limit, _) => Reason::ImmediateOrCancel,
    };
    taken.stopped().or((!may_rest).then_some(reason))
}

fn shown_price(c: &PlaceOrder<'_>) -> Option<Price> {
    match c.order_type {
        OrderType::Limit => Some(Price(c.price)),
        OrderType::Market => None,
    }
}

fn created(
    c: &PlaceOrder<'_>,
    symbol: Instrument,
    taker: &Taker,
    client_order_id: Option<Text>,
    rests: Option<Resting>,
    postings: Postings,
    events: &mut Events,
) {
    let protection_price = match c.order_type {
        OrderType::Limit => None,
        OrderType::Market => Some(Price(taker.limit)),
    };
    let body = OrderCreated {
        order_id: taker.order_id,
        client_order_id,
        account_id: AccountId(c.account_id),
        symbol,
        side: c.side,
        order_type: c.order_type,
        time_in_force: c.time_in_force,
        quantity: Quantity(c.quantity),
        price: shown_price(c),
        protection_price,
        status: Status::Pending,
        cum_quantity: Quantity(0),
        leaves_quantity: Quantity(c.quantity),
        rests,
        postings,
    };
    push_order_event(events, taker.order_id, 1, Body::OrderCreated(body));
}
