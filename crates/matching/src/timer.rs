//! Timers: what has to happen at a known time. The core has no clock; whoever has one asks what is due.

use std::collections::BTreeSet;

/// Times at which orders expire, with the orders' numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    expiries: BTreeSet<(u64, u64)>,
}

impl Timers {
    pub(crate) fn set(&mut self, due_ms: u64, order: u64) {
        self.expiries.insert((due_ms, order));
    }

    pub(crate) fn clear(&mut self, due_ms: u64, order: u64) {
        self.expiries.remove(&(due_ms, order));
    }

    /// The earliest time at which something is due.
    pub(crate) fn next_due_ms(&self) -> Option<u64> {
        self.expiries.first().map(|(due_ms, _)| *due_ms)
    }

    /// The orders that expire at or before a time: the earliest first, at one time the oldest.
    pub(crate) fn expiring(&self, until_ms: u64) -> impl Iterator<Item = u64> + '_ {
        self.expiries.iter().take_while(move |(due_ms, _)| *due_ms <= until_ms).map(|(_, order)| *order)
    }
}
