//! Who trades how much of an incoming order at one price.

use super::{Book, Ending, Incoming, NONE, Sink, key_of};

const MILLION: u128 = 1_000_000;

/// How an instrument shares what comes in among the orders of a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allocation {
    /// First come, first served.
    #[default]
    PriceTime,
    /// In proportion to what is displayed, rounded down; a share below `minimum` is none, and what is left over goes by
    /// time.
    ProRata {
        /// Lots.
        minimum: u64,
    },
    /// First a lead market maker's part, rounded down; the rest by time, the lead's orders included.
    LeadMarketMaker {
        /// Whose orders.
        owner: u32,
        /// Parts of a million, at most a million.
        share_ppm: u32,
    },
}

/// An order that takes part: whose it is, and how much of it can be traded.
pub(super) type Part = (u32, u64);

impl Allocation {
    /// What each of the orders of a price trades of `quantity`, the oldest first; together as much as there is.
    pub(super) fn shares(self, parts: &[Part], quantity: u64) -> Vec<u64> {
        let total: u64 = parts.iter().map(|(_, tradable)| tradable).sum();
        let quantity = quantity.min(total);
        let mut shares = match self {
            Self::PriceTime => vec![0; parts.len()],
            Self::ProRata { minimum } => parts.iter().map(|part| pro_rata(part.1, quantity, total, minimum)).collect(),
            Self::LeadMarketMaker { owner, share_ppm } => {
                let part = u128::from(quantity) * u128::from(share_ppm) / MILLION;
                let mut lead = u64::try_from(part).unwrap_or(quantity).min(quantity);
                parts.iter().map(|part| if part.0 == owner { take(&mut lead, part.1) } else { 0 }).collect()
            }
        };
        let mut rest = quantity - shares.iter().sum::<u64>();
        for (share, (_, tradable)) in shares.iter_mut().zip(parts) {
            *share += take(&mut rest, tradable - *share);
        }
        shares
    }
}

fn pro_rata(tradable: u64, quantity: u64, total: u64, minimum: u64) -> u64 {
    let share = u128::from(quantity) * u128::from(tradable) / u128::from(total.max(1));
    u64::try_from(share).ok().filter(|share| *share >= minimum).unwrap_or(0)
}

fn take(from: &mut u64, most: u64) -> u64 {
    let taken = most.min(*from);
    *from -= taken;
    taken
}

impl Book {
    /// How incoming orders are shared among those of a price.
    pub fn allocation(&self) -> Allocation {
        self.allocation
    }

    /// Chooses how; it says nothing of the past.
    pub fn set_allocation(&mut self, allocation: Allocation) {
        self.allocation = allocation;
    }

    /// As [`Book::take`], level by level: own orders of a level are prevented first, by time; then the others share.
    pub(super) fn take_shared<S: Sink>(&mut self, incoming: &mut Incoming, trades_max: u32, sink: &mut S) -> Ending {
        let other = incoming.side.opposite();
        let mut trades = 0;
        while incoming.leaves > 0 {
            let Some((key, level)) = self.best_level(other) else {
                return Ending::Exhausted;
            };
            if !incoming.reaches(key_of(other, key)) {
                return Ending::PriceReached;
            }
            let own: Vec<u32> =
                self.slots_of(level).filter(|slot| incoming.is_own(self.order(*slot).owner, sink)).collect();
            for slot in &own {
                if trades == trades_max && incoming.self_trade.goes_on() {
                    return Ending::TradesReached;
                }
                trades += 1;
                if let Some(ending) = self.prevent(incoming, *slot, sink) {
                    return ending;
                }
            }
            if own.is_empty() && !self.share(incoming, level, trades_max, &mut trades, sink) {
                return Ending::TradesReached;
            }
        }
        Ending::Filled
    }

    /// Trades one level; false if no more trades are allowed.
    fn share<S: Sink>(
        &mut self,
        incoming: &mut Incoming,
        level: u32,
        most: u32,
        trades: &mut u32,
        sink: &mut S,
    ) -> bool {
        let slots: Vec<u32> = self.slots_of(level).collect();
        let part = |slot: &u32| (self.order(*slot).owner, self.tradable(*slot, self.order(*slot)));
        let parts: Vec<Part> = slots.iter().map(part).collect();
        let shares = self.allocation.shares(&parts, incoming.leaves);
        for (slot, share) in slots.into_iter().zip(shares).filter(|(_, share)| *share > 0) {
            if *trades == most {
                return false;
            }
            *trades += 1;
            self.trade(incoming, slot, share, sink);
        }
        true
    }

    /// The orders of a level, the first to trade first.
    pub(super) fn slots_of(&self, level: u32) -> impl Iterator<Item = u32> + '_ {
        let used = |slot: u32| (slot != NONE).then_some(slot);
        let head = self.levels[level as usize].head;
        std::iter::successors(used(head), move |slot| used(self.order(*slot).next))
    }
}
