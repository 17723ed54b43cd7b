//! The data of events, one after another, in memory that is written once.

use std::ops::{Deref, DerefMut};

/// Bytes, and room behind them: a growing vector would look at its end for each piece of an event.
#[derive(Clone, Debug, Default)]
pub struct EventData {
    bytes: Vec<u8>,
    used: usize,
}

impl EventData {
    /// What follows other bytes.
    pub(super) fn after(bytes: Vec<u8>) -> Self {
        Self { used: bytes.len(), bytes }
    }

    /// The bytes alone.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.used);
        self.bytes
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.used = 0;
    }

    /// Lets someone write into `room` bytes, who returns how many of them were not needed.
    pub(super) fn append(&mut self, room: usize, write: impl FnOnce(&mut [u8]) -> usize) {
        if self.bytes.len() - self.used < room {
            let more = room.max(self.bytes.len());
            self.bytes.resize(self.used + more, 0);
        }
        let left = write(&mut self.bytes[self.used..]);
        self.used = self.bytes.len() - left;
    }
}

impl Deref for EventData {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.used]
    }
}

impl PartialEq for EventData {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for EventData {}

impl DerefMut for EventData {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.used]
    }
}
