//! Replaying orders and trades.

use super::super::Engine;
use super::super::fees::fee_of;
use super::super::settle::working_status;
use super::{Misfit, expect};
use crate::attributes::Attributes;
use crate::book::Order;
use crate::event::{
    AccountId, Events, Instrument, Notional, OrderCanceled, OrderCreated, OrderExecuted, OrderExpired, OrderId,
    OrderRejected, OrderReplaced, OrderRestated, Quantity, Resting, TradeExecuted,
};
use crate::id;
use crate::limit;
use crate::order_index::{NO_ACCOUNT, Place};
use crate::vocabulary::{Status, TimeInForce};

/// An open order and where it is.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) instrument: u32,
    pub(super) slot: u32,
    pub(super) order: Order,
}

impl Engine {
    pub(super) fn evolve_created(&mut self, version: u64, e: &OrderCreated, events: &Events) -> Result<(), Misfit> {
        expect(e.order_id == self.order_id(self.index.next()), "order_id")?;
        let account = self.customer(e.account_id.0).ok_or(Misfit::Value("account_id"))?;
        let price = if e.order_type.is_market() { e.protection_price } else { e.price };
        let price = price.ok_or(Misfit::Value("price"))?.0;
        expect(e.price.is_some() != e.protection_price.is_some(), "protection_price")?;
        let fresh = e.status == Status::Pending && e.cum_quantity == Quantity(0) && e.leaves_quantity == e.quantity;
        expect(fresh && version == 1, "the state of a new order")?;
        self.check_terms(e.symbol, e.quantity.0, price)?;
        let immediate = e.order_type.is_market() || e.time_in_force.is_immediate();
        let market = self.markets.get(e.symbol.0 as usize).ok_or(Misfit::Value("symbol"))?;
        let collected = market.session.collects() && !e.time_in_force.is_immediate() && e.rests.is_some();
        expect(e.rests.is_none() || !immediate || collected, "rests")?;
        let terms = events.terms_of(e.terms);
        let display = terms.display_quantity.map_or(0, |display| display.0);
        let parts = terms.display_quantity.is_none_or(|display| (1..e.quantity.0).contains(&display.0));
        let concealed = terms.hidden.is_some() || display != 0;
        let one = terms.hidden.is_none() || display == 0;
        expect(parts && one && !(concealed && immediate), "what is displayed")?;
        let waiting = self.waiting_of_created(e, &terms)?;
        let peg = self.peg_of_created(e, &terms)?;
        let market = self.markets.get_mut(e.symbol.0 as usize).ok_or(Misfit::Value("symbol"))?;
        let mut order = Order::new(e.order_id.0, e.side, e.time_in_force, price, e.quantity.0, account);
        order.version = 1;
        order.set_post_only(terms.post_only);
        let expires = e.time_in_force == TimeInForce::Gtd;
        let timed = terms.expire_at_ms.is_none_or(|due| (1..=limit::TIME_MS_MAX).contains(&due));
        expect(timed && terms.expire_at_ms.is_some() == expires, "expire_at_ms")?;
        if terms.hidden.is_some() {
            order.hide();
        }
        let expire_at_ms = terms.expire_at_ms.unwrap_or(0);
        let attributes = Attributes {
            expire_at_ms,
            waiting: None,
            self_trade: terms.self_trade_prevention,
            peg,
            market: collected && e.order_type.is_market(),
        };
        let slot = if let Some(waiting) = waiting {
            market.add_waiting(order, display, waiting, attributes, &mut self.timers)
        } else {
            self.replay.in_flight += 1;
            let slot = market.add(order, display);
            market.attributes.open(&mut market.book, slot, attributes, &mut self.timers);
            slot
        };
        market.beside.link(self.accounts.get_mut(account), e.symbol.0, slot);
        self.index.open(e.symbol.0, slot);
        self.assign_postings(e.postings, events)?;
        e.rests.map_or(Ok(()), |rests| self.assign_resting(e.symbol.0, slot, rests))
    }

    pub(super) fn evolve_rejected(&mut self, version: u64, e: &OrderRejected) -> Result<(), Misfit> {
        expect(e.order_id == self.order_id(self.index.next()), "order_id")?;
        expect(e.status == Status::Rejected && version == 1, "the state of a rejected order")?;
        let account = self.accounts.find(e.account_id.0);
        self.index.skip(account.unwrap_or(NO_ACCOUNT));
        Ok(())
    }

    pub(super) fn evolve_executed(&mut self, version: u64, e: &OrderExecuted, events: &Events) -> Result<(), Misfit> {
        let found = self.advance_order(version, e.order_id, e.account_id, e.symbol)?;
        let order = found.order;
        expect(e.side == order.side(), "side")?;
        expect(e.leaves_quantity.0.checked_add(e.quantity.0) == Some(order.leaves), "leaves_quantity")?;
        expect(e.cum_quantity.0 == order.quantity - e.leaves_quantity.0, "cum_quantity")?;
        expect(e.status == working_status(order.quantity, e.leaves_quantity.0), "status")?;
        expect(e.trade_id.0 == id::entity_id(self.log_number, self.next_trade), "trade_id")?;
        let Notional(cum_notional) = e.cum_notional;
        let terms = self.terms(e.symbol);
        let notional = terms.notional(e.price.0, e.quantity.0);
        let fee = fee_of(&terms.fees, e.liquidity, notional);
        let market = &mut self.markets[found.instrument as usize];
        let bounded = e.price.0 <= limit::PRICE_MAX && e.quantity.0 > 0;
        expect(bounded && cum_notional == market.beside.cum_notional(found.slot) + notional, "cum_notional")?;
        expect(events.fee_of(e.fee) == fee, "fee")?;
        market.beside.set_cum_notional(found.slot, cum_notional);
        self.assign_executed(found, e)?;
        self.assign_postings(e.postings, events)?;
        match e.rests {
            Some(_) if order.time_in_force().is_immediate() => Err(Misfit::Value("rests")),
            Some(rests) => self.assign_resting(found.instrument, found.slot, rests),
            None if e.leaves_quantity.0 == 0 => {
                self.forget(found);
                Ok(())
            }
            None if order.rests() => {
                let book = &mut self.markets[found.instrument as usize].book;
                expect(book.iceberg(found.slot).is_some_and(|iceberg| iceberg.shown == 0), "rests")?;
                book.unlink(found.slot);
                self.replay.in_flight += 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// An order has another quantity, or another place.
    pub(super) fn evolve_restated(&mut self, version: u64, e: &OrderRestated, events: &Events) -> Result<(), Misfit> {
        let found = self.advance_order(version, e.order_id, e.account_id, e.symbol)?;
        let executed = found.order.executed();
        expect(e.side == found.order.side(), "side")?;
        let sums = e.cum_quantity.0 == executed && e.leaves_quantity.0.checked_add(executed) == Some(e.quantity.0);
        expect(sums && e.leaves_quantity.0 > 0 && e.quantity.0 <= found.order.quantity, "the quantities")?;
        expect(e.status == working_status(e.quantity.0, e.leaves_quantity.0), "status")?;
        let book = &mut self.markets[found.instrument as usize].book;
        book.set_leaves(found.slot, e.leaves_quantity.0);
        book.order_mut(found.slot).quantity = e.quantity.0;
        self.assign_postings(e.postings, events)?;
        match e.rests {
            Some(_) if found.order.time_in_force().is_immediate() => Err(Misfit::Value("rests")),
            Some(rests) => self.assign_resting(found.instrument, found.slot, rests),
            None => expect(!found.order.rests(), "rests"),
        }
    }

    pub(super) fn evolve_replaced(&mut self, version: u64, e: &OrderReplaced, events: &Events) -> Result<(), Misfit> {
        let found = self.advance_order(version, e.order_id, e.account_id, e.symbol)?;
        let executed = found.order.executed();
        let waits = self.markets[found.instrument as usize].waiting_of(found.slot).is_some();
        expect(found.order.rests() || waits, "the order replaced")?;
        let sums = e.cum_quantity.0 == executed && e.leaves_quantity.0.checked_add(executed) == Some(e.quantity.0);
        expect(sums && e.leaves_quantity.0 > 0, "the quantities")?;
        expect(e.status == working_status(e.quantity.0, e.leaves_quantity.0), "status")?;
        self.check_terms(e.symbol, e.quantity.0, e.price.0)?;
        if waits {
            return self.evolve_waiting_replaced(found, e, events);
        }
        expect(e.trigger_price.0.is_none(), "trigger_price")?;
        self.evolve_peg_replaced(found, e)?;
        let market = &mut self.markets[found.instrument as usize];
        if e.rests.map(|rests| rests.priority) != Some(found.order.priority) {
            market.book.unlink(found.slot);
            self.replay.in_flight += 1;
        }
        market.book.set_leaves(found.slot, e.leaves_quantity.0);
        let order = market.book.order_mut(found.slot);
        expect(!order.rests() || order.price == e.price.0, "price")?;
        (order.quantity, order.price) = (e.quantity.0, e.price.0);
        self.assign_postings(e.postings, events)?;
        e.rests.map_or(Ok(()), |rests| self.assign_resting(found.instrument, found.slot, rests))
    }

    pub(super) fn evolve_canceled(&mut self, version: u64, e: &OrderCanceled, events: &Events) -> Result<(), Misfit> {
        let found = self.advance_order(version, e.order_id, e.account_id, e.symbol)?;
        expect(e.status == Status::Canceled, "status")?;
        Self::check_ended(&found.order, e.cum_quantity, e.leaves_quantity, e.canceled_quantity)?;
        self.forget(found);
        self.assign_postings(e.postings, events)
    }

    pub(super) fn evolve_expired(&mut self, version: u64, e: &OrderExpired, events: &Events) -> Result<(), Misfit> {
        let found = self.advance_order(version, e.order_id, e.account_id, e.symbol)?;
        expect(e.status == Status::Expired, "status")?;
        Self::check_ended(&found.order, e.cum_quantity, e.leaves_quantity, e.canceled_quantity)?;
        self.forget(found);
        self.assign_postings(e.postings, events)
    }

    pub(super) fn evolve_trade(&mut self, version: u64, e: &TradeExecuted) -> Result<(), Misfit> {
        expect(e.trade_id.0 == id::entity_id(self.log_number, self.next_trade), "trade_id")?;
        self.next_trade += 1;
        let market = self.markets.get_mut(e.symbol.0 as usize).ok_or(Misfit::Value("symbol"))?;
        market.triggers.last_trade = e.price.0;
        Self::advance(&mut market.version, version)
    }

    pub(super) fn check_terms(&self, symbol: Instrument, quantity: u64, price: u64) -> Result<(), Misfit> {
        let terms = self.catalog.instrument(symbol).ok_or(Misfit::Value("symbol"))?;
        expect((1..=terms.max_quantity).contains(&quantity), "quantity")?;
        expect((1..=terms.max_price).contains(&price), "price")
    }

    fn check_ended(order: &Order, cum: Quantity, leaves: Quantity, canceled: Quantity) -> Result<(), Misfit> {
        expect(leaves.0 == 0 && canceled.0 == order.leaves && cum.0 == order.executed(), "the quantities")
    }

    /// The open order of an event, counted on to its version.
    pub(super) fn advance_order(
        &mut self,
        version: u64,
        order_id: OrderId,
        account_id: AccountId,
        symbol: Instrument,
    ) -> Result<Found, Misfit> {
        let number = self.order_number(order_id.0).ok_or(Misfit::Value("order_id"))?;
        let Place::Open { instrument, slot } = self.index.get(number) else {
            return Err(Misfit::Value("order_id"));
        };
        let order = self.markets[instrument as usize].book.order_mut(slot);
        expect(symbol.0 == instrument, "symbol")?;
        expect(self.accounts.id_of(order.owner) == account_id, "account_id")?;
        let mut counter = u64::from(order.version);
        Self::advance(&mut counter, version)?;
        order.version = u32::try_from(counter).map_err(|_| Misfit::Value("the version"))?;
        Ok(Found { instrument, slot, order: *order })
    }

    /// An execution takes from what an iceberg order displays, in an auction from its reserve first, from any other order
    /// as such.
    fn assign_executed(&mut self, found: Found, e: &OrderExecuted) -> Result<(), Misfit> {
        let book = &mut self.markets[found.instrument as usize].book;
        let shown = book.iceberg(found.slot).filter(|_| found.order.rests()).map(|iceberg| iceberg.shown);
        book.set_leaves(found.slot, e.leaves_quantity.0);
        let Some(shown) = shown else { return Ok(()) };
        let as_said = e.rests.is_some_and(|rests| rests.quantity.0 == book.displayed(found.slot));
        let gone = e.leaves_quantity.0 == 0;
        if !as_said && !gone {
            let shown = shown.checked_sub(e.quantity.0).ok_or(Misfit::Value("the quantity displayed"))?;
            book.set_shown(found.slot, shown);
        }
        Ok(())
    }

    /// The order rests as the event says: still at its place, or at the end of a queue.
    pub(super) fn assign_resting(&mut self, instrument: u32, slot: u32, rests: Resting) -> Result<(), Misfit> {
        let book = &mut self.markets[instrument as usize].book;
        let order = *book.order(slot);
        expect(rests.price.0 == order.price && order.leaves > 0, "rests")?;
        if !order.rests() {
            expect(rests.priority >= book.next_priority() && rests.priority < 1 << 62, "the priority")?;
            book.rest_at(slot, rests.priority);
            self.replay.in_flight -= 1;
        }
        let as_said = rests.priority == book.order(slot).priority && rests.quantity.0 == book.displayed(slot);
        expect(as_said, "the priority, or what is displayed")
    }

    fn forget(&mut self, found: Found) {
        let waits = self.markets[found.instrument as usize].waiting_of(found.slot).is_some();
        self.close_order(found.instrument, found.slot);
        if !found.order.rests() && !waits {
            self.replay.in_flight -= 1;
        }
    }
}
