//! Price ladders: which levels exist, ordered from the best price to the worst.
//!
//! A ladder works on keys, where smaller is better: an ask's key is its price, a bid's the complement of its price.
//! The three ladders answer alike; they differ in what they cost.

mod dense;
mod ordered;
mod sorted;

pub use dense::DenseLadder;
pub use ordered::OrderedLadder;
pub use sorted::SortedLadder;

/// A set of levels by key.
pub trait Ladder {
    /// The best key and its level.
    fn best(&self) -> Option<(u64, u32)>;
    /// The level of a key.
    fn get(&self, key: u64) -> Option<u32>;
    /// Adds a level under a key that has none.
    fn insert(&mut self, key: u64, level: u32);
    /// Removes a key that is there.
    fn remove(&mut self, key: u64);
    /// The next key worse than `key` and its level.
    fn after(&self, key: u64) -> Option<(u64, u32)>;
    /// Number of levels.
    fn len(&self) -> usize;
    /// Whether there is no level.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Which ladder a book uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LadderKind {
    /// A window of ticks with an occupancy bitmap, and an ordered map beyond it.
    #[default]
    Dense,
    /// A vector sorted from worst to best.
    Sorted,
    /// An ordered map: the reference.
    Ordered,
}

impl LadderKind {
    /// Every ladder.
    pub const ALL: [Self; 3] = [Self::Dense, Self::Sorted, Self::Ordered];
}

/// One of the ladders, chosen when a book is made.
#[derive(Clone, Debug)]
// Two of them a book: the size does not matter, one more pointer to follow would.
#[allow(clippy::large_enum_variant)]
pub enum AnyLadder {
    /// See [`LadderKind::Dense`].
    Dense(DenseLadder),
    /// See [`LadderKind::Sorted`].
    Sorted(SortedLadder),
    /// See [`LadderKind::Ordered`].
    Ordered(OrderedLadder),
}

impl AnyLadder {
    /// An empty ladder of a kind.
    pub fn new(kind: LadderKind) -> Self {
        match kind {
            LadderKind::Dense => Self::Dense(DenseLadder::default()),
            LadderKind::Sorted => Self::Sorted(SortedLadder::default()),
            LadderKind::Ordered => Self::Ordered(OrderedLadder::default()),
        }
    }
}

macro_rules! each {
    ($self:expr, $ladder:ident => $call:expr) => {
        match $self {
            AnyLadder::Dense($ladder) => $call,
            AnyLadder::Sorted($ladder) => $call,
            AnyLadder::Ordered($ladder) => $call,
        }
    };
}

impl Ladder for AnyLadder {
    fn best(&self) -> Option<(u64, u32)> {
        each!(self, ladder => ladder.best())
    }

    fn get(&self, key: u64) -> Option<u32> {
        each!(self, ladder => ladder.get(key))
    }

    fn insert(&mut self, key: u64, level: u32) {
        each!(self, ladder => ladder.insert(key, level));
    }

    fn remove(&mut self, key: u64) {
        each!(self, ladder => ladder.remove(key));
    }

    fn after(&self, key: u64) -> Option<(u64, u32)> {
        each!(self, ladder => ladder.after(key))
    }

    fn len(&self) -> usize {
        each!(self, ladder => ladder.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Enough levels for the window to grow more than once, and back and forth across it.
    #[test]
    fn a_window_that_grows_answers_as_the_ordered_map_does() {
        let mut reference = OrderedLadder::default();
        let mut dense = DenseLadder::default();
        let mut state = 1u64;
        for step in 0..60_000u32 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = (1 << 40) + (state >> 33) % (1 << (8 + step / 5_000));
            if reference.get(key).is_some() {
                reference.remove(key);
                dense.remove(key);
            } else {
                reference.insert(key, step);
                dense.insert(key, step);
            }
            assert_eq!(dense.best(), reference.best());
            assert_eq!(dense.get(key), reference.get(key));
            assert_eq!(dense.after(key), reference.after(key));
            assert_eq!(dense.len(), reference.len());
        }
        let all = |ladder: &dyn Ladder| {
            std::iter::successors(ladder.best(), |(key, _)| ladder.after(*key)).collect::<Vec<_>>()
        };
        assert!(reference.len() > 10_000, "{} levels", reference.len());
        assert_eq!(all(&dense), all(&reference));
    }

    fn near_and_far() -> impl Strategy<Value = u64> {
        prop_oneof![
            6 => 1_000_000u64..1_000_040,
            6 => 1_006_000u64..1_006_040,
            3 => 3_900u64..8_300,
            1 => any::<u64>(),
            1 => Just(u64::MAX),
            1 => Just(0),
        ]
    }

    proptest! {
        #[test]
        fn all_ladders_answer_as_the_ordered_map_does(keys in prop::collection::vec(near_and_far(), 1..600)) {
            let mut reference = OrderedLadder::default();
            let mut others = [AnyLadder::new(LadderKind::Dense), AnyLadder::new(LadderKind::Sorted)];
            for (step, key) in keys.iter().enumerate() {
                let level = u32::try_from(step).unwrap();
                let known = reference.get(*key).is_some();
                if known { reference.remove(*key) } else { reference.insert(*key, level) }
                for other in &mut others {
                    if known { other.remove(*key) } else { other.insert(*key, level) }
                    prop_assert_eq!(other.best(), reference.best());
                    prop_assert_eq!(other.len(), reference.len());
                    for probe in keys[..=step].iter().rev().take(40) {
                        prop_assert_eq!(other.get(*probe), reference.get(*probe));
                        prop_assert_eq!(other.after(*probe), reference.after(*probe));
                    }
                }
            }
        }
    }
}
