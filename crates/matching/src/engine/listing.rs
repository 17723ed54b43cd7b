//! Opening the venue and listing what it trades.

use super::{Engine, Refusal};
use crate::account::{Account, EXTERNAL};
use crate::catalog::{AssetTerms, InstrumentTerms};
use crate::command::{ListAsset, ListInstrument, OpenAccount};
use crate::event::{
    AccountOpened, Aggregate, Asset, AssetListed, Body, Events, InstrumentListed, LotUnit, Millionths, Price,
    PriceUnit, Quantity,
};
use crate::fees::Fees;
use crate::id::{self, EntityKind};
use crate::market::Market;
use crate::vocabulary::{AccountKind, Reason, Session};

impl Engine {
    pub(super) fn open_venue(&mut self, events: &mut Events) -> Result<(), Refusal> {
        if self.accounts.get(EXTERNAL).opened {
            return Err(Refusal::of_venue(Reason::DuplicateListing));
        }
        self.accounts.get_mut(EXTERNAL).opened = true;
        let body = AccountOpened {
            account_id: self.accounts.id_of(EXTERNAL),
            user_id: events.add_text(""),
            kind: AccountKind::External,
        };
        self.emit_account(EXTERNAL, Body::AccountOpened(body), events);
        self.add_account(Account::new(AccountKind::House, ""), events);
        Ok(())
    }

    pub(super) fn list_asset(&mut self, c: &ListAsset<'_>, events: &mut Events) -> Result<(), Refusal> {
        self.catalog.check_asset(c.symbol).map_err(|reason| match self.catalog.find_asset(c.symbol) {
            Some(asset) => Refusal::of(reason, EntityKind::Asset, self.asset_id(asset)),
            None => Refusal::of_venue(reason),
        })?;
        let body = AssetListed { asset: events.add_text(c.symbol), scale: c.scale, kind: c.kind };
        let id = self.add_asset(AssetTerms { symbol: c.symbol.to_owned(), scale: c.scale, kind: c.kind });
        self.emit(Aggregate { kind: EntityKind::Asset, id }, Body::AssetListed(body), events);
        Ok(())
    }

    pub(super) fn list_instrument(&mut self, c: &ListInstrument<'_>, events: &mut Events) -> Result<(), Refusal> {
        let unknown = || Refusal::of_venue(Reason::UnknownAsset);
        let proposed = InstrumentTerms {
            symbol: c.symbol.to_owned(),
            base: self.catalog.asset_of_id(self.log_number, c.base).ok_or_else(unknown)?,
            quote: self.catalog.asset_of_id(self.log_number, c.quote).ok_or_else(unknown)?,
            price_unit: c.price_unit,
            lot_unit: c.lot_unit,
            max_price: c.max_price,
            max_quantity: c.max_quantity,
            protection_ppm: c.protection_ppm,
            calendar: c.calendar.to_owned(),
            clearing: u32::try_from(self.accounts.list().len()).expect("accounts are bounded"),
            notional_unit: 0,
            lot_ledger: 0,
            fees: Fees::default(),
        };
        let terms =
            self.catalog.check_instrument(proposed).map_err(|reason| match self.catalog.find_instrument(c.symbol) {
                Some(listed) => Refusal::of(reason, EntityKind::Instrument, self.instrument_id(listed.0).0),
                None => Refusal::of_venue(reason),
            })?;
        self.room_for_account()?;
        let clearing = self.add_account(Account::new(AccountKind::Clearing, ""), events);
        let (symbol, calendar) = (events.add_text(c.symbol), events.add_text(c.calendar));
        let body = InstrumentListed {
            instrument_id: self.instrument_id(u32::try_from(self.markets.len()).expect("listings are bounded")),
            symbol,
            base: terms.base,
            quote: terms.quote,
            price_unit: PriceUnit(terms.price_unit),
            lot_unit: LotUnit(terms.lot_unit),
            max_price: Price(terms.max_price),
            max_quantity: Quantity(terms.max_quantity),
            protection: Millionths(terms.protection_ppm),
            calendar,
            clearing_account_id: self.accounts.id_of(clearing),
            session: Session::Continuous,
        };
        self.add_instrument(terms);
        let aggregate = Aggregate { kind: EntityKind::Instrument, id: body.instrument_id.0 };
        self.emit(aggregate, Body::InstrumentListed(body), events);
        Ok(())
    }

    pub(super) fn open_account(&mut self, c: &OpenAccount<'_>, events: &mut Events) -> Result<(), Refusal> {
        self.room_for_account()?;
        self.add_account(Account::new(AccountKind::Customer, c.user_id), events);
        Ok(())
    }

    pub(super) fn asset_id(&self, asset: Asset) -> u64 {
        id::entity_id(self.log_number, u64::from(asset.0) + 1)
    }

    /// The state of a listing, live and replayed; returns the asset's id.
    pub(super) fn add_asset(&mut self, terms: AssetTerms) -> u64 {
        self.catalog.add_asset(terms);
        self.asset_versions.push(0);
        id::entity_id(self.log_number, self.asset_versions.len() as u64)
    }

    pub(crate) fn add_instrument(&mut self, terms: InstrumentTerms) {
        self.catalog.add_instrument(terms);
        self.markets.push(Market::new(self.ladder));
    }
}
