//! What happens to an account's orders when nobody is there any more.

use super::record::{Reader, Record, RecordError, TextArena};
use crate::limit;

/// Ends an account's orders at a time, unless it is set anew before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetDeadMansTimer {
    /// Whose.
    pub account_id: u64,
    /// Milliseconds since 1970 in UTC; zero: off.
    pub due_ms: u64,
}

/// A client's connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportDisconnect<'a> {
    /// Whose.
    pub account_id: u64,
    /// Why, for people.
    pub reason: &'a str,
}

pub(super) fn decode_timer(r: &mut Reader<'_, '_>) -> Result<SetDeadMansTimer, RecordError> {
    let due_ms = r.u64(112);
    if due_ms > limit::TIME_MS_MAX {
        return Err(RecordError::TooLarge("due time"));
    }
    Ok(SetDeadMansTimer { account_id: r.u64(16), due_ms })
}

pub(super) fn encode_timer(c: &SetDeadMansTimer, r: &mut Record) {
    r.u64(16, c.account_id).u64(112, c.due_ms);
}

pub(super) fn decode_disconnect<'a>(r: &mut Reader<'_, 'a>) -> Result<ReportDisconnect<'a>, RecordError> {
    Ok(ReportDisconnect { account_id: r.u64(16), reason: r.text(64, limit::REASON_BYTES_MAX)?.unwrap_or("") })
}

pub(super) fn encode_disconnect(c: &ReportDisconnect<'_>, r: &mut Record, texts: &mut TextArena) {
    r.u64(16, c.account_id).text(64, Some(c.reason), texts);
}
