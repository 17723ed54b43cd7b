//! Changes that keep the bytes in records: half of what chance does to bytes alone only shifts them.

use matching::command::RECORD_SIZE;
use matching::id::entity_id;

use crate::{HEADER_SIZE, LOG};

/// Prices around which the venue's orders meet.
const PRICE_LOWEST: u64 = 4_990;
/// Offsets of 64-bit fields in a record.
const FIELDS: [usize; 13] = [8, 16, 24, 32, 40, 48, 56, 72, 80, 88, 96, 104, 112];

/// Numbers from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).expect("below a length")
    }

    fn number(&mut self) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => u64::MAX >> self.below(64),
            2 => 1 << self.below(64),
            3 => entity_id(LOG, self.below(64) as u64),
            4 | 5 => PRICE_LOWEST + self.below(20) as u64,
            _ => self.below(100) as u64,
        }
    }
}

/// Changes the input in `data[..size]`, which may grow to `max_size`, and returns its new length. `bytewise` is the
/// fuzzer's own way, with the same arguments.
pub fn mutate(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    bytewise: impl Fn(&mut [u8], usize, usize) -> usize,
) -> usize {
    let mut random = Random(u64::from(seed));
    let texts = data.get(2..HEADER_SIZE).map_or(0, |length| usize::from(u16::from_le_bytes([length[0], length[1]])));
    let records = size.saturating_sub(HEADER_SIZE).saturating_sub(texts) / RECORD_SIZE;
    if records == 0 || random.below(6) == 0 {
        return bytewise(data, size, max_size);
    }
    let at = |number: usize| HEADER_SIZE + number * RECORD_SIZE;
    let (from, to) = (at(random.below(records)), at(random.below(records)));
    match random.below(7) {
        0 if size + RECORD_SIZE <= max_size => {
            data.copy_within(to..size, to + RECORD_SIZE);
            let from = if from >= to { from + RECORD_SIZE } else { from };
            data.copy_within(from..from + RECORD_SIZE, to);
            return size + RECORD_SIZE;
        }
        1 if records > 1 => {
            data.copy_within(from + RECORD_SIZE..size, from);
            return size - RECORD_SIZE;
        }
        2 => data.copy_within(from..from + RECORD_SIZE, to),
        3 => {
            let field = FIELDS[random.below(FIELDS.len())];
            data.copy_within(from + field..from + field + 8, to + field);
        }
        4 => {
            let place = from + FIELDS[random.below(FIELDS.len())];
            data[place..place + 8].copy_from_slice(&random.number().to_le_bytes());
        }
        5 => data[from + 2 + random.below(6)] = random.below(24).to_le_bytes()[0],
        _ => {
            bytewise(&mut data[from..from + RECORD_SIZE], RECORD_SIZE, RECORD_SIZE);
        }
    }
    size
}
