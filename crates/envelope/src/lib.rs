//! An event of the log as its hash sees it (hash version 1, defined by `kernel.event.hashed_bytes`): every field in order
//! as one MessagePack array, each in its shortest form, after the hash before it.

use sha2::{Digest, Sha256};

/// Length of a SHA-256.
pub const HASH_BYTES: usize = 32;
/// Fields of `kernel.event.Event` before its hash.
pub const HASHED_FIELDS: usize = 22;
/// An array with a length of 16 bits.
const ARRAY_OF_FIELDS: [u8; 3] = [0xdc, HASHED_FIELDS.to_be_bytes()[6], HASHED_FIELDS.to_be_bytes()[7]];
const NIL: u8 = 0xc0;
const FIXED_TEXT: u8 = 0xa0;
const FIXED_TEXT_MAX: u8 = 31;
const TEXT_8: u8 = 0xd9;
const DATA_8: u8 = 0xc4;
const INTEGER_8: u8 = 0xcc;
const FIXED_INTEGER_MAX: u64 = 127;

/// The hash before an event, and the event as one array, in a buffer that is used again.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    is_too_long: bool,
}

impl Writer {
    /// Begin an event after the one that has this hash.
    pub fn begin(&mut self, previous: &[u8; HASH_BYTES]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(previous);
        self.bytes.extend_from_slice(&ARRAY_OF_FIELDS);
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(length @ 0..=FIXED_TEXT_MAX) => self.bytes.push(FIXED_TEXT | length),
            _ => self.length(TEXT_8, text.len()),
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Bytes.
    pub fn data(&mut self, data: &[u8]) {
        self.length(DATA_8, data.len());
        self.bytes.extend_from_slice(data);
    }

    /// An integer.
    pub fn integer(&mut self, number: u64) {
        let bytes = number.to_be_bytes();
        match number {
            0..=FIXED_INTEGER_MAX => self.bytes.push(bytes[7]),
            0x80..=0xff => self.bytes.extend_from_slice(&[INTEGER_8, bytes[7]]),
            0x100..=0xffff => self.sized(INTEGER_8 + 1, &bytes[6..]),
            0x1_0000..=0xffff_ffff => self.sized(INTEGER_8 + 2, &bytes[4..]),
            _ => self.sized(INTEGER_8 + 3, &bytes),
        }
    }

    /// No value.
    pub fn absent(&mut self) {
        self.bytes.push(NIL);
    }

    /// Whether a length did not fit 32 bits.
    pub fn is_too_long(&self) -> bool {
        self.is_too_long
    }

    /// The hash of all that was written since the event began.
    pub fn sha256(&self) -> [u8; HASH_BYTES] {
        Sha256::digest(&self.bytes).into()
    }

    /// A length of 8, 16 or 32 bits; `first` is the byte of the shortest of these forms.
    fn length(&mut self, first: u8, length: usize) {
        let Ok(length) = u32::try_from(length) else {
            self.is_too_long = true;
            return;
        };
        let bytes = length.to_be_bytes();
        match length {
            0..=0xff => self.sized(first, &bytes[3..]),
            0x100..=0xffff => self.sized(first + 1, &bytes[2..]),
            _ => self.sized(first + 2, &bytes),
        }
    }

    fn sized(&mut self, first: u8, bytes: &[u8]) {
        self.bytes.push(first);
        self.bytes.extend_from_slice(bytes);
    }
}
