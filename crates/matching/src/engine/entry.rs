//! The checks before an order may trade, in their fixed and documented order.

use super::Engine;
use crate::account::Account;
use crate::catalog::InstrumentTerms;
use crate::command::PlaceOrder;
use crate::event::{Asset, Instrument};
use crate::limit;
use crate::number::{SCALE_MAX, power_of_ten};
use crate::vocabulary::{AccountState, OrderType, Reason, Session, Side, TimeInForce};

const MILLION: u128 = 1_000_000;

/// An order that passed every check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) account: u32,
    pub(super) instrument: Instrument,
    /// The worst price it takes: its own or its protection; a buy's hold is at this price.
    pub(super) limit: u64,
    pub(super) may_rest: bool,
}

/// What an order of `quantity` at `limit` holds: the quote asset of a buy, the base asset of a sell.
pub(super) fn hold_of(terms: &InstrumentTerms, side: Side, limit: u64, quantity: u64) -> (Asset, i128) {
    match side {
        Side::Buy => (terms.quote, terms.notional(limit, quantity)),
        Side::Sell => (terms.base, terms.base_amount(quantity)),
    }
}

impl Engine {
    pub(super) fn check_entry(&self, c: &PlaceOrder<'_>) -> Result<Entry, Reason> {
        let account = self.customer(c.account_id).ok_or(Reason::UnknownAccount)?;
        let owner = self.accounts.get(account);
        if owner.state == AccountState::Suspended {
            return Err(Reason::AccountSuspended);
        }
        let instrument = self.find_instrument(c.instrument_id).ok_or(Reason::UnknownInstrument)?;
        let (terms, market) = (self.terms(instrument), &self.markets[instrument.0 as usize]);
        if market.session == Session::Closed {
            return Err(Reason::MarketClosed);
        }
        let given = match c.order_type {
            OrderType::Limit => Some(c.price),
            OrderType::Market => Some(c.protection_price).filter(|price| *price != 0),
        };
        check_size(terms, c.quantity, given)?;
        let opposite = market.book.best(c.side.opposite());
        let limit = given.or_else(|| opposite.map(|best| protected(terms, c.side, best)));
        let valued_at = match (c.order_type, c.side) {
            (OrderType::Market, Side::Sell) => opposite,
            _ => limit,
        };
        check_limits(owner, terms, self.quote_scale(terms), valued_at, c.quantity)?;
        let may_rest = c.order_type == OrderType::Limit && c.time_in_force != TimeInForce::Ioc;
        if may_rest && owner.open_orders >= owner.open_orders_max() {
            return Err(Reason::OpenOrdersLimit);
        }
        if may_rest && market.book.len() >= limit::ORDERS_PER_INSTRUMENT_MAX {
            return Err(Reason::InstrumentOrdersLimit);
        }
        if c.order_type == OrderType::Market && opposite.is_none() {
            return Err(Reason::NoLiquidity);
        }
        let limit = limit.ok_or(Reason::NoLiquidity)?;
        let (asset, hold) = hold_of(terms, c.side, limit, c.quantity);
        check_available(owner, c.side, asset, hold)?;
        Ok(Entry { account, instrument, limit, may_rest })
    }

    pub(super) fn terms(&self, instrument: Instrument) -> &InstrumentTerms {
        self.catalog.instrument(instrument).expect("a market has terms")
    }

    pub(super) fn quote_scale(&self, terms: &InstrumentTerms) -> u8 {
        self.catalog.asset(terms.quote).map_or(0, |asset| asset.scale)
    }
}

/// Checks: invalid_quantity, invalid_price, quantity_too_large, price_too_large. A price that is not there is not
/// checked.
pub(super) fn check_size(terms: &InstrumentTerms, quantity: u64, price: Option<u64>) -> Result<(), Reason> {
    if quantity == 0 {
        return Err(Reason::InvalidQuantity);
    }
    if price == Some(0) {
        return Err(Reason::InvalidPrice);
    }
    if quantity > terms.max_quantity {
        return Err(Reason::QuantityTooLarge);
    }
    if price.is_some_and(|price| price > terms.max_price) {
        return Err(Reason::PriceTooLarge);
    }
    Ok(())
}

/// Checks: order_notional_limit, order_quantity_limit.
pub(super) fn check_limits(
    owner: &Account,
    terms: &InstrumentTerms,
    quote_scale: u8,
    valued_at: Option<u64>,
    quantity: u64,
) -> Result<(), Reason> {
    if let (Some(most), Some(price)) = (owner.limits.max_order_notional, valued_at) {
        let to_limit_units = power_of_ten(SCALE_MAX - quote_scale) as i128;
        let notional = terms.notional(price, quantity).checked_mul(to_limit_units);
        if notional.is_none_or(|notional| notional > most) {
            return Err(Reason::OrderNotionalLimit);
        }
    }
    if let Some(most) = owner.limits.max_order_quantity
        && terms.quantity_in_limit_units(quantity).is_none_or(|quantity| quantity > most)
    {
        return Err(Reason::OrderQuantityLimit);
    }
    Ok(())
}

/// Checks: insufficient_funds of a buy, insufficient_position of a sell.
pub(super) fn check_available(owner: &Account, side: Side, asset: Asset, hold: i128) -> Result<(), Reason> {
    if hold <= owner.available(asset) {
        return Ok(());
    }
    Err(match side {
        Side::Buy => Reason::InsufficientFunds,
        Side::Sell => Reason::InsufficientPosition,
    })
}

/// The best opposite price moved by the instrument's protection, rounded away from harm to the client: a buy's down,
/// a sell's up; never below one price unit nor above the highest price.
fn protected(terms: &InstrumentTerms, side: Side, best: u64) -> u64 {
    let (best, part) = (u128::from(best), u128::from(terms.protection_ppm));
    let moved = match side {
        Side::Buy => best * (MILLION + part) / MILLION,
        Side::Sell => (best * (MILLION - part)).div_ceil(MILLION),
    };
    u64::try_from(moved).unwrap_or(u64::MAX).clamp(1, terms.max_price)
}
