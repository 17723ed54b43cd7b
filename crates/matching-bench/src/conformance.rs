//! The suites of the public benchmark, and the report stream of any other messages.

use std::path::{Path, PathBuf};

use matching::ladder::LadderKind;

use crate::adapter::Adapter;
use crate::generator::{COUNT, SCENARIOS, SEED, generate};
use crate::message::{self, Message};
use crate::report::{Report, sha256, stream_of};
use crate::{edge_cases, message::read_text};

/// New orders of the benchmark's small scenarios.
pub const SMALL_COUNT: u32 = 5_000;
/// Names the folder of real data where it is not beside the project.
pub const DATA_VARIABLE: &str = "TRADING_REAL_DATA";

/// What became of a suite.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its name.
    pub suite: &'static str,
    /// How many cases it has.
    pub cases: usize,
    /// Each case that failed, and how.
    pub failures: Vec<String>,
}

/// The benchmark's folder in the real data: where the variable says, else beside the project; `None` where nobody named
/// it and it is not there.
pub fn data_folder() -> Result<Option<PathBuf>, String> {
    let named = std::env::var(DATA_VARIABLE).ok().filter(|name| !name.is_empty());
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let beside = || project.and_then(Path::parent).map(|parent| parent.join("shared").join("data"));
    let data = named.as_ref().map(PathBuf::from).or_else(beside);
    let folder = data.map(|data| data.join("matching-benchmark")).filter(|folder| folder.is_dir());
    match (folder, named) {
        (None, Some(named)) => Err(format!("{DATA_VARIABLE} names {named}, which holds no folder matching-benchmark")),
        (folder, _) => Ok(folder),
    }
}

/// The report stream of messages that meet an empty book.
pub fn reports_of(messages: &[Message], ladder: LadderKind) -> String {
    let ids = messages.iter().map(|message| message.order_id as usize + 1).max().unwrap_or(0);
    let mut adapter = Adapter::new(ladder, ids);
    let mut reports: Vec<Report> = Vec::with_capacity(messages.len() * 2);
    for message in messages {
        adapter.apply(message, &mut reports);
    }
    stream_of(&mut reports)
}

/// Every suite on the published files.
pub fn run_all(folder: &Path) -> Result<[Outcome; 3], String> {
    Ok([full(folder)?, small(folder)?, edges(folder)?])
}

/// The five full scenarios: the SHA-256 of each report stream is the published one.
pub fn full(folder: &Path) -> Result<Outcome, String> {
    let published = text(folder, "correctness_hash.txt")?;
    let mut outcome = Outcome { suite: "matching-benchmark-full", cases: 0, failures: Vec::new() };
    for scenario in SCENARIOS {
        let name = format!("{}_seed{SEED}_count{COUNT}_reports.txt", scenario.name);
        let line = published.lines().find(|line| line.ends_with(&name));
        let expected = line.and_then(|line| line.split_whitespace().next());
        let found = sha256(&reports_of(&generate(scenario, SEED, COUNT), LadderKind::default()));
        outcome.compare(&name, expected.ok_or_else(|| format!("no hash of {name} in correctness_hash.txt"))?, &found);
    }
    Ok(outcome)
}

/// The five small scenarios: messages and reports equal byte for byte, with every ladder.
pub fn small(folder: &Path) -> Result<Outcome, String> {
    let mut outcome = Outcome { suite: "matching-benchmark-small", cases: 0, failures: Vec::new() };
    for scenario in SCENARIOS {
        let stem = format!("{}_s{SEED}_n{SMALL_COUNT}", scenario.name);
        let orders = text(folder, &format!("{stem}.orders.csv.gz"))?;
        let reports = text(folder, &format!("{stem}.reports.txt.gz"))?;
        let messages = message::parse(&orders).map_err(|error| format!("{stem}.orders.csv.gz: {error}"))?;
        outcome.compare(
            &format!("{stem} messages"),
            &orders,
            &message::text_of(&generate(scenario, SEED, SMALL_COUNT)),
        );
        for ladder in LadderKind::ALL {
            outcome.compare(&format!("{stem} {ladder:?}"), &reports, &reports_of(&messages, ladder));
        }
    }
    Ok(outcome)
}

/// The hand-made cases.
pub fn edges(folder: &Path) -> Result<Outcome, String> {
    let mut outcome = Outcome { suite: "matching-benchmark-edge-cases", cases: 0, failures: Vec::new() };
    for case in edge_cases::parse(&text(folder, "edge_cases_33.json")?)? {
        outcome.compare(&case.name, &case.expected, &reports_of(&case.messages, LadderKind::default()));
    }
    Ok(outcome)
}

impl Outcome {
    fn compare(&mut self, case: &str, expected: &str, found: &str) {
        self.cases += 1;
        if expected == found {
            return;
        }
        let differs = (1..).zip(expected.lines().zip(found.lines())).find(|(_, (expected, found))| expected != found);
        self.failures.push(match differs {
            Some((line, (expected, found))) => format!("{case}: line {line}: expected {expected}, found {found}"),
            None => format!("{case}: expected {} lines, found {}", expected.lines().count(), found.lines().count()),
        });
    }
}

fn text(folder: &Path, name: &str) -> Result<String, String> {
    read_text(&folder.join(name)).map_err(|error| format!("{name}: {error}"))
}
