//! Ending many orders at once: by account, instrument, side and price, and by a kill switch, which first blocks entry.

use super::{Engine, Refusal};
use crate::account::EXTERNAL;
use crate::command::{ChangeKillSwitch, MassCancel};
use crate::event::{AccountId, Aggregate, Body, Events, Instrument, KillSwitchChanged, LeftOut, MassCanceled, Price};
use crate::id::EntityKind;
use crate::limit::CANCELS_PER_COMMAND_MAX;
use crate::vocabulary::{Reason, Side, Switch};

/// Which orders are meant; what is not given does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chosen {
    pub(super) account: Option<u32>,
    pub(super) instrument: Option<Instrument>,
    pub(super) side: Option<Side>,
    pub(super) lowest_price: Option<u64>,
    pub(super) highest_price: Option<u64>,
}

impl Engine {
    /// Checks: unknown_account, unknown_instrument.
    pub(super) fn mass_cancel(&mut self, c: &MassCancel, events: &mut Events) -> Result<(), Refusal> {
        let account = match c.account_id {
            None => None,
            Some(id) => Some(self.customer(id).ok_or(Refusal::of_venue(Reason::UnknownAccount))?),
        };
        let instrument = match c.instrument_id {
            None => None,
            Some(id) => Some(self.find_instrument(id).ok_or(match c.account_id {
                Some(account_id) => Refusal::of(Reason::UnknownInstrument, EntityKind::Account, account_id),
                None => Refusal::of_venue(Reason::UnknownInstrument),
            })?),
        };
        let (lowest_price, highest_price) = (c.lowest_price, c.highest_price);
        let chosen = Chosen { account, instrument, side: c.side, lowest_price, highest_price };
        let count = self.end_chosen(chosen, Reason::Requested, events);
        let aggregate = match (account, instrument) {
            (None, Some(instrument)) => {
                Aggregate { kind: EntityKind::Instrument, id: self.instrument_id(instrument.0).0 }
            }
            (account, _) => self.account_stream(account),
        };
        let body = MassCanceled {
            count,
            account_id: LeftOut(c.account_id.map(AccountId)),
            symbol: LeftOut(instrument),
            side: LeftOut(c.side),
            lowest_price: LeftOut(lowest_price.map(Price)),
            highest_price: LeftOut(highest_price.map(Price)),
        };
        self.emit(aggregate, Body::MassCanceled(body), events);
        Ok(())
    }

    /// Checks: unknown_account. Switched on, it ends as many orders as one command may; the rest is due at once.
    pub(super) fn change_kill_switch(&mut self, c: &ChangeKillSwitch<'_>, events: &mut Events) -> Result<(), Refusal> {
        let account = match c.account_id {
            None => None,
            Some(id) => Some(self.customer(id).ok_or(Refusal::of_venue(Reason::UnknownAccount))?),
        };
        self.set_kill_switch(account, c.state);
        let body = KillSwitchChanged {
            state: c.state,
            reason: events.add_text(c.reason),
            account_id: LeftOut(c.account_id.map(AccountId)),
        };
        self.emit(self.account_stream(account), Body::KillSwitchChanged(body), events);
        self.end_killed(events);
        Ok(())
    }

    pub(super) fn set_kill_switch(&mut self, account: Option<u32>, state: Switch) {
        let on = state == Switch::On;
        match account {
            None => self.killed = on,
            Some(account) if on => {
                self.killed_accounts.insert(account);
            }
            Some(account) => {
                self.killed_accounts.remove(&account);
            }
        }
    }

    /// Whether a kill switch keeps the account from entering orders.
    pub(super) fn is_killed(&self, account: u32) -> bool {
        self.killed || (!self.killed_accounts.is_empty() && self.killed_accounts.contains(&account))
    }

    /// Whether a kill switch has not ended all that it must.
    pub(super) fn has_killed_orders(&self) -> bool {
        self.next_killed().is_some()
    }

    /// Whose orders a kill switch ends next.
    fn next_killed(&self) -> Option<Chosen> {
        if self.killed && self.markets.iter().any(|market| !market.book.is_empty()) {
            return Some(Chosen::default());
        }
        let open = self.killed_accounts.iter().find(|account| self.accounts.get(**account).open_orders > 0);
        open.map(|account| Chosen { account: Some(*account), ..Chosen::default() })
    }

    /// Ends orders that a kill switch has left, at most as many as one command may.
    pub(super) fn end_killed(&mut self, events: &mut Events) {
        if let Some(chosen) = self.next_killed() {
            self.end_chosen(chosen, Reason::KillSwitch, events);
        }
    }

    /// The account's stream, or the external account's for the whole venue.
    fn account_stream(&self, account: Option<u32>) -> Aggregate {
        Aggregate { kind: EntityKind::Account, id: self.accounts.id_of(account.unwrap_or(EXTERNAL)).0 }
    }

    /// Ends at most [`CANCELS_PER_COMMAND_MAX`] orders: by instrument as listed, the oldest first.
    pub(super) fn end_chosen(&mut self, chosen: Chosen, reason: Reason, events: &mut Events) -> u32 {
        let mut slots = Vec::new();
        for instrument in 0..self.markets.len() as u32 {
            if chosen.instrument.is_none_or(|only| only.0 == instrument) {
                let room = CANCELS_PER_COMMAND_MAX as usize - slots.len();
                let found = self.chosen_in(instrument, chosen).into_iter().take(room);
                slots.extend(found.map(|slot| (instrument, slot)));
            }
        }
        for (instrument, slot) in &slots {
            self.end_order(*instrument, *slot, reason, events);
        }
        slots.len() as u32
    }

    fn chosen_in(&self, instrument: u32, chosen: Chosen) -> Vec<u32> {
        let market = &self.markets[instrument as usize];
        let slots = match chosen.account {
            Some(account) => {
                let working = self.accounts.get(account).working.get(instrument);
                let first = Some(working.first).filter(|slot| *slot != crate::book::NONE);
                std::iter::successors(first, |slot| market.beside.next(*slot)).collect()
            }
            None => market.open_orders(),
        };
        let meant = |slot: &u32| {
            let order = market.book.order(*slot);
            let has_price = market.waiting_of(*slot).is_none_or(|waiting| waiting.order_type.has_price());
            let priced = chosen.lowest_price.is_none_or(|lowest| has_price && order.price >= lowest)
                && chosen.highest_price.is_none_or(|highest| has_price && order.price <= highest);
            priced && chosen.side.is_none_or(|side| side == order.side())
        };
        slots.into_iter().filter(meant).collect()
    }
}
