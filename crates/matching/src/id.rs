//! Identifiers: a core entity is `log number (16 bits) << 48 | sequence (48 bits)`, shown as a `UUIDv8`.
//!
//! The text form is a bijection: `{kind:8 hex}-{log:4 hex}-8000-8000-{seq:12 hex}`. Event ids have the `UUIDv7` layout.

use crate::page::{hex4, hex8, put};

/// Log numbers fit in the 12 bits that an event id has for them.
pub const LOG_NUMBER_MAX: u16 = 4095;
/// Entity sequences fit in 48 bits.
pub const SEQUENCE_MAX: u64 = (1 << 48) - 1;
/// Command sequences fit in 42 bits.
pub const COMMAND_SEQUENCE_MAX: u64 = (1 << 42) - 1;
/// A command has at most 2^20 events.
pub const EVENTS_PER_COMMAND_MAX: usize = 1 << 20;

/// What an id names; the value is the ASCII of four letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum EntityKind {
    /// An order.
    Order = 0x6f72_6472,
    /// An account.
    Account = 0x6163_6374,
    /// An instrument.
    Instrument = 0x696e_7374,
    /// A trade.
    Trade = 0x7472_6164,
    /// An asset.
    Asset = 0x6173_7365,
}

impl EntityKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Order, Self::Account, Self::Instrument, Self::Trade, Self::Asset];
}

/// The id of entity number `sequence` of a log.
pub const fn entity_id(log_number: u16, sequence: u64) -> u64 {
    ((log_number as u64) << 48) | sequence
}

/// The sequence of an id if it belongs to the log.
pub const fn sequence_in(log_number: u16, id: u64) -> Option<u64> {
    if (id >> 48) as u16 == log_number { Some(id & SEQUENCE_MAX) } else { None }
}

/// The length of a UUID in text.
pub const UUID_LENGTH: usize = 36;

/// Renders the 128 bits of a UUID.
pub fn render_uuid(value: u128) -> [u8; UUID_LENGTH] {
    let mut text = [b'-'; UUID_LENGTH];
    text[..8].copy_from_slice(&hex8((value >> 96) as u32));
    text[9..13].copy_from_slice(&hex4((value >> 80) as u16));
    text[14..18].copy_from_slice(&hex4((value >> 64) as u16));
    text[19..23].copy_from_slice(&hex4((value >> 48) as u16));
    text[24..28].copy_from_slice(&hex4((value >> 32) as u16));
    text[28..].copy_from_slice(&hex8(value as u32));
    text
}

/// Reads a UUID in lower-case text.
pub fn parse_uuid(text: &[u8]) -> Option<u128> {
    if text.len() != UUID_LENGTH {
        return None;
    }
    let mut value = 0u128;
    for (position, byte) in text.iter().enumerate() {
        if matches!(position, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        value = (value << 4) | u128::from(digit);
    }
    Some(value)
}

const VERSION_AND_VARIANT: u128 = 0x8000_8000 << 48;

/// The text of an entity's id.
pub fn render(kind: EntityKind, id: u64) -> [u8; UUID_LENGTH] {
    let high = (u128::from(kind as u32) << 96) | (u128::from(id >> 48) << 80);
    render_uuid(high | VERSION_AND_VARIANT | u128::from(id & SEQUENCE_MAX))
}

/// Writes the text of an entity's id between quotes; its kind's part is known where this is called.
#[inline]
pub(crate) fn put_quoted(room: &mut [u8], kind: EntityKind, id: u64) -> &mut [u8] {
    let room = put(room, b"\"");
    let room = put(room, &hex8(kind as u32));
    let room = put(room, b"-");
    let room = put(room, &hex4((id >> 48) as u16));
    let room = put(room, b"-8000-8000-");
    let room = put(room, &hex4((id >> 32) as u16));
    let room = put(room, &hex8(id as u32));
    put(room, b"\"")
}

/// Reads an entity's id of any kind.
pub fn parse(text: &[u8]) -> Option<(EntityKind, u64)> {
    let value = parse_uuid(text)?;
    if value & (0xffff_ffff << 48) != VERSION_AND_VARIANT {
        return None;
    }
    let kind = EntityKind::ALL.into_iter().find(|kind| *kind as u32 == (value >> 96) as u32)?;
    let log = (value >> 80) as u16;
    Some((kind, entity_id(log, (value as u64) & SEQUENCE_MAX)))
}

/// What an event id carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId {
    /// Milliseconds of the command's stamp (48 bits).
    pub stamp_ms: u64,
    /// Log number (12 bits).
    pub log_number: u16,
    /// Number of the command in its log, from 1 (42 bits).
    pub command: u64,
    /// Place of the event in its command, from 0 (20 bits).
    pub index: u32,
}

impl EventId {
    /// 48 bits ms | 0x7 | 12 bits log | 0b10 | 42 bits command | 20 bits index.
    pub fn render(self) -> [u8; UUID_LENGTH] {
        let high = (u128::from(self.stamp_ms) << 80) | (7 << 76) | (u128::from(self.log_number) << 64);
        render_uuid(high | (2 << 62) | (u128::from(self.command) << 20) | u128::from(self.index))
    }

    /// Reads the text form.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let value = parse_uuid(text)?;
        let well_formed = (value >> 76) & 15 == 7 && (value >> 62) & 3 == 2;
        well_formed.then_some(Self {
            stamp_ms: (value >> 80) as u64,
            log_number: (value >> 64) as u16 & LOG_NUMBER_MAX,
            command: ((value >> 20) as u64) & COMMAND_SEQUENCE_MAX,
            index: (value as u32) & 0xf_ffff,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_render_and_parse_as_uuids() {
        let rows = [
            (EntityKind::Order, entity_id(1, 1), "6f726472-0001-8000-8000-000000000001"),
            (EntityKind::Asset, entity_id(4095, SEQUENCE_MAX), "61737365-0fff-8000-8000-ffffffffffff"),
            (EntityKind::Account, u64::MAX, "61636374-ffff-8000-8000-ffffffffffff"),
        ];
        for (kind, id, text) in rows {
            assert_eq!(std::str::from_utf8(&render(kind, id)), Ok(text));
            assert_eq!(parse(text.as_bytes()), Some((kind, id)));
        }
        assert_eq!(parse(b"6f726472-0001-7000-8000-000000000001"), None);
        assert_eq!(parse(b"6f726473-0001-8000-8000-000000000001"), None);
    }

    #[test]
    fn event_ids_have_the_layout_of_version_seven() {
        let id = EventId { stamp_ms: 0x0123_4567_89ab, log_number: 5, command: 3, index: 2 };
        assert_eq!(std::str::from_utf8(&id.render()), Ok("01234567-89ab-7005-8000-000000300002"));
        assert_eq!(EventId::parse(&id.render()), Some(id));
        let last =
            EventId { stamp_ms: (1 << 48) - 1, log_number: 4095, command: COMMAND_SEQUENCE_MAX, index: 0xf_ffff };
        assert_eq!(EventId::parse(&last.render()), Some(last));
    }
}
