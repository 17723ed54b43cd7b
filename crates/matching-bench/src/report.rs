//! What the benchmark wants to hear: one report a line, stable-sorted by message and kind, and its SHA-256.

use std::fmt::Write as _;

use matching::vocabulary::Side;
use sha2::{Digest, Sha256};

/// What a report tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Told {
    /// An order was accepted.
    Accepted,
    /// Two orders traded at the maker's price.
    Traded,
    /// An order was canceled, or the rest of an immediate one.
    Canceled,
    /// An order was modified.
    Modified,
    /// A cancel named no open order.
    CancelRejected,
    /// A modify named no open order.
    ModifyRejected,
}

/// One report; a kind leaves alone what its line does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The order, or the maker of a trade.
    pub order_id: u64,
    /// The taker of a trade.
    pub taker_id: u64,
    /// Number of the message.
    pub seq: u32,
    /// Ticks.
    pub price: u32,
    /// Lots.
    pub quantity: u32,
    /// What it tells.
    pub told: Told,
    /// The order's side.
    pub side: Side,
}

impl Report {
    /// A report of nothing, to fill a buffer with.
    pub const EMPTY: Self =
        Self { order_id: 0, taker_id: 0, seq: 0, price: 0, quantity: 0, told: Told::Accepted, side: Side::Buy };

    fn write(&self, text: &mut String) {
        let Self { order_id, taker_id, seq, price, quantity, told, side } = *self;
        let (kind, side) = (told as u8, side as u8);
        let _ = match told {
            Told::Accepted | Told::Modified => write!(text, "{kind},{seq},{side},{order_id},{price},{quantity}"),
            Told::Traded => write!(text, "{kind},{seq},{price},{quantity},{order_id},{taker_id}"),
            Told::Canceled => write!(text, "{kind},{seq},{side},{order_id},{price}"),
            Told::CancelRejected | Told::ModifyRejected => write!(text, "{kind},{seq},{order_id}"),
        };
    }
}

/// The lines of reports, joined by newlines with none at the end.
pub fn stream_of(reports: &mut [Report]) -> String {
    reports.sort_by_key(|report| (report.seq, report.told));
    let mut text = String::with_capacity(reports.len() * 32);
    for (at, report) in reports.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        report.write(&mut text);
    }
    text
}

/// The SHA-256 of a text, in hexadecimal.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
