//! Exact decimals at the edge, integers inside.
//!
//! A [`Unit`] says what one count is worth: `mantissa / 10^scale`. Prices count an instrument's price unit, quantities
//! its lot unit, money an asset's ledger unit. Text is canonical: no exponent, no leading `+`, no trailing zeros.

mod digits;

use crate::page::put;

/// The largest number of decimal places anything may have.
pub const SCALE_MAX: u8 = 18;

/// The worth of one count: `mantissa / 10^scale`, never zero once listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Digits without the point.
    pub mantissa: u64,
    /// Places after the point, at most [`SCALE_MAX`].
    pub scale: u8,
}

impl Unit {
    /// Whole numbers: one count is worth one.
    pub const ONE: Self = Self { mantissa: 1, scale: 0 };

    /// One ledger unit of `10^-scale`.
    pub const fn ledger(scale: u8) -> Self {
        Self { mantissa: 1, scale }
    }
}

/// `10^exponent`; the exponent is at most 38.
pub const fn power_of_ten(exponent: u8) -> u128 {
    10u128.pow(exponent as u32)
}

/// Bytes that any decimal fits in, those written behind its end included.
const DECIMAL_BYTES: usize = 96;

/// Appends `count` units as a canonical decimal. Counts are bounded so that `count * mantissa` fits in 128 bits.
pub fn write_decimal(out: &mut Vec<u8>, count: i128, unit: Unit) {
    let mut text = [0; DECIMAL_BYTES];
    let left = put_decimal(&mut text, count, unit).len();
    out.extend_from_slice(&text[..DECIMAL_BYTES - left]);
}

/// The same at the beginning of some room; returns what is left of it.
pub(crate) fn put_decimal(mut room: &mut [u8], count: i128, unit: Unit) -> &mut [u8] {
    if let Some(short) = u64::try_from(count).ok().and_then(|count| count.checked_mul(unit.mantissa)) {
        return digits::put_short(room, short, unit.scale);
    }
    if count < 0 {
        room = put(room, b"-");
    }
    match count.unsigned_abs().checked_mul(u128::from(unit.mantissa)) {
        Some(number) => digits::put_scaled(room, number, unit.scale),
        // Unreachable within the documented limits; a clearly wrong text beats a silent wrap-around.
        None => put(room, b"overflow"),
    }
}

/// Reads a canonical decimal as a count of `unit`; `None` if the text is not canonical or not a whole count.
pub fn parse_decimal(text: &[u8], unit: Unit) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (mantissa, scale) = parse_digits(digits)?;
    if scale > unit.scale || (negative && mantissa == 0) {
        return None;
    }
    let scaled = mantissa.checked_mul(power_of_ten(unit.scale - scale))?;
    let divisor = u128::from(unit.mantissa);
    let count = if divisor == 1 { scaled } else { whole_quotient(scaled, divisor)? };
    let count = i128::try_from(count).ok()?;
    Some(if negative { -count } else { count })
}

/// Reads a canonical decimal without a sign as mantissa and scale.
pub fn parse_unit(text: &[u8]) -> Option<Unit> {
    let (mantissa, scale) = parse_digits(text)?;
    Some(Unit { mantissa: u64::try_from(mantissa).ok()?, scale })
}

fn whole_quotient(dividend: u128, divisor: u128) -> Option<u128> {
    (divisor != 0 && dividend.is_multiple_of(divisor)).then(|| dividend / divisor)
}

fn parse_digits(text: &[u8]) -> Option<(u128, u8)> {
    if text.is_empty() || text.len() > 40 {
        return None;
    }
    let mut value: u128 = 0;
    let mut point = None;
    for (position, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => value = value.checked_mul(10)?.checked_add(u128::from(byte - b'0'))?,
            b'.' if point.is_none() => point = Some(position),
            _ => return None,
        }
    }
    let whole = point.unwrap_or(text.len());
    let leading_zero = text[0] == b'0' && whole > 1;
    let scale = point.map_or(0, |at| text.len() - at - 1);
    let badly_placed = whole == 0 || (point.is_some() && (scale == 0 || text[text.len() - 1] == b'0'));
    if leading_zero || badly_placed || scale > usize::from(SCALE_MAX) {
        return None;
    }
    u8::try_from(scale).ok().map(|scale| (value, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_canonical_both_ways() {
        let cent = Unit { mantissa: 1, scale: 2 };
        let half_tick = Unit { mantissa: 5, scale: 3 };
        let rows: &[(i128, Unit, &str)] = &[
            (0, cent, "0"),
            (58010, cent, "580.1"),
            (10000, cent, "100"),
            (1, Unit::ledger(5), "0.00001"),
            (-500, cent, "-5"),
            (-1, cent, "-0.01"),
            (15, cent, "0.15"),
            (150, cent, "1.5"),
            (i128::from(u64::MAX), Unit::ONE, "18446744073709551615"),
            (i128::from(u64::MAX) + 1, Unit::ONE, "18446744073709551616"),
            (i128::MAX, Unit::ledger(18), "170141183460469231731.687303715884105727"),
            (3, half_tick, "0.015"),
            (200, half_tick, "1"),
            (1000, Unit::ONE, "1000"),
            (i128::from(u64::MAX) * 1000, Unit::ledger(10), "1844674407370.9551615"),
            (9_999_999_999_999_999, Unit::ledger(15), "9.999999999999999"),
            (9_999_999_999_999_999, Unit::ledger(16), "0.9999999999999999"),
            (10_000_000_000_000_000, Unit::ledger(16), "1"),
            (1, Unit::ledger(18), "0.000000000000000001"),
            (-(1 << 120), Unit::ONE, "-1329227995784915872903807060280344576"),
            (1 << 120, Unit::ledger(18), "1329227995784915872.903807060280344576"),
        ];
        for (count, unit, text) in rows {
            let mut out = Vec::new();
            write_decimal(&mut out, *count, *unit);
            assert_eq!(std::str::from_utf8(&out), Ok(*text), "{count} of {unit:?}");
            assert_eq!(parse_decimal(text.as_bytes(), *unit), Some(*count), "{text}");
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in ["", "-", ".5", "5.", "05", "1.50", "+1", "1e3", "-0", "1.2.3", "0.001", "1_0", "00"] {
            assert_eq!(parse_decimal(text.as_bytes(), Unit::ledger(2)), None, "{text}");
        }
        assert_eq!(parse_decimal(b"0.01", Unit { mantissa: 5, scale: 3 }), Some(2));
        assert_eq!(parse_decimal(b"0.011", Unit { mantissa: 5, scale: 3 }), None, "not a whole number of ticks");
    }
    #[test]
    fn what_does_not_fit_is_refused() {
        let rows = [
            ("one more than the largest count", "170141183460469231731687303715884105728", Unit::ONE),
            ("more than 128 bits once it is scaled", "340282366920938463463374607431768211455", Unit::ledger(1)),
            ("more than 128 bits as it stands", "340282366920938463463374607431768211456", Unit::ONE),
            ("forty digits", "1000000000000000000000000000000000000000", Unit::ONE),
            ("nineteen places", "0.1234567890123456789", Unit { mantissa: 1, scale: SCALE_MAX + 1 }),
            ("of units that are worth nothing", "1", Unit { mantissa: 0, scale: 0 }),
        ];
        for (sentence, text, unit) in rows {
            assert_eq!(parse_decimal(text.as_bytes(), unit), None, "{sentence}");
        }
        let mut out = Vec::new();
        write_decimal(&mut out, i128::MAX, Unit { mantissa: 3, scale: 0 });
        assert_eq!(out, b"overflow", "it can not happen, and would not look like a number");
    }

    #[test]
    fn units_are_read_as_they_are_written() {
        let rows = [
            ("0.01", Some(Unit { mantissa: 1, scale: 2 })),
            ("25", Some(Unit { mantissa: 25, scale: 0 })),
            ("0.000000000000000001", Some(Unit { mantissa: 1, scale: SCALE_MAX })),
            ("18446744073709551615", Some(Unit { mantissa: u64::MAX, scale: 0 })),
            ("18446744073709551616", None),
            ("0.10", None),
            ("-1", None),
        ];
        for (text, unit) in rows {
            assert_eq!(parse_unit(text.as_bytes()), unit, "{text}");
        }
        assert_eq!(power_of_ten(0) + power_of_ten(18), 1_000_000_000_000_000_001);
    }
}
