//! Reports handed to a thread that drains them, a batch at a time: batches come back empty and are used again.

use std::hint;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use crate::adapter::Reports;
use crate::report::Report;

/// Reports of one batch: 64 KiB.
const BATCH: usize = 2048;
/// Batches under way; a writer that is this far ahead waits.
const BATCHES: usize = 16;

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
            loop {
                match incoming.try_recv() {
                    Ok(mut batch) => {
                        drained.extend_from_slice(&batch);
                        batch.clear();
                        // The writer may be gone: its last batches are not used again.
                        let _ = back.try_send(batch);
                    }
                    Err(TryRecvError::Empty) => hint::spin_loop(),
                    Err(TryRecvError::Disconnected) => return drained,
                }
            }
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
        let next = loop {
            match self.empty.try_recv() {
                Ok(batch) => break batch,
                Err(TryRecvError::Empty) => hint::spin_loop(),
                Err(TryRecvError::Disconnected) => panic!("the draining thread is gone"),
            }
        };
        let mut batch = std::mem::replace(&mut self.batch, next);
        while let Err(error) = self.full.try_send(batch) {
            match error {
                TrySendError::Full(again) => batch = again,
                TrySendError::Disconnected(_) => panic!("the draining thread is gone"),
            }
            hint::spin_loop();
        }
    }
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
