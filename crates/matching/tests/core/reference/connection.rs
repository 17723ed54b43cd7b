//! How the oracle ends orders of an account that is not there.

use matching::command::{ReportDisconnect, SetDeadMansTimer};

use super::text::{Object, uuid};
use super::{Reference, Refused};

impl Reference {
    pub(super) fn disconnect(&mut self, c: &ReportDisconnect<'_>) -> Result<(), Refused> {
        self.customer(c.account_id)?;
        let ending =
            if self.accounts[&c.account_id].cancel_on_disconnect { self.open_of(c.account_id) } else { vec![] };
        for number in &ending {
            self.end(*number, "disconnect");
        }
        let reason = Some(c.reason).filter(|reason| !reason.is_empty()).map(str::to_owned);
        let data = Object::new()
            .id("account_id", "acct", c.account_id)
            .raw("symbol", "null")
            .raw("count", ending.len())
            .if_there("reason", reason);
        self.tell("OrdersCanceled", &uuid("acct", c.account_id), data);
        Ok(())
    }

    fn open_of(&self, account: u64) -> Vec<u64> {
        let mut numbers = self.open.clone();
        numbers.retain(|number| self.orders[number].account == account);
        numbers.sort_by_key(|number| (self.orders[number].instrument, *number));
        numbers
    }

    pub(super) fn set_timer(&mut self, c: &SetDeadMansTimer) -> Result<(), Refused> {
        self.customer(c.account_id)?;
        if (1..=self.now_ms).contains(&c.due_ms) {
            return Err(("expire_time_passed", uuid("acct", c.account_id)));
        }
        self.timer_is(c.account_id, Some(c.due_ms).filter(|due| *due > 0));
        Ok(())
    }

    fn timer_is(&mut self, account: u64, due: Option<u64>) {
        self.accounts.get_mut(&account).unwrap().dead_mans_due = due;
        let due = due.map_or("null".to_owned(), |due| due.to_string());
        let data = Object::new().id("account_id", "acct", account).raw("due_ms", due);
        self.tell("DeadMansTimerChanged", &uuid("acct", account), data);
    }

    /// Time and account of the dead-man's timer that is due first.
    pub(super) fn first_timer(&self) -> Option<(u64, u64)> {
        self.accounts.iter().filter_map(|(account, of)| of.dead_mans_due.map(|due| (due, *account))).min()
    }

    pub(super) fn fire_timer(&mut self, account: u64) {
        for number in self.open_of(account) {
            self.end(number, "dead_mans_timer");
        }
        self.timer_is(account, None);
    }
}
