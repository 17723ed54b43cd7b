//! A book as an auction sees it: everything counts, reserves and hidden orders too.

use super::{Book, Depth, key_of};
use crate::vocabulary::Side;

impl Book {
    /// Levels of a side from the best with all that rests there, and whether it is hidden: the displayed and the hidden
    /// orders of a price come one after the other.
    pub(crate) fn whole_depth(&self, side: Side) -> impl Iterator<Item = (Depth, bool)> + '_ {
        let after = move |(key, level): &(u64, u32)| self.level_after(side, *key, self.is_hidden_level(*level));
        std::iter::successors(self.best_level(side), after).map(move |(key, level)| {
            let depth = self.levels[level as usize].depth();
            let quantity = depth.quantity + self.icebergs.reserve(level);
            (Depth { price: key_of(side, key), quantity, ..depth }, self.is_hidden_level(level))
        })
    }

    /// The order of a side that is served first.
    pub(crate) fn front(&self, side: Side) -> Option<u32> {
        self.best_level(side).map(|(_, level)| self.levels[level as usize].head)
    }
}
