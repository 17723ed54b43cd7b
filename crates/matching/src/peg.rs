//! Pegged orders of one market: what each follows, and at which price it works.
//!
//! Pegs with equal terms form a group that moves as one. A reference is the best displayed price at which an order rests
//! that is no peg: pegs never follow each other.

use std::collections::BTreeMap;

use crate::book::Book;
use crate::vocabulary::{OrderType, Side};

/// The terms of a pegged order, its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Peg {
    pub(crate) side: Side,
    pub(crate) order_type: OrderType,
    /// Added to its reference, price units.
    pub(crate) offset: i64,
    /// The price it never passes; zero: none.
    pub(crate) limit: u64,
}

/// Best displayed prices of orders that are no pegs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct References {
    pub(crate) bid: Option<u64>,
    pub(crate) ask: Option<u64>,
}

impl Peg {
    /// Where it wants to work: its reference and its offset, within its limit and the prices there are. A middle
    /// between two price units is rounded away from the other side: a buy's down, a sell's up.
    pub(crate) fn price(&self, references: References, max_price: u64) -> Option<u64> {
        let (own, other) = match self.side {
            Side::Buy => (references.bid, references.ask),
            Side::Sell => (references.ask, references.bid),
        };
        let reference = match self.order_type {
            OrderType::MarketPeg => other?,
            OrderType::MidpointPeg => match self.side {
                Side::Buy => own?.midpoint(other?),
                Side::Sell => (own? + other?).div_ceil(2),
            },
            _ => own?,
        };
        let price = reference.saturating_add_signed(self.offset).clamp(1, max_price);
        Some(match (self.limit, self.side) {
            (0, _) => price,
            (limit, Side::Buy) => price.min(limit),
            (limit, Side::Sell) => price.max(limit),
        })
    }

    /// The nearest price to that one which does not meet the other side.
    pub(crate) fn passive(&self, book: &Book, price: u64) -> u64 {
        match (book.best_with_hidden(self.side.opposite()), self.side) {
            (None, _) => price,
            (Some(ask), Side::Buy) => price.min(ask - 1),
            (Some(bid), Side::Sell) => price.max(bid + 1),
        }
    }

    /// Whether it may work at a price: not beyond its limit, which a buy has.
    pub(crate) fn allows(&self, price: u64) -> bool {
        match self.side {
            Side::Buy => price <= self.limit,
            Side::Sell => price >= self.limit,
        }
    }

    /// Whether a price is nearer to the other side than another.
    pub(crate) fn is_nearer(&self, price: u64, than: u64) -> bool {
        match self.side {
            Side::Buy => price > than,
            Side::Sell => price < than,
        }
    }
}

/// The pegs of a market by their groups.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pegs {
    groups: BTreeMap<Peg, Vec<u32>>,
    count: usize,
}

impl Pegs {
    /// Number of open pegs.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn add(&mut self, peg: Peg, slot: u32) {
        self.groups.entry(peg).or_default().push(slot);
        self.count += 1;
    }

    pub(crate) fn remove(&mut self, peg: Peg, slot: u32) {
        if let Some(group) = self.groups.get_mut(&peg) {
            group.retain(|member| *member != slot);
            if group.is_empty() {
                self.groups.remove(&peg);
            }
            self.count -= 1;
        }
    }

    /// The groups in a fixed order.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &Peg> {
        self.groups.keys()
    }

    /// The slots of a group.
    pub(crate) fn members(&self, peg: &Peg) -> &[u32] {
        self.groups.get(peg).map_or(&[], Vec::as_slice)
    }

    /// Those of a group that rest at another price, in the order of their priority.
    pub(crate) fn away_from(&self, peg: &Peg, price: u64, book: &Book) -> Vec<u32> {
        let away = |slot: &u32| book.order(*slot).rests() && book.order(*slot).price != price;
        let mut slots: Vec<u32> = self.members(peg).iter().copied().filter(away).collect();
        slots.sort_unstable_by_key(|slot| book.order(*slot).priority);
        slots
    }

    /// What pegs follow.
    pub(crate) fn references(&self, book: &Book) -> References {
        References { bid: self.reference(book, Side::Buy), ask: self.reference(book, Side::Sell) }
    }

    fn reference(&self, book: &Book, side: Side) -> Option<u64> {
        let mut pegs: BTreeMap<u64, u32> = BTreeMap::new();
        for slot in self.groups.iter().filter(|(peg, _)| peg.side == side).flat_map(|(_, slots)| slots) {
            let order = book.order(*slot);
            if order.rests() && !order.is_hidden() {
                *pegs.entry(order.price).or_default() += 1;
            }
        }
        let others = |level: &crate::book::Depth| level.orders > pegs.get(&level.price).copied().unwrap_or(0);
        book.depth(side).find(others).map(|level| level.price)
    }
}

#[cfg(test)]
mod tests {
    use super::{Peg, References};
    use crate::vocabulary::{OrderType, Side};

    #[test]
    fn a_peg_wants_its_reference_its_offset_and_never_more_than_its_limit() {
        let (buy, sell) = (Side::Buy, Side::Sell);
        let (primary, market, middle) = (OrderType::PrimaryPeg, OrderType::MarketPeg, OrderType::MidpointPeg);
        let rows = [
            ("the own side", buy, primary, 0, 0, Some(10), Some(15), Some(10)),
            ("the own side of a sell", sell, primary, 0, 0, Some(10), Some(15), Some(15)),
            ("the other side", buy, market, -1, 0, Some(10), Some(15), Some(14)),
            ("the other side of a sell", sell, market, 1, 0, Some(10), Some(15), Some(11)),
            ("half a price unit of a buy", buy, middle, 0, 0, Some(10), Some(15), Some(12)),
            ("half a price unit of a sell", sell, middle, 0, 0, Some(10), Some(15), Some(13)),
            ("a whole middle", sell, middle, 0, 0, Some(10), Some(14), Some(12)),
            ("an offset from the middle", buy, middle, -2, 0, Some(10), Some(15), Some(10)),
            ("the limit of a buy", buy, primary, 3, 11, Some(10), Some(15), Some(11)),
            ("the limit of a sell", sell, primary, -3, 14, Some(10), Some(15), Some(14)),
            ("a limit that is not reached", sell, primary, 3, 14, Some(10), Some(15), Some(18)),
            ("no own side", buy, primary, 0, 9, None, Some(15), None),
            ("no other side", buy, market, 0, 9, Some(10), None, None),
            ("half a middle", sell, middle, 0, 9, Some(10), None, None),
            ("nothing below one price unit", buy, primary, -10, 0, Some(10), Some(15), Some(1)),
            ("nor far below", buy, primary, i64::MIN, 0, Some(10), Some(15), Some(1)),
            ("nothing above the highest", sell, primary, i64::MAX, 0, Some(10), Some(15), Some(100)),
        ];
        for (sentence, side, order_type, offset, limit, bid, ask, price) in rows {
            let peg = Peg { side, order_type, offset, limit };
            assert_eq!(peg.price(References { bid, ask }, 100), price, "{sentence}");
        }
    }
}
