//! `matching-bench conformance` and `matching-bench bench`; `trading conformance matching` and `trading bench matching`
//! run it.

use std::process::ExitCode;

fn main() -> ExitCode {
    match matching_bench::command_line::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
