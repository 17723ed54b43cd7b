//! The book as anyone would write it: one list, searched from the start each time.

use matching::book::{Allocation, Depth, Ending, Incoming, NO_GROUP, Prevented, SelfTrade};
use matching::vocabulary::Side;

/// Owners of the same remainder are in a group; those of remainder 0 are in none.
pub fn group_of(owner: u32) -> u32 {
    match owner % 3 {
        0 => NO_GROUP,
        group => group,
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resting {
    pub id: u64,
    pub side: Side,
    pub price: u64,
    pub quantity: u64,
    pub leaves: u64,
    pub owner: u32,
    pub display: Option<u64>,
    pub shown: u64,
    pub hidden: bool,
    pub priority: u64,
}

/// What a sink hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Traded { id: u64, quantity: u64, leaves: u64 },
    Refreshed { id: u64, shown: u64, priority: u64 },
    Prevented { id: u64, how: Prevented, quantity: u64, leaves: u64 },
}

#[derive(Clone, Debug, Default)]
pub struct NaiveBook {
    pub orders: Vec<Resting>,
    pub next_priority: u64,
    pub allocation: Allocation,
    pub heard: Vec<Heard>,
}

impl NaiveBook {
    pub fn find(&mut self, id: u64) -> &mut Resting {
        self.orders.iter_mut().find(|order| order.id == id).expect("a resting order")
    }

    pub fn remove(&mut self, id: u64) {
        self.orders.retain(|order| order.id != id);
    }

    pub fn rest(&mut self, mut order: Resting) {
        order.shown = order.display.map_or(order.leaves, |display| display.min(order.leaves));
        order.priority = self.next_priority;
        self.next_priority += 1;
        self.orders.push(order);
    }

    /// All orders of a side as they would trade.
    pub fn queue(&self, side: Side) -> Vec<Resting> {
        let mut queue: Vec<Resting> = self.orders.iter().filter(|order| order.side == side).cloned().collect();
        queue.sort_by_key(|order| {
            let price = if side == Side::Sell { order.price } else { u64::MAX - order.price };
            (price, order.hidden, order.priority)
        });
        queue
    }

    pub fn depth(&self, side: Side) -> Vec<Depth> {
        let mut levels: Vec<Depth> = Vec::new();
        for order in self.queue(side).iter().filter(|order| !order.hidden) {
            match levels.last_mut().filter(|level| level.price == order.price) {
                Some(level) => {
                    level.quantity += order.shown;
                    level.orders += 1;
                }
                None => levels.push(Depth { price: order.price, quantity: order.shown, orders: 1 }),
            }
        }
        levels
    }

    pub fn take(&mut self, incoming: &mut Incoming, trades_max: u32) -> Ending {
        let mut steps = 0;
        while incoming.leaves > 0 {
            let queue = self.queue(incoming.side.opposite());
            let Some(best) = queue.first().cloned() else { return Ending::Exhausted };
            let reached = match incoming.side {
                Side::Buy => best.price <= incoming.limit,
                Side::Sell => best.price >= incoming.limit,
            };
            if !reached {
                return Ending::PriceReached;
            }
            let level: Vec<Resting> =
                queue.into_iter().filter(|order| (order.price, order.hidden) == (best.price, best.hidden)).collect();
            let first_own = match self.allocation {
                Allocation::PriceTime => Some(&best).filter(|order| is_own(order, incoming)),
                _ => level.iter().find(|order| is_own(order, incoming)),
            };
            let ends = matches!(incoming.self_trade, SelfTrade::CancelNewest | SelfTrade::CancelBoth);
            if steps == trades_max && !(first_own.is_some() && ends) {
                return Ending::TradesReached;
            }
            if let Some(own) = first_own {
                steps += 1;
                if self.prevent(own, incoming) {
                    return Ending::OwnOrder;
                }
                continue;
            }
            let shares = match self.allocation {
                Allocation::PriceTime => vec![best.shown.min(incoming.leaves)],
                allocation => shares(allocation, &level, incoming.leaves),
            };
            for (order, share) in level.iter().zip(shares).filter(|(_, share)| *share > 0) {
                if steps == trades_max {
                    return Ending::TradesReached;
                }
                steps += 1;
                incoming.leaves -= share;
                self.trade(order.id, share);
            }
        }
        Ending::Filled
    }

    fn trade(&mut self, id: u64, quantity: u64) {
        let priority = self.next_priority;
        let order = self.find(id);
        order.leaves -= quantity;
        order.shown -= quantity;
        let mut heard = vec![Heard::Traded { id, quantity, leaves: order.leaves }];
        if order.leaves == 0 {
            self.remove(id);
        } else if order.shown == 0 {
            order.shown = order.display.expect("a reserve").min(order.leaves);
            order.priority = priority;
            heard.push(Heard::Refreshed { id, shown: order.shown, priority });
            self.next_priority += 1;
        }
        self.heard.extend(heard);
    }

    /// Whether matching ends.
    fn prevent(&mut self, own: &Resting, incoming: &mut Incoming) -> bool {
        let id = own.id;
        match incoming.self_trade {
            SelfTrade::CancelNewest => true,
            SelfTrade::CancelOldest | SelfTrade::CancelBoth => {
                let (quantity, leaves) = (own.quantity, own.leaves);
                self.heard.push(Heard::Prevented { id, how: Prevented::Canceled, quantity, leaves });
                self.remove(id);
                incoming.self_trade == SelfTrade::CancelBoth
            }
            SelfTrade::Decrement => {
                let lots = own.leaves.min(incoming.leaves);
                incoming.leaves -= lots;
                let order = self.find(id);
                order.leaves -= lots;
                order.quantity -= lots;
                order.shown = order.shown.min(order.leaves);
                let (quantity, leaves) = (order.quantity, order.leaves);
                let how = Prevented::Decremented { lots, shown: if order.hidden { 0 } else { order.shown } };
                self.heard.push(Heard::Prevented { id, how, quantity, leaves });
                if leaves == 0 {
                    self.remove(id);
                }
                incoming.leaves == 0
            }
        }
    }
}

fn is_own(order: &Resting, incoming: &Incoming) -> bool {
    order.owner == incoming.owner || (incoming.group != NO_GROUP && group_of(order.owner) == incoming.group)
}

/// Shares lot by lot where it can be done so.
fn shares(allocation: Allocation, level: &[Resting], quantity: u64) -> Vec<u64> {
    let total: u64 = level.iter().map(|order| order.shown).sum();
    let quantity = quantity.min(total);
    let mut shares = vec![0; level.len()];
    let mut left = quantity;
    match allocation {
        Allocation::PriceTime => {}
        Allocation::ProRata { minimum } => {
            for (share, order) in shares.iter_mut().zip(level) {
                let part = quantity * order.shown / total;
                if part >= minimum {
                    *share = part;
                    left -= part;
                }
            }
        }
        Allocation::LeadMarketMaker { owner, share_ppm } => {
            let mut lead = quantity * u64::from(share_ppm) / 1_000_000;
            for (share, order) in shares.iter_mut().zip(level).filter(|(_, order)| order.owner == owner) {
                while lead > 0 && *share < order.shown {
                    (lead, left, *share) = (lead - 1, left - 1, *share + 1);
                }
            }
        }
    }
    for (share, order) in shares.iter_mut().zip(level) {
        while left > 0 && *share < order.shown {
            (left, *share) = (left - 1, *share + 1);
        }
    }
    shares
}
