//! What happens at a time of its own: orders that expire, and the commands that make them.

use matching::Engine;
use matching::batch::Batch;
use matching::command::{Command, PlaceOrder, Stamped, TextArena};
use matching::event::Events;
use matching::limit::CANCELS_PER_COMMAND_MAX;
use matching::vocabulary::{Side, TimeInForce};

use crate::reference::LOG;
use crate::story::{ADA, BEN, buy, cancel, limit, limits, sell, venue};

const MS: u64 = 1_000_000;

fn until(expire_at_ms: u64, account: u64, side: Side, quantity: u64, price: u64) -> Command<'static> {
    let mut order = PlaceOrder { time_in_force: TimeInForce::Gtd, ..limit(account, side, quantity, price) };
    order.terms.expire_at_ms = expire_at_ms;
    Command::PlaceOrder(order)
}

fn opened() -> Engine {
    let mut engine = Engine::new(LOG).expect("a small log number");
    for command in venue() {
        engine.apply(&Stamped { stamp_ns: 1, command }, &mut Events::default());
    }
    engine
}

/// Event types of each command that was decided, with its time in milliseconds; those that nobody gave are marked.
fn told(batch: &Batch) -> Vec<String> {
    let commands = batch.stamps.iter().zip(&batch.given).enumerate();
    let tell = |(number, (stamp_ns, given)): (usize, (&u64, &Option<u32>))| {
        let own = batch.rows.iter().filter(|row| row.command as usize == number).map(|row| row.event_type);
        let mark = if given.is_none() { " due" } else { "" };
        format!("{}{mark}: {}", stamp_ns / MS, own.collect::<Vec<_>>().join(" "))
    };
    commands.map(tell).collect()
}

fn execute(engine: &mut Engine, commands: &[(u64, Command<'static>)]) -> Vec<String> {
    let mut texts = TextArena::default();
    let encode =
        |(ms, command): &(u64, Command<'static>)| Stamped { stamp_ns: ms * MS, command: *command }.encode(&mut texts);
    let records: Vec<u8> = commands.iter().flat_map(encode).collect();
    told(&Batch::execute(engine, &records, texts.bytes()).expect("valid records"))
}

/// A sentence, stamped commands, what is told.
type Row = (&'static str, Vec<(u64, Command<'static>)>, &'static [&'static str]);

#[test]
fn an_order_expires_before_the_first_command_at_or_after_its_time() {
    let bid = || until(50, ADA, Side::Buy, 1, 100);
    let rows: [Row; 7] = [
        (
            "a moment before",
            vec![(10, bid()), (49, sell(BEN, 1, 100))],
            &["10: OrderCreated", "49: OrderCreated OrderExecuted OrderExecuted TradeExecuted"],
        ),
        (
            "at its time",
            vec![(10, bid()), (50, sell(BEN, 1, 100))],
            &["10: OrderCreated", "50 due: OrderExpired", "50: OrderCreated"],
        ),
        (
            "long after",
            vec![(10, bid()), (99, sell(BEN, 1, 100))],
            &["10: OrderCreated", "50 due: OrderExpired", "99: OrderCreated"],
        ),
        (
            "each at its own time, the oldest first",
            vec![(10, bid()), (11, until(30, BEN, Side::Buy, 1, 90)), (12, bid()), (60, cancel(ADA, 1))],
            &[
                "10: OrderCreated",
                "11: OrderCreated",
                "12: OrderCreated",
                "30 due: OrderExpired",
                "50 due: OrderExpired OrderExpired",
                "60: OrderCancelRejected",
            ],
        ),
        (
            "not twice",
            vec![(10, bid()), (11, cancel(ADA, 1)), (60, buy(ADA, 1, 1))],
            &["10: OrderCreated", "11: OrderCanceled", "60: OrderCreated"],
        ),
        (
            "a stamp that goes back is late as well",
            vec![(10, bid()), (70, buy(ADA, 1, 1)), (20, cancel(ADA, 1))],
            &["10: OrderCreated", "50 due: OrderExpired", "70: OrderCreated", "70: OrderCancelRejected"],
        ),
        ("an expiry that has passed", vec![(50, bid())], &["50: OrderRejected"]),
    ];
    for (sentence, commands, expected) in rows {
        assert_eq!(execute(&mut opened(), &commands), expected, "{sentence}");
    }
}

#[test]
fn whoever_has_a_clock_asks_what_is_due() {
    let mut engine = opened();
    assert_eq!(engine.next_due_ns(), None);
    execute(&mut engine, &[(10, until(50, ADA, Side::Buy, 1, 100)), (11, until(40, ADA, Side::Buy, 1, 99))]);
    assert_eq!(engine.next_due_ns(), Some(40 * MS));
    assert!(told(&Batch::fire_due(&mut engine, 40 * MS - 1)).is_empty());
    let restored = Engine::restore(&engine.snapshot().expect("a command's end")).expect("a snapshot");
    for mut engine in [engine, restored] {
        assert_eq!(told(&Batch::fire_due(&mut engine, 60 * MS)), ["40 due: OrderExpired", "50 due: OrderExpired"]);
        assert_eq!(engine.next_due_ns(), None);
        assert_eq!(execute(&mut engine, &[(60, Command::FireDue)]), ["60: CommandRefused"]);
    }
}

#[test]
fn more_than_one_command_ends_expire_in_several() {
    let mut engine = opened();
    let mut events = Events::default();
    engine.apply(&Stamped { stamp_ns: 1, command: limits(ADA, None, None, Some(u32::MAX)) }, &mut events);
    for _ in 0..=CANCELS_PER_COMMAND_MAX {
        events.clear();
        engine.apply(&Stamped { stamp_ns: MS, command: until(50, ADA, Side::Buy, 1, 1) }, &mut events);
    }
    let batch = Batch::fire_due(&mut engine, 50 * MS);
    assert_eq!(batch.stamps, [50 * MS, 50 * MS]);
    assert_eq!(batch.rows.len(), CANCELS_PER_COMMAND_MAX as usize + 1);
    assert!(engine.markets()[0].book.is_empty());
}
