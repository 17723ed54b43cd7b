//! Replacing an order: a smaller quantity keeps its priority, anything else loses it.

use super::Engine;
use super::entry::{Hold, check_available, check_limits, check_size, hold_of};
use super::peg::PegChange;
use super::place::reason_to_cancel;
use super::post_only::working_price;
use super::settle::{Taker, push_order_event, working_status};
use super::stop::WaitingChange;
use crate::book::Order;
use crate::command::ReplaceOrder;
use crate::event::{
    Asset, Body, Events, Instrument, LeftOut, LimitPrice, OrderId, OrderReplaced, Price, Quantity, Text,
};
use crate::vocabulary::{AccountState, OrderType, Reason, Request, Session};

/// A replacement that passed every check.
#[derive(Clone, Copy)]
struct Change {
    account: u32,
    instrument: Instrument,
    slot: u32,
    quantity: u64,
    price: u64,
}

#[derive(Clone, Copy)]
enum Replacement {
    Working(Change),
    Waiting(WaitingChange),
    Pegged(PegChange),
}

impl Engine {
    pub(super) fn replace(&mut self, c: &ReplaceOrder<'_>, events: &mut Events) {
        match self.check_replace(c) {
            Ok(change) => {
                let client_order_id = c.client_order_id.map(|text| events.add_text(text));
                match change {
                    Replacement::Working(change) => self.make_change(change, client_order_id, events),
                    Replacement::Waiting(change) => self.change_waiting(change, client_order_id, events),
                    Replacement::Pegged(change) => self.change_peg(change, client_order_id, events),
                }
            }
            Err(reason) => self.reject_request(c.account_id, c.order_id, Request::Replace, reason, events),
        }
    }

    /// Checks: unknown_account, order_not_found, order_closed, account_suspended, kill_switch, market_closed, market_halted,
    /// uncrossing, invalid_quantity, invalid_price, quantity_too_large, price_too_large, not_in_session, quantity_below_executed, post_only_would_trade,
    /// order_notional_limit, order_quantity_limit, insufficient_funds or insufficient_position.
    fn check_replace(&self, c: &ReplaceOrder<'_>) -> Result<Replacement, Reason> {
        let (account, instrument, slot) = self.find_open(c.account_id, c.order_id)?;
        let owner = self.accounts.get(account);
        let market = &self.markets[instrument as usize];
        let instrument = Instrument(instrument);
        if owner.state == AccountState::Suspended {
            return Err(Reason::AccountSuspended);
        }
        if self.is_killed(account) {
            return Err(Reason::KillSwitch);
        }
        if market.session != Session::Continuous || !self.unfinished.is_empty() {
            self.check_session(instrument.0)?;
        }
        let (order, terms) = (market.book.order(slot), self.terms(instrument));
        if let Some(waiting) = market.waiting_of(slot) {
            return self.check_waiting_change(c, instrument.0, slot, &waiting).map(Replacement::Waiting);
        }
        if let Some(peg) = market.peg_of(slot) {
            if market.session != Session::Continuous {
                return Err(Reason::NotInSession);
            }
            return self.check_peg_change(c, instrument.0, slot, &peg).map(Replacement::Pegged);
        }
        let (quantity, price) = (c.quantity.unwrap_or(order.quantity), c.price.unwrap_or(order.price));
        check_size(terms, quantity, Some(price))?;
        if c.trigger_price.is_some() {
            return Err(Reason::InvalidTriggerPrice);
        }
        if market.session != Session::Continuous {
            self.check_price_in_session(c, instrument.0, slot)?;
        }
        if quantity <= order.executed() {
            return Err(Reason::QuantityBelowExecuted);
        }
        let price = working_price(&market.book, order.post_only(), order.side(), price, terms.max_price)?;
        check_limits(owner, terms, self.quote_scale(terms), Some(terms.notional(price, quantity)), quantity)?;
        let (asset, more) = self.more_held(instrument, order, price, quantity);
        if more > 0 {
            check_available(owner, order.side(), asset, more)?;
        }
        Ok(Replacement::Working(Change { account, instrument, slot, quantity, price }))
    }

    /// What an order holds more at another price and total quantity; negative: what it releases.
    pub(super) fn more_held(&self, instrument: Instrument, order: &Order, price: u64, quantity: u64) -> (Asset, i128) {
        let terms = self.terms(instrument);
        let (asset, before) = hold_of(terms, order.side(), order.price, order.leaves);
        let (_, after) = hold_of(terms, order.side(), price, quantity - order.executed());
        (asset, after - before)
    }

    fn make_change(&mut self, change: Change, client_order_id: Option<Text>, events: &mut Events) {
        let Change { account, instrument, slot, quantity, price } = change;
        let market = &mut self.markets[instrument.0 as usize];
        let before = *market.book.order(slot);
        let leaves = quantity - before.executed();
        let keeps_priority = price == before.price && quantity <= before.quantity;
        if !keeps_priority {
            market.book.unlink(slot);
        }
        market.book.set_leaves(slot, leaves);
        let order = market.book.order_mut(slot);
        (order.quantity, order.price) = (quantity, price);
        order.version += 1;
        let version = u64::from(order.version);
        let side = order.side();
        if !keeps_priority && (market.session.collects() || !market.book.crosses(side, price)) {
            market.book.rest(slot);
        }
        let rests = market.book.order(slot).rests().then(|| market.resting(slot));
        let (asset, more) = self.more_held(instrument, &before, price, quantity);
        let postings = self.change_hold(account, asset, more, events);
        self.touch(instrument.0);
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
            rests,
            postings,
            trigger_price: LeftOut(None),
            limit_price: LimitPrice(0),
        };
        push_order_event(events, body.order_id, version, Body::OrderReplaced(body));
        if rests.is_none() {
            self.take_open(instrument.0, slot, None, events);
        }
    }

    /// An open order that does not rest takes, keeping its id and its account's list; what is left rests, or is canceled
    /// if it never rests: then its type is given.
    pub(super) fn take_open(
        &mut self,
        instrument: u32,
        slot: u32,
        never_rests: Option<OrderType>,
        events: &mut Events,
    ) {
        let taker = self.taker_of(instrument, slot);
        let taken = self.take(Instrument(instrument), taker, events);
        let taker = taken.taker;
        let reason = reason_to_cancel(&taken, never_rests).filter(|_| taker.leaves > 0);
        if taker.leaves == 0 || reason.is_some() {
            self.close_order(instrument, slot);
            if let Some(reason) = reason {
                self.cancel_rest(Instrument(instrument), &taker, reason, events);
            }
            return;
        }
        let market = &mut self.markets[instrument as usize];
        market.book.set_leaves(slot, taker.leaves);
        let order = market.book.order_mut(slot);
        order.quantity = taker.quantity;
        order.version = u32::try_from(taker.version).expect("fewer than 2^32 events");
        market.beside.set_cum_notional(slot, taker.cum_notional);
        market.book.rest(slot);
        taken.note_resting(market.resting(slot), events);
    }

    /// An open order as one that takes.
    pub(super) fn taker_of(&self, instrument: u32, slot: u32) -> Taker {
        let market = &self.markets[instrument as usize];
        let order = market.book.order(slot);
        Taker {
            order_id: OrderId(order.id),
            account: order.owner,
            side: order.side(),
            limit: order.price,
            hold: Hold::AtLimit,
            self_trade: self.self_trade_of(instrument, market.self_trade_chosen(slot)),
            quantity: order.quantity,
            leaves: order.leaves,
            cum_notional: market.beside.cum_notional(slot),
            version: u64::from(order.version),
        }
    }
}
