//! Replaying orders that wait, and what reaches them.

use super::super::Engine;
use super::order::Found;
use super::{Misfit, expect};
use crate::event::{
    Events, MarkPriceChanged, OrderCreated, OrderReplaced, OrderTerms, OrderTriggered, TriggersDeferred,
    TriggersResumed,
};
use crate::limit;
use crate::trigger::{Waiting, Wave};

impl Engine {
    /// What a new order waits for; `None` if its type does not wait.
    pub(super) fn waiting_of_created(&self, e: &OrderCreated, terms: &OrderTerms) -> Result<Option<Waiting>, Misfit> {
        let given = (terms.trigger_by, terms.trigger_price);
        let (Some(trigger_by), Some(trigger_price)) = given else {
            expect(given == (None, None) && !e.order_type.waits(), "the trigger")?;
            return Ok(None);
        };
        let market = self.markets.get(e.symbol.0 as usize).ok_or(Misfit::Value("symbol"))?;
        self.check_terms(e.symbol, e.quantity.0, trigger_price.0)?;
        let minimum_quantity = terms.minimum_quantity.map_or(0, |least| least.0);
        let fits = e.order_type.waits() && e.rests.is_none() && minimum_quantity <= e.quantity.0;
        expect(fits, "the trigger")?;
        Ok(Some(Waiting {
            order_type: e.order_type,
            trigger_by,
            trigger_price: trigger_price.0,
            armed: market.triggers.next_armed,
            all_or_none: terms.all_or_none.is_some(),
            minimum_quantity,
        }))
    }

    pub(super) fn evolve_triggered(&mut self, version: u64, e: &OrderTriggered) -> Result<(), Misfit> {
        let found = self.advance_order(version, e.order_id, e.account_id, e.symbol)?;
        let waiting = self.markets[found.instrument as usize].end_waiting(found.slot);
        let waiting = waiting.ok_or(Misfit::Value("the order triggered"))?;
        let fits = e.trigger_price.0 == waiting.trigger_price && e.price.0 == found.order.price;
        expect(
            fits && e.side == found.order.side() && e.leaves_quantity.0 == found.order.leaves,
            "what was triggered",
        )?;
        let may_rest = waiting.order_type.has_price() && !found.order.time_in_force().is_immediate();
        self.replay.in_flight += 1;
        match e.rests {
            Some(rests) if may_rest => self.assign_resting(found.instrument, found.slot, rests),
            Some(_) => Err(Misfit::Value("rests")),
            None => Ok(()),
        }
    }

    /// A replacement of an order that waits: it goes on waiting.
    pub(super) fn evolve_waiting_replaced(
        &mut self,
        found: Found,
        e: &OrderReplaced,
        events: &Events,
    ) -> Result<(), Misfit> {
        let trigger_price = e.trigger_price.0.ok_or(Misfit::Value("trigger_price"))?;
        self.check_terms(e.symbol, e.quantity.0, trigger_price.0)?;
        expect(e.rests.is_none() && e.cum_quantity.0 == 0, "rests")?;
        let market = &mut self.markets[found.instrument as usize];
        let least = market.waiting_of(found.slot).map_or(0, |waiting| waiting.minimum_quantity);
        expect(e.quantity.0 >= least, "the quantity")?;
        market.rearm(found.slot, trigger_price.0);
        let order = market.book.order_mut(found.slot);
        (order.quantity, order.leaves, order.price) = (e.quantity.0, e.quantity.0, e.price.0);
        self.assign_postings(e.postings, events)
    }

    pub(super) fn evolve_mark_price(&mut self, version: u64, e: &MarkPriceChanged) -> Result<(), Misfit> {
        let market = self.advance_instrument(version, e.instrument_id)?;
        expect(market as u32 == e.symbol.0, "the symbol")?;
        self.check_terms(e.symbol, 1, e.price.0)?;
        self.markets[market].triggers.mark = e.price.0;
        Ok(())
    }

    pub(super) fn evolve_deferred(&mut self, version: u64, e: &TriggersDeferred) -> Result<(), Misfit> {
        let market = self.advance_instrument(version, e.instrument_id)?;
        expect(market as u32 == e.symbol.0, "the symbol")?;
        let triggers = &mut self.markets[market].triggers;
        let bounded = e.low <= e.high && e.high.0 <= limit::PRICE_MAX && e.armed_before <= triggers.next_armed;
        expect(bounded, "the wave")?;
        let wave = Wave { reference: e.reference, low: e.low.0, high: e.high.0, armed_before: e.armed_before };
        triggers.waves.push_back(wave);
        self.deferred.insert(market as u32);
        Ok(())
    }

    pub(super) fn evolve_resumed(&mut self, version: u64, e: &TriggersResumed) -> Result<(), Misfit> {
        let market = self.advance_instrument(version, e.instrument_id)?;
        expect(market as u32 == e.symbol.0, "the symbol")?;
        expect(self.deferred.remove(&(market as u32)), "the deferred triggers")?;
        self.markets[market].triggers.waves.clear();
        Ok(())
    }
}
