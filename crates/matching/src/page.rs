//! Writing bytes into room that is there: each function writes at the beginning and returns the room that is left.
//!
//! Every piece of an event is a copy of a length that the compiler knows, or of more bytes than count: a plain store
//! instead of a call. Room and what is left of it go through registers, so that nothing is kept in memory but the bytes.

// The pieces of an event are written one after another in one function: that is the point.
#![allow(clippy::inline_always)]

const ROOM: &str = "whoever writes an event makes room for it";

/// Writes bytes of a known length.
#[inline(always)]
pub(crate) fn put<'a, const N: usize>(room: &'a mut [u8], bytes: &[u8; N]) -> &'a mut [u8] {
    let (place, left) = room.split_first_chunk_mut().expect(ROOM);
    *place = *bytes;
    left
}

/// Writes the first `length` of some bytes; the others are written over later.
#[inline(always)]
pub(crate) fn put_first<'a, const N: usize>(room: &'a mut [u8], bytes: &[u8; N], length: usize) -> &'a mut [u8] {
    *room.first_chunk_mut().expect(ROOM) = *bytes;
    &mut room[length..]
}

/// Writes any bytes.
#[inline(always)]
pub(crate) fn put_all<'a>(room: &'a mut [u8], bytes: &[u8]) -> &'a mut [u8] {
    let (place, left) = room.split_at_mut(bytes.len());
    place.copy_from_slice(bytes);
    left
}

/// A short text as it stands in events: between quotes, with its escapes. Room for one is `N` bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<const N: usize> {
    bytes: [u8; N],
    length: u8,
}

impl<const N: usize> Piece<N> {
    /// Of a text that is short enough; of any other there is none to be made.
    pub(crate) const fn quoted(text: &str) -> Self {
        let text = text.as_bytes();
        let mut piece = Self { bytes: [0; N], length: 0 };
        piece = piece.with(b'"');
        let mut at = 0;
        while at < text.len() {
            if matches!(text[at], b'"' | b'\\') {
                piece = piece.with(b'\\');
            }
            piece = piece.with(text[at]);
            at += 1;
        }
        piece.with(b'"')
    }

    const fn with(mut self, byte: u8) -> Self {
        self.bytes[self.length as usize] = byte;
        self.length += 1;
        self
    }

    /// Writes it.
    #[inline(always)]
    pub(crate) fn put<'a>(&self, room: &'a mut [u8]) -> &'a mut [u8] {
        put_first(room, &self.bytes, usize::from(self.length))
    }
}

/// Eight hexadecimal digits.
#[inline(always)]
pub(crate) const fn hex8(value: u32) -> [u8; 8] {
    let mut x = value as u64;
    x = (x | (x << 16)) & 0x0000_ffff_0000_ffff;
    x = (x | (x << 8)) & 0x00ff_00ff_00ff_00ff;
    x = (x | (x << 4)) & 0x0f0f_0f0f_0f0f_0f0f;
    letters(x).to_be_bytes()
}

/// Four hexadecimal digits.
#[inline(always)]
pub(crate) const fn hex4(value: u16) -> [u8; 4] {
    let mut x = value as u64;
    x = (x | (x << 8)) & 0x00ff_00ff;
    x = (x | (x << 4)) & 0x0f0f_0f0f;
    (letters(x) as u32).to_be_bytes()
}

/// The characters of eight digits, one a byte, all at once.
const fn letters(digits: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let above_nine = ((digits + 6 * ONES) >> 4) & ONES;
    digits + (b'0' as u64) * ONES + above_nine * ((b'a' - b'0' - 10) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_those_of_the_formatter() {
        for value in (0..=u32::MAX).step_by(65_537).chain([9, 10, 0x9a9a_a9a9, u32::MAX]) {
            assert_eq!(std::str::from_utf8(&hex8(value)), Ok(format!("{value:08x}").as_str()));
            let low = value as u16;
            assert_eq!(std::str::from_utf8(&hex4(low)), Ok(format!("{low:04x}").as_str()));
        }
    }

    #[test]
    fn a_piece_has_quotes_and_escapes() {
        let mut room = [b'.'; 40];
        let left = Piece::<32>::quoted("a\"b\\c").put(&mut room).len();
        assert_eq!(&room[..40 - left], br#""a\"b\\c""#);
    }
}
