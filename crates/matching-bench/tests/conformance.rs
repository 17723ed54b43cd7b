//! The public benchmark's suites on the published files, which are real data and not the project's.

use matching_bench::conformance::{DATA_VARIABLE, Outcome, data_folder, edges, full, small};
use std::path::Path;

fn passes(suite: impl Fn(&Path) -> Result<Outcome, String>, cases: usize) {
    let Some(folder) = data_folder().expect("a folder that is named is there") else {
        println!("skipped: no real data: set {DATA_VARIABLE} to the folder that holds matching-benchmark");
        return;
    };
    let outcome = suite(&folder).expect("the published files are whole");
    assert_eq!(outcome.failures, Vec::<String>::new());
    assert_eq!(outcome.cases, cases);
}

#[test]
fn full_scenarios_have_the_published_hashes() {
    passes(full, 5);
}

#[test]
fn small_scenarios_are_equal_byte_for_byte() {
    passes(small, 20);
}

#[test]
fn hand_made_cases_are_equal() {
    passes(edges, 33);
}
