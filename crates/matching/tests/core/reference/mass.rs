//! How the oracle ends many orders at once.

use matching::command::{ChangeKillSwitch, MassCancel};
use matching::vocabulary::{Side, Switch};

use super::orders::side_text;
use super::text::{Object, uuid};
use super::triggers::is_market;
use super::{Reference, Refused, id};

impl Reference {
    pub(super) fn is_killed(&self, account: u64) -> bool {
        self.killed || self.killed_accounts.contains(&account)
    }

    pub(super) fn mass_cancel(&mut self, c: &MassCancel) -> Result<(), Refused> {
        if let Some(account) = c.account_id {
            self.customer(account)?;
        }
        let only = match c.instrument_id {
            None => None,
            Some(named) => Some(
                self.instrument(named)
                    .ok_or_else(|| ("unknown_instrument", uuid("acct", c.account_id.unwrap_or(id(1)))))?,
            ),
        };
        let mut ending: Vec<u64> = self.open.clone();
        ending.retain(|number| {
            let order = &self.orders[number];
            let priced = order.waiting.as_ref().is_none_or(|wait| !is_market(wait.order_type));
            c.account_id.is_none_or(|account| account == order.account)
                && only.is_none_or(|only| only == order.instrument)
                && c.side.is_none_or(|side| side == order.side)
                && c.lowest_price.is_none_or(|lowest| priced && order.price >= lowest)
                && c.highest_price.is_none_or(|highest| priced && order.price <= highest)
        });
        self.end_all(&mut ending, "requested");
        let symbol = only.map(|at| self.instruments[at].symbol.clone());
        let price = |count: Option<u64>| only.and_then(|at| count.map(|count| self.instruments[at].price(count)));
        let data = Object::new()
            .raw("count", ending.len())
            .if_there("account_id", c.account_id.map(|account| uuid("acct", account)))
            .if_there("symbol", symbol)
            .if_there("side", c.side.map(|side: Side| side_text(side).to_owned()))
            .if_there("lowest_price", price(c.lowest_price))
            .if_there("highest_price", price(c.highest_price));
        let stream = match (c.account_id, c.instrument_id) {
            (None, Some(instrument)) => uuid("inst", instrument),
            (account, _) => uuid("acct", account.unwrap_or(id(1))),
        };
        self.tell("MassCanceled", &stream, data);
        Ok(())
    }

    pub(super) fn change_kill_switch(&mut self, c: &ChangeKillSwitch<'_>) -> Result<(), Refused> {
        if let Some(account) = c.account_id {
            self.customer(account)?;
        }
        let on = c.state == Switch::On;
        match c.account_id {
            None => self.killed = on,
            Some(account) => {
                self.killed_accounts.retain(|killed| *killed != account);
                if on {
                    self.killed_accounts.push(account);
                }
            }
        }
        let account = c.account_id.unwrap_or(id(1));
        let data = Object::new()
            .text("state", if on { "ON" } else { "OFF" })
            .text("reason", c.reason)
            .if_there("account_id", c.account_id.map(|account| uuid("acct", account)));
        self.tell("KillSwitchChanged", &uuid("acct", account), data);
        let mut ending: Vec<u64> = self.open.clone();
        ending.retain(|number| self.is_killed(self.orders[number].account));
        self.end_all(&mut ending, "kill_switch");
        Ok(())
    }

    /// By instrument, then the oldest first.
    fn end_all(&mut self, numbers: &mut [u64], reason: &str) {
        numbers.sort_by_key(|number| (self.orders[number].instrument, *number));
        for number in numbers {
            self.end(*number, reason);
        }
    }
}
