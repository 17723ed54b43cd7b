//! Entering an order: what every order says, and the terms that only few have.

use super::record::{Reader, Record, RecordError, TextArena};
use crate::limit;
use crate::vocabulary::{OrderType, PostOnly, SelfTradePrevention, Side, TimeInForce, TriggerBy};

/// Enters an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceOrder<'a> {
    /// Whose order.
    pub account_id: u64,
    /// Of what.
    pub instrument_id: u64,
    /// Buy or sell.
    pub side: Side,
    /// What decides its price.
    pub order_type: OrderType,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// Lots; zero if there is a budget.
    pub quantity: u64,
    /// Limit price in price units; zero for a type that has none.
    pub price: u64,
    /// Worst price of a market order in price units; zero: the instrument's protection decides.
    pub protection_price: u64,
    /// The client's name for it, if any.
    pub client_order_id: Option<&'a str>,
    /// What a plain order does not have.
    pub terms: Terms,
}

/// What only few orders have; a plain order has the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// What becomes of it where it would trade on entry.
    pub post_only: Option<PostOnly>,
    /// On entry it trades whole or not at all.
    pub all_or_none: bool,
    /// On entry it trades at least so many lots or none; zero: any.
    pub minimum_quantity: u64,
    /// What a market order may cost or raise, ledger units of the quote asset; zero: its quantity decides.
    pub budget: u128,
    /// When a GTD order expires, milliseconds since 1970 in UTC; zero: the order is not GTD.
    pub expire_at_ms: u64,
    /// Which price it waits for; none for an order that does not wait.
    pub trigger_by: Option<TriggerBy>,
    /// The price that triggers it, price units.
    pub trigger_price: u64,
    /// Of a peg: added to its reference, price units.
    pub offset: i64,
    /// How many lots it displays at a time; zero: all of it.
    pub display_quantity: u64,
    /// No depth shows it.
    pub hidden: bool,
    /// What happens where it would trade with itself; none: the instrument's rule.
    pub self_trade_prevention: Option<SelfTradePrevention>,
}

impl PlaceOrder<'_> {
    /// Whether what is left of it may rest, at once or once it is triggered.
    pub const fn may_rest(&self) -> bool {
        !self.order_type.is_market() && !self.time_in_force.is_immediate()
    }
}

const HIDDEN: u8 = 1;
const ALL_OR_NONE: u8 = 1 << 1;
const POST_ONLY_REJECT: u8 = 1 << 2;
const POST_ONLY_SLIDE: u8 = 1 << 3;
const FLAGS: u8 = HIDDEN | ALL_OR_NONE | POST_ONLY_REJECT | POST_ONLY_SLIDE;

pub(super) fn decode<'a>(r: &mut Reader<'_, 'a>) -> Result<PlaceOrder<'a>, RecordError> {
    let place = PlaceOrder {
        side: Side::from_byte(r.u8(2)).ok_or(RecordError::Word("side"))?,
        order_type: OrderType::from_byte(r.u8(3)).ok_or(RecordError::Word("order type"))?,
        time_in_force: TimeInForce::from_byte(r.u8(4)).ok_or(RecordError::Word("time in force"))?,
        account_id: r.u64(16),
        instrument_id: r.u64(24),
        quantity: r.u64(40),
        price: r.u64(48),
        protection_price: r.u64(56),
        client_order_id: r.text(64, limit::NAME_BYTES_MAX)?,
        terms: decode_terms(r)?,
    };
    check(&place)?;
    Ok(place)
}

fn decode_terms(r: &mut Reader<'_, '_>) -> Result<Terms, RecordError> {
    let flags = r.presence(FLAGS)?;
    Ok(Terms {
        post_only: match flags & (POST_ONLY_REJECT | POST_ONLY_SLIDE) {
            0 => None,
            POST_ONLY_REJECT => Some(PostOnly::Reject),
            POST_ONLY_SLIDE => Some(PostOnly::Slide),
            _ => return Err(RecordError::NotAbsent("a second form of post-only")),
        },
        all_or_none: flags & ALL_OR_NONE != 0,
        minimum_quantity: r.u64(104),
        budget: r.u128(80),
        expire_at_ms: r.u64(112),
        trigger_by: match r.u8(6) {
            0 => None,
            byte => Some(TriggerBy::from_byte(byte).ok_or(RecordError::Word("trigger method"))?),
        },
        trigger_price: r.u64(72),
        offset: r.u64(32) as i64,
        display_quantity: r.u64(96),
        hidden: flags & HIDDEN != 0,
        self_trade_prevention: match r.u8(7) {
            0 => None,
            byte => Some(SelfTradePrevention::from_byte(byte).ok_or(RecordError::Word("self-trade prevention"))?),
        },
    })
}

/// A field that the order's type or its other terms exclude must be absent.
fn check(c: &PlaceOrder<'_>) -> Result<(), RecordError> {
    let excluded = match c.order_type {
        OrderType::Limit | OrderType::StopLimit | OrderType::LimitIfTouched if c.protection_price != 0 => {
            "protection price of a limit order"
        }
        OrderType::Market | OrderType::Stop | OrderType::MarketIfTouched if c.price != 0 => "price of a market order",
        _ if c.order_type.is_pegged() && c.protection_price != 0 => "protection price of a pegged order",
        OrderType::MarketToLimit if c.price != 0 || c.protection_price != 0 => "price of a market-to-limit order",
        _ => return check_terms(c),
    };
    Err(RecordError::NotAbsent(excluded))
}

fn check_terms(c: &PlaceOrder<'_>) -> Result<(), RecordError> {
    let terms = &c.terms;
    if c.time_in_force == TimeInForce::Gtd && terms.expire_at_ms == 0 {
        return Err(RecordError::Missing("expire time of a GTD order"));
    }
    if terms.expire_at_ms > limit::TIME_MS_MAX {
        return Err(RecordError::TooLarge("expire time"));
    }
    if c.order_type.waits() && terms.trigger_by.is_none() {
        return Err(RecordError::Missing("trigger method of an order that waits"));
    }
    let excluded = if !c.order_type.waits() && (terms.trigger_by.is_some() || terms.trigger_price != 0) {
        "trigger of an order that does not wait"
    } else if terms.offset != 0 && !c.order_type.is_pegged() {
        "offset of an order that is not pegged"
    } else if c.order_type.is_pegged() && c.time_in_force.is_immediate() {
        "immediate time in force of a pegged order"
    } else if terms.budget != 0 && c.order_type != OrderType::Market {
        "budget of an order that is not a market order"
    } else if terms.budget != 0 && c.quantity != 0 {
        "quantity beside a budget"
    } else if terms.post_only.is_some() && (c.order_type != OrderType::Limit || c.time_in_force.is_immediate()) {
        "post-only of an order that is not a resting limit order"
    } else if terms.expire_at_ms != 0 && c.time_in_force != TimeInForce::Gtd {
        "expire time of an order that is not GTD"
    } else if (terms.hidden || terms.display_quantity != 0) && !c.may_rest() {
        "display of an order that never rests"
    } else if terms.hidden && terms.display_quantity != 0 {
        "displayed quantity of a hidden order"
    } else if terms.all_or_none && terms.minimum_quantity != 0 {
        "minimum quantity beside all-or-none"
    } else {
        return Ok(());
    };
    Err(RecordError::NotAbsent(excluded))
}

pub(super) fn encode(c: &PlaceOrder<'_>, r: &mut Record, texts: &mut TextArena) {
    r.u8(2, c.side as u8).u8(3, c.order_type as u8).u8(4, c.time_in_force as u8);
    r.presence(0, c.terms.hidden).u64(96, c.terms.display_quantity);
    r.u8(7, c.terms.self_trade_prevention.map_or(0, |word| word as u8));
    r.presence(1, c.terms.all_or_none);
    r.presence(2, c.terms.post_only == Some(PostOnly::Reject));
    r.presence(3, c.terms.post_only == Some(PostOnly::Slide));
    r.u64(16, c.account_id).u64(24, c.instrument_id).u64(40, c.quantity).u64(48, c.price);
    r.u64(56, c.protection_price).u128(80, c.terms.budget).u64(104, c.terms.minimum_quantity);
    r.u64(32, c.terms.offset as u64);
    r.u64(112, c.terms.expire_at_ms).u64(72, c.terms.trigger_price);
    r.u8(6, c.terms.trigger_by.map_or(0, |word| word as u8));
    r.text(64, c.client_order_id, texts);
}
