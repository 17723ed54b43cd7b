//! What the order concepts promise, one table a concept.

use matching::book::{Allocation, Book, Ending, Incoming, Order, Prevented, SelfTrade, Sink};
use matching::ladder::LadderKind;
use matching::vocabulary::{Side, TimeInForce};

/// An order that rests to be sold at 100: id, quantity, owner, display (0 for all, `HIDDEN` for none).
type Offer = (u64, u64, u32, u64);
const HIDDEN: u64 = u64::MAX;
const TAKER: u32 = 9;

#[derive(Default)]
struct Story(Vec<String>);

impl Sink for Story {
    fn traded(&mut self, _slot: u32, maker: &mut Order, quantity: u64) {
        self.0.push(format!("{} trades {quantity}", maker.id));
    }

    fn refreshed(&mut self, _slot: u32, order: &mut Order, shown: u64) {
        self.0.push(format!("{} shows {shown}", order.id));
    }

    fn prevented(&mut self, _slot: u32, maker: &mut Order, prevented: Prevented) {
        self.0.push(match prevented {
            Prevented::Canceled => format!("{} canceled", maker.id),
            Prevented::Decremented { lots, .. } => format!("{} decremented by {lots}", maker.id),
        });
    }
}

fn book_of(offers: &[Offer]) -> Book {
    let mut book = Book::new(LadderKind::Dense);
    for (id, quantity, owner, display) in offers {
        let mut order = Order::new(*id, Side::Sell, TimeInForce::Gtc, 100, *quantity, *owner);
        if *display == HIDDEN {
            order.hide();
        }
        let slot = book.add(order);
        if *display != 0 && *display != HIDDEN {
            book.set_display(slot, *display);
        }
        book.rest(slot);
    }
    book
}

/// Buys `quantity` and tells what happened, how it ended, and what is left.
fn buy(book: &mut Book, quantity: u64, self_trade: SelfTrade) -> String {
    let mut incoming = Incoming::new(Side::Buy, 100, quantity, TAKER);
    incoming.self_trade = self_trade;
    let mut story = Story::default();
    let looked = book.would_trade(&incoming, quantity, u32::MAX, &story);
    let ending = book.take(&mut incoming, u32::MAX, &mut story);
    let traded: u64 = story.0.iter().filter_map(|line| line.split_once(" trades ")?.1.parse::<u64>().ok()).sum();
    assert_eq!(looked, traded, "the look ahead");
    format!("{}; {ending:?}, {} left", story.0.join(", "), incoming.leaves)
}

#[test]
fn an_iceberg_shows_a_part_and_goes_to_the_end_of_the_queue_for_the_next() {
    let mut book = book_of(&[(1, 25, 1, 10), (2, 5, 2, 0)]);
    assert_eq!(book.depth(Side::Sell).next().map(|level| level.quantity), Some(15));
    let story = buy(&mut book, 27, SelfTrade::CancelNewest);
    assert_eq!(story, "1 trades 10, 1 shows 10, 2 trades 5, 1 trades 10, 1 shows 5, 1 trades 2; Filled, 0 left");
    assert_eq!(book.depth(Side::Sell).next().map(|level| level.quantity), Some(3));
}

#[test]
fn hidden_orders_trade_last_at_their_price_and_are_in_no_depth() {
    let mut book = book_of(&[(1, 10, 1, HIDDEN), (2, 5, 2, 0)]);
    assert_eq!(book.depth(Side::Sell).next().map(|level| (level.quantity, level.orders)), Some((5, 1)));
    assert_eq!(buy(&mut book, 7, SelfTrade::CancelNewest), "2 trades 5, 1 trades 2; Filled, 0 left");
    assert_eq!(book.best(Side::Sell), None);
    assert_eq!(book.best_with_hidden(Side::Sell), Some(100));
    assert!(book.crosses(Side::Buy, 100) && !book.crosses(Side::Buy, 99));
}

#[test]
fn self_trade_prevention_has_four_ways() {
    let offers = [(1, 5, 1, 0), (2, 10, TAKER, 4), (3, 20, 3, 0)];
    for (self_trade, quantity, expected) in [
        (SelfTrade::CancelNewest, 30, "1 trades 5; OwnOrder, 25 left"),
        (SelfTrade::CancelOldest, 30, "1 trades 5, 2 canceled, 3 trades 20; Exhausted, 5 left"),
        (SelfTrade::CancelBoth, 30, "1 trades 5, 2 canceled; OwnOrder, 25 left"),
        (SelfTrade::Decrement, 30, "1 trades 5, 2 decremented by 10, 3 trades 15; Filled, 0 left"),
        (SelfTrade::Decrement, 12, "1 trades 5, 2 decremented by 7; OwnOrder, 0 left"),
    ] {
        assert_eq!(buy(&mut book_of(&offers), quantity, self_trade), expected);
    }
}

#[test]
fn a_price_is_shared_as_the_book_says() {
    let offers = [(1, 10, 1, 0), (2, 30, 2, 0), (3, 60, 3, 0)];
    let lead = |share_ppm| Allocation::LeadMarketMaker { owner: 3, share_ppm };
    for (allocation, quantity, expected) in [
        (Allocation::PriceTime, 50, "1 trades 10, 2 trades 30, 3 trades 10"),
        (Allocation::ProRata { minimum: 0 }, 50, "1 trades 5, 2 trades 15, 3 trades 30"),
        (Allocation::ProRata { minimum: 0 }, 55, "1 trades 6, 2 trades 16, 3 trades 33"),
        (Allocation::ProRata { minimum: 10 }, 50, "1 trades 5, 2 trades 15, 3 trades 30"),
        (Allocation::ProRata { minimum: 20 }, 50, "1 trades 10, 2 trades 10, 3 trades 30"),
        (Allocation::ProRata { minimum: 0 }, 200, "1 trades 10, 2 trades 30, 3 trades 60"),
        (lead(400_000), 50, "1 trades 10, 2 trades 20, 3 trades 20"),
        (lead(1_000_000), 50, "3 trades 50"),
        (lead(0), 15, "1 trades 10, 2 trades 5"),
    ] {
        let mut book = book_of(&offers);
        book.set_allocation(allocation);
        let story = buy(&mut book, quantity, SelfTrade::CancelNewest);
        assert_eq!(story.split(';').next(), Some(expected), "{allocation:?}");
    }
}

#[test]
fn a_look_ahead_is_bounded_by_the_trades_that_are_allowed() {
    let book = book_of(&[(1, 1_000_000, 1, 1)]);
    let incoming = Incoming::new(Side::Buy, 100, 1_000_000, TAKER);
    assert_eq!(book.would_trade(&incoming, 1_000_000, 50, &Story::default()), 50);
    assert_eq!(book.would_trade(&incoming, 20, 50, &Story::default()), 20);
}

#[test]
fn a_take_that_may_go_no_further_says_so() {
    let mut book = book_of(&[(1, 5, 1, 0), (2, 5, 2, 0)]);
    let mut incoming = Incoming::new(Side::Buy, 100, 10, TAKER);
    let ending = book.take(&mut incoming, 1, &mut Story::default());
    assert_eq!((ending, incoming.leaves), (Ending::TradesReached, 5));
}
