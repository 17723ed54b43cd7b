//! The terms of an order that is not plain: an object of those that it has, kept beside the events.

// An event is written by one function: see `Writer`.
#![allow(clippy::inline_always)]

use super::field::{Field, Notional, Offset, Price, Quantity};
use super::json::{Malformed, Reader, Writer};
use crate::vocabulary::{PostOnly, SelfTradePrevention, TriggerBy};

macro_rules! terms {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $key:literal $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$type>,)+
        }

        impl $name {
            fn write(&self, w: &mut Writer<'_>) {
                let mut opening = b"{".as_slice();
                $(
                    if let Some(value) = &self.$field {
                        w.raw(std::mem::replace(&mut opening, b","));
                        w.raw(concat!("\"", $key, "\":").as_bytes());
                        value.write(w);
                    }
                )+
                w.raw(b"}");
            }

            fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
                let mut terms = Self::default();
                let mut opening = "{";
                $(
                    if r.take_key(opening, concat!("\"", $key, "\":")) {
                        opening = ",";
                        terms.$field = Some(<$type>::read(r).map_err(|e| e.in_field($key))?);
                    }
                )+
                if opening == "{" {
                    return Err(r.fault("at least one term"));
                }
                r.literal("}")?;
                Ok(terms)
            }
        }
    };
}

terms! {
    /// What an order has that a plain one has not.
    OrderTerms {
        /// What becomes of it where it would trade on entry.
        "post_only" post_only: PostOnly,
        /// What was asked, where it slid to another price.
        "asked_price" asked_price: Price,
        /// On entry it trades at least so much or nothing.
        "minimum_quantity" minimum_quantity: Quantity,
        /// On entry it trades whole or not at all.
        "all_or_none" all_or_none: Yes,
        /// What it may cost or raise.
        "budget" budget: Notional,
        /// When it expires, milliseconds since 1970 in UTC.
        "expire_at_ms" expire_at_ms: u64,
        /// Which price it waits for.
        "trigger_by" trigger_by: TriggerBy,
        /// The price that triggers it.
        "trigger_price" trigger_price: Price,
        /// Of a peg: added to its reference.
        "peg_offset" peg_offset: Offset,
        /// The price that a peg never passes.
        "limit_price" limit_price: Price,
        /// How much it displays at a time.
        "display_quantity" display_quantity: Quantity,
        /// No depth shows it.
        "hidden" hidden: Yes,
        /// What happens where it would trade with itself.
        "self_trade_prevention" self_trade_prevention: SelfTradePrevention,
    }
}

/// A term that is there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Yes;

impl Yes {
    /// There if it holds.
    pub fn when(holds: bool) -> Option<Self> {
        holds.then_some(Self)
    }
}

impl Field for Yes {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        w.raw(b"true");
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.literal("true").map(|()| Self)
    }
}

/// Where the terms of an event are; a plain order has none, and its event no such key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TermsAt(pub(super) Option<u32>);

impl Field for TermsAt {
    const LEFT_OUT: Option<Self> = Some(Self(None));

    #[inline(always)]
    fn is_left_out(&self) -> bool {
        self.0.is_none()
    }

    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        w.apart(|w| write_terms(*self, w));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let terms = OrderTerms::read(r)?;
        Ok(r.events.add_terms(terms))
    }
}

#[inline(never)]
fn write_terms(terms: TermsAt, mut w: Writer<'_>) -> Writer<'_> {
    w.events.terms_of(terms).write(&mut w);
    w
}

/// A field whose key is left out where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut<T>(pub Option<T>);

impl<T: Field> Field for LeftOut<T> {
    const LEFT_OUT: Option<Self> = Some(Self(None));

    #[inline(always)]
    fn is_left_out(&self) -> bool {
        self.0.is_none()
    }

    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        if let Some(value) = &self.0 {
            value.write(w);
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        T::read(r).map(|value| Self(Some(value)))
    }
}
