//! Triggering: after a command's own effect, whoever waits for a price that was reached enters, to a fixed point.

use super::{Engine, Refusal};
use crate::command::SetMarkPrice;
use crate::event::{Aggregate, Body, Events, Instrument, MarkPriceChanged, Price, TriggersDeferred, TriggersResumed};
use crate::id::EntityKind;
use crate::limit::{TRADES_BEFORE_DEFERRAL, TRIGGERS_PER_COMMAND_MAX};
use crate::vocabulary::{Reason, Reference, Side};

impl Engine {
    /// Checks: unknown_instrument, invalid_price, price_too_large.
    pub(super) fn set_mark_price(&mut self, c: &SetMarkPrice, events: &mut Events) -> Result<(), Refusal> {
        let instrument = self.find_instrument(c.instrument_id).ok_or(Refusal::of_venue(Reason::UnknownInstrument))?;
        let refused = |reason| Err(Refusal::of(reason, EntityKind::Instrument, c.instrument_id));
        if c.price == 0 {
            return refused(Reason::InvalidPrice);
        }
        if c.price > self.terms(instrument).max_price {
            return refused(Reason::PriceTooLarge);
        }
        self.markets[instrument.0 as usize].triggers.mark = c.price;
        if self.is_trading(instrument.0) {
            self.markets[instrument.0 as usize].triggers.pass(Reference::Mark, c.price, c.price);
        }
        let instrument_id = self.instrument_id(instrument.0);
        let body = MarkPriceChanged { instrument_id, symbol: instrument, price: Price(c.price) };
        self.emit_instrument(instrument.0, Body::MarkPriceChanged(body), events);
        self.touch(instrument.0);
        Ok(())
    }

    /// Something that orders wait for may have changed there.
    pub(super) fn touch(&mut self, instrument: u32) {
        if self.markets[instrument as usize].is_watched() && !self.touched.contains(&instrument) {
            self.touched.push(instrument);
        }
    }

    /// Triggers what the command has reached, and tells what a call would trade then, by instrument as listed.
    pub(super) fn trigger_reached(&mut self, events: &mut Events) {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        let mut left = TRIGGERS_PER_COMMAND_MAX;
        for instrument in &touched {
            if self.is_trading(*instrument) {
                self.cascade(*instrument, &mut left, events);
            } else if self.markets[*instrument as usize].session.is_call() {
                self.tell_indicative(*instrument, events);
            }
        }
        touched.clear();
        self.touched = touched;
    }

    /// Triggers what is reached, then moves the pegs, once; what that has reached goes on in a command of its own.
    fn cascade(&mut self, instrument: u32, left: &mut u32, events: &mut Events) {
        self.resume(instrument, events);
        let some_left = self.trigger_all(instrument, left, events);
        let reached = self.move_pegs(instrument, events) && self.next_reached(instrument).is_some();
        if some_left || reached {
            self.defer(instrument, events);
        }
    }

    fn next_reached(&mut self, instrument: u32) -> Option<u32> {
        let market = &mut self.markets[instrument as usize];
        market.triggers.look(market.book.best(Side::Buy), market.book.best(Side::Sell));
        market.triggers.next_reached()
    }

    /// Whether some are left.
    fn trigger_all(&mut self, instrument: u32, left: &mut u32, events: &mut Events) -> bool {
        while let Some(slot) = self.next_reached(instrument) {
            if *left == 0 || self.steps_made() >= TRADES_BEFORE_DEFERRAL {
                return true;
            }
            *left -= 1;
            self.trigger(instrument, slot, events);
        }
        false
    }

    /// What an earlier command left goes on.
    pub(super) fn resume(&mut self, instrument: u32, events: &mut Events) {
        if self.deferred.remove(&instrument) {
            let (instrument_id, symbol) = (self.instrument_id(instrument), Instrument(instrument));
            self.emit_instrument(instrument, Body::TriggersResumed(TriggersResumed { instrument_id, symbol }), events);
        }
    }

    /// What is left is written down, and goes on before the next command.
    fn defer(&mut self, instrument: u32, events: &mut Events) {
        self.deferred.insert(instrument);
        for wave in self.markets[instrument as usize].triggers.waves.clone() {
            let body = TriggersDeferred {
                instrument_id: self.instrument_id(instrument),
                symbol: Instrument(instrument),
                reference: wave.reference,
                low: Price(wave.low),
                high: Price(wave.high),
                armed_before: wave.armed_before,
            };
            self.emit_instrument(instrument, Body::TriggersDeferred(body), events);
        }
    }

    /// The first market whose triggers go on at once.
    pub(super) fn next_deferred(&self) -> Option<u32> {
        self.deferred.iter().find(|instrument| self.is_trading(**instrument)).copied()
    }

    pub(super) fn emit_instrument(&mut self, instrument: u32, body: Body, events: &mut Events) {
        let id = self.instrument_id(instrument).0;
        self.emit(Aggregate { kind: EntityKind::Instrument, id }, body, events);
    }
}
