//! Decimal digits sixteen at a time: no loop, no table, no division but by constants.

use crate::page::{put, put_first};

/// Ten to the sixteenth: what sixteen digits cannot say.
const SIXTEEN: u64 = 10_000_000_000_000_000;
const EIGHT: u64 = 100_000_000;
/// Sixteen times the character zero.
const ZEROS: u128 = u128::from_ne_bytes([b'0'; 16]);
const DIGITS: usize = 16;
/// Three groups of sixteen digits hold any number of 128 bits.
const LONG: usize = 3 * DIGITS;

/// Writes `number / 10^scale` without zeros that say nothing; the scale is at most 18.
pub(super) fn put_scaled(room: &mut [u8], number: u128, scale: u8) -> &mut [u8] {
    match u64::try_from(number) {
        Ok(short) => put_short(room, short, scale),
        Err(_) => put_long(room, number, usize::from(scale)),
    }
}

/// The same of what fits in 64 bits, as nearly every number does.
#[inline]
pub(super) fn put_short(room: &mut [u8], number: u64, scale: u8) -> &mut [u8] {
    let scale = usize::from(scale);
    match number {
        0 => put(room, b"0"),
        1..EIGHT if scale < 8 => put_eight(room, number, scale),
        1..SIXTEEN if scale < DIGITS => put_sixteen(room, number, scale),
        _ => put_long(room, u128::from(number), scale),
    }
}

/// Of a number that is not zero and has at most eight digits, fewer than eight of them behind the point.
#[inline]
fn put_eight(room: &mut [u8], number: u64, scale: usize) -> &mut [u8] {
    let digits = eight(number as u32);
    let point = 8 - scale;
    let first = (digits.trailing_zeros() as usize / 8).min(point - 1);
    let shown = scale.saturating_sub(digits.leading_zeros() as usize / 8);
    let text = digits | ZEROS as u64;
    let room = put_first(room, &(text >> (8 * first)).to_le_bytes(), point - first);
    if shown == 0 {
        return room;
    }
    let room = put(room, b".");
    put_first(room, &(text >> (8 * point)).to_le_bytes(), shown)
}

/// Of a number that is not zero and has at most sixteen digits, fewer than sixteen of them behind the point.
fn put_sixteen(room: &mut [u8], number: u64, scale: usize) -> &mut [u8] {
    let digits = sixteen(number);
    let point = DIGITS - scale;
    let first = (digits.trailing_zeros() as usize / 8).min(point - 1);
    let shown = scale.saturating_sub(digits.leading_zeros() as usize / 8);
    let text = digits | ZEROS;
    let room = put_first(room, &(text >> (8 * first)).to_le_bytes(), point - first);
    if shown == 0 {
        return room;
    }
    let room = put(room, b".");
    put_first(room, &(text >> (8 * point)).to_le_bytes(), shown)
}

fn put_long(room: &mut [u8], number: u128, scale: usize) -> &mut [u8] {
    let upper = number / u128::from(SIXTEEN);
    let groups = [
        (upper / u128::from(SIXTEEN)) as u64,
        (upper % u128::from(SIXTEEN)) as u64,
        (number % u128::from(SIXTEEN)) as u64,
    ];
    let mut text = [b'0'; 2 * LONG];
    for (place, group) in text.as_chunks_mut::<DIGITS>().0.iter_mut().zip(groups) {
        *place = (sixteen(group) | ZEROS).to_le_bytes();
    }
    let point = LONG - scale;
    let is_digit = |byte: &u8| *byte != b'0';
    let first = text[..LONG].iter().position(is_digit).unwrap_or(LONG).min(point - 1);
    let shown = text[point..LONG].iter().rposition(is_digit).map_or(0, |last| last + 1);
    let part = |from: usize| -> &[u8; LONG] { text[from..].first_chunk().expect("twice as long") };
    let room = put_first(room, part(first), point - first);
    if shown == 0 {
        return room;
    }
    let room = put(room, b".");
    put_first(room, part(point), shown)
}

/// Sixteen digits, one a byte, the first in the lowest.
const fn sixteen(number: u64) -> u128 {
    let (upper, lower) = (number / EIGHT, number % EIGHT);
    eight(upper as u32) as u128 | ((eight(lower as u32) as u128) << 64)
}

/// Eight digits: halves, quarters and eighths of the number side by side in one word.
const fn eight(number: u32) -> u64 {
    let (upper, lower) = ((number / 10_000) as u64, (number % 10_000) as u64);
    let fours = upper | (lower << 32);
    // 10,486 / 2^20 is a hundredth for all of four digits, 103 / 2^10 a tenth for all of two.
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - 10 * tens) << 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(digits: u64) -> String {
        digits.to_le_bytes().iter().map(|digit| char::from(b'0' + digit)).collect()
    }

    #[test]
    fn a_number_is_written_alike_however_long_it_is() {
        let numbers = (0..60).map(|exponent| 3u64.pow(exponent % 41)).chain([EIGHT - 1, EIGHT, SIXTEEN - 1, SIXTEEN]);
        for (number, scale) in numbers.flat_map(|number| (0..=18).map(move |scale| (number, scale))) {
            let (mut short, mut long) = ([b'.'; 96], [b'.'; 96]);
            let left = [
                put_short(&mut short, number, scale).len(),
                put_long(&mut long, u128::from(number), usize::from(scale)).len(),
            ];
            assert_eq!(short[..96 - left[0]], long[..96 - left[1]], "{number} with {scale} places");
        }
    }

    #[test]
    fn eight_digits_are_those_of_the_formatter() {
        let numbers = (0..10_000).flat_map(|part| [part, 10_000 * part, 10_000 * part + 9_999 - part]);
        for number in numbers.chain((0..EIGHT as u32).step_by(7_919)) {
            assert_eq!(text_of(eight(number)), format!("{number:08}"));
        }
    }
}
