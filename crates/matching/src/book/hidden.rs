//! Hidden orders: they trade after every displayed order of their price, and no depth shows them.
//!
//! They lie in ladders of their own: where there is none, matching looks once and goes on.

use super::slab::{HIDDEN, ICEBERG};
use super::{Book, Order, key_of};
use crate::ladder::{Ladder, OrderedLadder};
use crate::vocabulary::Side;

/// Levels of hidden orders.
#[derive(Clone, Debug, Default)]
pub(super) struct Hidden {
    pub(super) bids: OrderedLadder,
    pub(super) asks: OrderedLadder,
}

impl Hidden {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.bids.is_empty() && self.asks.is_empty()
    }

    pub(super) fn of(&self, side: Side) -> &OrderedLadder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    pub(super) fn of_mut(&mut self, side: Side) -> &mut OrderedLadder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

impl Book {
    /// The best price of a side, hidden orders included.
    pub fn best_with_hidden(&self, side: Side) -> Option<u64> {
        self.best_level(side).map(|(key, _)| key_of(side, key))
    }

    /// The next level that trades: the better of the displayed and the hidden, displayed first at the same price.
    #[inline]
    pub(super) fn best_level(&self, side: Side) -> Option<(u64, u32)> {
        let shown = self.ladder(side).best();
        if self.hidden.is_empty() { shown } else { sooner(shown, self.hidden.of(side).best()) }
    }

    /// The level that trades after one: the hidden one of the same price, or the best of the next.
    pub(super) fn level_after(&self, side: Side, key: u64, is_hidden: bool) -> Option<(u64, u32)> {
        let hidden = self.hidden.of(side);
        if !is_hidden && let Some(level) = hidden.get(key) {
            return Some((key, level));
        }
        sooner(self.ladder(side).after(key), hidden.after(key))
    }

    /// Whether a level is one of hidden orders.
    pub(super) fn is_hidden_level(&self, level: u32) -> bool {
        self.order(self.levels[level as usize].head).is_hidden()
    }
}

#[cold]
fn sooner(shown: Option<(u64, u32)>, hidden: Option<(u64, u32)>) -> Option<(u64, u32)> {
    match (shown, hidden) {
        (Some(shown), Some(hidden)) if hidden.0 < shown.0 => Some(hidden),
        (Some(shown), _) => Some(shown),
        (None, hidden) => hidden,
    }
}

impl Order {
    /// Whether no depth shows it.
    #[inline]
    pub fn is_hidden(&self) -> bool {
        self.flags.has(HIDDEN)
    }

    /// Makes an order hidden, before it rests.
    pub fn hide(&mut self) {
        self.flags.set(HIDDEN);
    }

    /// Whether a part of it is in reserve.
    #[inline]
    pub fn is_iceberg(&self) -> bool {
        self.flags.has(ICEBERG)
    }

    pub(super) fn set_iceberg(&mut self) {
        self.flags.set(ICEBERG);
    }
}
