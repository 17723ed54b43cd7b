//! Timers: what has to happen at a known time. The core has no clock; whoever has one asks what is due.

use std::collections::BTreeSet;

/// Times at which orders expire, with the orders' numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    expiries: BTreeSet<(u64, u64)>,
    /// Dead-man's timers, with the accounts.
    dead_mans: BTreeSet<(u64, u32)>,
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
        let expiry = self.expiries.first().map(|(due_ms, _)| *due_ms);
        let dead_mans = self.dead_mans.first().map(|(due_ms, _)| *due_ms);
        expiry.into_iter().chain(dead_mans).min()
    }

    /// An account's dead-man's timer has another time; zero is none.
    pub(crate) fn set_dead_mans(&mut self, account: u32, before_ms: u64, due_ms: u64) {
        self.dead_mans.remove(&(before_ms, account));
        if due_ms != 0 {
            self.dead_mans.insert((due_ms, account));
        }
    }

    /// Whose dead-man's timer is due next, if it is at or before a time and no order expires before it.
    pub(crate) fn dead_man(&self, until_ms: u64) -> Option<u32> {
        let (due_ms, account) = self.dead_mans.first()?;
        let expiry = self.expiries.first().map(|(due_ms, _)| *due_ms);
        (*due_ms <= until_ms && expiry.is_none_or(|expiry| expiry >= *due_ms)).then_some(*account)
    }

    /// The orders that expire at or before a time, and before any dead-man's timer: the earliest first, at one time the oldest.
    pub(crate) fn expiring(&self, until_ms: u64) -> impl Iterator<Item = u64> + '_ {
        let dead_mans = self.dead_mans.first().map_or(u64::MAX, |(due_ms, _)| *due_ms);
        self.expiries
            .iter()
            .take_while(move |(due_ms, _)| *due_ms <= until_ms && *due_ms < dead_mans)
            .map(|(_, order)| *order)
    }
}
