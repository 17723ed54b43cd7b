//! A row of the platform's log as its hash sees it (hash version 1): every field in order as one MessagePack array.
//!
//! What a command brings along is as long as in the platform: ids of 36 characters, a fingerprint of 32.

use matching::batch::{Batch, Row};
use matching::id::{self, EntityKind, UUID_LENGTH};
use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

const LOG: &str = "main";
const SCHEMA_VERSION: u64 = 1;
const HASH_VERSION: u64 = 1;
const USER: &str = "0191d7a4-6f00-7000-8000-0123456789ab";
const CORRELATION: &str = "0191d7a4-6f00-7000-8000-00c0ffee0000";
const COMMAND: &str = "0191d7a4-6f00-7000-8000-00c0ffee0001";
const REQUEST_HASH: &str = "00112233445566778899aabbccddeeff";
const RECORDED_AT_NS: u64 = 1_800_000_000_000_000_000;
/// The array's length: 22 fields, more than a short one may have.
const FIELDS: [u8; 3] = [0xdc, 0, 22];

/// The end of a log's chain, and the bytes of the row that is hashed.
#[derive(Debug, Default)]
pub struct Chain {
    hash: Hash,
    position: u64,
    bytes: Vec<u8>,
}

impl Chain {
    /// The last row's hash.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Each row's hash is that of the hash before it and of the row.
    pub fn append(&mut self, batch: &Batch) {
        for rows in batch.rows.chunk_by(|one, next| one.command == next.command) {
            for (index, row) in (0..).zip(rows) {
                self.bytes.clear();
                self.bytes.extend_from_slice(&self.hash);
                self.position += 1;
                self.write(batch, row, [index, rows.len() as u64]);
                self.hash = Sha256::digest(&self.bytes).into();
            }
        }
    }

    fn write(&mut self, batch: &Batch, row: &Row, [index, count]: [u64; 2]) {
        let (out, none) = (&mut self.bytes, 0xc0);
        out.extend_from_slice(&FIELDS);
        text(out, LOG);
        integer(out, self.position);
        uuid(out, &row.event_id);
        uuid(out, &id::render(row.aggregate.kind, row.aggregate.id));
        text(out, row.aggregate.type_name());
        text(out, row.event_type);
        integer(out, row.version);
        integer(out, SCHEMA_VERSION);
        binary(out, &batch.data[row.start..row.end]);
        for (kind, id) in [(EntityKind::Account, row.account_id), (EntityKind::Instrument, row.instrument_id)] {
            match id {
                Some(id) => uuid(out, &id::render(kind, id)),
                None => out.push(none),
            }
        }
        text(out, USER);
        text(out, CORRELATION);
        out.push(none);
        text(out, COMMAND);
        integer(out, index);
        integer(out, count);
        text(out, REQUEST_HASH);
        out.push(none);
        integer(out, batch.stamps[row.command as usize]);
        integer(out, RECORDED_AT_NS);
        integer(out, HASH_VERSION);
    }
}

/// In the shortest form.
fn integer(out: &mut Vec<u8>, value: u64) {
    let bytes = value.to_be_bytes();
    match value {
        0..=0x7f => out.push(bytes[7]),
        0x80..=0xff => out.extend_from_slice(&[0xcc, bytes[7]]),
        0x100..=0xffff => out.extend_from_slice(&[0xcd, bytes[6], bytes[7]]),
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(0xcf);
            out.extend_from_slice(&bytes);
        }
    }
}

/// Of fewer than 256 bytes.
fn text(out: &mut Vec<u8>, value: &str) {
    match value.len() {
        length @ 0..32 => out.push(0xa0 | length as u8),
        length => out.extend_from_slice(&[0xd9, length as u8]),
    }
    out.extend_from_slice(value.as_bytes());
}

fn uuid(out: &mut Vec<u8>, value: &[u8; UUID_LENGTH]) {
    out.extend_from_slice(&[0xd9, UUID_LENGTH as u8]);
    out.extend_from_slice(value);
}

/// Of fewer than 65,536 bytes.
fn binary(out: &mut Vec<u8>, value: &[u8]) {
    let [.., high, low] = value.len().to_be_bytes();
    if high == 0 {
        out.extend_from_slice(&[0xc4, low]);
    } else {
        out.extend_from_slice(&[0xc5, high, low]);
    }
    out.extend_from_slice(value);
}
