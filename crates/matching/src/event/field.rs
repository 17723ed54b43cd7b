//! How each kind of field is written and read.

// An event is written by one function: see `Writer`.
#![allow(clippy::inline_always)]

use super::json::{Malformed, Reader, Writer};
use super::{Posting, Resting, Span};
use crate::id::{self, EntityKind};
use crate::number::{self, Unit};
use crate::vocabulary::{
    AccountKind, AccountState, AllocationRule, AssetKind, CommandKind, Ledger, Liquidity, OrderType, PostOnly, Reason,
    Reference, Request, Restated, SelfTradePrevention, Session, Side, Status, Switch, TimeInForce, TriggerBy,
};

/// One field: written after its key, read back to the same value.
pub(super) trait Field: Sized {
    /// The value whose key is left out; `None` if the key is always there.
    const LEFT_OUT: Option<Self> = None;

    /// Whether it is that value.
    #[inline(always)]
    fn is_left_out(&self) -> bool {
        false
    }

    fn write(&self, w: &mut Writer<'_>);
    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed>;
}

macro_rules! entity_ids {
    ($($(#[$doc:meta])* $name:ident of $kind:ident;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(pub u64);

            impl Field for $name {
                #[inline(always)]
                fn write(&self, w: &mut Writer<'_>) {
                    w.id(EntityKind::$kind, self.0);
                }

                fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
                    let fault = r.fault(concat!("the id of an ", stringify!($kind)));
                    match id::parse(r.quoted()?) {
                        Some((EntityKind::$kind, id)) => Ok(Self(id)),
                        _ => Err(fault),
                    }
                }
            }
        )+
    };
}

entity_ids! {
    /// An order's id.
    OrderId of Order;
    /// An account's id.
    AccountId of Account;
    /// An instrument's id.
    InstrumentId of Instrument;
    /// A trade's id.
    TradeId of Trade;
}

macro_rules! word_fields {
    ($($name:ident)+) => {
        $(
            impl Field for $name {
                #[inline(always)]
                fn write(&self, w: &mut Writer<'_>) {
                    w.piece(self.quoted());
                }

                fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
                    let fault = r.fault(concat!("a word of ", stringify!($name)));
                    Self::from_text(r.quoted()?).ok_or(fault)
                }
            }
        )+
    };
}

word_fields! {
    AccountKind AccountState AllocationRule AssetKind CommandKind Ledger Liquidity OrderType PostOnly Reason Reference
    Request Restated SelfTradePrevention Session Side Status Switch TimeInForce TriggerBy
}

/// The aggregate that a refused command named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AggregateId(pub super::Aggregate);

impl AggregateId {
    pub(super) fn subject(self) -> (Option<AccountId>, Option<Instrument>) {
        match self.0.kind {
            EntityKind::Account => (Some(AccountId(self.0.id)), None),
            EntityKind::Instrument => (None, Some(Instrument::of_id(InstrumentId(self.0.id)))),
            _ => (None, None),
        }
    }
}

impl Field for AggregateId {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        w.id(self.0.kind, self.0.id);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let fault = r.fault("the id of an aggregate");
        let (kind, id) = id::parse(r.quoted()?).ok_or(fault)?;
        Ok(Self(super::Aggregate { kind, id }))
    }
}

/// A listed instrument by its place in the catalog, written as its symbol; sets the units of what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument(pub u32);

impl Instrument {
    /// What no instrument is: written as an empty symbol, and decimals after it are plain counts.
    pub const UNKNOWN: Self = Self(u32::MAX);

    /// The catalog counts instruments in the order of their ids, from 1.
    pub(super) fn of_id(id: InstrumentId) -> Self {
        let sequence = id.0 & id::SEQUENCE_MAX;
        u32::try_from(sequence).ok().and_then(|s| s.checked_sub(1)).map_or(Self::UNKNOWN, Self)
    }
}

impl Field for Instrument {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        let Some(shown) = w.catalog.shown_instrument(*self) else {
            return w.quoted(b"");
        };
        w.units.price = shown.price;
        w.units.lot = shown.lot;
        w.units.quote = shown.quote;
        w.piece(&shown.symbol);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        if r.take("\"\"") {
            return Ok(Self::UNKNOWN);
        }
        let fault = r.fault("a listed symbol");
        let range = r.string()?;
        let found = std::str::from_utf8(&r.events.texts[range.clone()]).ok().and_then(|s| r.catalog.find_instrument(s));
        r.events.texts.truncate(range.start);
        let instrument = found.ok_or(fault)?;
        if let Some(terms) = r.catalog.instrument(instrument) {
            r.units.price = terms.price_unit;
            r.units.lot = terms.lot_unit;
            r.units.quote = r.catalog.ledger_unit(terms.quote);
        }
        Ok(instrument)
    }
}

/// A listed asset by its place in the catalog, written as its name; sets the unit of the amounts that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asset(pub u32);

impl Field for Asset {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        let Some(shown) = w.catalog.shown_asset(*self) else {
            w.units.asset = Unit::ONE;
            return w.quoted(b"");
        };
        w.units.asset = shown.unit;
        w.piece(&shown.symbol);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let fault = r.fault("a listed asset");
        let range = r.string()?;
        let found = std::str::from_utf8(&r.events.texts[range.clone()]).ok().and_then(|s| r.catalog.find_asset(s));
        r.events.texts.truncate(range.start);
        let asset = found.ok_or(fault)?;
        r.units.asset = r.catalog.ledger_unit(asset);
        Ok(asset)
    }
}

/// A plain text kept beside the events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text(pub Span);

impl Field for Text {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        let events = w.events;
        w.string(&events.texts[self.0.range()]);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let fault = r.fault("a short text");
        let range = r.string()?;
        let (start, length) = (u32::try_from(range.start), u32::try_from(range.len()));
        match (start, length) {
            (Ok(start), Ok(length)) => Ok(Self(Span { start, length })),
            _ => Err(fault),
        }
    }
}

macro_rules! decimal_fields {
    ($($(#[$doc:meta])* $name:ident($integer:ty) in $unit:ident;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
            pub struct $name(pub $integer);

            impl Field for $name {
                #[inline(always)]
                fn write(&self, w: &mut Writer<'_>) {
                    let unit = w.units.$unit;
                    w.decimal(i128::from(self.0), unit);
                }

                fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
                    let fault = r.fault("a decimal in range");
                    let count = r.decimal(r.units.$unit)?;
                    <$integer>::try_from(count).map(Self).map_err(|_| fault)
                }
            }
        )+
    };
}

decimal_fields! {
    /// Price units of the instrument named before.
    Price(u64) in price;
    /// Price units of the instrument named before, up or down.
    Offset(i64) in price;
    /// Lots of the instrument named before.
    Quantity(u64) in lot;
    /// Ledger units of the quote asset of the instrument named before.
    Notional(i128) in quote;
    /// Ledger units of the asset named before.
    Amount(i128) in asset;
}

/// The worth of one price unit; sets the unit of the prices that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceUnit(pub Unit);

impl Field for PriceUnit {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        w.units.price = self.0;
        w.decimal(1, self.0);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.units.price = read_unit(r)?;
        Ok(Self(r.units.price))
    }
}

/// The worth of one lot; sets the unit of the quantities that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotUnit(pub Unit);

impl Field for LotUnit {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        w.units.lot = self.0;
        w.decimal(1, self.0);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.units.lot = read_unit(r)?;
        Ok(Self(r.units.lot))
    }
}

fn read_unit(r: &mut Reader<'_>) -> Result<Unit, Malformed> {
    let fault = r.fault("a positive canonical decimal");
    number::parse_unit(r.quoted()?).filter(|unit| unit.mantissa > 0).ok_or(fault)
}

/// Millionths of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Millionths(pub u32);

impl Field for Millionths {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        w.decimal(i128::from(self.0), Unit::ledger(6));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let fault = r.fault("a fraction");
        u32::try_from(r.decimal(Unit::ledger(6))?).map(Self).map_err(|_| fault)
    }
}

/// A limit in 10^-18 of a currency or an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub i128);

impl Field for Limit {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        w.decimal(self.0, Unit::ledger(number::SCALE_MAX));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.decimal(Unit::ledger(number::SCALE_MAX)).map(Self)
    }
}

impl<T: Field> Field for Option<T> {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        match self {
            Some(value) => value.write(w),
            None => w.raw(b"null"),
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        if r.take("null") { Ok(None) } else { T::read(r).map(Some) }
    }
}

impl Field for Resting {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        w.raw(b"{\"price\":");
        self.price.write(w);
        w.raw(b",\"quantity\":");
        self.quantity.write(w);
        w.raw(b",\"priority\":");
        w.integer(self.priority);
        w.raw(b"}");
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.literal("{\"price\":")?;
        let price = Price::read(r)?;
        r.literal(",\"quantity\":")?;
        let quantity = Quantity::read(r)?;
        r.literal(",\"priority\":")?;
        let priority = r.integer()?;
        r.literal("}")?;
        Ok(Self { price, quantity, priority })
    }
}

/// The postings of an event, kept beside the events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Postings(pub Span);

impl Field for Postings {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        let mut separator = b"[[".as_slice();
        for posting in w.events.postings_of(*self) {
            w.raw(separator);
            separator = b",[";
            posting.account.write(w);
            w.raw(b",");
            posting.asset.write(w);
            w.raw(b",");
            posting.ledger.write(w);
            w.raw(b",");
            Amount(posting.amount).write(w);
            w.raw(b",");
            Amount(posting.after).write(w);
            w.raw(b"]");
        }
        w.raw(if self.0.length == 0 { b"[]" } else { b"]" });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let start = r.events.postings.len();
        r.literal("[")?;
        while !r.take("]") {
            r.literal(if r.events.postings.len() == start { "[" } else { ",[" })?;
            let account = AccountId::read(r)?;
            r.literal(",")?;
            let asset = Asset::read(r)?;
            r.literal(",")?;
            let ledger = Ledger::read(r)?;
            r.literal(",")?;
            let amount = Amount::read(r)?.0;
            r.literal(",")?;
            let after = Amount::read(r)?.0;
            r.literal("]")?;
            r.events.postings.push(Posting { account, asset, ledger, amount, after });
        }
        Ok(r.events.postings_since(start))
    }
}

impl Field for u64 {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        w.integer(*self);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.integer()
    }
}

impl Field for u32 {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        w.integer(u64::from(*self));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let fault = r.fault("a number below 2^32");
        Self::try_from(r.integer()?).map_err(|_| fault)
    }
}

impl Field for u8 {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        w.integer(u64::from(*self));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let fault = r.fault("a number below 256");
        Self::try_from(r.integer()?).map_err(|_| fault)
    }
}
