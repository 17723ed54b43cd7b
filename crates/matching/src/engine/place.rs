//! Entering an order: accept or reject it, trade it, and let rest what may.

use super::Engine;
use super::entry::Entry;
use super::peg::peg_of;
use super::self_trade::{Groups, group_of};
use super::settle::{Taken, Taker, push_order_event};
use crate::attributes::Attributes;
use crate::book::{Ending, Incoming, Order, SelfTrade};
use crate::command::{PlaceOrder, Terms};
use crate::event::{
    AccountId, Body, Events, Instrument, Notional, Offset, OrderCreated, OrderRejected, OrderTerms, Postings, Price,
    Quantity, Resting, TermsAt, Text, Yes,
};
use crate::order_index::NO_ACCOUNT;
use crate::vocabulary::{OrderType, Reason, Status, TimeInForce};

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
            price: c.order_type.has_price().then_some(Price(c.price)),
            status: Status::Rejected,
            reason,
            terms: keep_terms(c, None, events),
        };
        push_order_event(events, body.order_id, 1, Body::OrderRejected(body));
    }

    fn enter(&mut self, c: &PlaceOrder<'_>, entry: Entry, client_order_id: Option<Text>, events: &mut Events) {
        let instrument = entry.instrument;
        let (asset, hold) = entry.held(self.terms(instrument), c.side);
        let postings = self.change_hold(entry.account, asset, hold, events);
        let book = &self.markets[instrument.0 as usize].book;
        let crosses = book.crosses(c.side, entry.limit);
        let mut taker = Taker {
            order_id: self.order_id(self.index.next()),
            account: entry.account,
            side: c.side,
            limit: entry.limit,
            hold: entry.hold,
            self_trade: self.self_trade_of(instrument.0, c.terms.self_trade_prevention),
            quantity: entry.quantity,
            leaves: entry.quantity,
            cum_notional: 0,
            version: 1,
        };
        if entry.collects || !crosses && entry.may_rest {
            let rests = self.rest_new(instrument, c, &taker);
            return created(c, instrument, &taker, client_order_id, Some(rests), postings, events);
        }
        if c.order_type.waits() {
            created(c, instrument, &taker, client_order_id, None, postings, events);
            let order = new_order(c, &taker);
            return self.begin_to_wait(instrument, c, order);
        }
        let order = new_order(c, &taker);
        let conditions = (c.time_in_force, c.terms.all_or_none, c.terms.minimum_quantity);
        let refused = self.too_little(instrument, &order, taker.self_trade, conditions, crosses);
        created(c, instrument, &taker, client_order_id, None, postings, events);
        if let Some(reason) = refused {
            self.index.skip(taker.account);
            return self.cancel_rest(instrument, &taker, reason, events);
        }
        let taken = self.take(instrument, taker, events);
        taker = taken.taker;
        if taker.leaves == 0 {
            self.index.skip(taker.account);
        } else if let Some(reason) = reason_to_cancel(&taken, (!entry.may_rest).then_some(c.order_type)) {
            self.cancel_rest(instrument, &taker, reason, events);
            self.index.skip(taker.account);
        } else {
            let rests = self.rest_new(instrument, c, &taker);
            taken.note_resting(rests, events);
        }
    }

    /// Why an order trades nothing although it meets the other side; `None` if what it would trade is enough.
    pub(super) fn too_little(
        &self,
        instrument: Instrument,
        order: &Order,
        self_trade: SelfTrade,
        (time_in_force, all_or_none, minimum_quantity): (TimeInForce, bool, u64),
        crosses: bool,
    ) -> Option<Reason> {
        let (least, reason) = match time_in_force {
            TimeInForce::Fok => (order.leaves, Reason::FillOrKill),
            _ if !crosses => return None,
            _ if all_or_none => (order.leaves, Reason::AllOrNone),
            _ if minimum_quantity > 0 => (minimum_quantity, Reason::MinimumQuantity),
            _ => return None,
        };
        let group = group_of(&self.accounts, order.owner);
        let incoming = Incoming::new(order.side(), order.price, order.leaves, order.owner);
        let incoming = Incoming { group, self_trade, ..incoming };
        let book = &self.markets[instrument.0 as usize].book;
        let would_trade = book.would_trade(&incoming, least, self.trades_left(), &Groups(&self.accounts));
        (would_trade < least).then_some(reason)
    }

    /// Puts a new order into the book, the index and its account's list.
    fn rest_new(&mut self, instrument: Instrument, c: &PlaceOrder<'_>, taker: &Taker) -> Resting {
        let market = &mut self.markets[instrument.0 as usize];
        let slot = market.add(new_order(c, taker), c.terms.display_quantity);
        let attributes = Attributes { market: c.order_type.is_market(), peg: peg_of(c), ..attributes_of(&c.terms) };
        market.attributes.open(&mut market.book, slot, attributes, &mut self.timers);
        market.beside.link(self.accounts.get_mut(taker.account), instrument.0, slot);
        market.beside.set_cum_notional(slot, taker.cum_notional);
        market.book.rest(slot);
        let rests = market.resting(slot);
        self.index.open(instrument.0, slot);
        self.touch(instrument.0);
        rests
    }
}

fn new_order(c: &PlaceOrder<'_>, taker: &Taker) -> Order {
    let mut order = Order::new(taker.order_id.0, c.side, c.time_in_force, taker.limit, taker.quantity, taker.account);
    order.leaves = taker.leaves;
    order.set_post_only(c.terms.post_only);
    if c.terms.hidden {
        order.hide();
    }
    order.version = u32::try_from(taker.version).expect("an order has fewer than 2^32 events");
    order
}

/// Why what is left of an order that took is canceled; `None` if it rests. `never_rests` is the type of one that may not.
pub(super) fn reason_to_cancel(taken: &Taken, never_rests: Option<OrderType>) -> Option<Reason> {
    let reason = |order_type: OrderType| match taken.ending {
        Ending::PriceReached if order_type.is_market() => Reason::ProtectionPrice,
        _ if order_type.is_market() => Reason::NoLiquidity,
        _ => Reason::ImmediateOrCancel,
    };
    taken.stopped().or(never_rests.map(reason))
}

/// What an open order has beside the book.
pub(super) fn attributes_of(terms: &Terms) -> Attributes {
    let (expire_at_ms, self_trade) = (terms.expire_at_ms, terms.self_trade_prevention);
    Attributes { expire_at_ms, self_trade, ..Attributes::default() }
}

/// Keeps what a plain order does not have; `asked` is the price from which it slid.
fn keep_terms(c: &PlaceOrder<'_>, asked: Option<Price>, events: &mut Events) -> TermsAt {
    let (terms, pegged) = (&c.terms, c.order_type.is_pegged());
    if *terms == Terms::default() && !pegged {
        return TermsAt::default();
    }
    events.add_terms(OrderTerms {
        post_only: terms.post_only,
        asked_price: asked,
        minimum_quantity: Some(terms.minimum_quantity).filter(|least| *least > 0).map(Quantity),
        all_or_none: Yes::when(terms.all_or_none),
        trigger_by: terms.trigger_by,
        trigger_price: terms.trigger_by.map(|_| Price(terms.trigger_price)),
        expire_at_ms: Some(terms.expire_at_ms).filter(|due| *due > 0),
        peg_offset: pegged.then_some(Offset(terms.offset)),
        limit_price: Some(Price(c.price)).filter(|limit| pegged && limit.0 != 0),
        display_quantity: Some(terms.display_quantity).filter(|display| *display > 0).map(Quantity),
        hidden: Yes::when(terms.hidden),
        self_trade_prevention: terms.self_trade_prevention,
        budget: i128::try_from(terms.budget).ok().filter(|budget| *budget > 0).map(Notional),
    })
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
    let limit = Some(Price(taker.limit));
    let (price, protection_price) = if c.order_type.is_market() { (None, limit) } else { (limit, None) };
    let slid = c.order_type == OrderType::Limit && c.price != taker.limit;
    let body = OrderCreated {
        order_id: taker.order_id,
        client_order_id,
        account_id: AccountId(c.account_id),
        symbol,
        side: c.side,
        order_type: c.order_type,
        time_in_force: c.time_in_force,
        quantity: Quantity(taker.quantity),
        price,
        protection_price,
        status: Status::Pending,
        cum_quantity: Quantity(0),
        leaves_quantity: Quantity(taker.quantity),
        rests,
        postings,
        terms: keep_terms(c, slid.then_some(Price(c.price)), events),
    };
    push_order_event(events, taker.order_id, 1, Body::OrderCreated(body));
}
