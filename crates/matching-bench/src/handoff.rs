//! Reports handed to a thread that drains them, a batch at a time: batches come back empty and are used again.
//!
//! Who has to wait looks again some times and then sleeps, so that the two do not starve others on a machine of two cores.

use std::hint;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};

use crate::adapter::Reports;
use crate::report::Report;

/// Reports of one batch: 64 KiB.
const BATCH: usize = 2048;
/// Batches under way; a writer that is this far ahead waits.
const BATCHES: usize = 32;

/// Looks before a thread sleeps.
const LOOKS: u32 = 2_000;

/// The writer's end.
pub struct Handoff {
    batch: Vec<Report>,
    full: SyncSender<Vec<Report>>,
    empty: Receiver<Vec<Report>>,
    drain: JoinHandle<Vec<Report>>,
}

impl Handoff {
    /// Starts the draining thread; it keeps what it gets in `drained`.
    pub fn new(mut drained: Vec<Report>) -> Self {
        let (full, incoming) = sync_channel::<Vec<Report>>(BATCHES);
        let (back, empty) = sync_channel(BATCHES);
        for _ in 1..BATCHES {
            back.send(Vec::with_capacity(BATCH)).expect("the receiver is here");
        }
        let drain = thread::spawn(move || {
            while let Some(mut batch) = receive(&incoming) {
                drained.extend_from_slice(&batch);
                batch.clear();
                // The writer may be gone: its last batches are not used again.
                let _ = back.try_send(batch);
            }
            drained
        });
        Self { batch: Vec::with_capacity(BATCH), full, empty, drain }
    }

    /// Hands over the rest and waits until all is drained.
    pub fn finish(mut self) -> Vec<Report> {
        self.hand_over();
        drop(self.full);
        self.drain.join().expect("the draining thread ends by itself")
    }

    #[inline(never)]
    fn hand_over(&mut self) {
        let next = receive(&self.empty).expect("the draining thread is here");
        let batch = std::mem::replace(&mut self.batch, next);
        self.full.send(batch).expect("the draining thread is here");
    }
}

/// The next of a channel, or `None` when the other end has gone.
fn receive<T>(from: &Receiver<T>) -> Option<T> {
    for _ in 0..LOOKS {
        match from.try_recv() {
            Ok(next) => return Some(next),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => hint::spin_loop(),
        }
    }
    from.recv().ok()
}

impl Reports for Handoff {
    #[inline]
    fn push(&mut self, report: Report) {
        if self.batch.len() == BATCH {
            self.hand_over();
        }
        self.batch.push(report);
    }
}
