//! Replaying what is not about orders.

use super::super::Engine;
use super::{Misfit, expect};
use crate::account::{Account, EXTERNAL, Limits};
use crate::book::{Allocation, NO_GROUP};
use crate::catalog::{AssetTerms, InstrumentTerms};
use crate::event::{
    AccountId, AccountOpened, AssetListed, Body, CommandRefused, Events, FeesChanged, Instrument, InstrumentId,
    InstrumentListed, InstrumentRulesChanged, LimitsChanged, OrderCancelRejected, Postings,
};
use crate::fees::Fees;
use crate::limit;
use crate::vocabulary::{AccountKind, AllocationRule, Session};

impl Engine {
    pub(super) fn evolve_venue(&mut self, version: u64, body: &Body, events: &Events) -> Result<(), Misfit> {
        match body {
            Body::AssetListed(e) => self.evolve_asset(version, e, events),
            Body::InstrumentListed(e) => self.evolve_instrument(version, e, events),
            Body::AccountOpened(e) => self.evolve_account(version, e, events),
            Body::CashDeposited(e) => self.evolve_transfer(version, e.account_id, e.amount.0, e.postings, events),
            Body::AssetDeposited(e) => self.evolve_transfer(version, e.account_id, e.amount.0, e.postings, events),
            Body::CashWithdrawn(e) => self.evolve_transfer(version, e.account_id, -e.amount.0, e.postings, events),
            Body::AssetWithdrawn(e) => self.evolve_transfer(version, e.account_id, -e.amount.0, e.postings, events),
            Body::LimitsChanged(e) => self.evolve_limits(version, e),
            Body::AccountStateChanged(e) => {
                let index = self.advance_account(version, e.account_id)?;
                self.accounts.get_mut(index).state = e.state;
                Ok(())
            }
            Body::OrderCancelRejected(e) => self.evolve_cancel_rejected(version, e),
            Body::CommandRefused(e) => self.evolve_refused(version, e),
            Body::MassCanceled(e) => match (e.account_id.0, e.symbol.0) {
                (None, Some(symbol)) => self.advance_instrument(version, self.instrument_id(symbol.0)).map(|_| ()),
                (account, _) => self.advance_account(version, account.unwrap_or(self.account_id(EXTERNAL))).map(|_| ()),
            },
            Body::KillSwitchChanged(e) => {
                self.advance_account(version, e.account_id.0.unwrap_or(self.account_id(EXTERNAL)))?;
                let account = e.account_id.0.map(|id| self.customer(id.0).ok_or(Misfit::Value("the account")));
                self.set_kill_switch(account.transpose()?, e.state);
                Ok(())
            }
            Body::AccountOptionsChanged(e) => {
                let index = self.advance_account(version, e.account_id)?;
                let group = e.trade_group.unwrap_or(0);
                expect(e.trade_group != Some(0) && group != NO_GROUP, "the trade group")?;
                let account = self.accounts.get_mut(index);
                (account.trade_group, account.cancel_on_disconnect) = (group, e.cancel_on_disconnect.0.is_some());
                Ok(())
            }
            Body::DeadMansTimerChanged(e) => {
                let index = self.advance_account(version, e.account_id)?;
                expect(e.due_ms.is_none_or(|due| (1..=limit::TIME_MS_MAX).contains(&due)), "due_ms")?;
                self.assign_dead_mans_timer(index, e.due_ms.unwrap_or(0));
                Ok(())
            }
            Body::InstrumentRulesChanged(e) => self.evolve_rules(version, e),
            Body::FeesChanged(e) => self.evolve_fees(version, e),
            Body::OrdersCanceled(e) => self.advance_account(version, e.account_id).map(|_| ()),
            _ => Err(Misfit::Value("the event type")),
        }
    }

    fn evolve_asset(&mut self, version: u64, e: &AssetListed, events: &Events) -> Result<(), Misfit> {
        let symbol = events.text_of(e.asset);
        expect(self.catalog.check_asset(symbol).is_ok() && !symbol.is_empty(), "the asset's name")?;
        expect(e.scale <= crate::number::SCALE_MAX, "the scale")?;
        expect(version == 1, "the version of a new asset")?;
        self.add_asset(AssetTerms { symbol: symbol.to_owned(), scale: e.scale, kind: e.kind });
        self.asset_versions.last_mut().map_or(Ok(()), |counter| Self::advance(counter, version))
    }

    fn evolve_instrument(&mut self, version: u64, e: &InstrumentListed, events: &Events) -> Result<(), Misfit> {
        expect(e.instrument_id == self.instrument_id(self.markets.len() as u32), "the instrument id")?;
        let clearing = self.accounts.find(e.clearing_account_id.0).ok_or(Misfit::Value("the clearing account"))?;
        let newest = clearing as usize + 1 == self.accounts.list().len();
        expect(newest && self.accounts.get(clearing).kind == AccountKind::Clearing, "the clearing account")?;
        let proposed = InstrumentTerms {
            symbol: events.text_of(e.symbol).to_owned(),
            base: e.base,
            quote: e.quote,
            price_unit: e.price_unit.0,
            lot_unit: e.lot_unit.0,
            max_price: e.max_price.0,
            max_quantity: e.max_quantity.0,
            protection_ppm: e.protection.0,
            calendar: events.text_of(e.calendar).to_owned(),
            clearing,
            notional_unit: 0,
            lot_ledger: 0,
            fees: Fees::default(),
        };
        let terms = self.catalog.check_instrument(proposed).map_err(|_| Misfit::Value("the instrument's terms"))?;
        expect(e.session == Session::Continuous && !terms.symbol.is_empty(), "the session or symbol")?;
        self.add_instrument(terms);
        self.advance_instrument(version, e.instrument_id).map(|_| ())
    }

    fn evolve_account(&mut self, version: u64, e: &AccountOpened, events: &Events) -> Result<(), Misfit> {
        let fresh = !self.accounts.get(EXTERNAL).opened;
        let second = !fresh && self.accounts.list().len() == 1;
        expect(second == (e.kind == AccountKind::House), "the account kind")?;
        expect(fresh == (e.kind == AccountKind::External), "the account kind")?;
        let index = if fresh {
            self.accounts.get_mut(EXTERNAL).opened = true;
            EXTERNAL
        } else {
            expect(self.accounts.list().len() < limit::ACCOUNTS_MAX, "the number of accounts")?;
            self.accounts.push(Account::new(e.kind, events.text_of(e.user_id)))
        };
        expect(self.accounts.id_of(index) == e.account_id, "the account id")?;
        Self::advance(&mut self.accounts.get_mut(index).version, version)
    }

    fn evolve_transfer(
        &mut self,
        version: u64,
        account_id: AccountId,
        amount: i128,
        postings: Postings,
        events: &Events,
    ) -> Result<(), Misfit> {
        self.advance_account(version, account_id)?;
        let list = events.postings_of(postings);
        let balanced = list.len() == 2
            && list[0].account == account_id
            && list[1].account == self.accounts.id_of(EXTERNAL)
            && list[0].amount == amount
            && list[0].asset == list[1].asset
            && list[0].amount == -list[1].amount;
        expect(balanced, "the postings of a transfer")?;
        self.assign_postings(postings, events)
    }

    fn evolve_limits(&mut self, version: u64, e: &LimitsChanged) -> Result<(), Misfit> {
        let index = self.advance_account(version, e.account_id)?;
        let (notional, quantity) = (e.max_order_notional.map(|l| l.0), e.max_order_quantity.map(|l| l.0));
        expect(notional.is_none_or(|l| l >= 0) && quantity.is_none_or(|l| l >= 0), "the sign of a limit")?;
        self.accounts.get_mut(index).limits =
            Limits { max_order_notional: notional, max_order_quantity: quantity, max_open_orders: e.max_open_orders };
        Ok(())
    }

    fn evolve_rules(&mut self, version: u64, e: &InstrumentRulesChanged) -> Result<(), Misfit> {
        let market = self.advance_instrument(version, e.instrument_id)?;
        expect(market as u32 == e.symbol.0, "the symbol")?;
        let needed = (e.least_allocation.0, e.lead_account_id.0, e.lead_share.0);
        let allocation = match (e.allocation, needed) {
            (AllocationRule::PriceTime, (None, None, None)) => Allocation::PriceTime,
            (AllocationRule::ProRata, (Some(least), None, None)) => {
                expect(least.0 <= self.terms(e.symbol).max_quantity, "least_allocation")?;
                Allocation::ProRata { minimum: least.0 }
            }
            (AllocationRule::LeadMarketMaker, (None, Some(lead), Some(share))) => {
                let owner = self.customer(lead.0).ok_or(Misfit::Value("lead_account_id"))?;
                expect(share.0 <= 1_000_000, "lead_share")?;
                Allocation::LeadMarketMaker { owner, share_ppm: share.0 }
            }
            _ => return Err(Misfit::Value("the allocation")),
        };
        self.markets[market].self_trade = e.self_trade_prevention;
        self.markets[market].book.set_allocation(allocation);
        Ok(())
    }

    fn evolve_fees(&mut self, version: u64, e: &FeesChanged) -> Result<(), Misfit> {
        let market = self.advance_instrument(version, e.instrument_id)?;
        expect(market as u32 == e.symbol.0, "the symbol")?;
        let fees = Fees { maker_ppm: e.maker_rate.0, taker_ppm: e.taker_rate.0, ceiling_ppm: e.ceiling.0 };
        expect(fees.is_sound() && self.may_set_fees(e.symbol, fees), "the fees")?;
        self.catalog.set_fees(e.symbol, fees);
        Ok(())
    }

    /// The stream is the account's, or the external account's if there is no such account.
    fn evolve_cancel_rejected(&mut self, version: u64, e: &OrderCancelRejected) -> Result<(), Misfit> {
        let index = self.accounts.find(e.account_id.0).unwrap_or(EXTERNAL);
        Self::advance(&mut self.accounts.get_mut(index).version, version)
    }

    fn evolve_refused(&mut self, version: u64, e: &CommandRefused) -> Result<(), Misfit> {
        let counter = self.version_mut(e.aggregate_id.0).ok_or(Misfit::Value("aggregate_id"))?;
        Self::advance(counter, version)
    }

    pub(super) fn advance_account(&mut self, version: u64, account_id: AccountId) -> Result<u32, Misfit> {
        let index = self.accounts.find(account_id.0).ok_or(Misfit::Value("the account"))?;
        Self::advance(&mut self.accounts.get_mut(index).version, version)?;
        Ok(index)
    }

    /// The same, of an event that names the symbol too.
    pub(super) fn advance_market(&mut self, version: u64, id: InstrumentId, symbol: Instrument) -> Result<u32, Misfit> {
        let market = self.advance_instrument(version, id)? as u32;
        expect(market == symbol.0, "the symbol")?;
        Ok(market)
    }

    pub(super) fn advance_instrument(&mut self, version: u64, id: InstrumentId) -> Result<usize, Misfit> {
        let instrument = self.find_instrument(id.0).ok_or(Misfit::Value("the instrument"))?;
        let market = instrument.0 as usize;
        Self::advance(&mut self.markets[market].version, version)?;
        Ok(market)
    }
}
