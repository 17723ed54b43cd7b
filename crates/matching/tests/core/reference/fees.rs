//! What fills cost, as the oracle counts it.

use matching::command::ChangeFees;

use super::text::{Object, decimal, uuid};
use super::{Instrument, Reference, Refused, venue};

/// `amount * ppm / 1,000,000`, rounded up.
fn rounded_up(amount: i128, ppm: u32) -> i128 {
    let millionths = amount * i128::from(ppm);
    let whole = millionths / 1_000_000;
    if whole * 1_000_000 < millionths { whole + 1 } else { whole }
}

impl Instrument {
    /// The most that the fee of so many lots at a price can be.
    pub(super) fn most_fee(&self, price: u64, quantity: u64) -> i128 {
        let lot = i128::from(price) * self.worth;
        i128::from(quantity) * rounded_up(lot, self.fees.ceiling_ppm)
    }

    pub(super) fn fee(&self, liquidity: &str, notional: i128) -> i128 {
        rounded_up(notional, if liquidity == "MAKER" { self.fees.maker_ppm } else { self.fees.taker_ppm })
    }
}

impl Reference {
    pub(super) fn change_fees(&mut self, c: &ChangeFees) -> Result<(), Refused> {
        let Some(at) = self.instrument(c.instrument_id) else { return venue("unknown_instrument") };
        let aggregate = uuid("inst", c.instrument_id);
        let holds = self.open.iter().any(|number| self.orders[number].instrument == at);
        if holds && self.instruments[at].fees.ceiling_ppm != c.fees.ceiling_ppm {
            return Err(("orders_open", aggregate));
        }
        self.instruments[at].fees = c.fees;
        let data = Object::new()
            .id("instrument_id", "inst", c.instrument_id)
            .text("symbol", &self.instruments[at].symbol)
            .text("maker_rate", &decimal(c.fees.maker_ppm.into(), 6))
            .text("taker_rate", &decimal(c.fees.taker_ppm.into(), 6))
            .text("ceiling", &decimal(c.fees.ceiling_ppm.into(), 6));
        self.tell("FeesChanged", &aggregate, data);
        Ok(())
    }
}
