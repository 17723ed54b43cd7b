//! Writes inputs of random commands into a folder: where the fuzzer begins.
//!
//! `cargo run -p matching-fuzz --example seeds -- FOLDER` after the core has learnt a new word, then `make fuzz`.

#![allow(missing_docs, dead_code, clippy::cast_possible_truncation)]

use std::path::Path;

use matching::command::{Stamped, TextArena};
use matching_fuzz::{Input, OPENED};

#[path = "../../matching/tests/core/commands/mod.rs"]
mod commands;

mod reference {
    pub const fn id(sequence: u64) -> u64 {
        matching::id::entity_id(matching_fuzz::LOG, sequence)
    }
}

const SEEDS: u64 = 400;
const COMMANDS: u64 = 40;

fn main() {
    let folder = std::env::args().nth(1).expect("a folder to write into");
    for seed in 0..SEEDS {
        let input = input(seed);
        let path = Path::new(&folder).join(format!("random-{seed}"));
        std::fs::write(&path, input).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let mut texts = TextArena::default();
    let encode = |command| Stamped { stamp_ns: 1, command }.encode(&mut texts);
    let records = matching_fuzz::opening().into_iter().map(encode).collect::<Vec<_>>().concat();
    std::fs::write(Path::new(&folder).join("opening"), Input::build(0, 9, &records, texts.bytes())).expect("written");
}

fn input(seed: u64) -> Vec<u8> {
    let mut random = commands::Random(seed);
    let mut texts = TextArena::default();
    let mut records = Vec::new();
    let mut open = Vec::new();
    for step in 1..=COMMANDS {
        let stamp_ns = step * 1_000_000_000;
        let known = commands::Known { orders: open.len() as u64, now_ms: stamp_ns / 1_000_000, open: &open };
        let command = commands::next(&mut random, &known, |_| Some(reference::id(6 + random_customer(step))));
        if matches!(command, matching::command::Command::PlaceOrder(_)) {
            open.push(open.len() as u64 + 1);
        }
        records.extend(Stamped { stamp_ns, command }.encode(&mut texts));
    }
    Input::build(OPENED, (seed % 8) as u8, &records, texts.bytes())
}

const fn random_customer(step: u64) -> u64 {
    step % matching_fuzz::CUSTOMERS
}
