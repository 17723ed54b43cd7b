//! A row of the platform's log as its hash sees it (hash version 1): every field in order as one MessagePack array.
//!
//! What a command brings along is as long as in the platform: ids of 36 characters, a fingerprint of 32.

use envelope::{HASH_BYTES, Writer};
use matching::batch::{Batch, Row};
use matching::id::{self, EntityKind, UUID_LENGTH};

/// A SHA-256.
pub type Hash = [u8; HASH_BYTES];

const LOG: &str = "main";
const SCHEMA_VERSION: u64 = 1;
const HASH_VERSION: u64 = 1;
const USER: &str = "0191d7a4-6f00-7000-8000-0123456789ab";
const CORRELATION: &str = "0191d7a4-6f00-7000-8000-00c0ffee0000";
const COMMAND: &str = "0191d7a4-6f00-7000-8000-00c0ffee0001";
const REQUEST_HASH: &str = "00112233445566778899aabbccddeeff";
const RECORDED_AT_NS: u64 = 1_800_000_000_000_000_000;

/// The end of a log's chain, and the writer of the row that is hashed.
#[derive(Debug, Default)]
pub struct Chain {
    hash: Hash,
    position: u64,
    row: Writer,
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
                self.row.begin(&self.hash);
                self.position += 1;
                self.write(batch, row, [index, rows.len() as u64]);
                self.hash = self.row.sha256();
            }
        }
    }

    fn write(&mut self, batch: &Batch, row: &Row, [index, count]: [u64; 2]) {
        let out = &mut self.row;
        out.text(LOG);
        out.integer(self.position);
        uuid(out, &row.event_id);
        uuid(out, &id::render(row.aggregate.kind, row.aggregate.id));
        out.text(row.aggregate.type_name());
        out.text(row.event_type);
        out.integer(row.version);
        out.integer(SCHEMA_VERSION);
        out.data(&batch.data[row.start..row.end]);
        for (kind, id) in [(EntityKind::Account, row.account_id), (EntityKind::Instrument, row.instrument_id)] {
            match id {
                Some(id) => uuid(out, &id::render(kind, id)),
                None => out.absent(),
            }
        }
        out.text(USER);
        out.text(CORRELATION);
        out.absent();
        out.text(COMMAND);
        out.integer(index);
        out.integer(count);
        out.text(REQUEST_HASH);
        out.absent();
        out.integer(batch.stamps[row.command as usize]);
        out.integer(RECORDED_AT_NS);
        out.integer(HASH_VERSION);
    }
}

fn uuid(out: &mut Writer, id: &[u8; UUID_LENGTH]) {
    out.text(std::str::from_utf8(id).expect("digits and hyphens"));
}
