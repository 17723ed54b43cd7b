//! A window of neighbouring keys with a three-step occupancy bitmap; every other key lies in an ordered map.
//!
//! The window moves to the best key only after as many changes around a best key outside it as a move costs levels, and
//! grows only after a quarter as many changes outside it as it has keys: no sequence of prices makes a change dearer than
//! the ordered map would, up to a constant. It takes 256 KiB at most.

use std::collections::BTreeMap;

use super::Ladder;

const WINDOW_FIRST: u64 = 256;
/// A quarter of what three steps of 64 can tell apart: swings of half a price need no more, and a venue has many books.
const WINDOW_MAX: u64 = 1 << 16;
const GROWTH: u64 = 4;
/// It does not grow for fewer levels outside than one in so many keys.
const SPARSE: u64 = 4096;
const NONE: u32 = u32::MAX;

/// Levels by tick.
#[derive(Clone, Debug)]
pub struct DenseLadder {
    /// The best key and its level, [`NONE`] if there is no level.
    best: (u64, u32),
    base: u64,
    levels: Box<[u32]>,
    words: Box<[u64]>,
    /// Which words are not zero.
    groups: [u64; 64],
    /// Which groups are not zero.
    summary: u64,
    /// Levels in the window.
    inside: usize,
    outside: BTreeMap<u64, u32>,
    /// How many keys outside are better than the window's first.
    better: usize,
    /// Changes since the last move while the best key was outside.
    misses: usize,
    /// Changes outside since the last look at whether the window is too small.
    strays: u64,
}

impl Default for DenseLadder {
    fn default() -> Self {
        let mut ladder = Self {
            best: (0, NONE),
            base: 0,
            levels: Box::default(),
            words: Box::default(),
            groups: [0; 64],
            summary: 0,
            inside: 0,
            outside: BTreeMap::new(),
            better: 0,
            misses: 0,
            strays: 0,
        };
        ladder.set_window(WINDOW_FIRST);
        ladder
    }
}

impl DenseLadder {
    fn window(&self) -> u64 {
        self.levels.len() as u64
    }

    /// An empty window of a size.
    fn set_window(&mut self, size: u64) {
        self.levels = vec![NONE; size as usize].into_boxed_slice();
        self.words = vec![0; size as usize / 64].into_boxed_slice();
    }

    fn offset(&self, key: u64) -> Option<usize> {
        let offset = key.wrapping_sub(self.base);
        (key >= self.base && offset < self.window()).then_some(offset as usize)
    }

    fn at(&self, offset: usize) -> (u64, u32) {
        (self.base + offset as u64, self.levels[offset])
    }

    fn set(&mut self, offset: usize, level: u32) {
        self.levels[offset] = level;
        self.inside += 1;
        let (word, group) = (offset >> 6, offset >> 12);
        self.words[word] |= 1 << (offset & 63);
        self.groups[group] |= 1 << (word & 63);
        self.summary |= 1 << group;
    }

    fn clear(&mut self, offset: usize) {
        self.levels[offset] = NONE;
        self.inside -= 1;
        let (word, group) = (offset >> 6, offset >> 12);
        self.words[word] &= !(1 << (offset & 63));
        if self.words[word] == 0 {
            self.groups[group] &= !(1 << (word & 63));
            if self.groups[group] == 0 {
                self.summary &= !(1 << group);
            }
        }
    }

    /// The first occupied offset at or after `from`.
    fn next_occupied(&self, from: usize) -> Option<usize> {
        let word = from >> 6;
        let here = self.words.get(word)? & (u64::MAX << (from & 63));
        if here != 0 {
            return Some((word << 6) + here.trailing_zeros() as usize);
        }
        let mut group = word >> 6;
        let mut words = self.groups[group] & above(word & 63);
        if words == 0 {
            let groups = self.summary & above(group);
            if groups == 0 {
                return None;
            }
            group = groups.trailing_zeros() as usize;
            words = self.groups[group];
        }
        let word = (group << 6) + words.trailing_zeros() as usize;
        Some((word << 6) + self.words[word].trailing_zeros() as usize)
    }

    fn find_best(&self) -> (u64, u32) {
        let outside = || self.outside.first_key_value().map(|(key, level)| (*key, *level));
        if self.better > 0 {
            return outside().unwrap_or((0, NONE));
        }
        // The first occupied offset, from the top: nothing is masked.
        if self.summary != 0 {
            let group = self.summary.trailing_zeros() as usize;
            let word = (group << 6) + self.groups[group].trailing_zeros() as usize;
            return self.at((word << 6) + self.words[word].trailing_zeros() as usize);
        }
        outside().unwrap_or((0, NONE))
    }

    /// A change outside the window, or one that left nothing in it: counts it, and moves or grows the window when that
    /// has happened often enough.
    fn strayed(&mut self) {
        self.strays += 1;
        if self.strays > self.window() / 4 {
            self.strays = 0;
            if self.window() < WINDOW_MAX && self.outside.len() as u64 >= self.window() / SPARSE {
                return self.rebase(self.window() * GROWTH);
            }
        }
        let best_is_inside = self.better == 0 && (self.inside > 0 || self.outside.is_empty());
        if best_is_inside {
            return;
        }
        self.misses += 1;
        if (self.inside == 0 && self.outside.len() == 1) || self.misses > self.inside + 16 {
            self.rebase(self.window());
        }
    }

    /// Moves the window to the best key and makes it `size` keys; what leaves it goes into the map, what it now covers
    /// comes out of it.
    fn rebase(&mut self, size: u64) {
        let mut next = self.next_occupied(0);
        while let Some(offset) = next {
            let (key, level) = self.at(offset);
            self.outside.insert(key, level);
            self.clear(offset);
            next = self.next_occupied(offset + 1);
        }
        if size != self.window() {
            self.set_window(size);
        }
        let best = self.outside.first_key_value().map_or(0, |(key, _)| *key);
        // It begins a quarter before the best key, so that prices may improve without a move.
        self.base = best.saturating_sub(size / 4).min(u64::MAX - (size - 1));
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

    #[cold]
    fn insert_outside(&mut self, key: u64, level: u32) {
        self.outside.insert(key, level);
        self.better += usize::from(key < self.base);
        self.strayed();
    }

    #[cold]
    fn remove_outside(&mut self, key: u64) {
        self.outside.remove(&key);
        self.better -= usize::from(key < self.base);
        self.strayed();
    }
}

/// The bits above one.
fn above(bit: usize) -> u64 {
    (u64::MAX << bit) << 1
}

impl Ladder for DenseLadder {
    #[inline]
    fn best(&self) -> Option<(u64, u32)> {
        (self.best.1 != NONE).then_some(self.best)
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u32> {
        match self.offset(key) {
            Some(offset) => Some(self.levels[offset]).filter(|level| *level != NONE),
            None => self.outside.get(&key).copied(),
        }
    }

    #[inline]
    fn insert(&mut self, key: u64, level: u32) {
        if self.best.1 == NONE || key < self.best.0 {
            self.best = (key, level);
        }
        match self.offset(key) {
            Some(offset) => self.set(offset, level),
            None => self.insert_outside(key, level),
        }
    }

    #[inline]
    fn remove(&mut self, key: u64) {
        match self.offset(key) {
            Some(offset) => {
                self.clear(offset);
                if self.inside == 0 && !self.outside.is_empty() {
                    self.strayed();
                }
            }
            None => self.remove_outside(key),
        }
        if key == self.best.0 {
            self.best = self.find_best();
        }
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
