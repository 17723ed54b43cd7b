//! Ending many orders at once.

use super::record::{Reader, Record, RecordError, TextArena};
use crate::limit;
use crate::vocabulary::{Side, Switch};

/// Cancels orders; what is not given does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MassCancel {
    /// Whose.
    pub account_id: Option<u64>,
    /// Of which instrument.
    pub instrument_id: Option<u64>,
    /// Of which side.
    pub side: Option<Side>,
    /// Not those at a lower price, nor those without a limit price; needs an instrument.
    pub lowest_price: Option<u64>,
    /// Not those at a higher price, nor those without a limit price; needs an instrument.
    pub highest_price: Option<u64>,
}

/// Blocks entry and ends orders, or allows entry again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeKillSwitch<'a> {
    /// Whose; none means the venue's.
    pub account_id: Option<u64>,
    /// What it becomes.
    pub state: Switch,
    /// Why, for people.
    pub reason: &'a str,
}

pub(super) fn decode_cancel(r: &mut Reader<'_, '_>) -> Result<MassCancel, RecordError> {
    let given = r.presence(0b1_1111)?;
    let (side, account_id, instrument_id) = (r.u8(2), r.u64(16), r.u64(24));
    let (lowest, highest) = (r.u64(48), r.u64(56));
    let absent = [account_id, instrument_id, u64::from(side), lowest, highest];
    if (0..5).any(|bit| given >> bit & 1 == 0 && absent[bit] != 0) {
        return Err(RecordError::NotAbsent("what a mass cancel chooses by"));
    }
    if given & 0b1_1000 != 0 && given & 0b10 == 0 {
        return Err(RecordError::Missing("instrument of a price range"));
    }
    let there = |bit: u8| given >> bit & 1 != 0;
    let side = Side::from_byte(side).ok_or(RecordError::Word("side"))?;
    Ok(MassCancel {
        account_id: there(0).then_some(account_id),
        instrument_id: there(1).then_some(instrument_id),
        side: there(2).then_some(side),
        lowest_price: there(3).then_some(lowest),
        highest_price: there(4).then_some(highest),
    })
}

pub(super) fn encode_cancel(c: &MassCancel, r: &mut Record) {
    r.presence(0, c.account_id.is_some()).presence(1, c.instrument_id.is_some()).presence(2, c.side.is_some());
    r.presence(3, c.lowest_price.is_some()).presence(4, c.highest_price.is_some());
    r.u8(2, c.side.map_or(0, |side| side as u8));
    r.u64(16, c.account_id.unwrap_or(0)).u64(24, c.instrument_id.unwrap_or(0));
    r.u64(48, c.lowest_price.unwrap_or(0)).u64(56, c.highest_price.unwrap_or(0));
}

pub(super) fn decode_switch<'a>(r: &mut Reader<'_, 'a>) -> Result<ChangeKillSwitch<'a>, RecordError> {
    let given = r.presence(0b1)?;
    let account_id = r.u64(16);
    if given == 0 && account_id != 0 {
        return Err(RecordError::NotAbsent("the account of the venue's kill switch"));
    }
    Ok(ChangeKillSwitch {
        account_id: (given != 0).then_some(account_id),
        state: Switch::from_byte(r.u8(2)).ok_or(RecordError::Word("switch"))?,
        reason: r.text(64, limit::REASON_BYTES_MAX)?.unwrap_or(""),
    })
}

pub(super) fn encode_switch(c: &ChangeKillSwitch<'_>, r: &mut Record, texts: &mut TextArena) {
    r.presence(0, c.account_id.is_some()).u8(2, c.state as u8).u64(16, c.account_id.unwrap_or(0));
    r.text(64, Some(c.reason), texts);
}
