//! What an instrument's fills cost.

use super::record::{Reader, Record, RecordError};
use crate::fees::Fees;

/// Sets an instrument's fees, all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeFees {
    /// The instrument.
    pub instrument_id: u64,
    /// What they are from now on.
    pub fees: Fees,
}

pub(super) fn decode(r: &mut Reader<'_, '_>) -> Result<ChangeFees, RecordError> {
    let fees = Fees { maker_ppm: r.u32(80), taker_ppm: r.u32(84), ceiling_ppm: r.u32(88) };
    if !fees.is_sound() {
        return Err(RecordError::TooLarge("fee"));
    }
    Ok(ChangeFees { instrument_id: r.u64(24), fees })
}

pub(super) fn encode(c: &ChangeFees, r: &mut Record) {
    r.u64(24, c.instrument_id).u32(80, c.fees.maker_ppm).u32(84, c.fees.taker_ppm).u32(88, c.fees.ceiling_ppm);
}
