//! A window of 4,096 neighbouring keys with a two-step occupancy bitmap; what is worse lies in an ordered map.
//!
//! Invariants: no key is better than the window's first; every key of the map is worse than the window's last; the
//! window is empty only if the ladder is.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::Ladder;

const WINDOW: u64 = 4096;
const WORD: u64 = 64;
const NONE: u32 = u32::MAX;

/// Levels by tick.
#[derive(Clone, Debug)]
pub struct DenseLadder {
    base: u64,
    count: usize,
    summary: u64,
    words: [u64; 64],
    levels: Box<[u32]>,
    worse: BTreeMap<u64, u32>,
}

impl Default for DenseLadder {
    fn default() -> Self {
        let levels = vec![NONE; WINDOW as usize].into_boxed_slice();
        Self { base: 0, count: 0, summary: 0, words: [0; 64], levels, worse: BTreeMap::new() }
    }
}

impl DenseLadder {
    fn offset(&self, key: u64) -> Option<usize> {
        let offset = key.wrapping_sub(self.base);
        (key >= self.base && offset < WINDOW).then_some(offset as usize)
    }

    fn at(&self, offset: usize) -> (u64, u32) {
        (self.base + offset as u64, self.levels[offset])
    }

    fn set(&mut self, offset: usize, level: u32) {
        self.levels[offset] = level;
        self.words[offset >> 6] |= 1 << (offset & 63);
        self.summary |= 1 << (offset >> 6);
    }

    fn clear(&mut self, offset: usize) {
        self.levels[offset] = NONE;
        self.words[offset >> 6] &= !(1 << (offset & 63));
        if self.words[offset >> 6] == 0 {
            self.summary &= !(1 << (offset >> 6));
        }
    }

    /// The first occupied offset at or after `from`.
    fn next_occupied(&self, from: usize) -> Option<usize> {
        if from >= WINDOW as usize {
            return None;
        }
        let word = from >> 6;
        let here = self.words[word] & (u64::MAX << (from & 63));
        if here != 0 {
            return Some((word << 6) + here.trailing_zeros() as usize);
        }
        let later = if word as u64 + 1 >= WORD { 0 } else { self.summary & (u64::MAX << (word + 1)) };
        if later == 0 {
            return None;
        }
        let word = later.trailing_zeros() as usize;
        Some((word << 6) + self.words[word].trailing_zeros() as usize)
    }

    /// Moves the window to begin at `base`; everything in it goes through the map.
    fn rebase(&mut self, base: u64) {
        let mut next = self.next_occupied(0);
        while let Some(offset) = next {
            let (key, level) = self.at(offset);
            self.worse.insert(key, level);
            self.clear(offset);
            next = self.next_occupied(offset + 1);
        }
        self.base = base;
        while let Some((key, level)) = self.worse.pop_first() {
            let Some(offset) = self.offset(key) else {
                self.worse.insert(key, level);
                break;
            };
            self.set(offset, level);
        }
    }
}

/// A window that begins a quarter before `key`, so that prices may improve without a move.
fn base_for(key: u64) -> u64 {
    key.saturating_sub(WINDOW / 4).min(u64::MAX - (WINDOW - 1))
}

impl Ladder for DenseLadder {
    fn best(&self) -> Option<(u64, u32)> {
        self.next_occupied(0).map(|offset| self.at(offset))
    }

    fn get(&self, key: u64) -> Option<u32> {
        match self.offset(key) {
            Some(offset) => Some(self.levels[offset]).filter(|level| *level != NONE),
            None => self.worse.get(&key).copied(),
        }
    }

    fn insert(&mut self, key: u64, level: u32) {
        if self.count == 0 || key < self.base {
            self.rebase(base_for(key));
        }
        match self.offset(key) {
            Some(offset) => self.set(offset, level),
            None => {
                self.worse.insert(key, level);
            }
        }
        self.count += 1;
    }

    fn remove(&mut self, key: u64) {
        match self.offset(key) {
            Some(offset) => self.clear(offset),
            None => {
                self.worse.remove(&key);
            }
        }
        self.count -= 1;
        if self.summary == 0
            && let Some((first, _)) = self.worse.first_key_value()
        {
            self.rebase(base_for(*first));
        }
    }

    fn after(&self, key: u64) -> Option<(u64, u32)> {
        let from = match key.checked_add(1) {
            Some(next) if next < self.base => Some(0),
            Some(next) => self.offset(next),
            None => None,
        };
        let near = from.and_then(|from| self.next_occupied(from)).map(|offset| self.at(offset));
        near.or_else(|| {
            self.worse.range((Bound::Excluded(key), Bound::Unbounded)).next().map(|(key, level)| (*key, *level))
        })
    }

    fn len(&self) -> usize {
        self.count
    }
}
