//! The order book on its own: its rules as tables, its records to the byte, its snapshot.

use matching::book::{Allocation, SelfTrade};
use matching::order_book::{COMMAND_SIZE, Command, NewOrder, OrderBook, Report, Told, Why};
use matching::vocabulary::{Side, TimeInForce};

use Side::{Buy, Sell};
use TimeInForce::{Fok, Gtc, Ioc};

fn order(order_id: u64, side: Side, price: u64, quantity: u64, time_in_force: TimeInForce, owner: u32) -> Command {
    Command::Submit(NewOrder { order_id, side, time_in_force, price, quantity, owner })
}

fn applied(book: &mut OrderBook, command: &Command) -> Vec<Report> {
    let mut reports = Vec::new();
    book.apply(command, &mut |report| reports.push(report));
    reports
}

/// What a report tells in one line: word, why, order, taker, price, quantity.
type Line = (Told, Why, u64, u64, u64, u64);

fn lines(reports: &[Report]) -> Vec<Line> {
    reports.iter().map(|r| (r.told, r.why, r.order_id, r.taker_id, r.price, r.quantity)).collect()
}

#[test]
fn each_command_is_answered_by_what_it_does() {
    let mut book = OrderBook::new(Allocation::PriceTime, None);
    let cases: &[(&str, Command, &[Line])] = &[
        ("rests", order(1, Sell, 100, 5, Gtc, 7), &[(Told::Accepted, Why::Nothing, 1, 0, 100, 5)]),
        ("rests behind", order(2, Sell, 100, 5, Gtc, 7), &[(Told::Accepted, Why::Nothing, 2, 0, 100, 5)]),
        ("an id is open", order(1, Buy, 9, 1, Gtc, 0), &[(Told::Rejected, Why::DuplicateId, 1, 0, 9, 1)]),
        ("no quantity", order(3, Buy, 9, 0, Gtc, 0), &[(Told::Rejected, Why::InvalidQuantity, 3, 0, 9, 0)]),
        ("any price, and rests", order(3, Buy, 0, 1, Gtc, 0), &[(Told::Rejected, Why::InvalidPrice, 3, 0, 0, 1)]),
        (
            "too much to fill",
            order(3, Buy, 100, 11, Fok, 0),
            &[(Told::Accepted, Why::Nothing, 3, 0, 100, 11), (Told::Canceled, Why::FillOrKill, 3, 0, 100, 11)],
        ),
        (
            "without prevention an owner trades with itself, by time",
            order(3, Buy, 0, 6, Ioc, 7),
            &[
                (Told::Accepted, Why::Nothing, 3, 0, 0, 6),
                (Told::Traded, Why::Nothing, 1, 3, 100, 5),
                (Told::Traded, Why::Nothing, 2, 3, 100, 1),
            ],
        ),
        ("gone", Command::Cancel { order_id: 1 }, &[(Told::Rejected, Why::UnknownId, 1, 0, 0, 0)]),
        ("down", Command::Reduce { order_id: 2, by: 1 }, &[(Told::Reduced, Why::Requested, 2, 0, 100, 3)]),
        ("too far", Command::Reduce { order_id: 2, by: 4 }, &[(Told::Rejected, Why::InvalidQuantity, 2, 0, 100, 4)]),
        ("a bid", order(4, Buy, 90, 2, Gtc, 0), &[(Told::Accepted, Why::Nothing, 4, 0, 90, 2)]),
        (
            "a replacement trades",
            Command::Replace { order_id: 4, price: 100, quantity: 0 },
            &[(Told::Replaced, Why::Requested, 4, 0, 100, 2), (Told::Traded, Why::Nothing, 2, 4, 100, 2)],
        ),
        ("all of it", Command::Reduce { order_id: 2, by: 1 }, &[(Told::Canceled, Why::Requested, 2, 0, 100, 1)]),
        (
            "nothing is there",
            order(5, Sell, 0, 2, Ioc, 0),
            &[(Told::Accepted, Why::Nothing, 5, 0, 0, 2), (Told::Canceled, Why::ImmediateOrCancel, 5, 0, 0, 2)],
        ),
    ];
    for (sentence, command, expected) in cases {
        assert_eq!(lines(&applied(&mut book, command)), *expected, "{sentence}");
    }
    assert!(book.is_empty());
}

#[test]
fn an_owner_does_not_trade_with_itself_where_that_is_prevented() {
    type Case = (SelfTrade, &'static [Line], u32);
    let cases: [Case; 4] = [
        (SelfTrade::CancelNewest, &[(Told::Canceled, Why::SelfTrade, 2, 0, 100, 4)], 1),
        (SelfTrade::CancelOldest, &[(Told::Canceled, Why::SelfTrade, 1, 0, 100, 3)], 1),
        (
            SelfTrade::CancelBoth,
            &[(Told::Canceled, Why::SelfTrade, 1, 0, 100, 3), (Told::Canceled, Why::SelfTrade, 2, 0, 100, 4)],
            0,
        ),
        (SelfTrade::Decrement, &[(Told::Canceled, Why::SelfTrade, 1, 0, 100, 3)], 1),
    ];
    for (policy, expected, open) in cases {
        let mut book = OrderBook::new(Allocation::PriceTime, Some(policy));
        applied(&mut book, &order(1, Sell, 100, 3, Gtc, 7));
        let reports = applied(&mut book, &order(2, Buy, 100, 4, Gtc, 7));
        assert_eq!((&lines(&reports)[1..], book.len()), (expected, open), "{policy:?}");
    }
}

#[test]
fn an_incoming_order_that_is_decremented_away_is_told() {
    let mut book = OrderBook::new(Allocation::PriceTime, Some(SelfTrade::Decrement));
    applied(&mut book, &order(1, Sell, 100, 5, Gtc, 7));
    let reports = applied(&mut book, &order(2, Buy, 100, 3, Gtc, 7));
    let expected = [(Told::Reduced, Why::SelfTrade, 1, 0, 100, 2), (Told::Canceled, Why::SelfTrade, 2, 0, 100, 0)];
    assert_eq!((&lines(&reports)[1..], book.len()), (&expected[..], 1));
}

#[test]
fn a_record_is_read_strictly_and_written_as_it_was() {
    let commands = [
        order(u64::MAX, Sell, 3, 4, Fok, 5),
        Command::Cancel { order_id: 1 },
        Command::Reduce { order_id: 1, by: 2 },
        Command::Replace { order_id: 1, price: 2, quantity: 3 },
        Command::Show { order_id: 1, lots: 2, now: 1 },
    ];
    for command in commands {
        assert_eq!(Command::decode(&command.encode()), Ok(command));
    }
    // Offset, byte: what no command has there.
    let cancel = Command::Cancel { order_id: 1 }.encode();
    let submit = order(1, Buy, 1, 1, Gtc, 0).encode();
    for (record, offset, byte) in
        [(cancel, 0, 9), (cancel, 1, 1), (cancel, 24, 1), (submit, 1, 2), (submit, 2, 1), (submit, 3, 1)]
    {
        let mut wrong: [u8; COMMAND_SIZE] = record;
        wrong[offset] = byte;
        let error = Command::decode(&wrong).expect_err("a byte is wrong");
        assert_eq!((error.offset, error.byte), (offset, byte));
    }
    let mut nobody = submit;
    nobody[4..8].copy_from_slice(&[255; 4]);
    assert!(Command::decode(&nobody).is_err(), "the last owner is nobody's");
}

#[test]
fn an_order_shows_a_part_or_nothing() {
    let mut book = OrderBook::new(Allocation::PriceTime, None);
    let show = |order_id, lots, now| Command::Show { order_id, lots, now };
    let displayed = |why, order_id, quantity| (Told::Displayed, why, order_id, 0, 100, quantity);
    for command in [order(1, Sell, 100, 8, Gtc, 0), order(2, Sell, 100, 2, Gtc, 0), order(3, Sell, 100, 4, Gtc, 0)] {
        applied(&mut book, &command);
    }
    let cases: &[(&str, Command, &[Line])] = &[
        ("a part, behind the others", show(1, 3, 0), &[displayed(Why::Requested, 1, 3)]),
        ("nothing", show(3, 0, 0), &[displayed(Why::Requested, 3, 0)]),
        ("more than is left", show(2, 1, 2), &[(Told::Rejected, Why::InvalidQuantity, 2, 0, 100, 1)]),
        ("nobody's", show(9, 1, 0), &[(Told::Rejected, Why::UnknownId, 9, 0, 0, 0)]),
        (
            "what is displayed, then the next part, then what is hidden",
            order(4, Buy, 100, 11, Gtc, 0),
            &[
                (Told::Accepted, Why::Nothing, 4, 0, 100, 11),
                (Told::Traded, Why::Nothing, 2, 4, 100, 2),
                (Told::Traded, Why::Nothing, 1, 4, 100, 3),
                displayed(Why::Nothing, 1, 3),
                (Told::Traded, Why::Nothing, 1, 4, 100, 3),
                displayed(Why::Nothing, 1, 2),
                (Told::Traded, Why::Nothing, 1, 4, 100, 2),
                (Told::Traded, Why::Nothing, 3, 4, 100, 1),
            ],
        ),
        (
            "a replacement shows as much as before",
            Command::Replace { order_id: 3, price: 101, quantity: 5 },
            &[(Told::Replaced, Why::Requested, 3, 0, 101, 5)],
        ),
        ("all of it again", show(3, 9, 0), &[(Told::Displayed, Why::Requested, 3, 0, 101, 5)]),
    ];
    for (sentence, command, expected) in cases {
        assert_eq!(lines(&applied(&mut book, command)), *expected, "{sentence}");
    }
    assert_eq!(book.depth(Sell).map(|level| (level.price, level.quantity)).collect::<Vec<_>>(), [(101, 5)]);
}

/// A sequence without a random source: the state of a linear congruence.
fn commands(count: u64) -> impl Iterator<Item = Command> {
    let mut state = 7_u64;
    let mut draw = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..count).map(move |_| {
        let (order_id, price, quantity) = (draw(200), 95 + draw(10), 1 + draw(20));
        match draw(11) {
            0 | 1 => Command::Cancel { order_id },
            2 => Command::Reduce { order_id, by: quantity },
            3 => Command::Replace { order_id, price, quantity },
            4 => Command::Show { order_id, lots: draw(6), now: draw(2) },
            kind => {
                let side = if draw(2) == 0 { Buy } else { Sell };
                let time_in_force = [Gtc, Gtc, Gtc, Gtc, Ioc, Fok][kind as usize - 5];
                order(order_id, side, price, quantity, time_in_force, draw(4) as u32)
            }
        }
    })
}

#[test]
fn a_snapshot_makes_a_book_that_goes_on_alike() {
    let lead = Allocation::LeadMarketMaker { owner: 2, share_ppm: 400_000 };
    let allocations = [Allocation::PriceTime, Allocation::ProRata { minimum: 2 }, lead];
    for (allocation, policy) in allocations.into_iter().zip([None, Some(SelfTrade::CancelOldest), None]) {
        let mut book = OrderBook::new(allocation, policy);
        for (number, command) in commands(20_000).enumerate() {
            let mut copy = None;
            if number % 500 == 0 {
                let mut again = OrderBook::new(allocation, policy);
                let snapshot = book.snapshot();
                let (records, rest) = snapshot.as_chunks::<COMMAND_SIZE>();
                assert!(rest.is_empty(), "whole records");
                for record in records {
                    applied(&mut again, &Command::decode(record).expect("a snapshot holds commands"));
                }
                copy = Some(again);
            }
            let reports = applied(&mut book, &command);
            if let Some(mut copy) = copy {
                assert_eq!(applied(&mut copy, &command), reports);
                assert_eq!(copy.snapshot(), book.snapshot());
            }
            let best = |side| book.depth(side).next().map(|level| level.price);
            assert!(best(Buy).zip(best(Sell)).is_none_or(|(bid, ask)| bid < ask), "crossed");
        }
    }
}
