//! Self-trade prevention: who is the same, and what becomes of orders that would trade with themselves.

use super::Engine;
use super::entry::{Hold, hold_of};
use super::settle::{Settlement, Taker, push_order_event, working_status};
use crate::account::Accounts;
use crate::book::{Incoming, NO_GROUP, Order, SelfTrade, Sink};
use crate::event::{Body, OrderCanceled, OrderId, OrderRestated, Postings, Price, Quantity, Resting};
use crate::vocabulary::{Ledger, Reason, Restated, SelfTradePrevention, Side, Status};

/// Answers who is in which trade group, for an order that only looks ahead.
pub(super) struct Groups<'a>(pub(super) &'a Accounts);

impl Sink for Groups<'_> {
    fn traded(&mut self, _slot: u32, _maker: &mut Order, _quantity: u64) {}

    fn group_of(&self, owner: u32) -> u32 {
        group_of(self.0, owner)
    }
}

pub(super) fn group_of(accounts: &Accounts, owner: u32) -> u32 {
    match accounts.get(owner).trade_group {
        0 => NO_GROUP,
        group => group,
    }
}

/// How a taker comes to the book.
pub(super) fn incoming(accounts: &Accounts, taker: &Taker) -> Incoming {
    let group = group_of(accounts, taker.account);
    Incoming {
        group,
        self_trade: taker.self_trade,
        ..Incoming::new(taker.side, taker.limit, taker.leaves, taker.account)
    }
}

impl Engine {
    /// What happens where an order of an instrument would trade with itself; `chosen` is what the order says.
    pub(super) fn self_trade_of(&self, instrument: u32, chosen: Option<SelfTradePrevention>) -> SelfTrade {
        chosen.unwrap_or(self.markets[instrument as usize].self_trade).into()
    }
}

impl Settlement<'_> {
    /// An order that stays open has changed, and says so.
    pub(super) fn restate(&mut self, order: &mut Order, reason: Restated, rests: Option<Resting>, postings: Postings) {
        order.version += 1;
        let body = OrderRestated {
            order_id: OrderId(order.id),
            account_id: self.accounts.id_of(order.owner),
            symbol: self.instrument,
            side: order.side(),
            reason,
            quantity: Quantity(order.quantity),
            status: working_status(order.quantity, order.leaves),
            cum_quantity: Quantity(order.executed()),
            leaves_quantity: Quantity(order.leaves),
            rests,
            postings,
        };
        push_order_event(self.events, body.order_id, u64::from(order.version), Body::OrderRestated(body));
    }

    /// A resting order ends; `lots` were left of it.
    pub(super) fn cancel_maker(&mut self, slot: u32, maker: &mut Order, lots: u64) {
        maker.version += 1;
        let held_at = self.attributes.held_at(slot, maker);
        let postings = self.release(maker.owner, maker.side(), held_at, lots);
        let body = OrderCanceled {
            order_id: OrderId(maker.id),
            account_id: self.accounts.id_of(maker.owner),
            symbol: self.instrument,
            reason: Reason::SelfTrade,
            status: Status::Canceled,
            cum_quantity: Quantity(maker.executed()),
            leaves_quantity: Quantity(0),
            canceled_quantity: Quantity(lots),
            postings,
        };
        push_order_event(self.events, body.order_id, u64::from(maker.version), Body::OrderCanceled(body));
        self.close(slot, maker);
    }

    /// Both orders have lost `lots`, and the maker displays `shown` then; what has nothing left is canceled, the taker when its matching has ended.
    pub(super) fn decrement(&mut self, slot: u32, maker: &mut Order, [lots, shown]: [u64; 2]) {
        if maker.leaves == 0 {
            self.cancel_maker(slot, maker, lots);
        } else {
            let held_at = self.attributes.held_at(slot, maker);
            let postings = self.release(maker.owner, maker.side(), held_at, lots);
            let rests = Resting { price: Price(maker.price), quantity: Quantity(shown), priority: maker.priority };
            self.restate(maker, Restated::SelfTrade, Some(rests), postings);
        }
        if lots < self.taker.leaves {
            self.decrement_taker(lots);
        }
    }

    fn decrement_taker(&mut self, lots: u64) {
        let taker = &mut self.taker;
        taker.quantity -= lots;
        taker.leaves -= lots;
        taker.version += 1;
        let taker = *taker;
        let postings = match taker.hold {
            Hold::AtLimit => self.release(taker.account, taker.side, taker.limit, lots),
            Hold::At(price) => self.release(taker.account, taker.side, price, lots),
            Hold::AtCost(_) => Postings::default(),
        };
        let body = OrderRestated {
            order_id: taker.order_id,
            account_id: self.accounts.id_of(taker.account),
            symbol: self.instrument,
            side: taker.side,
            reason: Restated::SelfTrade,
            quantity: Quantity(taker.quantity),
            status: working_status(taker.quantity, taker.leaves),
            cum_quantity: Quantity(taker.quantity - taker.leaves),
            leaves_quantity: Quantity(taker.leaves),
            rests: None,
            postings,
        };
        self.last_of_taker = self.events.list.len();
        push_order_event(self.events, taker.order_id, taker.version, Body::OrderRestated(body));
    }

    fn release(&mut self, account: u32, side: Side, price: u64, lots: u64) -> Postings {
        let start = self.events.postings.len();
        let (asset, hold) = hold_of(self.terms, side, price, lots);
        self.accounts.post(&mut self.events.postings, account, asset, Ledger::Hold, -hold);
        self.events.postings_since(start)
    }
}
