//! What an instrument's market does for a time.

use super::{Piece, WORD_BYTES};

words! {
    /// Whether an instrument trades, and how.
    Session {
        /// Orders match as they come.
        Continuous = 0, "CONTINUOUS";
        /// No entry; cancels are allowed.
        Closed = 1, "CLOSED";
        /// Orders are collected, and nothing is said of what they would trade.
        PreOpen = 2, "PRE_OPEN";
        /// Orders are collected for the opening auction.
        OpeningCall = 3, "OPENING_CALL";
        /// Orders are collected for an auction in the middle of the day.
        VolatilityCall = 4, "VOLATILITY_CALL";
        /// No entry; cancels are allowed. What was collected stays as it is.
        Halt = 5, "HALT";
        /// Orders are collected for the closing auction.
        ClosingCall = 6, "CLOSING_CALL";
        /// Orders match as they come, at the closing price only.
        ClosingPriceCross = 7, "CLOSING_PRICE_CROSS";
    }
}

impl Session {
    /// Whether orders match as they come.
    pub const fn matches(self) -> bool {
        matches!(self, Self::Continuous | Self::ClosingPriceCross)
    }

    /// Whether what would be traded is published, and traded at the end.
    pub const fn is_call(self) -> bool {
        matches!(self, Self::OpeningCall | Self::VolatilityCall | Self::ClosingCall)
    }

    /// Whether orders rest without matching.
    pub const fn collects(self) -> bool {
        matches!(self, Self::PreOpen) || self.is_call()
    }
}
