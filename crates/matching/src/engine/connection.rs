//! Ending an account's orders when nobody is there any more: a lost connection, a dead-man's timer.

use super::mass_cancel::Chosen;
use super::{Engine, MILLISECOND_NS, Refusal};
use crate::command::{ReportDisconnect, SetDeadMansTimer};
use crate::event::{AccountId, Body, DeadMansTimerChanged, Events, LeftOut, OrdersCanceled};
use crate::id::EntityKind;
use crate::vocabulary::Reason;

impl Engine {
    /// Checks: unknown_account.
    pub(super) fn report_disconnect(&mut self, c: &ReportDisconnect<'_>, events: &mut Events) -> Result<(), Refusal> {
        let account = self.customer(c.account_id).ok_or(Refusal::of_venue(Reason::UnknownAccount))?;
        let reason = (!c.reason.is_empty()).then(|| events.add_text(c.reason));
        let count = if self.accounts.get(account).cancel_on_disconnect {
            self.end_chosen(Chosen { account: Some(account), ..Chosen::default() }, Reason::Disconnect, events)
        } else {
            0
        };
        let account_id = AccountId(c.account_id);
        let body = OrdersCanceled { account_id, symbol: None, count, reason: LeftOut(reason) };
        self.emit_account(account, Body::OrdersCanceled(body), events);
        Ok(())
    }

    /// Checks: unknown_account, expire_time_passed.
    pub(super) fn set_dead_mans_timer(&mut self, c: &SetDeadMansTimer, events: &mut Events) -> Result<(), Refusal> {
        let account = self.customer(c.account_id).ok_or(Refusal::of_venue(Reason::UnknownAccount))?;
        if c.due_ms != 0 && c.due_ms <= self.last_stamp_ns / MILLISECOND_NS {
            return Err(Refusal::of(Reason::ExpireTimePassed, EntityKind::Account, c.account_id));
        }
        self.change_dead_mans_timer(account, c.due_ms, events);
        Ok(())
    }

    fn change_dead_mans_timer(&mut self, account: u32, due_ms: u64, events: &mut Events) {
        self.assign_dead_mans_timer(account, due_ms);
        let account_id = self.account_id(account);
        let body = DeadMansTimerChanged { account_id, due_ms: Some(due_ms).filter(|due| *due != 0) };
        self.emit_account(account, Body::DeadMansTimerChanged(body), events);
    }

    pub(super) fn assign_dead_mans_timer(&mut self, account: u32, due_ms: u64) {
        let before = std::mem::replace(&mut self.accounts.get_mut(account).dead_mans_due_ms, due_ms);
        self.timers.set_dead_mans(account, before, due_ms);
    }

    /// Nobody was there in time: the account's orders end, as many as one command may, and at last the timer.
    pub(super) fn fire_dead_mans_timer(&mut self, account: u32, events: &mut Events) {
        self.end_chosen(Chosen { account: Some(account), ..Chosen::default() }, Reason::DeadMansTimer, events);
        if self.accounts.get(account).open_orders == 0 {
            self.change_dead_mans_timer(account, 0, events);
        }
    }
}
