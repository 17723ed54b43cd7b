//! How much an incoming order would trade, without trading: for fill-or-kill and minimum quantities.
//!
//! The same steps as [`Book::take`] on a copy of one level at a time, so that the answer is exact with self-trade
//! prevention, hidden orders, reserves, every allocation and the bound on trades.

use std::collections::VecDeque;

use super::allocation::Part;
use super::{Allocation, Book, Incoming, SelfTrade, Sink, key_of};

/// A resting order as the look-ahead sees it.
#[derive(Clone, Copy)]
struct Seen {
    owner: u32,
    is_own: bool,
    tradable: u64,
    leaves: u64,
    display: u64,
}

/// An order on its way.
struct Looking {
    incoming: Incoming,
    wanted: u64,
    traded: u64,
    steps_left: u32,
    has_ended: bool,
}

impl SelfTrade {
    /// Whether matching can go on after a trade was prevented.
    pub(super) fn goes_on(self) -> bool {
        matches!(self, Self::CancelOldest | Self::Decrement)
    }
}

impl Book {
    /// How many lots [`Book::take`] with the same arguments would trade; it stops counting at `wanted`, so that less than
    /// `wanted` means exactly what is there.
    pub fn would_trade<S: Sink>(&self, incoming: &Incoming, wanted: u64, trades_max: u32, sink: &S) -> u64 {
        let mut looking =
            Looking { incoming: *incoming, wanted, traded: 0, steps_left: trades_max, has_ended: wanted == 0 };
        self.look(&mut looking, sink, |_, _| {});
        looking.traded.min(wanted)
    }

    /// How many lots [`Book::take`] would trade before their worth exceeds a budget, and what they are worth; `worth` is
    /// that of one lot at a price. Own orders that would shrink the incoming one end it here.
    pub fn would_spend<S: Sink>(
        &self,
        incoming: &Incoming,
        budget: i128,
        trades_max: u32,
        sink: &S,
        worth: impl Fn(u64) -> i128,
    ) -> (u64, i128) {
        let mut incoming = *incoming;
        if incoming.self_trade == SelfTrade::Decrement {
            incoming.self_trade = SelfTrade::CancelNewest;
        }
        let mut looking = Looking { incoming, wanted: u64::MAX, traded: 0, steps_left: trades_max, has_ended: false };
        // At each price, one lot more than the budget has room for: if it is there, nothing at a further price is reached.
        let (mut spent, mut counted, mut lots, mut price) = (0, 0, 0, None);
        self.look(&mut looking, sink, |looking, next| {
            let taken = (looking.traded - counted).min(lots);
            spent += price.map_or(0, &worth) * i128::from(taken);
            looking.has_ended |= taken < looking.traded - counted;
            (looking.traded, counted, price) = (counted + taken, counted + taken, next);
            let Some(next) = next else { return };
            lots = u64::try_from((budget - spent) / worth(next)).unwrap_or(u64::MAX);
            looking.incoming.leaves = lots.saturating_add(1).min(incoming.leaves - counted);
        });
        (looking.traded, spent)
    }

    /// Meets one level after another, each announced with its price, until the order is done; then none is announced.
    fn look<S: Sink>(&self, looking: &mut Looking, sink: &S, mut enter: impl FnMut(&mut Looking, Option<u64>)) {
        let incoming = looking.incoming;
        let other = incoming.side.opposite();
        let mut next = self.best_level(other);
        while let Some((key, level)) = next.filter(|(key, _)| incoming.reaches(key_of(other, *key))) {
            enter(looking, Some(key_of(other, key)));
            if looking.is_done() {
                break;
            }
            let queue = self.slots_of(level).map(|slot| self.see(slot, &incoming, sink));
            match self.allocation {
                Allocation::PriceTime => looking.by_time(queue),
                allocation => looking.by_share(queue.collect(), allocation),
            }
            if looking.is_done() {
                break;
            }
            next = self.level_after(other, key, self.is_hidden_level(level));
        }
        enter(looking, None);
    }

    fn see<S: Sink>(&self, slot: u32, incoming: &Incoming, sink: &S) -> Seen {
        let order = self.order(slot);
        Seen {
            owner: order.owner,
            is_own: incoming.is_own(order.owner, sink),
            tradable: self.tradable(slot, order),
            leaves: order.leaves,
            display: self.iceberg(slot).map_or(order.leaves, |iceberg| iceberg.display),
        }
    }
}

impl Looking {
    fn is_done(&self) -> bool {
        self.has_ended || self.incoming.leaves == 0 || self.traded >= self.wanted
    }

    /// One trade or one prevention is allowed, or nothing is any more.
    fn step(&mut self) -> bool {
        match self.steps_left.checked_sub(1) {
            Some(left) => self.steps_left = left,
            None => self.has_ended = true,
        }
        !self.has_ended
    }

    fn by_time(&mut self, queue: impl Iterator<Item = Seen>) {
        let mut again = VecDeque::new();
        for seen in queue {
            self.meet(seen, &mut again);
            if self.is_done() {
                return;
            }
        }
        while let Some(seen) = again.pop_front() {
            self.meet(seen, &mut again);
            if self.is_done() {
                return;
            }
        }
    }

    fn meet(&mut self, seen: Seen, again: &mut VecDeque<Seen>) {
        if seen.is_own {
            return self.prevent(seen);
        }
        if self.step() {
            let left = self.trade(seen, seen.tradable.min(self.incoming.leaves));
            again.extend(left.filter(|left| left.leaves > 0));
        }
    }

    fn prevent(&mut self, own: Seen) {
        if !self.incoming.self_trade.goes_on() {
            self.has_ended = true;
        } else if self.step() && self.incoming.self_trade == SelfTrade::Decrement {
            self.incoming.leaves -= own.leaves.min(self.incoming.leaves);
        }
    }

    /// What is left of a resting order, refreshed if it displays no more.
    fn trade(&mut self, seen: Seen, lots: u64) -> Option<Seen> {
        self.traded += lots;
        self.incoming.leaves -= lots;
        let leaves = seen.leaves - lots;
        let tradable = if seen.tradable == lots { seen.display.min(leaves) } else { seen.tradable - lots };
        (leaves > 0).then_some(Seen { tradable, leaves, ..seen })
    }

    fn by_share(&mut self, mut queue: Vec<Seen>, allocation: Allocation) {
        for own in queue.iter().filter(|seen| seen.is_own) {
            self.prevent(*own);
            if self.is_done() {
                return;
            }
        }
        queue.retain(|seen| !seen.is_own);
        while !queue.is_empty() && !self.is_done() {
            let parts: Vec<Part> = queue.iter().map(|seen| (seen.owner, seen.tradable)).collect();
            let shares = allocation.shares(&parts, self.incoming.leaves);
            let (mut kept, mut again) = (Vec::new(), Vec::new());
            for (seen, share) in queue.into_iter().zip(shares) {
                if share == 0 {
                    kept.push(seen);
                    continue;
                }
                if !self.step() {
                    return;
                }
                let left = self.trade(seen, share);
                let to = if share == seen.tradable { &mut again } else { &mut kept };
                to.extend(left);
            }
            kept.append(&mut again);
            queue = kept;
        }
    }
}
