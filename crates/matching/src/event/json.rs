//! Canonical JSON: written without spaces, read only as it was written.

use std::fmt;

use super::Events;
use crate::catalog::Catalog;
use crate::id::{self, EntityKind};
use crate::number::{self, Unit};
use crate::page::{Piece, put, put_all};

/// Why bytes are not the canonical JSON of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where reading stopped.
    pub position: usize,
    /// Which field, if one had begun.
    pub field: Option<&'static str>,
    /// What was expected there.
    pub expected: &'static str,
}

impl Malformed {
    pub(super) fn unknown_type() -> Self {
        Self { position: 0, field: None, expected: "a known event type" }
    }

    pub(super) fn in_field(mut self, field: &'static str) -> Self {
        self.field = self.field.or(Some(field));
        self
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Some(field) => write!(f, "byte {} in \"{field}\": expected {}", self.position, self.expected),
            None => write!(f, "byte {}: expected {}", self.position, self.expected),
        }
    }
}

impl std::error::Error for Malformed {}

/// The units of the decimals that follow.
#[derive(Clone, Copy)]
pub(super) struct Units {
    pub(super) price: Unit,
    pub(super) lot: Unit,
    pub(super) quote: Unit,
    pub(super) asset: Unit,
}

impl Units {
    const NONE: Self = Self { price: Unit::ONE, lot: Unit::ONE, quote: Unit::ONE, asset: Unit::ONE };
}

/// Writes one event. All that it does is inlined into one function an event type, where it is nothing but registers.
pub(super) struct Writer<'a> {
    room: &'a mut [u8],
    pub(super) catalog: &'a Catalog,
    pub(super) events: &'a Events,
    pub(super) units: Units,
    first: bool,
}

#[allow(clippy::inline_always)] // what is not inlined keeps the writer in memory
impl<'a> Writer<'a> {
    #[inline(always)]
    pub(super) fn new(room: &'a mut [u8], catalog: &'a Catalog, events: &'a Events) -> Self {
        Self { room: put(room, b"{"), catalog, events, units: Units::NONE, first: true }
    }

    /// Returns how much of the room is left.
    #[inline(always)]
    pub(super) fn finish(self) -> usize {
        put(self.room, b"}").len()
    }

    /// `key` begins with a comma, which the first one leaves out.
    #[inline(always)]
    pub(super) fn key(&mut self, key: &'static str) {
        self.raw(&key.as_bytes()[usize::from(self.first)..]);
        self.first = false;
    }

    #[inline(always)]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.write(|room| put_all(room, bytes));
    }

    /// A string that needs no escapes.
    #[inline(always)]
    pub(super) fn quoted(&mut self, plain: &[u8]) {
        self.raw(b"\"");
        self.raw(plain);
        self.raw(b"\"");
    }

    /// A text that is kept as it is written.
    #[inline(always)]
    pub(super) fn piece<const N: usize>(&mut self, piece: &Piece<N>) {
        self.write(|room| piece.put(room));
    }

    #[inline(always)]
    pub(super) fn id(&mut self, kind: EntityKind, id: u64) {
        self.write(|room| id::put_quoted(room, kind, id));
    }

    /// A string of any plain text: records refuse control characters, so only two need an escape.
    #[inline(always)]
    pub(super) fn string(&mut self, text: &[u8]) {
        self.write(|room| put_string(room, text));
    }

    #[inline(always)]
    pub(super) fn decimal(&mut self, count: i128, unit: Unit) {
        self.raw(b"\"");
        self.write(|room| number::put_decimal(room, count, unit));
        self.raw(b"\"");
    }

    #[inline(always)]
    pub(super) fn integer(&mut self, value: u64) {
        self.write(|room| number::put_decimal(room, i128::from(value), Unit::ONE));
    }

    /// What is rare writes in a function of its own.
    #[inline(always)]
    pub(super) fn apart(&mut self, write: impl FnOnce(Writer<'a>) -> Writer<'a>) {
        *self = write(Writer { room: std::mem::take(&mut self.room), ..*self });
    }

    #[inline(always)]
    fn write(&mut self, put: impl FnOnce(&'a mut [u8]) -> &'a mut [u8]) {
        self.room = put(std::mem::take(&mut self.room));
    }
}

#[inline(never)]
fn put_string<'a>(room: &'a mut [u8], text: &[u8]) -> &'a mut [u8] {
    let mut room = put(room, b"\"");
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            room = put(room, b"\\");
        }
        room = put(room, &[*byte]);
    }
    put(room, b"\"")
}

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    pub(super) catalog: &'a Catalog,
    pub(super) events: &'a mut Events,
    pub(super) units: Units,
    first: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], catalog: &'a Catalog, events: &'a mut Events) -> Self {
        Self { bytes, at: 0, catalog, events, units: Units::NONE, first: true }
    }

    pub(super) fn finish(mut self) -> Result<(), Malformed> {
        self.literal("}")?;
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.fault("the end")) }
    }

    pub(super) fn key(&mut self, key: &'static str) -> Result<(), Malformed> {
        if self.first {
            self.first = false;
            self.literal("{")?;
            return self.literal(&key[1..]);
        }
        self.literal(key)
    }

    /// Takes a left-out field's key, or the key of a part, if it comes next.
    pub(super) fn take_key(&mut self, before: &str, key: &str) -> bool {
        let rest = &self.bytes[self.at..];
        let found = rest.strip_prefix(before.as_bytes()).is_some_and(|rest| rest.starts_with(key.as_bytes()));
        if found {
            self.at += before.len() + key.len();
        }
        found
    }

    pub(super) fn literal(&mut self, expected: &'static str) -> Result<(), Malformed> {
        if self.take(expected) { Ok(()) } else { Err(self.fault(expected)) }
    }

    /// Takes the literal if it comes next.
    pub(super) fn take(&mut self, literal: &str) -> bool {
        let found = self.bytes[self.at..].starts_with(literal.as_bytes());
        if found {
            self.at += literal.len();
        }
        found
    }

    pub(super) fn fault(&self, expected: &'static str) -> Malformed {
        Malformed { position: self.at, field: None, expected }
    }

    /// A string without escapes.
    pub(super) fn quoted(&mut self) -> Result<&'a [u8], Malformed> {
        self.literal("\"")?;
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|b| *b == b'"').ok_or_else(|| self.fault("a closing quote"))?;
        self.at += end + 1;
        Ok(&rest[..end])
    }

    /// A string with escapes, appended to `texts`.
    pub(super) fn string(&mut self) -> Result<std::ops::Range<usize>, Malformed> {
        self.literal("\"")?;
        let start = self.events.texts.len();
        loop {
            let byte = *self.bytes.get(self.at).ok_or_else(|| self.fault("a closing quote"))?;
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => match self.bytes.get(self.at) {
                    Some(escaped @ (b'"' | b'\\')) => {
                        self.events.texts.push(*escaped);
                        self.at += 1;
                    }
                    _ => return Err(self.fault("an escaped quote or backslash")),
                },
                0..=31 => return Err(self.fault("no control character")),
                plain => self.events.texts.push(plain),
            }
        }
        let end = self.events.texts.len();
        match std::str::from_utf8(&self.events.texts[start..end]) {
            Ok(text) if !text.chars().any(char::is_control) => Ok(start..end),
            _ => Err(self.fault("plain UTF-8")),
        }
    }

    pub(super) fn decimal(&mut self, unit: Unit) -> Result<i128, Malformed> {
        let fault = self.fault("a canonical decimal, whole in its unit");
        crate::number::parse_decimal(self.quoted()?, unit).ok_or(fault)
    }

    pub(super) fn integer(&mut self) -> Result<u64, Malformed> {
        let fault = self.fault("a whole number");
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
        let value = crate::number::parse_decimal(&rest[..length], Unit::ONE).and_then(|v| u64::try_from(v).ok());
        self.at += length;
        value.ok_or(fault)
    }
}
