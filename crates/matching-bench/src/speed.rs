//! Messages a second: the adapter inside the clock, the reports' lines and their hash outside.

use std::time::{Duration, Instant};

use matching::ladder::LadderKind;

use crate::adapter::{Adapter, Reports};
use crate::generator::{COUNT, SCENARIOS, SEED, Scenario, generate, scenario};
use crate::handoff::Handoff;
use crate::message::Message;
use crate::report::{Report, sha256, stream_of};
use crate::rival::Rival;
use crate::{engine_speed, memory, mix, snapshot_speed};

/// Room for the reports of a full scenario.
const REPORTS: usize = 4_000_000;
const HANDOFF: &str = "-handoff";
/// Cases that are no scenario: each tells several figures.
const OTHERS: [&str; 7] = ["ladders", "matchcore", "mix", "risk", "encode", "memory", "snapshot"];
const RATE: &str = "messages/s";
const THOUSAND: u64 = 1_000;

/// One figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What was measured.
    pub case: String,
    /// The median.
    pub value: u64,
    /// Of what.
    pub unit: &'static str,
    /// What came out, to tell that it is right.
    pub sha256: Option<String>,
}

/// Every case, in the order in which they run when none is named.
pub fn cases() -> Vec<String> {
    let plain = SCENARIOS.iter().map(|scenario| scenario.name.to_owned());
    let handoff = SCENARIOS.iter().map(|scenario| format!("{}{HANDOFF}", scenario.name));
    plain.chain(handoff).chain(OTHERS.map(str::to_owned)).collect()
}

/// Measures a case; `None` if there is no such case.
pub fn measure(case: &str, runs: usize) -> Option<Vec<Figure>> {
    match case {
        "ladders" => return Some(SCENARIOS.iter().flat_map(|scenario| ladders(*scenario, runs)).collect()),
        "matchcore" => return Some(against_matchcore(runs)),
        "mix" => return Some(vec![quoting(runs)]),
        "risk" => return Some(engine_speed::risk(runs)),
        "encode" => return Some(engine_speed::encode(runs)),
        "memory" => return Some(memory_figures()),
        "snapshot" => return Some(snapshot_speed::measure()),
        _ => {}
    }
    let name = case.strip_suffix(HANDOFF).unwrap_or(case);
    let messages = generate(scenario(name)?, SEED, COUNT);
    let mut reports = buffer();
    let (value, sha256) = if name == case {
        median(&messages, runs, &mut reports, |messages, reports| plain(LadderKind::default(), messages, reports))
    } else {
        median(&messages, runs, &mut reports, handed_off)
    };
    Some(vec![Figure { case: case.to_owned(), value, unit: RATE, sha256: Some(sha256) }])
}

fn ladders(scenario: Scenario, runs: usize) -> Vec<Figure> {
    let messages = generate(scenario, SEED, COUNT);
    let mut reports = buffer();
    let mut measure = |kind: LadderKind| {
        let (value, sha256) = median(&messages, runs, &mut reports, |messages, reports| plain(kind, messages, reports));
        let case = format!("{}-{}", scenario.name, format!("{kind:?}").to_lowercase());
        Figure { case, value, unit: RATE, sha256: Some(sha256) }
    };
    LadderKind::ALL.map(&mut measure).to_vec()
}

/// Each scenario by either, in turn, and how many thousandths of the rival's worst rate ours is.
fn against_matchcore(runs: usize) -> Vec<Figure> {
    let mut figures = Vec::new();
    let (mut ours_worst, mut theirs_worst) = (u64::MAX, u64::MAX);
    for scenario in SCENARIOS {
        let messages = generate(scenario, SEED, COUNT);
        let mut reports = buffer();
        let (ours, our_hash) =
            median(&messages, runs, &mut reports, |messages, reports| plain(LadderKind::default(), messages, reports));
        let (theirs, their_hash) = median(&messages, runs, &mut reports, rival);
        (ours_worst, theirs_worst) = (ours_worst.min(ours), theirs_worst.min(theirs));
        for (who, value, sha256) in [("ours", ours, our_hash), ("matchcore", theirs, their_hash)] {
            let case = format!("{}-{who}", scenario.name);
            figures.push(Figure { case, value, unit: RATE, sha256: Some(sha256) });
        }
    }
    let value = ours_worst * THOUSAND / theirs_worst.max(1);
    figures.push(Figure { case: "worst-against-matchcore".to_owned(), value, unit: "thousandths", sha256: None });
    figures
}

fn rival(messages: &[Message], reports: &mut Vec<Report>) -> Duration {
    let mut rival = Rival::new(COUNT as usize + 1, messages.len());
    let started = Instant::now();
    for message in messages {
        rival.apply(message, reports);
    }
    started.elapsed()
}

fn quoting(runs: usize) -> Figure {
    let (opening, actions) = mix::generate(SEED, 2 * COUNT);
    let mut reports = buffer();
    let (value, sha256) = median(&actions, runs, &mut reports, |actions, reports| {
        let mut adapter = Adapter::new(LadderKind::default(), actions.len() + mix::RESTING);
        for action in &opening {
            action.apply(&mut adapter, reports);
        }
        reports.clear();
        let started = Instant::now();
        for action in actions {
            action.apply(&mut adapter, reports);
        }
        started.elapsed()
    });
    Figure { case: "mix".to_owned(), value, unit: RATE, sha256: Some(sha256) }
}

fn memory_figures() -> Vec<Figure> {
    let Some((order, process)) = memory::measure() else {
        return Vec::new();
    };
    let figure = |case: &str, value, unit| Figure { case: case.to_owned(), value, unit, sha256: None };
    vec![figure("memory-order", order, "bytes/order"), figure("memory-10-million-orders", process, "MiB")]
}

/// A buffer whose memory is there before the clock starts.
fn buffer() -> Vec<Report> {
    vec![Report::EMPTY; REPORTS]
}

/// The median rate of `runs` after one that warms up, and the hash of the last run's reports.
fn median<M>(
    messages: &[M],
    runs: usize,
    reports: &mut Vec<Report>,
    run: impl Fn(&[M], &mut Vec<Report>) -> Duration,
) -> (u64, String) {
    let mut times = Vec::with_capacity(runs);
    for number in 0..=runs {
        reports.clear();
        let took = run(messages, reports);
        if number > 0 {
            times.push(took);
        }
    }
    times.sort();
    let nanoseconds = times[times.len() / 2].as_nanos().max(1);
    let rate = messages.len() as u128 * 1_000_000_000 / nanoseconds;
    (u64::try_from(rate).unwrap_or(u64::MAX), sha256(&stream_of(reports)))
}

fn plain(ladder: LadderKind, messages: &[Message], reports: &mut Vec<Report>) -> Duration {
    let mut adapter = Adapter::new(ladder, COUNT as usize + 1);
    let started = Instant::now();
    apply_all(&mut adapter, messages, reports);
    started.elapsed()
}

fn handed_off(messages: &[Message], reports: &mut Vec<Report>) -> Duration {
    let mut adapter = Adapter::new(LadderKind::default(), COUNT as usize + 1);
    let mut handoff = Handoff::new(std::mem::take(reports));
    let started = Instant::now();
    apply_all(&mut adapter, messages, &mut handoff);
    *reports = handoff.finish();
    started.elapsed()
}

#[inline(never)]
fn apply_all<R: Reports>(adapter: &mut Adapter, messages: &[Message], reports: &mut R) {
    for message in messages {
        adapter.apply(message, reports);
    }
}
