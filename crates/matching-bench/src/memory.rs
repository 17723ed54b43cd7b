//! What a resting order costs, its place in the table of ids included.

use std::fs;

use matching::ladder::LadderKind;
use matching::vocabulary::Side;

use crate::adapter::Adapter;
use crate::message::{Kind, Message};

const ORDERS: u32 = 10_000_000;
const LEVELS: u32 = 5_000;
const MID: u32 = 100_000;

/// Bytes an order, and mebibytes of the process at its highest; `None` where the system does not tell.
pub fn measure() -> Option<(u64, u64)> {
    let before = kibibytes("VmRSS:")?;
    let mut adapter = Adapter::new(LadderKind::default(), 0);
    let mut reports = Discarded;
    for number in 0..ORDERS {
        let (side, away) = (if number % 2 == 0 { Side::Buy } else { Side::Sell }, 1 + number / 2 % LEVELS);
        let price = if side == Side::Buy { MID - away } else { MID + away };
        let order_id = u64::from(number);
        let message = Message { order_id, seq: number, price, quantity: 10, kind: Kind::New, side, immediate: false };
        adapter.apply(&message, &mut reports);
    }
    let after = kibibytes("VmRSS:")?;
    assert_eq!(adapter.book().len(), ORDERS);
    Some(((after - before) * 1024 / u64::from(ORDERS), kibibytes("VmHWM:")? / 1024))
}

struct Discarded;

impl crate::adapter::Reports for Discarded {
    fn push(&mut self, _report: crate::report::Report) {}
}

/// A line of what the kernel tells of this process.
fn kibibytes(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
