//! What is due: the core says when, a command stamped with that time does it.

use super::{Engine, MILLISECOND_NS, Refusal};
use crate::event::Events;
use crate::limit::CANCELS_PER_COMMAND_MAX;
use crate::order_index::Place;
use crate::vocabulary::Reason;

impl Engine {
    /// The earliest time at which a [`crate::command::Command::FireDue`] has something to do. Whoever applies commands
    /// applies it, stamped so, before any command that is stamped at or after it.
    pub fn next_due_ns(&self) -> Option<u64> {
        if self.has_killed_orders() || !self.unfinished.is_empty() || self.next_deferred().is_some() {
            return Some(self.last_stamp_ns);
        }
        self.timers.next_due_ms().map(|due_ms| due_ms * MILLISECOND_NS)
    }

    /// Goes on with what a kill switch ends, with a change of session, or with deferred triggers; if there is none of them,
    /// ends orders whose time has come, at most [`CANCELS_PER_COMMAND_MAX`].
    pub(super) fn fire_due(&mut self, events: &mut Events) -> Result<(), Refusal> {
        if self.has_killed_orders() {
            self.end_killed(events);
            return Ok(());
        }
        if let Some(instrument) = self.unfinished.first().copied() {
            self.resume_session(instrument, events);
            return Ok(());
        }
        if let Some(instrument) = self.next_deferred() {
            self.resume(instrument, events);
            self.touch(instrument);
            return Ok(());
        }
        let now_ms = self.last_stamp_ns / MILLISECOND_NS;
        if let Some(account) = self.timers.dead_man(now_ms) {
            self.fire_dead_mans_timer(account, events);
            return Ok(());
        }
        let expiring: Vec<u64> = self.timers.expiring(now_ms).take(CANCELS_PER_COMMAND_MAX as usize).collect();
        if expiring.is_empty() {
            return Err(Refusal::of_venue(Reason::NothingDue));
        }
        for number in expiring {
            if let Place::Open { instrument, slot } = self.index.get(number) {
                self.end_order(instrument, slot, Reason::ExpireTime, events);
            }
        }
        Ok(())
    }
}
