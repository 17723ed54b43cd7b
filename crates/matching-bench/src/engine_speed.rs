//! Commands a second of the whole engine: decided; with each event's data encoded; with the rows hash-chained as well.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use matching::Engine;
use matching::batch::Batch;
use matching::command::{RECORD_SIZE, Stamped};
use matching::event::Events;

use crate::generator::SEED;
use crate::log_row::{Chain, Hash};
use crate::speed::Figure;
use crate::venue::Venue;

const COMMANDS: usize = 500_000;
/// Commands in a batch of encoded events.
const BATCH: usize = 1_024;
const RATE: &str = "commands/s";
/// Batches between the two threads.
const BATCHES_UNDER_WAY: usize = 4;
const RECORDS: &str = "records of commands";

/// The median rate of deciding, and the time that of a thousand commands only one exceeds: what looking ahead took is the
/// first one's of those that it was for.
pub fn risk(runs: usize) -> Vec<Figure> {
    let venue = Venue::new(SEED, COMMANDS);
    let rate = median(&venue, runs, |engine| {
        let mut events = Events::default();
        let started = Instant::now();
        for together in venue.commands.chunks(Engine::FORESEEN_MAX) {
            engine.foresee(together);
            for command in together {
                decide(engine, command, &mut events);
            }
        }
        started.elapsed()
    });
    let (mut engine, mut events) = (fresh(&venue), Events::default());
    let mut times = Vec::with_capacity(COMMANDS);
    for together in venue.commands.chunks(Engine::FORESEEN_MAX) {
        let mut started = Instant::now();
        engine.foresee(together);
        for command in together {
            decide(&mut engine, command, &mut events);
            let ended = Instant::now();
            times.push(ended.duration_since(started).as_nanos());
            started = ended;
        }
    }
    times.sort_unstable();
    let p999 = times[times.len() * 999 / 1_000];
    vec![figure("risk", rate, RATE), figure("risk-p99.9", u64::try_from(p999).unwrap_or(u64::MAX), "ns")]
}

/// The same in batches with the data of every event encoded; then with every row of the log in its chain of SHA-256,
/// by the same thread and by another.
pub fn encode(runs: usize) -> Vec<Figure> {
    let venue = Venue::new(SEED, COMMANDS);
    let records = venue.records();
    let encoded = median(&venue, runs, |engine| {
        let mut batch = Batch::default();
        let started = Instant::now();
        for part in parts(&records) {
            batch.execute_next(engine, part, b"").expect(RECORDS);
        }
        started.elapsed()
    });
    let mut hashes = Vec::new();
    let chained = median(&venue, runs, |engine| {
        let (mut batch, mut chain) = (Batch::default(), Chain::default());
        let started = Instant::now();
        for part in parts(&records) {
            batch.execute_next(engine, part, b"").expect(RECORDS);
            chain.append(&batch);
        }
        let took = started.elapsed();
        hashes.push(chain.hash());
        took
    });
    let handed = median(&venue, runs, |engine| {
        let started = Instant::now();
        hashes.push(hand_off(engine, &records));
        started.elapsed()
    });
    assert!(hashes.windows(2).all(|two| two[0] == two[1]), "one chain, whoever makes it");
    vec![
        figure("encode", encoded, RATE),
        figure("encode-chained", chained, RATE),
        figure("encode-chained-handoff", handed, RATE),
    ]
}

fn parts(records: &[u8]) -> impl Iterator<Item = &[u8]> {
    records.chunks(BATCH * RECORD_SIZE)
}

/// Decides batch after batch while another thread chains those before, and gives back their memory.
fn hand_off(engine: &mut Engine, records: &[u8]) -> Hash {
    let (decided, to_chain) = mpsc::sync_channel::<Batch>(BATCHES_UNDER_WAY);
    let (chained, to_use) = mpsc::channel();
    let chain = move || {
        let mut chain = Chain::default();
        for batch in to_chain {
            chain.append(&batch);
            // The other side may have had its last batch.
            let _ = chained.send(batch);
        }
        chain.hash()
    };
    let chaining = thread::spawn(chain);
    for part in parts(records) {
        let mut batch = to_use.try_recv().unwrap_or_default();
        batch.execute_next(engine, part, b"").expect(RECORDS);
        decided.send(batch).expect("the other thread takes every batch");
    }
    drop(decided);
    chaining.join().expect("chaining does not fail")
}

fn decide(engine: &mut Engine, command: &Stamped<'static>, events: &mut Events) {
    events.clear();
    engine.apply(command, events);
}

fn fresh(venue: &Venue) -> Engine {
    let snapshot = venue.opened.snapshot().expect("between commands");
    Engine::restore(&snapshot).expect("its own snapshot")
}

fn median(venue: &Venue, runs: usize, mut run: impl FnMut(&mut Engine) -> Duration) -> u64 {
    let mut times: Vec<Duration> = (0..=runs).map(|_| run(&mut fresh(venue))).skip(1).collect();
    times.sort();
    let nanoseconds = times[times.len() / 2].as_nanos().max(1);
    u64::try_from(COMMANDS as u128 * 1_000_000_000 / nanoseconds).unwrap_or(u64::MAX)
}

fn figure(case: &str, value: u64, unit: &'static str) -> Figure {
    Figure { case: case.to_owned(), value, unit, sha256: None }
}
