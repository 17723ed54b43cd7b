//! Reading how a market stands between two commands of an auction.

use super::{Reader, Result, consistent};
use crate::auction::{Auction, Call};
use crate::vocabulary::{Session, Side};

/// Whether a change of session has left something, and what a call has told.
pub(super) fn read_call(r: &mut Reader<'_>, session: Session, max_price: u64) -> Result<(bool, Call)> {
    let unfinished = r.word(|byte| [false, true].get(usize::from(byte)).copied(), "whether a session is settled")?;
    consistent(!unfinished || session.matches() || session == Session::Closed, "whether a session is settled")?;
    let (price, volume) = (r.u64()?, r.u64()?);
    let goes_on = price <= max_price && (unfinished || price == 0) && (price != 0 || volume == 0);
    consistent(goes_on, "the trades of an auction")?;
    let told = r.optional(|r| {
        let (price, volume, surplus) = (r.u64()?, r.u64()?, r.u64()?);
        let side =
            r.word(|byte| [None, Some(Side::Buy), Some(Side::Sell)].get(usize::from(byte)).copied(), "a surplus")?;
        let fits = (1..=max_price).contains(&price) && volume > 0 && (surplus > 0) == side.is_some();
        consistent(fits && session.is_call(), "an indicative price")?;
        Ok(Auction { price, volume, surplus, surplus_side: side })
    })?;
    Ok((unfinished, Call { told, price, volume }))
}
