//! A sorted vector with the best level at its end, where most changes happen.

use super::Ladder;

/// Levels from worst to best.
#[derive(Clone, Debug, Default)]
pub struct SortedLadder {
    levels: Vec<(u64, u32)>,
}

impl SortedLadder {
    fn find(&self, key: u64) -> Result<usize, usize> {
        self.levels.binary_search_by(|(other, _)| key.cmp(other))
    }
}

impl Ladder for SortedLadder {
    fn best(&self) -> Option<(u64, u32)> {
        self.levels.last().copied()
    }

    fn get(&self, key: u64) -> Option<u32> {
        self.find(key).ok().map(|at| self.levels[at].1)
    }

    fn insert(&mut self, key: u64, level: u32) {
        if let Err(at) = self.find(key) {
            self.levels.insert(at, (key, level));
        }
    }

    fn remove(&mut self, key: u64) {
        if let Ok(at) = self.find(key) {
            self.levels.remove(at);
        }
    }

    fn after(&self, key: u64) -> Option<(u64, u32)> {
        let (Ok(at) | Err(at)) = self.find(key);
        at.checked_sub(1).map(|worse| self.levels[worse])
    }

    fn len(&self) -> usize {
        self.levels.len()
    }
}
