//! Ten million open orders into a snapshot and back: of the whole engine, and of an order book on its own.

use std::time::Instant;

use matching::Engine;
use matching::book::Allocation;
use matching::order_book::{COMMAND_SIZE, Command, NO_OWNER, NewOrder, OrderBook};
use matching::vocabulary::{Side, TimeInForce};

use crate::generator::SEED;
use crate::speed::Figure;
use crate::venue::Venue;

const ORDERS: u32 = 10_000_000;
const LEVELS: u64 = 5_000;
const MID: u64 = 100_000;

/// Milliseconds for each way, and the size of the engine's snapshot.
pub fn measure() -> Vec<Figure> {
    let engine = Venue::resting(SEED, ORDERS);
    let (bytes, saving) = timed(|| engine.snapshot().expect("between commands"));
    let next = engine.command_sequence();
    drop(engine);
    let (restored, restoring) = timed(|| Engine::restore(&bytes).expect("its own snapshot"));
    assert_eq!(restored.command_sequence(), next);
    assert_eq!(restored.markets().iter().map(|market| market.book.len()).sum::<u32>(), ORDERS);
    let size = bytes.len() as u64 >> 20;
    drop((restored, bytes));

    let book = book_of((0..ORDERS).map(order));
    let (records, book_saving) = timed(|| book.snapshot());
    drop(book);
    let commands = || records.as_chunks::<COMMAND_SIZE>().0.iter();
    let (restored, book_restoring) =
        timed(|| book_of(commands().map(|record| Command::decode(record).expect("its own snapshot"))));
    assert_eq!(restored.len(), ORDERS);
    vec![
        figure("snapshot-engine", saving, "ms"),
        figure("restore-engine", restoring, "ms"),
        figure("snapshot-engine-size", size, "MiB"),
        figure("snapshot-order-book", book_saving, "ms"),
        figure("restore-order-book", book_restoring, "ms"),
    ]
}

fn book_of(commands: impl Iterator<Item = Command>) -> OrderBook {
    let mut book = OrderBook::new(Allocation::PriceTime, None);
    for command in commands {
        book.apply(&command, &mut |_| {});
    }
    book
}

fn order(number: u32) -> Command {
    let number = u64::from(number);
    let (side, away) = (if number.is_multiple_of(2) { Side::Buy } else { Side::Sell }, 1 + number / 2 % LEVELS);
    let price = if side == Side::Buy { MID - away } else { MID + away };
    let time_in_force = TimeInForce::Gtc;
    Command::Submit(NewOrder { order_id: number, side, time_in_force, price, quantity: 10, owner: NO_OWNER })
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let started = Instant::now();
    let done = work();
    (done, u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX))
}

fn figure(case: &str, value: u64, unit: &'static str) -> Figure {
    Figure { case: case.to_owned(), value, unit, sha256: None }
}
