//! Random orders of every kind, compared with the naive book after each: what the sink hears, endings, queues, depth,
//! changes and looks ahead, with every ladder and allocation.
//!
//! MATCHING_SEED and MATCHING_COMMANDS choose another run.

use std::collections::BTreeMap;

use matching::book::{Allocation, Book, Changes, Depth, Ending, Incoming, Order, Prevented, SelfTrade, Sink};
use matching::ladder::LadderKind;
use matching::vocabulary::{Side, TimeInForce};

use crate::naive::{Heard, NaiveBook, Resting, group_of};

const COMMANDS: u64 = 20_000;
const ORDERS_MAX: usize = 60;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

#[derive(Default)]
struct Ear(Vec<Heard>);

impl Sink for Ear {
    fn traded(&mut self, _slot: u32, maker: &mut Order, quantity: u64) {
        self.0.push(Heard::Traded { id: maker.id, quantity, leaves: maker.leaves });
    }

    fn refreshed(&mut self, _slot: u32, order: &mut Order, shown: u64) {
        self.0.push(Heard::Refreshed { id: order.id, shown, priority: order.priority });
    }

    fn prevented(&mut self, _slot: u32, maker: &mut Order, how: Prevented) {
        self.0.push(Heard::Prevented { id: maker.id, how, quantity: maker.quantity, leaves: maker.leaves });
    }

    fn group_of(&self, owner: u32) -> u32 {
        group_of(owner)
    }
}

/// A book, the naive one, and what a watcher makes of the changes.
struct Pair {
    book: Book,
    naive: NaiveBook,
    watched: [BTreeMap<u64, Depth>; 2],
    next_id: u64,
}

impl Pair {
    fn new(ladder: LadderKind, allocation: Allocation) -> Self {
        let mut book = Book::new(ladder);
        book.set_allocation(allocation);
        book.watch();
        let naive = NaiveBook { next_priority: 1, allocation, ..NaiveBook::default() };
        Self { book, naive, watched: [BTreeMap::new(), BTreeMap::new()], next_id: 1 }
    }

    fn slot_of(&self, id: u64) -> u32 {
        let resting = [Side::Buy, Side::Sell].into_iter().flat_map(|side| self.book.queue(side));
        resting.filter(|(_, order)| order.id == id).map(|(slot, _)| slot).next().expect("a resting order")
    }

    fn enter(&mut self, random: &mut Random) {
        let side = if random.one_in(2) { Side::Buy } else { Side::Sell };
        let price = if side == Side::Buy { 98 + random.below(5) } else { 100 + random.below(5) };
        let owner = random.below(6) as u32;
        let quantity = 1 + random.below(50);
        let mut incoming = Incoming::new(side, price, quantity, owner);
        incoming.group = group_of(owner);
        let modes = [SelfTrade::CancelNewest, SelfTrade::CancelOldest, SelfTrade::CancelBoth, SelfTrade::Decrement];
        incoming.self_trade = modes[random.below(4) as usize];
        let trades_max = if random.one_in(4) { random.below(6) as u32 } else { u32::MAX };
        self.look_ahead(&incoming, 1 + random.below(quantity), trades_max);

        let mut ear = Ear::default();
        let before = incoming;
        let mut naive_incoming = before;
        let ending = self.book.take(&mut incoming, trades_max, &mut ear);
        self.naive.heard.clear();
        assert_eq!(ending, self.naive.take(&mut naive_incoming, trades_max), "{before:?}");
        assert_eq!(incoming.leaves, naive_incoming.leaves);
        assert_eq!(ear.0, self.naive.heard, "{before:?}");
        let may_rest = matches!(ending, Ending::Exhausted | Ending::PriceReached);
        if may_rest && self.naive.orders.len() < ORDERS_MAX {
            self.rest(random, &incoming, price);
        }
    }

    /// The look ahead says what the naive book would trade.
    fn look_ahead(&self, incoming: &Incoming, wanted: u64, trades_max: u32) {
        let mut naive = self.naive.clone();
        naive.heard.clear();
        naive.take(&mut incoming.clone(), trades_max);
        let traded = |heard: &Heard| if let Heard::Traded { quantity, .. } = heard { *quantity } else { 0 };
        let would: u64 = naive.heard.iter().map(traded).sum();
        let looked = self.book.would_trade(incoming, wanted, trades_max, &Ear::default());
        assert_eq!(looked, would.min(wanted), "{incoming:?} wants {wanted} in {trades_max}");
    }

    fn rest(&mut self, random: &mut Random, incoming: &Incoming, price: u64) {
        let Incoming { side, leaves, owner, .. } = *incoming;
        let hidden = random.one_in(5);
        let display = (!hidden && random.one_in(3)).then(|| 1 + random.below(20));
        let id = self.next_id;
        self.next_id += 1;
        let mut order = Order::new(id, side, TimeInForce::Gtc, price, leaves, owner);
        if hidden {
            order.hide();
        }
        let slot = self.book.add(order);
        if let Some(display) = display {
            self.book.set_display(slot, display);
        }
        self.book.rest(slot);
        let quantity = leaves;
        let resting = Resting { id, side, price, quantity, leaves, owner, display, shown: 0, hidden, priority: 0 };
        self.naive.rest(resting);
    }

    fn change_one(&mut self, random: &mut Random) {
        if self.naive.orders.is_empty() {
            return;
        }
        let chosen = random.below(self.naive.orders.len() as u64) as usize;
        let order = self.naive.orders[chosen].clone();
        let slot = self.slot_of(order.id);
        match random.below(3) {
            0 => {
                self.naive.remove(order.id);
                assert_eq!(self.book.remove(slot).id, order.id);
            }
            1 => {
                let leaves = 1 + random.below(order.leaves);
                self.book.set_leaves(slot, leaves);
                let order = self.naive.find(order.id);
                order.leaves = leaves;
                order.shown = order.shown.min(leaves);
            }
            _ => {
                self.naive.remove(order.id);
                self.naive.rest(order);
                self.book.unlink(slot);
                self.book.rest(slot);
            }
        }
    }

    fn compare(&mut self) {
        for side in [Side::Buy, Side::Sell] {
            let seen = |(slot, order): (u32, &Order)| {
                let iceberg = self.book.iceberg(slot);
                let shown = iceberg.map_or(order.leaves, |iceberg| iceberg.shown);
                Resting {
                    id: order.id,
                    side: order.side(),
                    price: order.price,
                    quantity: order.quantity,
                    leaves: order.leaves,
                    owner: order.owner,
                    display: iceberg.map(|iceberg| iceberg.display),
                    shown,
                    hidden: order.is_hidden(),
                    priority: order.priority,
                }
            };
            let queue: Vec<Resting> = self.book.queue(side).map(seen).collect();
            assert_eq!(queue, self.naive.queue(side));
            let depth: Vec<Depth> = self.book.depth(side).collect();
            assert_eq!(depth, self.naive.depth(side));
            assert_eq!(self.book.best_with_hidden(side), queue.first().map(|order| order.price));
            self.compare_places(&queue);
        }
        assert_eq!(self.book.len() as usize, self.naive.orders.len());
        let changes = self.book.take_changes();
        self.follow(&changes);
    }

    fn compare_places(&self, queue: &[Resting]) {
        for (at, order) in queue.iter().enumerate() {
            let ahead = queue[..at].iter().filter(|other| other.price == order.price);
            let (orders, quantity) = ahead.fold((0, 0), |(orders, lots), other| (orders + 1, lots + other.shown));
            let place = self.book.place_in_queue(self.slot_of(order.id)).expect("it rests");
            assert_eq!((place.orders_ahead, place.quantity_ahead), (orders, quantity));
        }
    }

    /// A watcher who knows only the changes sees the same book.
    fn follow(&mut self, changes: &Changes) {
        for change in &changes.levels {
            let side = &mut self.watched[change.side as usize];
            match change.depth.orders {
                0 => side.remove(&change.depth.price),
                _ => side.insert(change.depth.price, change.depth),
            };
        }
        let asks: Vec<Depth> = self.watched[1].values().copied().collect();
        let bids: Vec<Depth> = self.watched[0].values().rev().copied().collect();
        assert_eq!(asks, self.naive.depth(Side::Sell));
        assert_eq!(bids, self.naive.depth(Side::Buy));
        if let Some(best) = changes.best {
            assert_eq!((best.bid, best.ask), (bids.first().copied(), asks.first().copied()));
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
}

fn run(allocation: Allocation) {
    for ladder in LadderKind::ALL {
        let mut random = Random(number("MATCHING_SEED", 1));
        let mut pair = Pair::new(ladder, allocation);
        for _ in 0..number("MATCHING_COMMANDS", COMMANDS) / LadderKind::ALL.len() as u64 {
            if random.below(10) < 7 {
                pair.enter(&mut random);
            } else {
                pair.change_one(&mut random);
            }
            pair.compare();
        }
        assert!(pair.next_id > 100, "most orders met no other");
    }
}

#[test]
fn price_time_is_as_the_naive_book_says() {
    run(Allocation::PriceTime);
}

#[test]
fn pro_rata_is_as_the_naive_book_says() {
    run(Allocation::ProRata { minimum: 0 });
    run(Allocation::ProRata { minimum: 3 });
}

#[test]
fn a_lead_market_maker_is_as_the_naive_book_says() {
    run(Allocation::LeadMarketMaker { owner: 2, share_ppm: 400_000 });
}
