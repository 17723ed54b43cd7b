//! What an engine refuses to replay: a log that was changed, cut or put in another order.

use matching::batch::{Batch, Row};
use matching::command::{Stamped, TextArena};
use matching::event::Events;
use matching::facts::FactsError;
use matching::id::EventId;
use matching::{Engine, Misfit};

use crate::commands::{self, Known, Random};
use crate::reference::{LOG, id};

fn log() -> Batch {
    let mut engine = Engine::new(LOG).expect("a small log number");
    let mut texts = TextArena::default();
    let mut random = Random(3);
    let mut commands = commands::opening();
    for orders in 0..300 {
        commands.push(commands::next(&mut random, &Known { orders, now_ms: 0, open: &[] }, |_| None));
    }
    let encode = |(step, command): (u64, _)| Stamped { stamp_ns: step * 700_000, command }.encode(&mut texts);
    let records: Vec<u8> = (0..).zip(commands).flat_map(encode).collect();
    Batch::execute(&mut engine, &records, texts.bytes()).expect("valid records")
}

fn replay(batch: &Batch, rows: &[Row]) -> Result<Engine, Misfit> {
    let mut engine = Engine::new(LOG).expect("a small log number");
    let mut scratch = Events::default();
    for row in rows {
        let data = &batch.data[row.start..row.end];
        engine.evolve_row(row.event_type, &row.event_id, row.version, data, &mut scratch)?;
    }
    Ok(engine)
}

/// The rows as a cold start reads them.
fn facts(batch: &Batch) -> (String, &[u8]) {
    let line = |row: &Row| {
        let event_id = std::str::from_utf8(&row.event_id).expect("ASCII");
        format!("{} {event_id} {} {}", row.event_type, row.version, row.end - row.start)
    };
    (batch.rows.iter().map(line).collect::<Vec<_>>().join("\n"), &batch.data)
}

fn replay_facts(heads: &str, data: &[u8]) -> Result<Engine, FactsError> {
    let mut engine = Engine::new(LOG).expect("a small log number");
    engine.evolve_facts(heads.as_bytes(), data, &mut Events::default())?;
    Ok(engine)
}

#[test]
fn facts_give_the_state_that_their_events_give_one_by_one() {
    let batch = log();
    let (heads, data) = facts(&batch);
    let state = |engine: Engine| engine.state_hash().expect("a command's end");
    let at_once = replay_facts(&heads, data).map(state);
    assert_eq!(at_once, Ok(state(replay(&batch, &batch.rows).expect("its own log"))));
    assert!(replay_facts("", b"").is_ok(), "a part of the log may hold none of the engine's events");
}

#[test]
fn facts_that_are_malformed_are_refused_with_the_place() {
    let batch = log();
    let (heads, data) = facts(&batch);
    let first = heads.lines().next().expect("a line");
    let misfit = |line: &str| FactsError::Misfit {
        event: line.split(' ').take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(" (") + ")",
        misfit: Misfit::Version { expected: 1 },
    };
    let rows: [(&str, String, &[u8], FactsError); 7] = [
        ("a word is missing", first.rsplit_once(' ').expect("words").0.to_owned(), data, FactsError::Line(0)),
        ("a word too many", format!("{first} 1"), data, FactsError::Line(0)),
        ("a version that is no number", first.replacen(" 1 ", " one ", 1), data, FactsError::Line(0)),
        ("an empty line at the end", format!("{heads}\n"), data, FactsError::Line(batch.rows.len())),
        ("less data than told", heads.clone(), &data[..data.len() - 1], FactsError::Data),
        ("more data than told", first.to_owned(), data, FactsError::Data),
        ("another version", first.replacen(" 1 ", " 2 ", 1), data, misfit(first)),
    ];
    for (sentence, heads, data, error) in rows {
        assert_eq!(replay_facts(&heads, data).err(), Some(error), "{sentence}");
    }
}

#[test]
fn a_log_with_an_event_missing_or_twice_or_moved_is_refused() {
    let batch = log();
    assert!(replay(&batch, &batch.rows).is_ok());
    for at in 0..batch.rows.len() - 1 {
        // That the last event of a command is missing, only the log's positions and command counts can tell.
        if batch.rows[at].command == batch.rows[at + 1].command {
            let mut missing = batch.rows.clone();
            missing.remove(at);
            assert!(replay(&batch, &missing).is_err(), "without event {at}");
        }
        let mut twice = batch.rows.clone();
        twice.insert(at, batch.rows[at]);
        assert!(replay(&batch, &twice).is_err(), "event {at} twice");
        let mut moved = batch.rows.clone();
        moved.swap(at, at + 1);
        assert!(replay(&batch, &moved).is_err(), "event {at} after the next");
    }
}

#[test]
fn a_snapshot_in_the_middle_of_a_command_is_refused() {
    let batch = log();
    let rests = |row: &&Row| row.event_type == "OrderExecuted";
    let inside = batch.rows.iter().position(|row| rests(&row)).expect("a trade");
    let engine = replay(&batch, &batch.rows[..inside]).expect("a prefix");
    assert!(!engine.is_at_command_end());
    assert!(engine.snapshot().is_err());
    assert!(engine.state_hash().is_err());
}

#[test]
fn a_changed_version_id_or_type_is_refused() {
    let batch = log();
    for at in 0..batch.rows.len() {
        let changes: [fn(&mut Row); 4] = [
            |row| row.version += 1,
            |row| row.version -= 1,
            |row| row.event_id[35] ^= 1,
            |row| row.event_type = if row.event_type == "OrderCanceled" { "OrderExpired" } else { "OrderCanceled" },
        ];
        for (kind, change) in changes.iter().enumerate() {
            let mut rows = batch.rows.clone();
            change(&mut rows[at]);
            assert!(replay(&batch, &rows).is_err(), "event {at}, change {kind}");
        }
    }
}

#[test]
fn data_that_is_not_canonical_is_refused() {
    let batch = log();
    let row = batch.rows.iter().find(|row| row.event_type == "CashDeposited").expect("a deposit");
    let text = std::str::from_utf8(&batch.data[row.start..row.end]).expect("UTF-8");
    let rows = [
        ("a space", text.replacen(':', ": ", 1)),
        ("another key", text.replacen("account_id", "account", 1)),
        ("a number for a decimal", text.replacen("\"amount\":\"", "\"amount\":", 1)),
        ("a trailing zero", text.replacen("\",\"postings", ".0\",\"postings", 1)),
        ("an unlisted asset", text.replacen("USD", "EUR", 1)),
        ("another amount than posted", text.replacen("\"amount\":\"", "\"amount\":\"1", 1)),
        ("something after the end", format!("{text} ")),
        ("an unfinished object", text[..text.len() - 1].to_owned()),
    ];
    for (sentence, changed) in rows {
        let mut engine = Engine::new(LOG).expect("a small log number");
        let mut scratch = Events::default();
        let refused = batch.rows.iter().find_map(|r| {
            let data = if r == row { changed.as_bytes() } else { &batch.data[r.start..r.end] };
            engine.evolve_row(r.event_type, &r.event_id, r.version, data, &mut scratch).err().map(|_| *r)
        });
        assert_eq!(refused, Some(*row), "{sentence}");
    }
}

#[test]
fn a_stamp_before_the_last_is_refused() {
    let batch = log();
    let id = EventId::parse(&batch.rows[1].event_id).expect("an event id");
    assert_eq!((id.command, id.index, id.stamp_ms), (1, 1, 0));
    let last = batch.rows.last().expect("events");
    let mut rows = batch.rows.clone();
    let first_of_last = rows.iter().position(|row| row.command == last.command).expect("the last command");
    for (index, row) in (0..).zip(&mut rows[first_of_last..]) {
        let id = EventId::parse(&row.event_id).expect("an event id");
        row.event_id = EventId { stamp_ms: id.stamp_ms - 5, index, ..id }.render();
    }
    assert_eq!(replay(&batch, &rows).map(|_| ()), Err(Misfit::Stamp));
}

#[test]
fn a_changed_digit_of_an_execution_is_refused_or_changes_the_hash() {
    let batch = log();
    let hash = replay(&batch, &batch.rows).expect("the log").state_hash();
    let executions: Vec<&Row> = batch.rows.iter().filter(|row| row.event_type == "OrderExecuted").collect();
    for row in executions.iter().take(12) {
        for at in (row.start..row.end).filter(|at| batch.data[*at].is_ascii_digit()) {
            let mut changed = batch.clone();
            changed.data[at] = if batch.data[at] == b'7' { b'3' } else { b'7' };
            if let Ok(engine) = replay(&changed, &batch.rows) {
                assert_ne!(engine.state_hash(), hash, "{}", String::from_utf8_lossy(&changed.data[row.start..row.end]));
            }
        }
    }
}

#[test]
fn a_changed_digit_anywhere_never_panics_then_or_later() {
    let batch = log();
    let mut random = Random(8);
    let mut accepted = 0;
    for _ in 0..800 {
        let mut changed = batch.clone();
        let at = random.below(batch.data.len() as u64) as usize;
        if !batch.data[at].is_ascii_digit() {
            continue;
        }
        changed.data[at] = b'0' + random.below(10) as u8;
        let Ok(mut engine) = replay(&changed, &batch.rows) else { continue };
        accepted += 1;
        let mut events = Events::default();
        for orders in 300..340 {
            let command =
                commands::next(&mut random, &Known { orders, now_ms: 0, open: &[] }, |order| Some(id(6 + order % 6)));
            engine.apply(&Stamped { stamp_ns: 0, command }, &mut events);
        }
    }
    assert!(accepted > 0, "texts and refused orders may say anything");
}
