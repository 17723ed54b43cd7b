//! Snapshots: a change of any byte is refused or changes the hash, and nothing but a snapshot restores.

use matching::Engine;
use matching::command::Stamped;
use matching::event::Events;
use matching::snapshot::SnapshotError;

use crate::commands::{self, Known, Random};
use crate::reference::{LOG, id};

/// A venue in the middle of its trading.
fn traded(count: u64) -> Engine {
    let mut engine = Engine::new(LOG).expect("a small log number");
    let mut events = Events::default();
    let mut random = Random(9);
    let opening = commands::opening().into_iter();
    let known = |orders| Known { orders, now_ms: 0, open: &[] };
    let trading = (0..count).map(|step| commands::next(&mut random, &known(step), |_| None)).collect::<Vec<_>>();
    for (step, command) in (0..).zip(opening.chain(trading)) {
        events.clear();
        engine.apply(&Stamped { stamp_ns: step * 1_500_000, command }, &mut events);
    }
    engine
}

#[test]
fn a_change_of_any_byte_is_refused_or_changes_the_hash() {
    let engine = traded(400);
    let snapshot = engine.snapshot().expect("the end of a command");
    let hash = engine.state_hash().expect("the end of a command");
    assert!(engine.markets().iter().any(|market| !market.book.is_empty()), "there are open orders");
    let mut refused = std::collections::BTreeSet::new();
    for at in 0..snapshot.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = snapshot.clone();
            changed[at] ^= change;
            match Engine::restore(&changed) {
                Err(error) => {
                    refused.insert(error.to_string());
                }
                Ok(restored) => {
                    assert_ne!(restored.state_hash().as_ref(), Ok(&hash), "byte {at}");
                    assert_eq!(restored.snapshot(), Ok(changed), "byte {at} is kept");
                }
            }
        }
    }
    for reason in ["the sum of an asset", "a hold", "the order of a queue", "whether an order is open", "an order id"] {
        assert!(refused.iter().any(|error| error.ends_with(reason)), "{reason} is checked: {refused:?}");
    }
}

#[test]
fn what_restores_after_a_change_still_decides_without_a_panic() {
    let snapshot = traded(300).snapshot().expect("the end of a command");
    let mut random = Random(4);
    for round in 0..3_000 {
        let mut changed = snapshot.clone();
        let at = random.below(changed.len() as u64) as usize;
        changed[at] = random.below(256) as u8;
        let Ok(mut engine) = Engine::restore(&changed) else { continue };
        let mut events = Events::default();
        for step in 0..40 {
            events.clear();
            let known = Known { orders: 300, now_ms: 0, open: &[] };
            let command = commands::next(&mut random, &known, |order| Some(id(6 + order % 6)));
            engine.apply(&Stamped { stamp_ns: step, command }, &mut events);
        }
        assert!(!events.list.is_empty(), "round {round}");
    }
}

#[test]
fn cut_or_lengthened_bytes_are_refused() {
    let snapshot = traded(50).snapshot().expect("the end of a command");
    for length in 0..snapshot.len() {
        assert!(Engine::restore(&snapshot[..length]).is_err(), "{length} bytes");
    }
    let longer = [snapshot.as_slice(), &[0]].concat();
    assert_eq!(Engine::restore(&longer).unwrap_err(), SnapshotError::TooLong);
    assert!(matches!(Engine::restore(b"MATCHING\x02\0"), Err(SnapshotError::Header(_) | SnapshotError::Truncated)));
}

#[test]
fn an_empty_engine_restores() {
    let engine = Engine::new(4095).expect("the largest log number");
    let snapshot = engine.snapshot().expect("the end of a command");
    assert_eq!(Engine::restore(&snapshot).expect("a snapshot").snapshot(), Ok(snapshot));
    assert!(Engine::new(4096).is_err());
}
