//! How an instrument's orders meet, and what an account chooses for all of its own.

use super::{Engine, Refusal};
use crate::book::Allocation;
use crate::command::{ChangeAccountOptions, ChangeInstrumentRules, ChosenAllocation};
use crate::event::{
    AccountId, AccountOptionsChanged, Body, Events, Instrument, InstrumentRulesChanged, LeftOut, Millionths, Quantity,
    Yes,
};
use crate::id::EntityKind;
use crate::vocabulary::{AllocationRule, Reason, Switch};

impl Engine {
    /// Checks: unknown_account.
    pub(super) fn change_account_options(
        &mut self,
        c: &ChangeAccountOptions,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let account = self.customer(c.account_id).ok_or(Refusal::of_venue(Reason::UnknownAccount))?;
        if let Some(group) = c.trade_group {
            self.accounts.get_mut(account).trade_group = group;
        }
        if let Some(switch) = c.cancel_on_disconnect {
            self.accounts.get_mut(account).cancel_on_disconnect = switch == Switch::On;
        }
        let cancel_on_disconnect = LeftOut(Yes::when(self.accounts.get(account).cancel_on_disconnect));
        let group = Some(self.accounts.get(account).trade_group).filter(|group| *group != 0);
        let account_id = AccountId(c.account_id);
        let body = AccountOptionsChanged { account_id, trade_group: group, cancel_on_disconnect };
        self.emit_account(account, Body::AccountOptionsChanged(body), events);
        Ok(())
    }

    /// Checks: unknown_instrument, unknown_account, quantity_too_large.
    pub(super) fn change_instrument_rules(
        &mut self,
        c: &ChangeInstrumentRules,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let instrument = self.find_instrument(c.instrument_id).ok_or(Refusal::of_venue(Reason::UnknownInstrument))?;
        let refused = |reason| Refusal::of(reason, EntityKind::Instrument, c.instrument_id);
        let allocation = c.allocation.map(|chosen| self.allocation(instrument, &chosen)).transpose();
        let allocation = allocation.map_err(refused)?;
        let market = &mut self.markets[instrument.0 as usize];
        if let Some(allocation) = allocation {
            market.book.set_allocation(allocation);
        }
        market.self_trade = c.self_trade_prevention.unwrap_or(market.self_trade);
        let body = self.rules_of(instrument);
        self.emit_instrument(instrument.0, Body::InstrumentRulesChanged(body), events);
        Ok(())
    }

    fn allocation(&self, instrument: Instrument, chosen: &ChosenAllocation) -> Result<Allocation, Reason> {
        Ok(match chosen.rule {
            AllocationRule::PriceTime => Allocation::PriceTime,
            AllocationRule::ProRata if chosen.least > self.terms(instrument).max_quantity => {
                return Err(Reason::QuantityTooLarge);
            }
            AllocationRule::ProRata => Allocation::ProRata { minimum: chosen.least },
            AllocationRule::LeadMarketMaker => {
                let owner = self.customer(chosen.lead_account_id).ok_or(Reason::UnknownAccount)?;
                Allocation::LeadMarketMaker { owner, share_ppm: chosen.lead_share_ppm }
            }
        })
    }

    fn rules_of(&self, instrument: Instrument) -> InstrumentRulesChanged {
        let market = &self.markets[instrument.0 as usize];
        let (allocation, least, lead) = match market.book.allocation() {
            Allocation::PriceTime => (AllocationRule::PriceTime, None, None),
            Allocation::ProRata { minimum } => (AllocationRule::ProRata, Some(Quantity(minimum)), None),
            Allocation::LeadMarketMaker { owner, share_ppm } => {
                (AllocationRule::LeadMarketMaker, None, Some((self.account_id(owner), Millionths(share_ppm))))
            }
        };
        InstrumentRulesChanged {
            instrument_id: self.instrument_id(instrument.0),
            symbol: instrument,
            self_trade_prevention: market.self_trade,
            allocation,
            least_allocation: LeftOut(least),
            lead_account_id: LeftOut(lead.map(|(account, _)| account)),
            lead_share: LeftOut(lead.map(|(_, share)| share)),
        }
    }
}
