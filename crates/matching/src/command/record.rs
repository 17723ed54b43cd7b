//! The bytes of one record: typed reads and writes at fixed offsets, strict about what is not used.

use std::fmt;

use crate::vocabulary::CommandKind;

/// Bytes of one record.
pub const RECORD_SIZE: usize = 128;
/// The version byte.
pub const RECORD_VERSION: u8 = 1;

/// Why a record is not a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The version byte is not [`RECORD_VERSION`].
    Version(u8),
    /// The kind byte names no command.
    Kind(u8),
    /// A byte is none of the words of its list.
    Word(&'static str),
    /// A field that this command does not have is not zero.
    Reserved(usize),
    /// A field that is said to be absent has a value.
    NotAbsent(&'static str),
    /// A field that this command needs is zero.
    Missing(&'static str),
    /// A value is over its limit.
    TooLarge(&'static str),
    /// A text reference leaves the arena.
    TextOutOfBounds(usize),
    /// A text is not UTF-8 or has control characters.
    TextNotPlain(usize),
    /// A text is longer than its limit.
    TextTooLong(usize),
    /// A text that must be there is empty.
    TextMissing(usize),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(found) => write!(f, "record version {found}, expected {RECORD_VERSION}"),
            Self::Kind(found) => write!(f, "no command has the kind {found}"),
            Self::Word(list) => write!(f, "unknown {list}"),
            Self::Reserved(offset) => write!(f, "byte {offset} is reserved and must be zero"),
            Self::NotAbsent(field) => write!(f, "{field} has a value but may not"),
            Self::Missing(field) => write!(f, "{field} is missing"),
            Self::TooLarge(field) => write!(f, "{field} is too large"),
            Self::TextOutOfBounds(offset) => write!(f, "text at byte {offset} leaves the arena"),
            Self::TextNotPlain(offset) => write!(f, "text at byte {offset} is not plain UTF-8"),
            Self::TextTooLong(offset) => write!(f, "text at byte {offset} is too long"),
            Self::TextMissing(offset) => write!(f, "text at byte {offset} must not be empty"),
        }
    }
}

impl std::error::Error for RecordError {}

/// The texts of a batch, one after another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextArena {
    bytes: Vec<u8>,
}

impl TextArena {
    /// The bytes that records point into.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn push(&mut self, text: &str) -> (u32, u32) {
        if text.is_empty() {
            return (0, 0);
        }
        let start = u32::try_from(self.bytes.len()).expect("an arena is below 4 GiB");
        self.bytes.extend_from_slice(text.as_bytes());
        (start, u32::try_from(text.len()).expect("a text is below 4 GiB"))
    }
}

/// A record being written.
pub struct Record {
    bytes: [u8; RECORD_SIZE],
}

impl Record {
    pub(super) fn new(kind: CommandKind, stamp_ns: u64) -> Self {
        let mut record = Self { bytes: [0; RECORD_SIZE] };
        record.u8(0, RECORD_VERSION).u8(1, kind as u8).u64(8, stamp_ns);
        record
    }

    pub(super) fn bytes(self) -> [u8; RECORD_SIZE] {
        self.bytes
    }

    pub(super) fn u8(&mut self, at: usize, value: u8) -> &mut Self {
        self.put(at, &[value])
    }

    pub(super) fn u32(&mut self, at: usize, value: u32) -> &mut Self {
        self.put(at, &value.to_le_bytes())
    }

    pub(super) fn u64(&mut self, at: usize, value: u64) -> &mut Self {
        self.put(at, &value.to_le_bytes())
    }

    pub(super) fn u128(&mut self, at: usize, value: u128) -> &mut Self {
        self.put(at, &value.to_le_bytes())
    }

    pub(super) fn presence(&mut self, bit: u8, present: bool) -> &mut Self {
        self.bytes[5] |= u8::from(present) << bit;
        self
    }

    pub(super) fn text(&mut self, at: usize, text: Option<&str>, texts: &mut TextArena) {
        let (start, length) = texts.push(text.unwrap_or(""));
        self.u32(at, start).u32(at + 4, length);
    }

    fn put(&mut self, at: usize, value: &[u8]) -> &mut Self {
        self.bytes[at..at + value.len()].copy_from_slice(value);
        self
    }
}

/// A record being read; it remembers which bytes were read so that all others can be held to zero.
pub(super) struct Reader<'r, 'a> {
    bytes: &'r [u8; RECORD_SIZE],
    texts: &'a [u8],
    kind: CommandKind,
    used: u128,
}

impl<'r, 'a> Reader<'r, 'a> {
    pub(super) fn new(bytes: &'r [u8; RECORD_SIZE], texts: &'a [u8]) -> Result<Self, RecordError> {
        if bytes[0] != RECORD_VERSION {
            return Err(RecordError::Version(bytes[0]));
        }
        let kind = CommandKind::from_byte(bytes[1]).ok_or(RecordError::Kind(bytes[1]))?;
        Ok(Self { bytes, texts, kind, used: 0b11 })
    }

    pub(super) fn kind(&self) -> CommandKind {
        self.kind
    }

    pub(super) fn stamp_ns(&mut self) -> u64 {
        self.u64(8)
    }

    pub(super) fn u8(&mut self, at: usize) -> u8 {
        self.take::<1>(at)[0]
    }

    pub(super) fn u32(&mut self, at: usize) -> u32 {
        u32::from_le_bytes(self.take(at))
    }

    pub(super) fn u64(&mut self, at: usize) -> u64 {
        u64::from_le_bytes(self.take(at))
    }

    pub(super) fn u128(&mut self, at: usize) -> u128 {
        u128::from_le_bytes(self.take(at))
    }

    pub(super) fn presence(&mut self, bits: u8) -> Result<u8, RecordError> {
        let given = self.u8(5);
        if given & !bits == 0 { Ok(given) } else { Err(RecordError::Reserved(5)) }
    }

    pub(super) fn required_text(&mut self, at: usize, bytes_max: usize) -> Result<&'a str, RecordError> {
        self.text(at, bytes_max)?.ok_or(RecordError::TextMissing(at))
    }

    pub(super) fn text(&mut self, at: usize, bytes_max: usize) -> Result<Option<&'a str>, RecordError> {
        let (start, length) = (self.u32(at) as usize, self.u32(at + 4) as usize);
        if length == 0 {
            return if start == 0 { Ok(None) } else { Err(RecordError::Reserved(at)) };
        }
        if length > bytes_max {
            return Err(RecordError::TextTooLong(at));
        }
        let bytes = self.texts.get(start..start + length).ok_or(RecordError::TextOutOfBounds(at))?;
        let text = std::str::from_utf8(bytes).map_err(|_| RecordError::TextNotPlain(at))?;
        if text.chars().any(char::is_control) {
            return Err(RecordError::TextNotPlain(at));
        }
        Ok(Some(text))
    }

    /// Every byte that no field used must be zero.
    pub(super) fn finish(&self) -> Result<(), RecordError> {
        for (word, bytes) in self.bytes.as_chunks::<8>().0.iter().enumerate() {
            let used = (self.used >> (8 * word)) as u8;
            if used == u8::MAX || u64::from_le_bytes(*bytes) == 0 {
                continue;
            }
            if let Some(at) = (0..8).find(|at| used >> at & 1 == 0 && bytes[*at] != 0) {
                return Err(RecordError::Reserved(8 * word + at));
            }
        }
        Ok(())
    }

    fn take<const N: usize>(&mut self, at: usize) -> [u8; N] {
        self.used |= ((1u128 << N) - 1) << at;
        let mut value = [0; N];
        value.copy_from_slice(&self.bytes[at..at + N]);
        value
    }
}
