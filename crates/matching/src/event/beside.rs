//! What events keep beside them, or leave out: it would make every event longer.

// An event is written by one function: see `Writer`.
#![allow(clippy::inline_always)]

use super::Span;
use super::field::{Field, OrderId, Price};
use super::json::{Malformed, Reader, Writer};

/// Where the events keep what a fill cost, ledger units of the quote asset of the instrument named before; left out where
/// it is nothing. An amount here would make every event longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fee(pub(super) u32);

impl Field for Fee {
    const LEFT_OUT: Option<Self> = Some(Self(0));

    #[inline(always)]
    fn is_left_out(&self) -> bool {
        self.0 == 0
    }

    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        let unit = w.units.quote;
        w.decimal(w.events.fee_of(*self), unit);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let fault = r.fault("a fee above zero");
        let fee = r.decimal(r.units.quote)?;
        if fee > 0 { Ok(r.events.add_fee(fee)) } else { Err(fault) }
    }
}

/// A price that an order need not have; zero is none, and left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitPrice(pub u64);

impl Field for LimitPrice {
    const LEFT_OUT: Option<Self> = Some(Self(0));

    #[inline(always)]
    fn is_left_out(&self) -> bool {
        self.0 == 0
    }

    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        Price(self.0).write(w);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let fault = r.fault("a price above zero");
        let price = Price::read(r)?;
        if price.0 > 0 { Ok(Self(price.0)) } else { Err(fault) }
    }
}

/// Where the orders that an event lists are: at least one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orders(pub Span);

impl Field for Orders {
    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        let mut separator = b"[".as_slice();
        for order in w.events.orders_of(*self) {
            w.raw(separator);
            separator = b",";
            order.write(w);
        }
        w.raw(b"]");
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let start = r.events.orders.len();
        r.literal("[")?;
        while r.events.orders.len() == start || !r.take("]") {
            if r.events.orders.len() > start {
                r.literal(",")?;
            }
            let order = OrderId::read(r)?;
            r.events.orders.push(order);
        }
        Ok(r.events.orders_since(start))
    }
}
