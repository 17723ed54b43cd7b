//! libFuzzer over the command encoding: what holds stands in the library beside this.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|input: &[u8]| matching_fuzz::check(input));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    matching_fuzz::mutate(data, size, max_size, seed, fuzzer_mutate)
});
