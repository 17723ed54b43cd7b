//! Numbers at their limits, in every field of every command, alone and two at a time.

#![allow(missing_docs)]

use matching::batch::Batch;
use matching::command::{Command, PlaceOrder, RECORD_SIZE, Stamped, Terms, TextArena};
use matching::limit;
use matching::vocabulary::{CommandKind, OrderType, Side, TimeInForce, TriggerBy};
use matching_fuzz::{FIRST_CUSTOMER, INSTRUMENTS, Input, LOG, OPENED, check};

const fn id(sequence: u64) -> u64 {
    matching::id::entity_id(LOG, sequence)
}

const SELLER: u64 = id(FIRST_CUSTOMER);
const BUYER: u64 = id(FIRST_CUSTOMER + 1);
const EDGE: u64 = id(INSTRUMENTS);

const NUMBERS: [u64; 12] = [
    0,
    1,
    limit::PRICE_MAX - 1,
    limit::PRICE_MAX,
    limit::PRICE_MAX + 1,
    u32::MAX as u64,
    limit::TIME_MS_MAX,
    limit::TIME_MS_MAX + 1,
    i64::MAX as u64,
    i64::MAX as u64 + 1,
    u64::MAX - 1,
    u64::MAX,
];
/// Where 64-bit numbers stand in a record.
const OFFSETS: [usize; 13] = [8, 16, 24, 32, 40, 48, 56, 72, 80, 88, 96, 104, 112];

fn limit_order(account_id: u64, side: Side, quantity: u64, price: u64) -> PlaceOrder<'static> {
    PlaceOrder {
        account_id,
        instrument_id: EDGE,
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        quantity,
        price,
        protection_price: 0,
        client_order_id: None,
        terms: Terms::default(),
    }
}

fn record(command: Command<'_>) -> [u8; RECORD_SIZE] {
    Stamped { stamp_ns: 2, command }.encode(&mut TextArena::default())
}

/// Both sides of the book, one of them as large and dear as can be, and an order that waits.
fn before() -> Vec<u8> {
    let ask = limit_order(SELLER, Side::Sell, limit::QUANTITY_MAX / 2, limit::PRICE_MAX - 1);
    let bid = limit_order(BUYER, Side::Buy, 5, 1);
    let mut stop = limit_order(BUYER, Side::Buy, 3, limit::PRICE_MAX);
    stop.order_type = OrderType::StopLimit;
    (stop.terms.trigger_by, stop.terms.trigger_price) = (Some(TriggerBy::Last), limit::PRICE_MAX - 1);
    [ask, bid, stop].map(|order| record(Command::PlaceOrder(order))).concat()
}

/// What meets the book after it.
fn after() -> Vec<u8> {
    let sweep = limit_order(BUYER, Side::Buy, limit::QUANTITY_MAX, limit::PRICE_MAX);
    let dump = limit_order(SELLER, Side::Sell, limit::QUANTITY_MAX, 1);
    [sweep, dump].map(|order| record(Command::PlaceOrder(order))).concat()
}

/// Checks a record between both, each command in a batch of its own.
fn check_between(changed: &[u8; RECORD_SIZE]) {
    check(&Input::build(OPENED, 0, &[&before(), changed.as_slice(), &after()].concat(), b""));
}

fn put(record: &mut [u8; RECORD_SIZE], offset: usize, number: u64) {
    record[offset..offset + 8].copy_from_slice(&number.to_le_bytes());
}

/// An order of each type, with every word that it may have.
fn orders() -> Vec<PlaceOrder<'static>> {
    let mut orders = Vec::new();
    for order_type in OrderType::ALL.iter().copied() {
        for (account, side) in [(BUYER, Side::Buy), (SELLER, Side::Sell)] {
            let price = if order_type.has_price() { limit::PRICE_MAX - 1 } else { 0 };
            let mut order = PlaceOrder { order_type, ..limit_order(account, side, 7, price) };
            if order_type.waits() {
                (order.terms.trigger_by, order.terms.trigger_price) = (Some(TriggerBy::Last), 9);
            }
            orders.push(order);
        }
    }
    orders
}

#[test]
fn every_field_of_every_command_at_every_limit() {
    for kind in CommandKind::ALL.iter().copied() {
        let mut empty = [0; RECORD_SIZE];
        (empty[0], empty[1]) = (1, kind as u8);
        put(&mut empty, 16, BUYER);
        put(&mut empty, 24, EDGE);
        for presence in [0, 1, 2, 7, 31] {
            empty[5] = presence;
            for (offset, number) in OFFSETS.iter().flat_map(|offset| NUMBERS.map(|number| (*offset, number))) {
                let mut changed = empty;
                put(&mut changed, offset, number);
                if Stamped::decode(&changed, b"").is_ok() {
                    check_between(&changed);
                }
            }
        }
    }
}

#[test]
fn every_two_numbers_of_an_order_at_their_limits() {
    let mut valid = 0;
    for order in orders() {
        let plain = record(Command::PlaceOrder(order));
        for (at, first) in OFFSETS.iter().enumerate().skip(4) {
            for second in &OFFSETS[at..] {
                for (one, other) in NUMBERS.iter().flat_map(|one| NUMBERS.map(|other| (*one, other))) {
                    let mut changed = plain;
                    put(&mut changed, *first, one);
                    put(&mut changed, *second, other);
                    // What decoding refuses does not reach the core; of the rest, one in seven keeps the test short.
                    if Stamped::decode(&changed, b"").is_ok() {
                        valid += 1;
                        if valid % 7 == 0 {
                            check_between(&changed);
                        }
                    }
                }
            }
        }
    }
    assert!(valid > 5_000, "{valid} orders that can be decoded");
}

#[test]
fn the_venue_at_the_edge_trades() {
    let mut engine = matching_fuzz::opened_venue();
    let batch = Batch::execute(&mut engine, &[before(), after()].concat(), b"").expect("five commands");
    let count = |event_type: &str| batch.rows.iter().filter(|row| row.event_type == event_type).count();
    assert_eq!((count("OrderRejected"), count("OrderTriggered"), count("TradeExecuted")), (0, 1, 4));
}
