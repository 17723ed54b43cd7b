//! Commands a second of the whole engine: decided; with each event's data encoded; with the rows hash-chained as well.

use std::time::{Duration, Instant};

use matching::Engine;
use matching::batch::Batch;
use matching::command::{Command, RECORD_SIZE, Stamped, TextArena};
use matching::event::Events;
use sha2::{Digest, Sha256};

use crate::generator::SEED;
use crate::speed::Figure;
use crate::venue::Venue;

const COMMANDS: usize = 500_000;
/// Commands in a batch of encoded events.
const BATCH: usize = 1_024;
const RATE: &str = "commands/s";

/// The median rate of deciding, and the time that of a thousand commands only one exceeds.
pub fn risk(runs: usize) -> Vec<Figure> {
    let venue = Venue::new(SEED, COMMANDS);
    let rate = median(&venue, runs, |engine| {
        let mut events = Events::default();
        let started = Instant::now();
        for command in &venue.commands {
            decide(engine, command, &mut events);
        }
        started.elapsed()
    });
    let (mut engine, mut events) = (fresh(&venue), Events::default());
    let time = |command| {
        let started = Instant::now();
        decide(&mut engine, command, &mut events);
        started.elapsed().as_nanos()
    };
    let mut times: Vec<u128> = venue.commands.iter().map(time).collect();
    times.sort_unstable();
    let p999 = times[times.len() * 999 / 1_000];
    vec![figure("risk", rate, RATE), figure("risk-p99.9", u64::try_from(p999).unwrap_or(u64::MAX), "ns")]
}

/// The same in batches with the data of every event encoded, then with every row in a chain of SHA-256.
pub fn encode(runs: usize) -> Vec<Figure> {
    let venue = Venue::new(SEED, COMMANDS);
    let mut texts = TextArena::default();
    let encode = |command: &Command<'static>| Stamped { stamp_ns: 1, command: *command }.encode(&mut texts);
    let records: Vec<u8> = venue.commands.iter().flat_map(encode).collect();
    let run = |engine: &mut Engine, chained: bool| {
        let mut hash = [0; 32];
        let started = Instant::now();
        for part in records.chunks(BATCH * RECORD_SIZE) {
            let batch = Batch::execute(engine, part, texts.bytes()).expect("records of commands");
            if chained {
                hash = chain(hash, &batch);
            }
        }
        let took = started.elapsed();
        assert_eq!(hash != [0; 32], chained, "the chain is made where it is asked for");
        took
    };
    let encoded = median(&venue, runs, |engine| run(engine, false));
    let chained = median(&venue, runs, |engine| run(engine, true));
    vec![figure("encode", encoded, RATE), figure("encode-chained", chained, RATE)]
}

/// Each row's hash is that of the hash before it and of the row.
fn chain(before: [u8; 32], batch: &Batch) -> [u8; 32] {
    batch.rows.iter().fold(before, |before, row| {
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(row.event_id);
        hash.update(row.event_type);
        hash.update(row.aggregate.id.to_le_bytes());
        hash.update(row.version.to_le_bytes());
        hash.update(&batch.data[row.start..row.end]);
        hash.finalize().into()
    })
}

fn decide(engine: &mut Engine, command: &Command<'static>, events: &mut Events) {
    events.clear();
    engine.apply(&Stamped { stamp_ns: 1, command: *command }, events);
}

fn fresh(venue: &Venue) -> Engine {
    let snapshot = venue.opened.snapshot().expect("between commands");
    Engine::restore(&snapshot).expect("its own snapshot")
}

fn median(venue: &Venue, runs: usize, run: impl Fn(&mut Engine) -> Duration) -> u64 {
    let mut times: Vec<Duration> = (0..=runs).map(|_| run(&mut fresh(venue))).skip(1).collect();
    times.sort();
    let nanoseconds = times[times.len() / 2].as_nanos().max(1);
    u64::try_from(COMMANDS as u128 * 1_000_000_000 / nanoseconds).unwrap_or(u64::MAX)
}

fn figure(case: &str, value: u64, unit: &'static str) -> Figure {
    Figure { case: case.to_owned(), value, unit, sha256: None }
}
