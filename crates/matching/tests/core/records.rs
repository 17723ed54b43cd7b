//! Any bytes are one valid command or a typed error, and what decodes can be decided, without a panic.

use matching::Engine;
use matching::batch::{Batch, BatchError};
use matching::command::{Command, RECORD_SIZE, RecordError, Stamped, TextArena};
use matching::vocabulary::CommandKind;
use proptest::prelude::*;

use crate::commands::{self, Known, Random};
use crate::reference::LOG;

fn opened() -> Engine {
    let mut engine = Engine::new(LOG).expect("a small log number");
    let mut texts = TextArena::default();
    let encode = |command| Stamped { stamp_ns: 1, command }.encode(&mut texts);
    let records: Vec<u8> = commands::opening().into_iter().flat_map(encode).collect();
    Batch::execute(&mut engine, &records, texts.bytes()).expect("valid records");
    engine
}

/// Bytes that are mostly small or mostly zero: they pass the first checks and reach the later ones.
fn nearly_valid() -> impl Strategy<Value = [u8; RECORD_SIZE]> {
    let byte = prop_oneof![8 => Just(0u8), 4 => 0u8..4, 1 => any::<u8>()];
    (1u8..26, prop::collection::vec(byte, RECORD_SIZE)).prop_map(|(kind, bytes)| {
        let mut record = [0; RECORD_SIZE];
        record.copy_from_slice(&bytes);
        (record[0], record[1]) = (1, kind);
        for at in (16..40).step_by(8) {
            // Ids of the log, as often as not.
            if record[at] % 2 == 1 {
                record[at + 1..at + 8].copy_from_slice(&[0, 0, 0, 0, 0, 1, 0]);
            }
        }
        record
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_command_or_an_error(record in prop::array::uniform32(any::<[u8; 4]>()), texts in any::<Vec<u8>>()) {
        let bytes: Vec<u8> = record.concat();
        let record: [u8; RECORD_SIZE] = bytes.try_into().expect("128 bytes");
        let _ = Stamped::decode(&record, &texts);
    }

    #[test]
    fn what_decodes_can_be_decided_and_encoded_again(records in prop::collection::vec(nearly_valid(), 1..20)) {
        let texts = b"abc \"\\ text";
        let mut engine = opened();
        for record in records {
            let Ok(stamped) = Stamped::decode(&record, texts) else { continue };
            let mut arena = TextArena::default();
            let again = stamped.encode(&mut arena);
            prop_assert_eq!(Stamped::decode(&again, arena.bytes()), Ok(stamped));
            let batch = Batch::execute(&mut engine, &record, texts).expect("a record that decodes");
            prop_assert!(!batch.rows.is_empty());
        }
        let snapshot = engine.snapshot().expect("the end of a command");
        prop_assert_eq!(Engine::restore(&snapshot).expect("a snapshot").snapshot(), Ok(snapshot));
    }

    #[test]
    fn commands_survive_their_record(seed in any::<u64>(), stamp_ns in any::<u64>()) {
        let command = commands::next(&mut Random(seed), &Known { orders: 10, now_ms: 0, open: &[1, 5] }, |_| None);
        let mut texts = TextArena::default();
        let record = Stamped { stamp_ns, command }.encode(&mut texts);
        prop_assert_eq!(Stamped::decode(&record, texts.bytes()), Ok(Stamped { stamp_ns, command }));
    }
}

fn of_kind(kind: CommandKind, bytes: &[(usize, u8)]) -> [u8; RECORD_SIZE] {
    let mut record = [0; RECORD_SIZE];
    (record[0], record[1]) = (1, kind as u8);
    for (at, value) in bytes {
        record[*at] = *value;
    }
    record
}

#[test]
fn orders_that_contradict_themselves_are_named() {
    let rows = [
        (
            "a market-to-limit order with a price",
            of_kind(CommandKind::PlaceOrder, &[(3, 2), (48, 1)]),
            RecordError::NotAbsent("price of a market-to-limit order"),
        ),
        (
            "post-only in two forms",
            of_kind(CommandKind::PlaceOrder, &[(5, 0b1100)]),
            RecordError::NotAbsent("a second form of post-only"),
        ),
        (
            "an immediate post-only order",
            of_kind(CommandKind::PlaceOrder, &[(4, 2), (5, 0b100)]),
            RecordError::NotAbsent("post-only of an order that is not a resting limit order"),
        ),
        (
            "a limit order with a budget",
            of_kind(CommandKind::PlaceOrder, &[(80, 1)]),
            RecordError::NotAbsent("budget of an order that is not a market order"),
        ),
        (
            "a budget and a quantity",
            of_kind(CommandKind::PlaceOrder, &[(3, 1), (40, 1), (80, 1)]),
            RecordError::NotAbsent("quantity beside a budget"),
        ),
        (
            "a part of a hidden order",
            of_kind(CommandKind::PlaceOrder, &[(5, 1), (96, 1)]),
            RecordError::NotAbsent("displayed quantity of a hidden order"),
        ),
        (
            "a hidden order that never rests",
            of_kind(CommandKind::PlaceOrder, &[(3, 1), (5, 1)]),
            RecordError::NotAbsent("display of an order that never rests"),
        ),
        (
            "all-or-none with a minimum",
            of_kind(CommandKind::PlaceOrder, &[(5, 2), (104, 1)]),
            RecordError::NotAbsent("minimum quantity beside all-or-none"),
        ),
    ];
    for (sentence, record, error) in rows {
        assert_eq!(Stamped::decode(&record, b""), Err(error), "{sentence}");
    }
}

#[test]
fn pegs_that_contradict_themselves_are_named() {
    let rows = [
        (
            "a protected peg",
            of_kind(CommandKind::PlaceOrder, &[(3, 9), (56, 1)]),
            RecordError::NotAbsent("protection price of a pegged order"),
        ),
        (
            "an immediate peg",
            of_kind(CommandKind::PlaceOrder, &[(3, 10), (4, 2)]),
            RecordError::NotAbsent("immediate time in force of a pegged order"),
        ),
        (
            "a post-only peg",
            of_kind(CommandKind::PlaceOrder, &[(3, 11), (5, 0b100)]),
            RecordError::NotAbsent("post-only of an order that is not a resting limit order"),
        ),
        (
            "an offset of a limit order",
            of_kind(CommandKind::PlaceOrder, &[(32, 1)]),
            RecordError::NotAbsent("offset of an order that is not pegged"),
        ),
        (
            "a peg that waits",
            of_kind(CommandKind::PlaceOrder, &[(3, 9), (6, 1)]),
            RecordError::NotAbsent("trigger of an order that does not wait"),
        ),
    ];
    for (sentence, record, error) in rows {
        assert_eq!(Stamped::decode(&record, b""), Err(error), "{sentence}");
    }
}

#[test]
fn orders_that_lack_what_they_need_are_named() {
    let rows = [
        (
            "a GTD order without a time",
            of_kind(CommandKind::PlaceOrder, &[(4, 4)]),
            RecordError::Missing("expire time of a GTD order"),
        ),
        (
            "a time beyond all nanoseconds",
            of_kind(CommandKind::PlaceOrder, &[(4, 4), (119, 1)]),
            RecordError::TooLarge("expire time"),
        ),
        (
            "a time of a day order",
            of_kind(CommandKind::PlaceOrder, &[(4, 1), (112, 1)]),
            RecordError::NotAbsent("expire time of an order that is not GTD"),
        ),
        (
            "a stop without a trigger method",
            of_kind(CommandKind::PlaceOrder, &[(3, 3), (72, 1)]),
            RecordError::Missing("trigger method of an order that waits"),
        ),
        (
            "a trigger price of a limit order",
            of_kind(CommandKind::PlaceOrder, &[(72, 1)]),
            RecordError::NotAbsent("trigger of an order that does not wait"),
        ),
        (
            "an unknown trigger method",
            of_kind(CommandKind::PlaceOrder, &[(3, 3), (6, 4)]),
            RecordError::Word("trigger method"),
        ),
        ("a flag that is reserved", of_kind(CommandKind::PlaceOrder, &[(5, 1 << 4)]), RecordError::Reserved(5)),
        (
            "an order type that is reserved",
            of_kind(CommandKind::PlaceOrder, &[(3, 7)]),
            RecordError::Word("order type"),
        ),
    ];
    for (sentence, record, error) in rows {
        assert_eq!(Stamped::decode(&record, b""), Err(error), "{sentence}");
    }
}

#[test]
fn mass_cancels_that_contradict_themselves_are_named() {
    let rows = [
        (
            "an account that is said to be absent",
            of_kind(CommandKind::MassCancel, &[(16, 1)]),
            RecordError::NotAbsent("what a mass cancel chooses by"),
        ),
        (
            "a side that is said to be absent",
            of_kind(CommandKind::MassCancel, &[(2, 1)]),
            RecordError::NotAbsent("what a mass cancel chooses by"),
        ),
        (
            "prices of every instrument",
            of_kind(CommandKind::MassCancel, &[(5, 8), (48, 1)]),
            RecordError::Missing("instrument of a price range"),
        ),
        ("a third side", of_kind(CommandKind::MassCancel, &[(5, 4), (2, 2)]), RecordError::Word("side")),
        (
            "an account of the venue's switch",
            of_kind(CommandKind::ChangeKillSwitch, &[(16, 1)]),
            RecordError::NotAbsent("the account of the venue's kill switch"),
        ),
        ("a switch half way", of_kind(CommandKind::ChangeKillSwitch, &[(2, 2)]), RecordError::Word("switch")),
    ];
    for (sentence, record, error) in rows {
        assert_eq!(Stamped::decode(&record, b""), Err(error), "{sentence}");
    }
}

#[test]
fn malformed_records_are_named() {
    let valid = |command: Command<'_>| Stamped { stamp_ns: 7, command }.encode(&mut TextArena::default());
    let changed = |at: usize, value: u8| {
        let mut record = valid(Command::OpenVenue);
        record[at] = value;
        record
    };
    let rows = [
        ("another version", changed(0, 2), RecordError::Version(2)),
        ("no kind", changed(1, 0), RecordError::Kind(0)),
        ("an unknown kind", changed(1, 14), RecordError::Kind(14)),
        ("a reserved byte", changed(127, 1), RecordError::Reserved(127)),
        ("a field of other commands", changed(16, 1), RecordError::Reserved(16)),
        ("a third side", of_kind(CommandKind::PlaceOrder, &[(2, 2)]), RecordError::Word("side")),
        (
            "a market order with a price",
            of_kind(CommandKind::PlaceOrder, &[(3, 1), (48, 1)]),
            RecordError::NotAbsent("price of a market order"),
        ),
        (
            "a limit order with a protection price",
            of_kind(CommandKind::PlaceOrder, &[(56, 1)]),
            RecordError::NotAbsent("protection price of a limit order"),
        ),
        ("an unknown presence bit", of_kind(CommandKind::ReplaceOrder, &[(5, 8)]), RecordError::Reserved(5)),
        (
            "a quantity that is said to be absent",
            of_kind(CommandKind::ReplaceOrder, &[(40, 1)]),
            RecordError::NotAbsent("quantity or price"),
        ),
        ("no symbol", of_kind(CommandKind::ListAsset, &[]), RecordError::TextMissing(64)),
        ("a scale of nineteen", of_kind(CommandKind::ListAsset, &[(3, 19)]), RecordError::TooLarge("scale")),
        ("a text outside", of_kind(CommandKind::OpenAccount, &[(64, 9), (68, 1)]), RecordError::TextOutOfBounds(64)),
        ("an offset alone", of_kind(CommandKind::OpenAccount, &[(64, 9)]), RecordError::Reserved(64)),
        ("a text too long", of_kind(CommandKind::OpenAccount, &[(68, 129)]), RecordError::TextTooLong(64)),
        ("a line break", of_kind(CommandKind::OpenAccount, &[(68, 1)]), RecordError::TextNotPlain(64)),
        ("half a character", of_kind(CommandKind::OpenAccount, &[(64, 1), (68, 1)]), RecordError::TextNotPlain(64)),
    ];
    let texts = [b'\n', 0xc3, 0xbc, b'a'];
    for (sentence, record, error) in rows {
        assert_eq!(Stamped::decode(&record, &texts), Err(error), "{sentence}");
    }
}

#[test]
fn a_malformed_record_leaves_the_whole_batch_undone() {
    let mut engine = opened();
    let before = engine.state_hash();
    let open = Stamped { stamp_ns: 9, command: Command::OpenVenue }.encode(&mut TextArena::default());
    let outcome = Batch::execute(&mut engine, &[open, [0; RECORD_SIZE]].concat(), b"");
    assert_eq!(outcome.unwrap_err(), BatchError::Record(1, RecordError::Version(0)));
    assert_eq!(Batch::execute(&mut engine, &open[1..], b"").unwrap_err(), BatchError::Length(127));
    let too_many = open.repeat(matching::limit::COMMANDS_PER_BATCH_MAX + 1);
    assert_eq!(Batch::execute(&mut engine, &too_many, b"").unwrap_err(), BatchError::TooLarge);
    assert_eq!(engine.state_hash(), before);
}

#[test]
fn fees_beyond_their_ceiling_are_named() {
    let rates = |maker: u8, taker: u8, ceiling: u32| {
        let [a, b, c, d] = ceiling.to_le_bytes();
        of_kind(CommandKind::ChangeFees, &[(80, maker), (84, taker), (88, a), (89, b), (90, c), (91, d)])
    };
    let rows = [
        ("a maker's above the ceiling", rates(6, 5, 5), Some(RecordError::TooLarge("fee"))),
        ("a taker's above the ceiling", rates(5, 6, 5), Some(RecordError::TooLarge("fee"))),
        ("a ceiling above the whole", rates(5, 5, 1_000_001), Some(RecordError::TooLarge("fee"))),
        ("a byte behind them", of_kind(CommandKind::ChangeFees, &[(92, 1)]), Some(RecordError::Reserved(92))),
        ("fees up to the ceiling", rates(5, 5, 5), None),
        ("no fees", rates(0, 0, 0), None),
    ];
    for (sentence, record, error) in rows {
        assert_eq!(Stamped::decode(&record, b"").err(), error, "{sentence}");
    }
}
