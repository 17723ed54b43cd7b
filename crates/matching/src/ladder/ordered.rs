//! The reference: an ordered map.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::Ladder;

/// Levels in an ordered map.
#[derive(Clone, Debug, Default)]
pub struct OrderedLadder {
    levels: BTreeMap<u64, u32>,
}

impl Ladder for OrderedLadder {
    fn best(&self) -> Option<(u64, u32)> {
        self.levels.first_key_value().map(|(key, level)| (*key, *level))
    }

    fn get(&self, key: u64) -> Option<u32> {
        self.levels.get(&key).copied()
    }

    fn insert(&mut self, key: u64, level: u32) {
        self.levels.insert(key, level);
    }

    fn remove(&mut self, key: u64) {
        self.levels.remove(&key);
    }

    fn after(&self, key: u64) -> Option<(u64, u32)> {
        self.levels.range((Bound::Excluded(key), Bound::Unbounded)).next().map(|(key, level)| (*key, *level))
    }

    fn len(&self) -> usize {
        self.levels.len()
    }
}
