//! Replaying pegged orders.

use super::super::Engine;
use super::order::Found;
use super::{Misfit, expect};
use crate::event::{Events, OrderCreated, OrderReplaced, OrderTerms, PegsMoved, Price};
use crate::order_index::Place;
use crate::peg::Peg;

impl Engine {
    /// What a new order follows: its terms say so if, and only if, its type does.
    pub(super) fn peg_of_created(&self, e: &OrderCreated, terms: &OrderTerms) -> Result<Option<Peg>, Misfit> {
        let pegged = e.order_type.is_pegged();
        expect(terms.peg_offset.is_some() == pegged, "peg_offset")?;
        expect(pegged || terms.limit_price.is_none(), "limit_price")?;
        let Some(offset) = terms.peg_offset else { return Ok(None) };
        let peg = Peg { side: e.side, order_type: e.order_type, offset: offset.0, limit: limit_of(terms.limit_price)? };
        let max_price = self.terms(e.symbol).max_price;
        expect(offset.0.unsigned_abs() <= max_price && peg.limit <= max_price, "the terms of a peg")?;
        let price = e.price.map_or(0, |price| price.0);
        expect(peg.allows(price) && !e.time_in_force.is_immediate(), "price")?;
        Ok(Some(peg))
    }

    /// A peg that was replaced says what it never passes now.
    pub(super) fn evolve_peg_replaced(&mut self, found: Found, e: &OrderReplaced) -> Result<(), Misfit> {
        let limit = e.limit_price.0;
        let Some(before) = self.markets[found.instrument as usize].peg_of(found.slot) else {
            return expect(limit == 0, "limit_price");
        };
        let peg = Peg { limit, ..before };
        expect(limit <= self.terms(e.symbol).max_price && peg.allows(e.price.0), "limit_price")?;
        self.markets[found.instrument as usize].attributes.set_peg(found.slot, peg);
        Ok(())
    }

    /// A group of pegs works at another price.
    pub(super) fn evolve_pegs_moved(&mut self, version: u64, e: &PegsMoved, events: &Events) -> Result<(), Misfit> {
        let instrument = self.advance_instrument(version, e.instrument_id)?;
        expect(instrument as u32 == e.symbol.0, "the symbol")?;
        expect((1..=self.terms(e.symbol).max_price).contains(&e.price.0), "price")?;
        let market = &self.markets[instrument];
        expect(!market.book.crosses(e.side, e.price.0), "price")?;
        let last = e.priority.checked_add(u64::from(e.orders.0.length));
        expect(e.priority == market.book.next_priority() && last.is_some_and(|last| last < 1 << 62), "priority")?;
        for order in events.orders_of(e.orders) {
            let number = self.order_number(order.0).ok_or(Misfit::Value("orders"))?;
            let Place::Open { instrument: at, slot } = self.index.get(number) else {
                return Err(Misfit::Value("orders"));
            };
            let market = &mut self.markets[instrument];
            expect(at as usize == instrument, "orders")?;
            let moves = market.peg_of(slot).is_some_and(|peg| peg.side == e.side && peg.allows(e.price.0));
            let order = market.book.order(slot);
            expect(moves && order.rests() && order.price != e.price.0, "orders")?;
            market.move_to(slot, e.price.0);
        }
        Ok(())
    }
}

/// Zero: none.
fn limit_of(limit: Option<Price>) -> Result<u64, Misfit> {
    expect(limit != Some(Price(0)), "limit_price")?;
    Ok(limit.map_or(0, |limit| limit.0))
}
