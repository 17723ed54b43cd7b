//! Entering orders while a market does not trade as usual: in a call, and at the closing price.

use super::Engine;
use super::entry::{
    Entry, Hold, asked_price, check_available, check_limits, check_parts, check_room, check_size, protected,
};
use crate::command::{PlaceOrder, ReplaceOrder};
use crate::event::Instrument;
use crate::limit::PRICE_MAX;
use crate::vocabulary::{OrderType, Reason, Session, Side};

impl Engine {
    /// The checks of an order in another session than continuous trading, in the order that the README documents.
    pub(super) fn check_in_session(
        &self,
        c: &PlaceOrder<'_>,
        account: u32,
        instrument: Instrument,
    ) -> Result<Entry, Reason> {
        let (terms, market) = (self.terms(instrument), &self.markets[instrument.0 as usize]);
        let owner = self.accounts.get(account);
        let (collects, only_price) = (market.session.collects(), market.only_price());
        check_kind(c, market.session)?;
        if !collects && only_price == 0 {
            return Err(Reason::NoReference);
        }
        let asked = asked_price(c);
        check_size(terms, c.quantity, asked)?;
        check_parts(&c.terms, c.quantity)?;
        let limit = match asked {
            _ if !collects => only_price,
            Some(price) => price,
            None => self.bound_in_call(instrument, c.side),
        };
        if !collects {
            check_only_price(c, only_price)?;
            if c.terms.post_only.is_some() && market.book.crosses(c.side, limit) {
                return Err(Reason::PostOnlyWouldTrade);
            }
        }
        let valued_at = match (c.side, market.triggers.last_trade) {
            (Side::Sell, last) if last != 0 && c.order_type.is_market() => last,
            _ => limit,
        };
        check_limits(owner, terms, self.quote_scale(terms), Some(terms.notional(valued_at, c.quantity)), c.quantity)?;
        let may_rest = collects || c.may_rest();
        if may_rest {
            check_room(owner, market)?;
        }
        let entry = Entry { account, instrument, quantity: c.quantity, limit, hold: Hold::AtLimit, may_rest, collects };
        let (asset, amount) = entry.held(terms, c.side);
        check_available(owner, c.side, asset, amount)?;
        Ok(entry)
    }

    /// How far a market order reaches in a call: as far as the instrument's protection from the last trade; before the
    /// first, as far as prices go.
    fn bound_in_call(&self, instrument: Instrument, side: Side) -> u64 {
        let terms = self.terms(instrument);
        match (self.markets[instrument.0 as usize].triggers.last_trade, side) {
            (0, Side::Buy) => terms.max_price.min(PRICE_MAX),
            (0, Side::Sell) => 1,
            (last, side) => protected(terms, side, last),
        }
    }

    /// Checks of a working order's replacement: invalid_price of a market order in a call, not_in_session of another price
    /// than the closing price.
    pub(super) fn check_price_in_session(
        &self,
        c: &ReplaceOrder<'_>,
        instrument: u32,
        slot: u32,
    ) -> Result<(), Reason> {
        let market = &self.markets[instrument as usize];
        let order = market.book.order(slot);
        let Some(price) = c.price.filter(|price| *price != order.price) else { return Ok(()) };
        if market.attributes.of(slot, order).market {
            return Err(Reason::InvalidPrice);
        }
        let fits = market.session.collects() || price == market.only_price();
        if fits { Ok(()) } else { Err(Reason::NotInSession) }
    }
}

/// A call takes what can rest until its end; at the closing price there is neither a budget nor a best price to follow.
fn check_kind(c: &PlaceOrder<'_>, session: Session) -> Result<(), Reason> {
    let terms = &c.terms;
    let conditional = terms.all_or_none || terms.minimum_quantity > 0 || terms.post_only.is_some();
    let immediate = c.time_in_force.is_immediate() || conditional;
    let excluded = c.order_type == OrderType::MarketToLimit || terms.budget != 0 || session.collects() && immediate;
    if excluded { Err(Reason::NotInSession) } else { Ok(()) }
}

/// A limit order names the closing price; the protection of a market order reaches it.
fn check_only_price(c: &PlaceOrder<'_>, only_price: u64) -> Result<(), Reason> {
    let fits = match (asked_price(c), c.side) {
        (None, _) => true,
        (Some(price), _) if c.order_type.has_price() => price == only_price,
        (Some(protection), Side::Buy) => protection >= only_price,
        (Some(protection), Side::Sell) => protection <= only_price,
    };
    if fits { Ok(()) } else { Err(Reason::NotInSession) }
}
