//! What events show of a listing, made once: its name as it is written, and the units of its numbers.

use super::{AssetTerms, InstrumentTerms};
use crate::limit::SYMBOL_BYTES_MAX;
use crate::number::Unit;
use crate::page::Piece;

/// A symbol between quotes, each byte of it escaped.
pub(crate) type Symbol = Piece<{ 2 * SYMBOL_BYTES_MAX + 2 }>;

/// An asset's.
#[derive(Clone, Debug)]
pub(crate) struct ShownAsset {
    pub(crate) symbol: Symbol,
    pub(crate) unit: Unit,
}

impl ShownAsset {
    pub(super) fn of(terms: &AssetTerms) -> Self {
        Self { symbol: Symbol::quoted(&terms.symbol), unit: Unit::ledger(terms.scale) }
    }
}

/// An instrument's.
#[derive(Clone, Debug)]
pub(crate) struct ShownInstrument {
    pub(crate) symbol: Symbol,
    pub(crate) price: Unit,
    pub(crate) lot: Unit,
    /// Of money.
    pub(crate) quote: Unit,
}

impl ShownInstrument {
    pub(super) fn of(terms: &InstrumentTerms, quote: Unit) -> Self {
        let symbol = Symbol::quoted(&terms.symbol);
        Self { symbol, price: terms.price_unit, lot: terms.lot_unit, quote }
    }
}
