//! The fuzzer's inputs that are kept, and some of the simplest: what must hold, holds for each of them.

#![allow(missing_docs)]

use std::path::Path;

use matching_fuzz::{check, mutate};

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("a corpus").map(|file| file.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("a file that can be read")).collect()
}

#[test]
fn every_input_of_the_corpus_keeps_what_must_hold() {
    let inputs = corpus();
    assert!(inputs.len() > 50, "a corpus, not {} inputs", inputs.len());
    for input in inputs {
        check(&input);
    }
}

#[test]
fn bytes_that_are_no_commands_are_refused() {
    for length in 0..300 {
        for byte in [0, 1, 3, 0x7f, 0xff] {
            check(&vec![byte; length]);
        }
    }
}

#[test]
fn changed_inputs_keep_what_must_hold() {
    // The fuzzer's own changes are not at hand here: one byte is.
    let bytewise = |data: &mut [u8], size: usize, _: usize| {
        data[size / 2] ^= 1;
        size
    };
    for (seed, input) in (0..).zip(corpus()) {
        let max_size = input.len() + 1024;
        let (mut data, mut size) = (input.clone(), input.len());
        data.resize(max_size, 0);
        for round in 0..12 {
            size = mutate(&mut data, size, max_size, seed * 100 + round, bytewise);
            assert!(size <= max_size);
            check(&data[..size]);
        }
    }
}
