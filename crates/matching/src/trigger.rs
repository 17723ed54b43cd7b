//! Orders of one market that wait for a price, and the waves of prices that have reached some of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use crate::vocabulary::{OrderType, Reference, Side, TriggerBy};

/// What an order waits for, and what it does then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) order_type: OrderType,
    pub(crate) trigger_by: TriggerBy,
    pub(crate) trigger_price: u64,
    /// When it began to wait for this price: a number of its market.
    pub(crate) armed: u64,
    pub(crate) all_or_none: bool,
    pub(crate) minimum_quantity: u64,
}

impl Waiting {
    /// The price that it looks at.
    pub(crate) fn reference(&self, side: Side) -> Reference {
        match (self.trigger_by, side) {
            (TriggerBy::Last, _) => Reference::Last,
            (TriggerBy::BidAsk, Side::Buy) => Reference::Ask,
            (TriggerBy::BidAsk, Side::Sell) => Reference::Bid,
            (TriggerBy::Mark, _) => Reference::Mark,
        }
    }

    /// A stop waits for a price that is worse for it, a touched order for a better one.
    pub(crate) fn waits_for_rise(&self, side: Side) -> bool {
        let stop = matches!(self.order_type, OrderType::Stop | OrderType::StopLimit);
        stop == (side == Side::Buy)
    }
}

/// Prices that a reference has had, and which orders were waiting then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wave {
    pub(crate) reference: Reference,
    pub(crate) low: u64,
    pub(crate) high: u64,
    /// Orders with a smaller number were waiting.
    pub(crate) armed_before: u64,
}

/// Waiting orders by what they look at: those that wait for a rise from the lowest price, for a fall from the highest;
/// at one price in the order in which they began to wait.
#[derive(Clone, Debug, Default)]
struct Queues {
    rise: BTreeMap<(u64, u64), u32>,
    fall: BTreeMap<(Reverse<u64>, u64), u32>,
}

/// All of a market.
#[derive(Clone, Debug)]
pub(crate) struct Triggers {
    queues: [Queues; Reference::ALL.len()],
    waiting: u32,
    pub(crate) next_armed: u64,
    /// Price of the last trade; zero before the first.
    pub(crate) last_trade: u64,
    /// The mark price; zero before the first.
    pub(crate) mark: u64,
    pub(crate) waves: VecDeque<Wave>,
}

impl Default for Triggers {
    fn default() -> Self {
        Self { queues: Default::default(), waiting: 0, next_armed: 1, last_trade: 0, mark: 0, waves: VecDeque::new() }
    }
}

impl Triggers {
    /// Whether nothing can be triggered here.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting == 0 && self.waves.is_empty()
    }

    /// An order begins to wait; its number must have been given by `next_armed`.
    pub(crate) fn arm(&mut self, slot: u32, side: Side, waiting: &Waiting) {
        self.next_armed = self.next_armed.max(waiting.armed + 1);
        self.waiting += 1;
        let queues = &mut self.queues[waiting.reference(side) as usize];
        if waiting.waits_for_rise(side) {
            queues.rise.insert((waiting.trigger_price, waiting.armed), slot);
        } else {
            queues.fall.insert((Reverse(waiting.trigger_price), waiting.armed), slot);
        }
    }

    /// An order waits no longer.
    pub(crate) fn disarm(&mut self, side: Side, waiting: &Waiting) {
        self.waiting -= 1;
        let queues = &mut self.queues[waiting.reference(side) as usize];
        if waiting.waits_for_rise(side) {
            queues.rise.remove(&(waiting.trigger_price, waiting.armed));
        } else {
            queues.fall.remove(&(Reverse(waiting.trigger_price), waiting.armed));
        }
    }

    /// A reference has had these prices: whoever waits for one of them is reached.
    pub(crate) fn pass(&mut self, reference: Reference, low: u64, high: u64) {
        let queues = &self.queues[reference as usize];
        let rise = queues.rise.first_key_value().is_some_and(|((price, _), _)| *price <= high);
        let fall = queues.fall.first_key_value().is_some_and(|((price, _), _)| price.0 >= low);
        let wave = Wave { reference, low, high, armed_before: self.next_armed };
        if (rise || fall) && !self.waves.contains(&wave) {
            self.waves.push_back(wave);
        }
    }

    /// The references as they are now; the best prices of the book are given.
    pub(crate) fn look(&mut self, bid: Option<u64>, ask: Option<u64>) {
        for (reference, price) in [(Reference::Bid, bid), (Reference::Ask, ask)] {
            if let Some(price) = price {
                self.pass(reference, price, price);
            }
        }
    }

    /// The same for the prices that are kept here.
    pub(crate) fn look_back(&mut self) {
        for (reference, price) in [(Reference::Last, self.last_trade), (Reference::Mark, self.mark)] {
            if price != 0 {
                self.pass(reference, price, price);
            }
        }
    }

    /// The order that is triggered next.
    pub(crate) fn next_reached(&mut self) -> Option<u32> {
        while let Some(wave) = self.waves.front() {
            let queues = &self.queues[wave.reference as usize];
            let before = |armed: u64| armed < wave.armed_before;
            let mut rise = queues.rise.range(..=(wave.high, u64::MAX));
            let mut fall = queues.fall.range(..=(Reverse(wave.low), u64::MAX));
            let reached = rise.find(|((_, armed), _)| before(*armed)).map(|(_, slot)| *slot);
            let reached = reached.or_else(|| fall.find(|((_, armed), _)| before(*armed)).map(|(_, slot)| *slot));
            if reached.is_some() {
                return reached;
            }
            self.waves.pop_front();
        }
        None
    }
}
