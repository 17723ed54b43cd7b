//! What comes in to trade, and who hears of what it does.

use super::Order;
use crate::vocabulary::{SelfTradePrevention, Side};

/// The trade group of an owner that is in none.
pub const NO_GROUP: u32 = u32::MAX;

/// Hears of everything while it happens, and answers what the book does not know.
pub trait Sink {
    /// `maker` has been reduced by the trade already; it leaves the book after this call if nothing is left of it.
    fn traded(&mut self, slot: u32, maker: &mut Order, quantity: u64);

    /// The same of an iceberg order, which displays `shown` lots then: none if the next part comes out of its reserve.
    fn iceberg_traded(&mut self, slot: u32, maker: &mut Order, quantity: u64, shown: u64) {
        let _ = shown;
        self.traded(slot, maker, quantity);
    }

    /// An iceberg order shows the next part of its reserve, `shown` lots at the end of the queue: `order.priority` is the
    /// new one. Comes right after the trade that took the last of what was displayed.
    fn refreshed(&mut self, slot: u32, order: &mut Order, shown: u64) {
        let _ = (slot, order, shown);
    }

    /// Self-trade prevention did something to a resting order.
    fn prevented(&mut self, slot: u32, maker: &mut Order, prevented: Prevented) {
        let _ = (slot, maker, prevented);
    }

    /// The trade group of an owner; asked only for an incoming order that is in a group itself.
    fn group_of(&self, owner: u32) -> u32 {
        let _ = owner;
        NO_GROUP
    }
}

/// What self-trade prevention did to a resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prevented {
    /// It leaves the book after this call, `leaves` and all.
    Canceled,
    /// Its `quantity` and `leaves` have been reduced by `lots`, and the incoming order's leaves too; it leaves the book
    /// after this call if nothing is left of it.
    Decremented {
        /// By how much.
        lots: u64,
        /// What it displays then.
        shown: u64,
    },
}

/// What happens where an order would trade with one of the same owner or trade group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelfTrade {
    /// Matching ends, and what is left of the incoming order with it.
    #[default]
    CancelNewest,
    /// The resting order is canceled, and matching goes on.
    CancelOldest,
    /// The resting order is canceled, and matching ends.
    CancelBoth,
    /// The larger is reduced by the smaller, and the smaller is canceled; matching goes on if that is the resting one.
    Decrement,
}

impl From<SelfTradePrevention> for SelfTrade {
    fn from(word: SelfTradePrevention) -> Self {
        match word {
            SelfTradePrevention::CancelNewest => Self::CancelNewest,
            SelfTradePrevention::CancelOldest => Self::CancelOldest,
            SelfTradePrevention::CancelBoth => Self::CancelBoth,
            SelfTradePrevention::DecrementAndCancel => Self::Decrement,
        }
    }
}

/// What comes in to trade.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// Buy or sell.
    pub side: Side,
    /// The worst price it takes.
    pub limit: u64,
    /// What is left of it.
    pub leaves: u64,
    /// It never trades with an order of the same owner.
    pub owner: u32,
    /// Nor with one of the same trade group, unless it is [`NO_GROUP`].
    pub group: u32,
    /// What happens instead.
    pub self_trade: SelfTrade,
}

impl Incoming {
    /// An order of an owner in no group, whose rest is canceled before it would trade with itself.
    pub const fn new(side: Side, limit: u64, leaves: u64, owner: u32) -> Self {
        Self { side, limit, leaves, owner, group: NO_GROUP, self_trade: SelfTrade::CancelNewest }
    }

    /// Whether it must not trade with an order of `owner`.
    #[inline]
    pub(super) fn is_own<S: Sink>(&self, owner: u32, sink: &S) -> bool {
        owner == self.owner || (self.group != NO_GROUP && sink.group_of(owner) == self.group)
    }

    /// Whether it takes `price`.
    #[inline]
    pub(super) fn reaches(&self, price: u64) -> bool {
        reaches(self.side, self.limit, price)
    }
}

/// Whether an order of `side` with `limit` takes `price`.
#[inline]
pub(super) fn reaches(side: Side, limit: u64, price: u64) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}

/// Why matching ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing is left of the incoming order.
    Filled,
    /// Nothing is left on the other side.
    Exhausted,
    /// What is left on the other side is beyond the limit.
    PriceReached,
    /// Self-trade prevention ended it: what is left of the incoming order is canceled.
    OwnOrder,
    /// As many trades as allowed have been made.
    TradesReached,
}
