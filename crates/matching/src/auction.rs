//! At which price a call trades, and how much.
//!
//! The rules are those of Xetra and Eurex (T7 market model, price determination in auctions): the most that can be traded;
//! of those prices the least that is left over; of those the highest if buyers are left over, the lowest if sellers are;
//! else the price next to the reference. Where there is no reference, the highest, as CoinTossX does. Only prices that
//! somebody names are asked; what market orders reach bounds them, but where nobody names a price the reference is taken.

use crate::market::Market;
use crate::vocabulary::Side;

/// What a call trades, or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auction {
    /// The one price of all trades, price units.
    pub price: u64,
    /// Lots traded.
    pub volume: u64,
    /// Lots that could trade at the price and find nobody.
    pub surplus: u64,
    /// Whose they are; none if there are none.
    pub surplus_side: Option<Side>,
}

/// How a market stands between two commands of an auction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    /// What would be traded, as it was told last.
    pub(crate) told: Option<Auction>,
    /// The price of the trades that are being made; zero: none are.
    pub(crate) price: u64,
    /// How many lots have been traded at it.
    pub(crate) volume: u64,
}

/// All that one side has at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    price: u64,
    quantity: u64,
    /// Somebody names this price: not only market orders reach it.
    is_named: bool,
}

/// Both sides as far as they cross, each from the best price.
#[derive(Debug, Default)]
struct Crossed {
    bids: Vec<Standing>,
    asks: Vec<Standing>,
}

/// More levels cross than one may look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooManyLevels;

/// One price: what could be bought at it, and what sold.
#[derive(Clone, Copy)]
struct At {
    price: u64,
    bought: u64,
    sold: u64,
}

impl At {
    fn volume(self) -> u64 {
        self.bought.min(self.sold)
    }

    fn surplus(self) -> u64 {
        self.bought.abs_diff(self.sold)
    }

    /// Smaller is better: the most traded, then the least left over.
    fn rank(self) -> (u64, u64) {
        (u64::MAX - self.volume(), self.surplus())
    }
}

impl Market {
    /// The price at which the most could be traded now, and how much; `None` if nothing could.
    pub(crate) fn auction(&self, levels_max: usize) -> Result<Option<Auction>, TooManyLevels> {
        let crossed = self.crossed(levels_max)?;
        let reference = Some(self.triggers.last_trade).filter(|price| *price != 0);
        Ok(crossed.price(reference).map(|price| crossed.auction(price)))
    }

    /// What is left at an auction's price after its trades.
    pub(crate) fn left_over(&self, price: u64) -> (u64, Option<Side>) {
        let sum = |side| self.book.whole_depth(side).take_while(move |(depth, _)| reaches(side, depth.price, price));
        let [bought, sold] = [Side::Buy, Side::Sell].map(|side| sum(side).map(|(depth, _)| depth.quantity).sum());
        surplus_of(At { price, bought, sold })
    }

    fn crossed(&self, levels_max: usize) -> Result<Crossed, TooManyLevels> {
        let best = |side| self.book.best_with_hidden(side);
        let (Some(bid), Some(ask)) = (best(Side::Buy), best(Side::Sell)) else { return Ok(Crossed::default()) };
        let standings = |side, until, most: usize| {
            let within = self.book.whole_depth(side).take_while(move |(depth, _)| reaches(side, depth.price, until));
            let list: Vec<_> = within
                .take(most.saturating_add(1))
                .map(|(depth, is_hidden)| Standing {
                    price: depth.price,
                    quantity: depth.quantity,
                    is_named: is_hidden || depth.orders > self.attributes.market_orders(side, depth.price),
                })
                .collect();
            if list.len() <= most { Ok(list) } else { Err(TooManyLevels) }
        };
        let bids = standings(Side::Buy, ask, levels_max)?;
        let asks = standings(Side::Sell, bid, levels_max - bids.len())?;
        Ok(Crossed { bids, asks })
    }
}

/// Whether an order of a side at `limit` trades at `price`.
fn reaches(side: Side, limit: u64, price: u64) -> bool {
    match side {
        Side::Buy => limit >= price,
        Side::Sell => limit <= price,
    }
}

fn surplus_of(at: At) -> (u64, Option<Side>) {
    let side = if at.bought > at.sold { Side::Buy } else { Side::Sell };
    (at.surplus(), (at.bought != at.sold).then_some(side))
}

impl Crossed {
    fn auction(&self, price: u64) -> Auction {
        let sum = |side: Side, list: &[Standing]| -> u64 {
            list.iter().filter(|standing| reaches(side, standing.price, price)).map(|standing| standing.quantity).sum()
        };
        let at = At { price, bought: sum(Side::Buy, &self.bids), sold: sum(Side::Sell, &self.asks) };
        let (surplus, surplus_side) = surplus_of(at);
        Auction { price, volume: at.volume(), surplus, surplus_side }
    }

    fn price(&self, reference: Option<u64>) -> Option<u64> {
        let (highest, lowest) = (self.bids.first()?.price, self.asks.first()?.price);
        let tied = self.best_named();
        let buyers = tied.iter().rfind(|at| at.bought > at.sold).map(|at| at.price);
        let sellers = tied.iter().find(|at| at.bought < at.sold).map(|at| at.price);
        let between = |low: u64, high: u64| reference.map_or(high, |reference| reference.clamp(low, high));
        match (buyers, sellers, tied.first().zip(tied.last())) {
            (_, _, None) => reference.map(|reference| reference.clamp(lowest, highest)),
            (Some(price), None, _) | (None, Some(price), _) => Some(price),
            (Some(low), Some(high), _) => Some(between(low, high)),
            (None, None, Some((low, high))) => Some(between(low.price, high.price)),
        }
    }

    /// The named prices at which the most is traded and the least left over, from the lowest.
    fn best_named(&self) -> Vec<At> {
        let named = |list: &[Standing]| -> Vec<u64> {
            list.iter().filter(|standing| standing.is_named).map(|standing| standing.price).collect()
        };
        let mut prices = named(&self.asks);
        prices.extend(named(&self.bids).into_iter().rev());
        prices.sort_unstable();
        prices.dedup();
        let (mut rising_asks, mut rising_bids) = (self.asks.iter().peekable(), self.bids.iter().rev().peekable());
        let (mut bought, mut sold) = (self.bids.iter().map(|standing| standing.quantity).sum::<u64>(), 0);
        let mut tied: Vec<At> = Vec::new();
        for price in prices {
            while let Some(ask) = rising_asks.next_if(|ask| ask.price <= price) {
                sold += ask.quantity;
            }
            while let Some(bid) = rising_bids.next_if(|bid| bid.price < price) {
                bought -= bid.quantity;
            }
            let at = At { price, bought, sold };
            let best = tied.first().map_or((u64::MAX, u64::MAX), |best| best.rank());
            if at.rank() < best {
                tied.clear();
            }
            if at.rank() <= best {
                tied.push(at);
            }
        }
        tied
    }
}

#[cfg(test)]
mod tests {
    use super::{Auction, Crossed, Standing};
    use crate::vocabulary::Side;

    fn side(levels: &[(u64, u64)]) -> Vec<Standing> {
        levels.iter().map(|(price, quantity)| Standing { price: *price, quantity: *quantity, is_named: true }).collect()
    }

    /// The examples of the rules: bids, asks, the reference; then price, volume, surplus and whose it is.
    #[test]
    fn each_rule_decides_where_the_one_before_does_not() {
        type Levels = &'static [(u64, u64)];
        type Row = (&'static str, Levels, Levels, u64, (u64, u64, u64, Option<Side>));
        let rows: [Row; 8] = [
            (
                "one price trades the most",
                &[(202, 200), (201, 200), (200, 300)],
                &[(198, 200), (200, 600)],
                199,
                (200, 700, 100, Some(Side::Sell)),
            ),
            ("the least is left over", &[(105, 100), (104, 20)], &[(100, 50), (103, 50)], 0, (105, 100, 0, None)),
            (
                "buyers are left over: the highest",
                &[(202, 500)],
                &[(198, 300), (202, 100)],
                199,
                (202, 400, 100, Some(Side::Buy)),
            ),
            (
                "sellers are left over: the lowest",
                &[(201, 300), (198, 100)],
                &[(198, 500)],
                201,
                (198, 400, 100, Some(Side::Sell)),
            ),
            (
                "a surplus on either side: the reference between",
                &[(202, 100), (199, 100)],
                &[(199, 100), (202, 100)],
                200,
                (200, 100, 0, None),
            ),
            ("the reference is above", &[(202, 100)], &[(199, 100)], 300, (202, 100, 0, None)),
            ("the reference is below", &[(202, 100)], &[(199, 100)], 1, (199, 100, 0, None)),
            ("no reference: the highest", &[(202, 100)], &[(199, 100)], 0, (202, 100, 0, None)),
        ];
        for (sentence, bids, asks, reference, (price, volume, surplus, surplus_side)) in rows {
            let crossed = Crossed { bids: side(bids), asks: side(asks) };
            let found = crossed.price(Some(reference).filter(|price| *price != 0)).map(|price| crossed.auction(price));
            assert_eq!(found, Some(Auction { price, volume, surplus, surplus_side }), "{sentence}");
        }
    }
}
