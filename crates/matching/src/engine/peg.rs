//! Pegged orders: what may enter, when they move, and how they are replaced.

use super::entry::{Entry, Hold, check_available, check_limits, check_parts, check_room, check_size, hold_of};
use super::settle::{push_order_event, working_status};
use super::{Engine, MILLISECOND_NS};
use crate::command::{PlaceOrder, ReplaceOrder};
use crate::event::{
    Body, Events, Instrument, LeftOut, LimitPrice, OrderId, OrderReplaced, PegsMoved, Price, Quantity, Text,
};
use crate::limit::PEGS_PER_INSTRUMENT_MAX;
use crate::peg::Peg;
use crate::vocabulary::{Reason, Session, Side, TimeInForce};

/// A pegged order's replacement that passed every check.
#[derive(Clone, Copy)]
pub(super) struct PegChange {
    instrument: u32,
    slot: u32,
    quantity: u64,
    price: u64,
    peg: Peg,
}

/// The peg of a command, if its type is one.
pub(super) fn peg_of(c: &PlaceOrder<'_>) -> Option<Peg> {
    let peg = Peg { side: c.side, order_type: c.order_type, offset: c.terms.offset, limit: c.price };
    c.order_type.is_pegged().then_some(peg)
}

/// Its limit as it must be checked: a buy needs one, because it holds it.
fn given_limit(side: Side, limit: u64) -> Option<u64> {
    Some(limit).filter(|limit| side == Side::Buy || *limit != 0)
}

impl Engine {
    /// The checks of a pegged order, in the order that the README documents.
    pub(super) fn check_peg(&self, c: &PlaceOrder<'_>, peg: &Peg) -> Result<Entry, Reason> {
        let (account, instrument) = self.check_open(c.account_id, c.instrument_id)?;
        let owner = self.accounts.get(account);
        let (terms, market) = (self.terms(instrument), &self.markets[instrument.0 as usize]);
        if c.time_in_force == TimeInForce::Gtd && c.terms.expire_at_ms <= self.last_stamp_ns / MILLISECOND_NS {
            return Err(Reason::ExpireTimePassed);
        }
        if market.session != Session::Continuous {
            return Err(Reason::NotInSession);
        }
        check_size(terms, c.quantity, given_limit(c.side, c.price))?;
        check_parts(&c.terms, c.quantity)?;
        if c.terms.offset.unsigned_abs() > terms.max_price {
            return Err(Reason::PriceTooLarge);
        }
        let pegs = &market.attributes.pegs;
        let price = peg.price(pegs.references(&market.book), terms.max_price).ok_or(Reason::NoReference)?;
        let worth = terms.notional(if c.side == Side::Buy { c.price } else { price }, c.quantity);
        check_limits(owner, terms, self.quote_scale(terms), Some(worth), c.quantity)?;
        check_room(owner, market)?;
        if pegs.len() >= PEGS_PER_INSTRUMENT_MAX {
            return Err(Reason::InstrumentOrdersLimit);
        }
        let hold = Hold::At(c.price);
        let entry =
            Entry { account, instrument, quantity: c.quantity, limit: price, hold, may_rest: true, collects: false };
        let (asset, amount) = entry.held(terms, c.side);
        check_available(owner, c.side, asset, amount)?;
        Ok(entry)
    }

    /// Pegs go where their references are, those that retreat first, and never so far that they would trade; whose
    /// reference is gone ends. Whether anything has changed.
    pub(super) fn move_pegs(&mut self, instrument: u32, events: &mut Events) -> bool {
        let market = &self.markets[instrument as usize];
        if market.attributes.pegs.is_empty() {
            return false;
        }
        let (pegs, max_price) = (&market.attributes.pegs, self.terms(Instrument(instrument)).max_price);
        let references = pegs.references(&market.book);
        let (mut lost, mut retreating, mut advancing) = (Vec::new(), Vec::new(), Vec::new());
        for peg in pegs.groups() {
            let Some(price) = peg.price(references, max_price) else {
                lost.extend_from_slice(pegs.members(peg));
                continue;
            };
            let advances = |slot: &u32| peg.is_nearer(price, market.book.order(*slot).price);
            let list = if pegs.members(peg).iter().any(advances) { &mut advancing } else { &mut retreating };
            list.push((*peg, price));
        }
        lost.sort_unstable_by_key(|slot| market.book.order(*slot).id);
        let mut changed = !lost.is_empty();
        for slot in lost {
            self.end_order(instrument, slot, Reason::NoReference, events);
        }
        for (peg, price) in retreating.into_iter().chain(advancing) {
            changed |= self.move_group(instrument, peg, price, events);
        }
        changed
    }

    /// A group moves as one, its orders one behind the other as before.
    fn move_group(&mut self, instrument: u32, peg: Peg, wanted: u64, events: &mut Events) -> bool {
        let market = &mut self.markets[instrument as usize];
        let price = peg.passive(&market.book, wanted);
        let slots = market.attributes.pegs.away_from(&peg, price, &market.book);
        if slots.is_empty() {
            return false;
        }
        let (priority, start) = (market.book.next_priority(), events.orders.len());
        for slot in slots {
            events.orders.push(OrderId(market.book.order(slot).id));
            market.move_to(slot, price);
        }
        let body = PegsMoved {
            instrument_id: self.instrument_id(instrument),
            symbol: Instrument(instrument),
            side: peg.side,
            price: Price(price),
            priority,
            orders: events.orders_since(start),
        };
        self.emit_instrument(instrument, Body::PegsMoved(body), events);
        true
    }

    /// Checks of a pegged order's replacement: invalid_quantity, invalid_price, quantity_too_large, price_too_large,
    /// invalid_trigger_price, quantity_below_executed, no_reference, order_notional_limit, order_quantity_limit,
    /// insufficient_funds or insufficient_position.
    pub(super) fn check_peg_change(
        &self,
        c: &ReplaceOrder<'_>,
        instrument: u32,
        slot: u32,
        before: &Peg,
    ) -> Result<PegChange, Reason> {
        let (terms, market) = (self.terms(Instrument(instrument)), &self.markets[instrument as usize]);
        let order = market.book.order(slot);
        let quantity = c.quantity.unwrap_or(order.quantity);
        let peg = Peg { limit: c.price.unwrap_or(before.limit), ..*before };
        check_size(terms, quantity, c.price.or(given_limit(peg.side, peg.limit)))?;
        if c.trigger_price.is_some() {
            return Err(Reason::InvalidTriggerPrice);
        }
        if quantity <= order.executed() {
            return Err(Reason::QuantityBelowExecuted);
        }
        let references = market.attributes.pegs.references(&market.book);
        let wanted = peg.price(references, terms.max_price).ok_or(Reason::NoReference)?;
        let price = peg.passive(&market.book, wanted);
        let valued_at = if peg.side == Side::Buy { peg.limit } else { price };
        let owner = self.accounts.get(order.owner);
        check_limits(owner, terms, self.quote_scale(terms), Some(terms.notional(valued_at, quantity)), quantity)?;
        let (asset, held) = hold_of(terms, peg.side, before.limit, order.leaves);
        let more = hold_of(terms, peg.side, peg.limit, quantity - order.executed()).1 - held;
        if more > 0 {
            check_available(owner, peg.side, asset, more)?;
        }
        Ok(PegChange { instrument, slot, quantity, price, peg })
    }

    /// It never trades by being replaced; a smaller quantity at the same price keeps its priority.
    pub(super) fn change_peg(&mut self, change: PegChange, client_order_id: Option<Text>, events: &mut Events) {
        let PegChange { instrument, slot, quantity, price, peg } = change;
        let market = &mut self.markets[instrument as usize];
        let (before, held_at) = (*market.book.order(slot), market.held_at(slot));
        let leaves = quantity - before.executed();
        let keeps_priority = price == before.price && quantity <= before.quantity;
        if !keeps_priority {
            market.book.unlink(slot);
        }
        market.book.set_leaves(slot, leaves);
        market.attributes.set_peg(slot, peg);
        let order = market.book.order_mut(slot);
        (order.quantity, order.price) = (quantity, price);
        order.version += 1;
        let version = u64::from(order.version);
        if !keeps_priority {
            market.book.rest(slot);
        }
        let rests = market.resting(slot);
        let terms = self.terms(Instrument(instrument));
        let (asset, held) = hold_of(terms, peg.side, held_at, before.leaves);
        let more = hold_of(terms, peg.side, peg.limit, leaves).1 - held;
        let postings = self.change_hold(before.owner, asset, more, events);
        self.touch(instrument);
        let body = OrderReplaced {
            order_id: OrderId(before.id),
            client_order_id,
            account_id: self.account_id(before.owner),
            symbol: Instrument(instrument),
            quantity: Quantity(quantity),
            price: Price(price),
            status: working_status(quantity, leaves),
            cum_quantity: Quantity(before.executed()),
            leaves_quantity: Quantity(leaves),
            rests: Some(rests),
            postings,
            trigger_price: LeftOut(None),
            limit_price: LimitPrice(peg.limit),
        };
        push_order_event(events, body.order_id, version, Body::OrderReplaced(body));
    }
}
