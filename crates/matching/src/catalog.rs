//! The fixed terms of assets and instruments: what a name means, and what a count is worth.

use std::collections::BTreeMap;

use crate::event::{Asset, Instrument};
use crate::fees::{Fees, part_of};
use crate::id;
use crate::limit;
use crate::number::{self, SCALE_MAX, Unit};
use crate::vocabulary::{AssetKind, Reason};

mod shown;
pub(crate) use shown::{ShownAsset, ShownInstrument};

/// An asset's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetTerms {
    /// Its name.
    pub symbol: String,
    /// Decimal places of its ledger unit.
    pub scale: u8,
    /// Money or security.
    pub kind: AssetKind,
}

/// An instrument's terms; only its fees ever change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentTerms {
    /// Its name.
    pub symbol: String,
    /// What is traded.
    pub base: Asset,
    /// What it is paid with.
    pub quote: Asset,
    /// Worth of one price count.
    pub price_unit: Unit,
    /// Worth of one lot.
    pub lot_unit: Unit,
    /// Highest price, in price units.
    pub max_price: u64,
    /// Largest order, in lots.
    pub max_quantity: u64,
    /// How far a market order may run from the best price, in millionths.
    pub protection_ppm: u32,
    /// Opaque to the core.
    pub calendar: String,
    /// Index of the clearing account.
    pub clearing: u32,
    /// Ledger units of the quote asset that one price unit times one lot is worth.
    pub notional_unit: u64,
    /// Ledger units of the base asset in one lot.
    pub lot_ledger: u64,
    /// What its fills cost.
    pub fees: Fees,
}

impl InstrumentTerms {
    /// What `quantity` lots cost at `price`, in ledger units of the quote asset.
    pub fn notional(&self, price: u64, quantity: u64) -> i128 {
        i128::from(price) * i128::from(quantity) * i128::from(self.notional_unit)
    }

    /// The most that buying `quantity` lots at `price` can cost: their worth, and of each lot what the ceiling of the
    /// fees takes of it.
    pub fn most_paid(&self, price: u64, quantity: u64) -> i128 {
        let worth = self.notional(price, quantity);
        if self.fees.ceiling_ppm == 0 {
            return worth;
        }
        worth + part_of(self.notional(price, 1), self.fees.ceiling_ppm) * i128::from(quantity)
    }

    /// What `quantity` lots are in ledger units of the base asset.
    pub fn base_amount(&self, quantity: u64) -> i128 {
        i128::from(quantity) * i128::from(self.lot_ledger)
    }

    /// Quantity in 10^-18 of the base asset, as limits count it; `None` if it is beyond every limit.
    pub fn quantity_in_limit_units(&self, quantity: u64) -> Option<i128> {
        let worth = i128::from(quantity).checked_mul(i128::from(self.lot_unit.mantissa))?;
        worth.checked_mul(number::power_of_ten(SCALE_MAX - self.lot_unit.scale) as i128)
    }
}

/// All assets and instruments of a log, in the order of their listing.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    assets: Vec<AssetTerms>,
    instruments: Vec<InstrumentTerms>,
    asset_names: BTreeMap<String, Asset>,
    instrument_names: BTreeMap<String, Instrument>,
    shown_assets: Vec<ShownAsset>,
    shown_instruments: Vec<ShownInstrument>,
}

impl Catalog {
    /// Assets in the order of their listing.
    pub fn assets(&self) -> &[AssetTerms] {
        &self.assets
    }

    /// Instruments in the order of their listing.
    pub fn instruments(&self) -> &[InstrumentTerms] {
        &self.instruments
    }

    /// An asset's terms.
    pub fn asset(&self, asset: Asset) -> Option<&AssetTerms> {
        self.assets.get(asset.0 as usize)
    }

    /// An instrument's terms.
    pub fn instrument(&self, instrument: Instrument) -> Option<&InstrumentTerms> {
        self.instruments.get(instrument.0 as usize)
    }

    /// The asset of a name.
    pub fn find_asset(&self, symbol: &str) -> Option<Asset> {
        self.asset_names.get(symbol).copied()
    }

    /// The instrument of a symbol.
    pub fn find_instrument(&self, symbol: &str) -> Option<Instrument> {
        self.instrument_names.get(symbol).copied()
    }

    /// The asset of an id of this log.
    pub fn asset_of_id(&self, log_number: u16, asset_id: u64) -> Option<Asset> {
        let sequence = id::sequence_in(log_number, asset_id)?;
        let index = u32::try_from(sequence.checked_sub(1)?).ok()?;
        self.asset(Asset(index)).map(|_| Asset(index))
    }

    /// The instrument of an id of this log.
    pub fn instrument_of_id(&self, log_number: u16, instrument_id: u64) -> Option<Instrument> {
        let sequence = id::sequence_in(log_number, instrument_id)?;
        let index = u32::try_from(sequence.checked_sub(1)?).ok()?;
        self.instrument(Instrument(index)).map(|_| Instrument(index))
    }

    pub(crate) fn ledger_unit(&self, asset: Asset) -> Unit {
        self.asset(asset).map_or(Unit::ONE, |terms| Unit::ledger(terms.scale))
    }

    /// An asset as events show it.
    pub(crate) fn shown_asset(&self, asset: Asset) -> Option<&ShownAsset> {
        self.shown_assets.get(asset.0 as usize)
    }

    /// An instrument as events show it.
    pub(crate) fn shown_instrument(&self, instrument: Instrument) -> Option<&ShownInstrument> {
        self.shown_instruments.get(instrument.0 as usize)
    }

    pub(crate) fn check_asset(&self, symbol: &str) -> Result<(), Reason> {
        if self.asset_names.contains_key(symbol) {
            return Err(Reason::DuplicateListing);
        }
        if self.assets.len() >= limit::ASSETS_MAX { Err(Reason::CapacityReached) } else { Ok(()) }
    }

    pub(crate) fn add_asset(&mut self, terms: AssetTerms) {
        let asset = Asset(index_of(self.assets.len()));
        self.asset_names.insert(terms.symbol.clone(), asset);
        self.shown_assets.push(ShownAsset::of(&terms));
        self.assets.push(terms);
    }

    /// Checks everything about a listing in a fixed order and fills in what follows from the terms.
    pub(crate) fn check_instrument(&self, mut terms: InstrumentTerms) -> Result<InstrumentTerms, Reason> {
        if self.instrument_names.contains_key(&terms.symbol) {
            return Err(Reason::DuplicateListing);
        }
        if self.instruments.len() >= limit::INSTRUMENTS_MAX {
            return Err(Reason::CapacityReached);
        }
        let (Some(base), Some(quote)) = (self.asset(terms.base), self.asset(terms.quote)) else {
            return Err(Reason::UnknownAsset);
        };
        let bounded = (1..=limit::PRICE_MAX).contains(&terms.max_price)
            && (1..=limit::QUANTITY_MAX).contains(&terms.max_quantity)
            && terms.protection_ppm <= 1_000_000
            && is_canonical(terms.price_unit)
            && is_canonical(terms.lot_unit)
            && terms.base != terms.quote;
        if !bounded {
            return Err(Reason::InvalidTerms);
        }
        let worth = u128::from(terms.price_unit.mantissa) * u128::from(terms.lot_unit.mantissa);
        terms.notional_unit = whole(worth, terms.price_unit.scale + terms.lot_unit.scale, quote.scale)
            .filter(|unit| *unit <= limit::NOTIONAL_UNIT_MAX)
            .ok_or(Reason::NotionalNotWhole)?;
        terms.lot_ledger = whole(u128::from(terms.lot_unit.mantissa), terms.lot_unit.scale, base.scale)
            .filter(|unit| *unit <= limit::LOT_LEDGER_MAX)
            .ok_or(Reason::NotionalNotWhole)?;
        Ok(terms)
    }

    pub(crate) fn set_fees(&mut self, instrument: Instrument, fees: Fees) {
        if let Some(terms) = self.instruments.get_mut(instrument.0 as usize) {
            terms.fees = fees;
        }
    }

    pub(crate) fn add_instrument(&mut self, terms: InstrumentTerms) {
        let instrument = Instrument(index_of(self.instruments.len()));
        self.instrument_names.insert(terms.symbol.clone(), instrument);
        self.shown_instruments.push(ShownInstrument::of(&terms, self.ledger_unit(terms.quote)));
        self.instruments.push(terms);
    }
}

fn index_of(length: usize) -> u32 {
    u32::try_from(length).expect("listings are bounded")
}

fn is_canonical(unit: Unit) -> bool {
    let trimmed = unit.scale == 0 || !unit.mantissa.is_multiple_of(10);
    unit.mantissa > 0 && unit.mantissa <= 1_000_000_000_000 && unit.scale <= SCALE_MAX && trimmed
}

/// `mantissa / 10^scale` in units of `10^-ledger_scale`, if that is whole.
fn whole(mantissa: u128, scale: u8, ledger_scale: u8) -> Option<u64> {
    let count = if scale <= ledger_scale {
        mantissa.checked_mul(number::power_of_ten(ledger_scale - scale))?
    } else {
        let divisor = number::power_of_ten(scale - ledger_scale);
        if !mantissa.is_multiple_of(divisor) {
            return None;
        }
        mantissa / divisor
    };
    u64::try_from(count).ok()
}
