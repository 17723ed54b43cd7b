//! What an instrument's fills cost: set by a command, taken at each fill, credited to the house account.

use super::settle::Settlement;
use super::{Engine, Refusal};
use crate::account::HOUSE;
use crate::command::ChangeFees;
use crate::event::{Body, Events, FeesChanged, Instrument, Millionths};
use crate::fees::{Fees, part_of};
use crate::id::EntityKind;
use crate::vocabulary::{Ledger, Liquidity, Reason};

impl Engine {
    /// Checks: unknown_instrument, orders_open. What open orders hold for their fees is the ceiling's: that stays
    /// while there are any.
    pub(super) fn change_fees(&mut self, c: &ChangeFees, events: &mut Events) -> Result<(), Refusal> {
        let instrument = self.find_instrument(c.instrument_id).ok_or(Refusal::of_venue(Reason::UnknownInstrument))?;
        if !self.may_set_fees(instrument, c.fees) {
            return Err(Refusal::of(Reason::OrdersOpen, EntityKind::Instrument, c.instrument_id));
        }
        self.catalog.set_fees(instrument, c.fees);
        let body = FeesChanged {
            instrument_id: self.instrument_id(instrument.0),
            symbol: instrument,
            maker_rate: Millionths(c.fees.maker_ppm),
            taker_rate: Millionths(c.fees.taker_ppm),
            ceiling: Millionths(c.fees.ceiling_ppm),
        };
        self.emit_instrument(instrument.0, Body::FeesChanged(body), events);
        Ok(())
    }

    /// Whether open orders hold enough for it, and not too much.
    pub(super) fn may_set_fees(&self, instrument: Instrument, fees: Fees) -> bool {
        let same = self.terms(instrument).fees.ceiling_ppm == fees.ceiling_ppm;
        same || self.markets[instrument.0 as usize].book.is_empty()
    }
}

/// What a fill of this worth costs one of its sides.
pub(super) fn fee_of(fees: &Fees, liquidity: Liquidity, notional: i128) -> i128 {
    match liquidity {
        Liquidity::Maker => part_of(notional, fees.maker_ppm),
        Liquidity::Taker => part_of(notional, fees.taker_ppm),
    }
}

impl Settlement<'_> {
    /// The fee goes to the house.
    pub(super) fn post_fee(&mut self, account: u32, fee: i128) {
        let (list, quote) = (&mut self.events.postings, self.terms.quote);
        self.accounts.post(list, account, quote, Ledger::Balance, -fee);
        self.accounts.post(list, HOUSE, quote, Ledger::Balance, fee);
    }
}
