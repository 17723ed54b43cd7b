//! What is due, as the oracle finds it: by asking every open order.

use super::{Reference, Refused, venue};

impl Reference {
    /// When the first of the open orders expires, or a dead-man's timer is due.
    pub fn next_due_ns(&self) -> Option<u64> {
        if !self.deferred.is_empty() {
            return Some(self.now_ns);
        }
        let expiries = self.open.iter().filter_map(|number| self.orders[number].expire_at_ms);
        expiries.chain(self.first_timer().map(|(due, _)| due)).min().map(|due| due * 1_000_000)
    }

    pub(super) fn fire_due(&mut self) -> Result<(), Refused> {
        if let Some(at) = self.deferred.pop_first() {
            self.resume(at);
            return Ok(());
        }
        let mut due: Vec<(u64, u64)> = Vec::new();
        for number in &self.open {
            due.extend(self.orders[number].expire_at_ms.map(|at| (at, *number)).filter(|(at, _)| *at <= self.now_ms));
        }
        due.sort_unstable();
        if let Some((at, account)) = self.first_timer() {
            if at <= self.now_ms && due.first().is_none_or(|(first, _)| *first >= at) {
                self.fire_timer(account);
                return Ok(());
            }
            due.retain(|(due, _)| *due < at);
        }
        for (_, number) in &due {
            self.end(*number, "expire_time");
        }
        if due.is_empty() { venue("nothing_due") } else { Ok(()) }
    }
}
