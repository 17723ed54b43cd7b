//! Ending orders: one, all of an account, or those whose session closed.

use super::Engine;
use super::Refusal;
use super::entry::hold_of;
use super::settle::push_order_event;
use crate::account::EXTERNAL;
use crate::book::Order;
use crate::command::{CancelAll, CancelOrder};
use crate::event::{
    AccountId, Body, Events, Instrument, LeftOut, OrderCancelRejected, OrderCanceled, OrderExpired, OrderId,
    OrdersCanceled, Quantity,
};
use crate::id::{EntityKind, SEQUENCE_MAX};
use crate::limit::CANCELS_PER_COMMAND_MAX;
use crate::order_index::Place;
use crate::vocabulary::{CommandKind, Reason, Request, Status};

impl Engine {
    pub(super) fn cancel(&mut self, c: &CancelOrder, events: &mut Events) {
        match self.find_open(c.account_id, c.order_id) {
            Ok((_, instrument, slot)) => self.end_order(instrument, slot, Reason::Requested, events),
            Err(reason) => self.reject_request(c.account_id, c.order_id, Request::Cancel, reason, events),
        }
    }

    /// Checks: unknown_account, order_not_found, order_closed. Whose an order is, is nobody else's business.
    pub(super) fn find_open(&self, account_id: u64, order_id: u64) -> Result<(u32, u32, u32), Reason> {
        let account = self.customer(account_id).ok_or(Reason::UnknownAccount)?;
        let number = self.order_number(order_id).ok_or(Reason::OrderNotFound)?;
        match self.index.get(number) {
            Place::Open { instrument, slot } => {
                let owner = self.markets[instrument as usize].book.order(slot).owner;
                if owner == account { Ok((account, instrument, slot)) } else { Err(Reason::OrderNotFound) }
            }
            Place::Closed { account: owner } if owner == account => Err(Reason::OrderClosed),
            Place::Closed { .. } | Place::Unknown => Err(Reason::OrderNotFound),
        }
    }

    /// The event is the account's, or the external account's if there is no such account.
    pub(super) fn reject_request(
        &mut self,
        account_id: u64,
        order_id: u64,
        request: Request,
        reason: Reason,
        events: &mut Events,
    ) {
        let body = OrderCancelRejected {
            order_id: Some(OrderId(order_id)),
            account_id: AccountId(account_id),
            request,
            reason,
        };
        let stream = self.accounts.find(account_id).unwrap_or(EXTERNAL);
        self.emit_account(stream, Body::OrderCancelRejected(body), events);
    }

    /// Cancels at most [`CANCELS_PER_COMMAND_MAX`] orders: by instrument as listed, the oldest first.
    pub(super) fn cancel_all(&mut self, c: &CancelAll, events: &mut Events) {
        let (account, symbol) = match self.check_cancel_all(c) {
            Ok(found) => found,
            Err(refusal) => return self.refuse(CommandKind::CancelAll, refusal, events),
        };
        let chosen: Vec<(u32, u32)> = self
            .accounts
            .get(account)
            .working
            .sorted()
            .filter(|(instrument, _)| symbol.is_none_or(|symbol| symbol.0 == *instrument))
            .map(|(instrument, working)| (instrument, working.first))
            .collect();
        let mut count = 0;
        for (instrument, first) in chosen {
            let mut next = Some(first).filter(|slot| *slot != crate::book::NONE);
            while let Some(slot) = next.filter(|_| count < CANCELS_PER_COMMAND_MAX) {
                next = self.markets[instrument as usize].beside.next(slot);
                self.end_order(instrument, slot, Reason::Requested, events);
                count += 1;
            }
        }
        let body = OrdersCanceled { account_id: AccountId(c.account_id), symbol, count, reason: LeftOut(None) };
        self.emit_account(account, Body::OrdersCanceled(body), events);
    }

    fn check_cancel_all(&self, c: &CancelAll) -> Result<(u32, Option<Instrument>), Refusal> {
        let account = self.customer(c.account_id).ok_or(Refusal::of_venue(Reason::UnknownAccount))?;
        let symbol = match c.instrument_id {
            None => None,
            Some(id) => Some(self.find_instrument(id).ok_or(Refusal::of(
                Reason::UnknownInstrument,
                EntityKind::Account,
                c.account_id,
            ))?),
        };
        Ok((account, symbol))
    }

    /// Takes an open order out of the book, its account's list, the index and its attributes.
    pub(super) fn close_order(&mut self, instrument: u32, slot: u32) -> Order {
        let market = &mut self.markets[instrument as usize];
        let order = market.book.remove(slot);
        market.beside.unlink(self.accounts.get_mut(order.owner), instrument, slot);
        if let Some(waiting) = market.attributes.close(slot, &order, &mut self.timers).waiting {
            market.triggers.disarm(order.side(), &waiting);
        }
        self.index.close(order.id & SEQUENCE_MAX, order.owner);
        order
    }

    /// Takes an open order out of everything and releases its hold.
    pub(super) fn end_order(&mut self, instrument: u32, slot: u32, reason: Reason, events: &mut Events) {
        let symbol = Instrument(instrument);
        let held_at = self.markets[instrument as usize].held_at(slot);
        let order = self.close_order(instrument, slot);
        self.touch(instrument);
        let (asset, hold) = hold_of(self.terms(symbol), order.side(), held_at, order.leaves);
        let postings = self.change_hold(order.owner, asset, -hold, events);
        let (order_id, account_id) = (OrderId(order.id), self.account_id(order.owner));
        let (cum_quantity, canceled_quantity) = (Quantity(order.executed()), Quantity(order.leaves));
        let leaves_quantity = Quantity(0);
        let body = if matches!(reason, Reason::SessionEnd | Reason::ExpireTime) {
            let status = Status::Expired;
            Body::OrderExpired(OrderExpired {
                order_id,
                account_id,
                symbol,
                reason,
                status,
                cum_quantity,
                leaves_quantity,
                canceled_quantity,
                postings,
            })
        } else {
            let status = Status::Canceled;
            Body::OrderCanceled(OrderCanceled {
                order_id,
                account_id,
                symbol,
                reason,
                status,
                cum_quantity,
                leaves_quantity,
                canceled_quantity,
                postings,
            })
        };
        push_order_event(events, order_id, u64::from(order.version) + 1, body);
    }
}
