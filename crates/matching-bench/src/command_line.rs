//! The arguments, and the results as JSON objects or tables.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use lexopt::prelude::*;
use matching::ladder::LadderKind;
use serde_json::json;

use crate::conformance::{self, DATA_VARIABLE, Outcome};
use crate::generator::{COUNT, SCENARIOS, SEED, generate};
use crate::message::{Message, read_file};
use crate::report::sha256;
use crate::speed::{self, Figure};

const USAGE: &str = "\
usage: matching-bench conformance [--orders FILE] [--reports OUT] [--seed S] [--count N] [--json]
       matching-bench bench [--runs N] [--json] [CASE...]";
const RUNS: usize = 5;

#[derive(Default)]
struct Arguments {
    orders: Option<PathBuf>,
    reports: Option<PathBuf>,
    seed: Option<u32>,
    count: Option<u32>,
    runs: Option<usize>,
    json: bool,
    cases: Vec<String>,
}

/// Does what the arguments of the process say; an error is for people to read.
pub fn run() -> Result<ExitCode, String> {
    let mut parser = lexopt::Parser::from_env();
    let command = match parser.next().map_err(|error| error.to_string())? {
        Some(Value(command)) => command.to_string_lossy().into_owned(),
        _ => return Err(USAGE.to_owned()),
    };
    let arguments = read_arguments(parser).map_err(|error| format!("{error}\n{USAGE}"))?;
    match command.as_str() {
        "conformance" => run_conformance(&arguments),
        "bench" => run_bench(&arguments),
        other => Err(format!("no command {other}\n{USAGE}")),
    }
}

fn read_arguments(mut parser: lexopt::Parser) -> Result<Arguments, lexopt::Error> {
    let mut arguments = Arguments::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("orders") => arguments.orders = Some(parser.value()?.into()),
            Long("reports") => arguments.reports = Some(parser.value()?.into()),
            Long("seed") => arguments.seed = Some(parser.value()?.parse()?),
            Long("count") => arguments.count = Some(parser.value()?.parse()?),
            Long("runs") => arguments.runs = Some(parser.value()?.parse()?),
            Long("json") => arguments.json = true,
            Value(case) => arguments.cases.push(case.string()?),
            other => return Err(other.unexpected()),
        }
    }
    Ok(arguments)
}

fn run_conformance(arguments: &Arguments) -> Result<ExitCode, String> {
    if let Some(file) = &arguments.orders {
        let messages = read_file(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let name = file.display().to_string();
        stream(&name, &messages, arguments.reports.as_deref(), arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.seed.is_some() || arguments.count.is_some() {
        return scenarios(arguments);
    }
    let folder = conformance::data_folder()?.ok_or(format!(
        "the published files are not beside the project: name the folder that holds matching-benchmark in {DATA_VARIABLE}"
    ))?;
    let mut failed = false;
    for suite in [conformance::full, conformance::small, conformance::edges] {
        let outcome = suite(&folder)?;
        failed |= !outcome.failures.is_empty();
        show_outcome(&outcome, arguments.json);
    }
    Ok(ExitCode::from(u8::from(failed)))
}

fn scenarios(arguments: &Arguments) -> Result<ExitCode, String> {
    let (seed, count) = (arguments.seed.unwrap_or(SEED), arguments.count.unwrap_or(COUNT));
    for scenario in SCENARIOS {
        let name = format!("{}_seed{seed}_count{count}", scenario.name);
        let out = arguments.reports.as_ref().map(|folder| folder.join(format!("{name}_reports.txt")));
        stream(&name, &generate(scenario, seed, count), out.as_deref(), arguments.json)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn stream(name: &str, messages: &[Message], out: Option<&Path>, as_json: bool) -> Result<(), String> {
    let reports = conformance::reports_of(messages, LadderKind::default());
    if let Some(out) = out {
        fs::write(out, &reports).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    let (count, lines, hash) = (messages.len(), reports.lines().count(), sha256(&reports));
    if as_json {
        println!("{}", json!({"orders": name, "messages": count, "reports": lines, "sha256": hash}));
    } else {
        println!("{name}: {count} messages, {lines} reports, SHA-256 {hash}");
    }
    Ok(())
}

fn show_outcome(outcome: &Outcome, as_json: bool) {
    let Outcome { suite, cases, failures } = outcome;
    let (failed, passed) = (failures.len(), cases - failures.len());
    if as_json {
        let object = json!({"suite": suite, "cases": cases, "passed": passed, "failed": failed, "not_applicable": 0});
        println!("{object}");
    } else {
        println!("{suite:<32} {cases:>4} cases {passed:>4} passed {failed:>4} failed");
    }
    for failure in failures {
        eprintln!("{suite}: {failure}");
    }
}

fn run_bench(arguments: &Arguments) -> Result<ExitCode, String> {
    let cases = if arguments.cases.is_empty() { speed::cases() } else { arguments.cases.clone() };
    let known = speed::cases();
    if let Some(unknown) = cases.iter().find(|case| !known.contains(case)) {
        return Err(format!("no case {unknown}; there are {}", known.join(" ")));
    }
    let runs = arguments.runs.unwrap_or(RUNS).max(1);
    for case in cases {
        for figure in speed::measure(&case, runs).unwrap_or_default() {
            show_figure(&figure, arguments.json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show_figure(figure: &Figure, as_json: bool) {
    let Figure { case, value, unit, sha256 } = figure;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if as_json {
        let mut object = json!({"bench": "matching", "case": case, "value": value, "unit": unit, "cores": cores});
        if let Some(sha256) = sha256 {
            object["sha256"] = json!(sha256);
        }
        println!("{object}");
    } else {
        println!("{case:<24} {value:>12} {unit} on {cores} cores");
    }
}
