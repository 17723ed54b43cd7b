//! The checks before an order may trade, in their fixed and documented order.

use super::peg::peg_of;
use super::post_only::working_price;
use super::self_trade::{Groups, group_of};
use super::{Engine, MILLISECOND_NS};
use crate::account::Account;
use crate::book::Incoming;
use crate::catalog::InstrumentTerms;
use crate::command::{PlaceOrder, Terms};
use crate::event::{Asset, Instrument};
use crate::limit;
use crate::market::Market;
use crate::number::{SCALE_MAX, power_of_ten};
use crate::vocabulary::{AccountState, OrderType, Reason, Session, Side, TimeInForce};

const MILLION: u128 = 1_000_000;

/// An order that passed every check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) account: u32,
    pub(super) instrument: Instrument,
    /// Lots, of an order with a budget too.
    pub(super) quantity: u64,
    /// The worst price it takes: its own or its protection.
    pub(super) limit: u64,
    pub(super) hold: Hold,
    pub(super) may_rest: bool,
    /// It is collected: it rests without matching.
    pub(super) collects: bool,
}

/// What an order that may trade keeps of its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// A buy holds each lot at its limit, and the most that its fee can be.
    AtLimit,
    /// The most that all it will trade can cost is known: each fill releases its part, and this is what is left.
    AtCost(i128),
    /// A buy holds each lot at this price, whatever it takes: a peg's limit.
    At(u64),
}

/// What an order of `quantity` at `limit` holds: the quote asset of a buy, the base asset of a sell.
pub(crate) fn hold_of(terms: &InstrumentTerms, side: Side, limit: u64, quantity: u64) -> (Asset, i128) {
    match side {
        Side::Buy => (terms.quote, terms.most_paid(limit, quantity)),
        Side::Sell => (terms.base, terms.base_amount(quantity)),
    }
}

impl Entry {
    /// The asset and the amount that it holds.
    pub(super) fn held(&self, terms: &InstrumentTerms, side: Side) -> (Asset, i128) {
        match self.hold {
            Hold::AtLimit => hold_of(terms, side, self.limit, self.quantity),
            Hold::AtCost(cost) => (terms.quote, cost),
            Hold::At(price) => hold_of(terms, side, price, self.quantity),
        }
    }
}

/// The price that the order itself gives: its limit, or its protection.
pub(super) fn asked_price(c: &PlaceOrder<'_>) -> Option<u64> {
    if c.order_type.has_price() {
        return Some(c.price);
    }
    Some(c.protection_price).filter(|price| *price != 0)
}

/// How far an order without a price of its own reaches.
fn reach(terms: &InstrumentTerms, c: &PlaceOrder<'_>, best: u64) -> u64 {
    match c.order_type {
        OrderType::MarketToLimit => best,
        _ => protected(terms, c.side, best),
    }
}

impl Engine {
    /// Checks in the order that the README documents.
    pub(super) fn check_entry(&self, c: &PlaceOrder<'_>) -> Result<Entry, Reason> {
        if c.order_type.waits() {
            return self.check_waiting(c);
        }
        if let Some(peg) = peg_of(c) {
            return self.check_peg(c, &peg);
        }
        let (account, instrument) = self.check_open(c.account_id, c.instrument_id)?;
        let owner = self.accounts.get(account);
        let (terms, market) = (self.terms(instrument), &self.markets[instrument.0 as usize]);
        if c.time_in_force == TimeInForce::Gtd && c.terms.expire_at_ms <= self.last_stamp_ns / MILLISECOND_NS {
            return Err(Reason::ExpireTimePassed);
        }
        if market.session != Session::Continuous {
            return self.check_in_session(c, account, instrument);
        }
        let asked = asked_price(c);
        let opposite = market.book.best(c.side.opposite());
        let (quantity, cost) = match c.terms.budget {
            0 => (c.quantity, None),
            _ => self.spend(c, account, instrument).map(|(quantity, cost)| (quantity, Some(cost)))?,
        };
        check_size(terms, quantity, asked)?;
        check_parts(&c.terms, quantity)?;
        let given = match asked {
            Some(price) if c.terms.post_only.is_some() => {
                Some(working_price(&market.book, c.terms.post_only, c.side, price, terms.max_price)?)
            }
            asked => asked,
        };
        let limit = given.or_else(|| opposite.map(|best| reach(terms, c, best)));
        let valued_at = match (c.order_type, c.side) {
            (OrderType::Market, Side::Sell) => opposite,
            _ => limit,
        };
        let worth = cost.or_else(|| valued_at.map(|price| terms.notional(price, quantity)));
        check_limits(owner, terms, self.quote_scale(terms), worth, quantity)?;
        let may_rest = c.may_rest();
        if may_rest {
            check_room(owner, market)?;
        }
        if c.order_type != OrderType::Limit && opposite.is_none() {
            return Err(Reason::NoLiquidity);
        }
        let limit = limit.ok_or(Reason::NoLiquidity)?;
        let hold = match (cost, c.side) {
            (Some(cost), Side::Buy) => Hold::AtCost(cost),
            _ => Hold::AtLimit,
        };
        let entry = Entry { account, instrument, quantity, limit, hold, may_rest, collects: false };
        let (asset, amount) = entry.held(terms, c.side);
        check_available(owner, c.side, asset, amount)?;
        Ok(entry)
    }

    /// Checks: unknown_account, account_suspended, kill_switch, unknown_instrument, market_closed, market_halted, uncrossing.
    pub(super) fn check_open(&self, account_id: u64, instrument_id: u64) -> Result<(u32, Instrument), Reason> {
        let account = self.customer(account_id).ok_or(Reason::UnknownAccount)?;
        if self.accounts.get(account).state == AccountState::Suspended {
            return Err(Reason::AccountSuspended);
        }
        if self.is_killed(account) {
            return Err(Reason::KillSwitch);
        }
        let instrument = self.find_instrument(instrument_id).ok_or(Reason::UnknownInstrument)?;
        if self.markets[instrument.0 as usize].session != Session::Continuous || !self.unfinished.is_empty() {
            self.check_session(instrument.0)?;
        }
        Ok((account, instrument))
    }

    /// What a budget buys or raises. Checks: amount_too_large, no_liquidity, budget_too_small.
    fn spend(&self, c: &PlaceOrder<'_>, account: u32, instrument: Instrument) -> Result<(u64, i128), Reason> {
        let (terms, book) = (self.terms(instrument), &self.markets[instrument.0 as usize].book);
        let budget = i128::try_from(c.terms.budget).ok().filter(|budget| *budget <= limit::AMOUNT_MAX);
        let budget = budget.ok_or(Reason::AmountTooLarge)?;
        let best = book.best(c.side.opposite()).ok_or(Reason::NoLiquidity)?;
        let limit = asked_price(c).unwrap_or_else(|| reach(terms, c, best));
        let incoming = Incoming {
            group: group_of(&self.accounts, account),
            self_trade: self.self_trade_of(instrument.0, c.terms.self_trade_prevention),
            ..Incoming::new(c.side, limit, terms.max_quantity, account)
        };
        let (groups, worth) = (Groups(&self.accounts), |price| match c.side {
            Side::Buy => terms.most_paid(price, 1),
            Side::Sell => terms.notional(price, 1),
        });
        let cost = book.would_spend(&incoming, budget, self.trades_left(), &groups, worth);
        if cost.0 == 0 { Err(Reason::BudgetTooSmall) } else { Ok(cost) }
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

/// Checks: invalid_minimum_quantity, invalid_display_quantity.
pub(super) fn check_parts(terms: &Terms, quantity: u64) -> Result<(), Reason> {
    if terms.minimum_quantity > quantity {
        return Err(Reason::InvalidMinimumQuantity);
    }
    if terms.display_quantity >= quantity {
        return Err(Reason::InvalidDisplayQuantity);
    }
    Ok(())
}

/// Checks: open_orders_limit, instrument_orders_limit.
pub(super) fn check_room(owner: &Account, market: &Market) -> Result<(), Reason> {
    if owner.open_orders >= owner.open_orders_max() {
        return Err(Reason::OpenOrdersLimit);
    }
    if market.book.len() >= limit::ORDERS_PER_INSTRUMENT_MAX {
        return Err(Reason::InstrumentOrdersLimit);
    }
    Ok(())
}

/// Checks: order_notional_limit, order_quantity_limit.
pub(super) fn check_limits(
    owner: &Account,
    terms: &InstrumentTerms,
    quote_scale: u8,
    worth: Option<i128>,
    quantity: u64,
) -> Result<(), Reason> {
    if let (Some(most), Some(worth)) = (owner.limits.max_order_notional, worth) {
        let to_limit_units = power_of_ten(SCALE_MAX - quote_scale) as i128;
        let notional = worth.checked_mul(to_limit_units);
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
pub(super) fn protected(terms: &InstrumentTerms, side: Side, best: u64) -> u64 {
    let (best, part) = (u128::from(best), u128::from(terms.protection_ppm));
    let moved = match side {
        Side::Buy => best * (MILLION + part) / MILLION,
        Side::Sell => (best * (MILLION - part)).div_ceil(MILLION),
    };
    u64::try_from(moved).unwrap_or(u64::MAX).clamp(1, terms.max_price)
}
