//! A window of 4,096 neighbouring keys with a two-step occupancy bitmap; every other key lies in an ordered map.
//!
//! The window moves to the best key only after as many changes around a best key outside it as a move costs levels, so
//! that no sequence of prices makes a change dearer than the ordered map would, up to a constant.

use std::collections::BTreeMap;

use super::Ladder;

const WINDOW: u64 = 4096;
const WORD: u64 = 64;
const NONE: u32 = u32::MAX;

/// Levels by tick.
#[derive(Clone, Debug)]
pub struct DenseLadder {
    base: u64,
    summary: u64,
    words: [u64; 64],
    levels: Box<[u32]>,
    /// Levels in the window.
    inside: usize,
    outside: BTreeMap<u64, u32>,
    /// How many keys outside are better than the window's first.
    better: usize,
    /// Changes since the last move while the best key was outside.
    misses: usize,
}

impl Default for DenseLadder {
    fn default() -> Self {
        let levels = vec![NONE; WINDOW as usize].into_boxed_slice();
        let outside = BTreeMap::new();
        Self { base: 0, summary: 0, words: [0; 64], levels, inside: 0, outside, better: 0, misses: 0 }
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
        self.inside += 1;
        self.words[offset >> 6] |= 1 << (offset & 63);
        self.summary |= 1 << (offset >> 6);
    }

    fn clear(&mut self, offset: usize) {
        self.levels[offset] = NONE;
        self.inside -= 1;
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

    /// Counts a change while the best key is outside, and moves the window when that has happened often enough.
    fn changed(&mut self) {
        let best_is_inside = self.better == 0 && (self.inside > 0 || self.outside.is_empty());
        if best_is_inside {
            return;
        }
        self.misses += 1;
        if (self.inside == 0 && self.outside.len() == 1) || self.misses > self.inside + 16 {
            let best = self.outside.first_key_value().map(|(key, _)| *key);
            self.rebase(best.map_or(0, base_for));
        }
    }

    /// Moves the window to begin at `base`; what leaves it goes into the map, what it now covers comes out of it.
    fn rebase(&mut self, base: u64) {
        let mut next = self.next_occupied(0);
        while let Some(offset) = next {
            let (key, level) = self.at(offset);
            self.outside.insert(key, level);
            self.clear(offset);
            next = self.next_occupied(offset + 1);
        }
        self.base = base;
        while let Some((key, level)) = self.outside.pop_first() {
            // The window begins at or before the best key: none is better.
            let Some(offset) = self.offset(key) else {
                self.outside.insert(key, level);
                break;
            };
            self.set(offset, level);
        }
        (self.better, self.misses) = (0, 0);
    }
}

/// A window that begins a quarter before `key`, so that prices may improve without a move.
fn base_for(key: u64) -> u64 {
    key.saturating_sub(WINDOW / 4).min(u64::MAX - (WINDOW - 1))
}

impl Ladder for DenseLadder {
    fn best(&self) -> Option<(u64, u32)> {
        if self.better == 0
            && let Some(offset) = self.next_occupied(0)
        {
            return Some(self.at(offset));
        }
        self.outside.first_key_value().map(|(key, level)| (*key, *level))
    }

    fn get(&self, key: u64) -> Option<u32> {
        match self.offset(key) {
            Some(offset) => Some(self.levels[offset]).filter(|level| *level != NONE),
            None => self.outside.get(&key).copied(),
        }
    }

    fn insert(&mut self, key: u64, level: u32) {
        if let Some(offset) = self.offset(key) {
            self.set(offset, level);
        } else {
            self.outside.insert(key, level);
            self.better += usize::from(key < self.base);
        }
        self.changed();
    }

    fn remove(&mut self, key: u64) {
        if let Some(offset) = self.offset(key) {
            self.clear(offset);
        } else {
            self.outside.remove(&key);
            self.better -= usize::from(key < self.base);
        }
        self.changed();
    }

    fn after(&self, key: u64) -> Option<(u64, u32)> {
        let next = key.checked_add(1)?;
        let from = if next < self.base { Some(0) } else { self.offset(next) };
        let near = from.and_then(|from| self.next_occupied(from)).map(|offset| self.at(offset));
        if self.outside.is_empty() || (near.is_some() && self.better == 0) {
            return near;
        }
        let far = self.outside.range(next..).next().map(|(key, level)| (*key, *level));
        [near, far].into_iter().flatten().min()
    }

    fn len(&self) -> usize {
        self.inside + self.outside.len()
    }
}
