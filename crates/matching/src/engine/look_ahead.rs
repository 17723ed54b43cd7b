//! What an incoming order would trade at once, without trading: the book does not change in between, so that it is
//! what the order then trades.

use crate::book::{Book, Order};
use crate::catalog::InstrumentTerms;
use crate::vocabulary::Side;

/// An order that looks ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looking {
    pub(super) side: Side,
    /// The worst price it takes.
    pub(super) limit: u64,
    pub(super) account: u32,
    pub(super) trades_max: u32,
}

impl Looking {
    /// The orders that it would trade with, first to last.
    fn makers(self, book: &Book) -> impl Iterator<Item = &Order> + '_ {
        let within = move |price: u64| match self.side {
            Side::Buy => price <= self.limit,
            Side::Sell => price >= self.limit,
        };
        let makers = book.queue(self.side.opposite()).map(|(_, order)| order);
        makers
            .take_while(move |order| within(order.price) && order.owner != self.account)
            .take(self.trades_max as usize)
    }

    /// How many lots of `wanted` would trade.
    pub(super) fn executable(self, book: &Book, wanted: u64) -> u64 {
        let mut found = 0;
        for maker in self.makers(book) {
            found += maker.leaves.min(wanted - found);
            if found == wanted {
                break;
            }
        }
        found
    }

    /// How many lots cost, or raise, at most the budget, and what exactly; at most one order's largest quantity.
    pub(super) fn affordable(self, book: &Book, terms: &InstrumentTerms, budget: i128) -> Cost {
        let mut cost = Cost::default();
        for maker in self.makers(book) {
            let lots = (budget - cost.notional) / terms.notional(maker.price, 1);
            let room = terms.max_quantity - cost.quantity;
            let quantity = u64::try_from(lots).unwrap_or(u64::MAX).min(room).min(maker.leaves);
            cost.quantity += quantity;
            cost.notional += terms.notional(maker.price, quantity);
            if quantity < maker.leaves {
                break;
            }
        }
        cost
    }
}

/// Lots, and what they are worth at the prices of the book in ledger units of the quote asset.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) quantity: u64,
    pub(super) notional: i128,
}
