//! What a fill costs each of its sides beside its price.
//!
//! A fee is a part of the fill's notional, in the quote asset, rounded up to its ledger unit; the house account gets it.
//! An order holds the most that its fees can be: of each lot what the ceiling takes of it at its worst price, rounded up.
//! Whatever way its lots are filled, the parts rounded up of the lots together are at least that of the fill.

const MILLION: u64 = 1_000_000;

/// The fees of an instrument, in millionths of a fill's notional.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// Of the order that rested.
    pub maker_ppm: u32,
    /// Of the order that came in.
    pub taker_ppm: u32,
    /// What orders hold: neither rate exceeds it, and it stays while orders are open.
    pub ceiling_ppm: u32,
}

impl Fees {
    /// Whether no rate exceeds the ceiling, and that not the whole.
    pub const fn is_sound(&self) -> bool {
        self.maker_ppm <= self.ceiling_ppm && self.taker_ppm <= self.ceiling_ppm && self.ceiling_ppm as u64 <= MILLION
    }
}

/// So many millionths of an amount that is not negative, rounded up; never more than the amount.
pub(crate) fn part_of(amount: i128, ppm: u32) -> i128 {
    if ppm == 0 {
        return 0;
    }
    let ppm = u64::from(ppm);
    if let Ok(amount) = u64::try_from(amount) {
        return i128::from(amount / MILLION * ppm + (amount % MILLION * ppm).div_ceil(MILLION));
    }
    let (whole, rest) = (amount / i128::from(MILLION), amount % i128::from(MILLION));
    whole * i128::from(ppm) + (rest * i128::from(ppm) + i128::from(MILLION) - 1) / i128::from(MILLION)
}

#[cfg(test)]
mod tests {
    use super::part_of;

    #[test]
    fn a_part_is_rounded_up_and_never_exceeds_the_whole() {
        let large = i128::from(u64::MAX);
        let rows: [(i128, u32, i128); 11] = [
            (0, 1_000_000, 0),
            (1, 0, 0),
            (1, 1, 1),
            (1, 1_000_000, 1),
            (999_999, 1, 1),
            (1_000_000, 1, 1),
            (1_000_001, 1, 2),
            (123_456_789, 2_500, 308_642),
            (large, 1_000_000, large),
            (large + 1, 500_000, (large + 1) / 2),
            ((1 << 113) + 1, 999_999, (1 << 113) + 1 - (1 << 113) / 1_000_000),
        ];
        for (amount, ppm, part) in rows {
            assert_eq!(part_of(amount, ppm), part, "{ppm} millionths of {amount}");
        }
    }
}
