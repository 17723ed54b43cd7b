//! Commands and reports of an [`OrderBook`](super::OrderBook) as bytes: little-endian, of one size, unused bytes zero.
//!
//! | command | offset | | report | offset |
//! |---|---|---|---|---|
//! | kind `u8` | 0 | | told `u8` | 0 |
//! | side `u8` | 1 | | why `u8` | 1 |
//! | time in force `u8` | 2 | | zero | 2–3 |
//! | zero | 3 | | number of its command in the batch `u32` | 4 |
//! | owner `u32` | 4 | | order id `u64` | 8 |
//! | order id `u64` | 8 | | taker id `u64` | 16 |
//! | price `u64` | 16 | | price `u64` | 24 |
//! | quantity `u64` | 24 | | quantity `u64` | 32 |
//!
//! Of a command that shows an order, the quantity is how much it displays at a time, the price how much of that is left.

use std::fmt;

use super::{NOBODY, Report};
use crate::book::Order;
use crate::vocabulary::{Side, TimeInForce};

/// Bytes of a command.
pub const COMMAND_SIZE: usize = 32;
/// Bytes of a report.
pub const REPORT_SIZE: usize = 40;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Enter an order.
    Submit(NewOrder),
    /// End an order.
    Cancel {
        /// Which.
        order_id: u64,
    },
    /// Take lots away from an order, which keeps its priority.
    Reduce {
        /// Which.
        order_id: u64,
        /// Lots.
        by: u64,
    },
    /// Take an order out and let it come in again; 0 keeps its price or what is left of it.
    Replace {
        /// Which.
        order_id: u64,
        /// The new price.
        price: u64,
        /// Lots from now on.
        quantity: u64,
    },
    /// Let an order display at most so many lots at a time, behind the others of its price; 0: nothing.
    Show {
        /// Which.
        order_id: u64,
        /// How many at a time.
        lots: u64,
        /// How many of them are left of the part that it displays now; 0: a whole part.
        now: u64,
    },
}

/// An order that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// The client's id: no other open order has it.
    pub order_id: u64,
    /// Buy or sell.
    pub side: Side,
    /// GTC, IOC or FOK.
    pub time_in_force: TimeInForce,
    /// Limit; 0, of an order that does not rest: any price.
    pub price: u64,
    /// Lots.
    pub quantity: u64,
    /// Whose it is; [`super::NO_OWNER`]: nobody's.
    pub owner: u32,
}

impl NewOrder {
    /// What makes a resting order again.
    pub(super) fn of(order: &Order) -> Self {
        Self {
            order_id: order.id,
            side: order.side(),
            time_in_force: TimeInForce::Gtc,
            price: order.price,
            quantity: order.leaves,
            owner: order.owner,
        }
    }
}

/// What a report tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Told {
    Accepted = 0,
    Traded = 1,
    Canceled = 2,
    Reduced = 3,
    Replaced = 4,
    Rejected = 5,
    Displayed = 6,
}

/// Why something was refused or canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Why {
    Nothing = 0,
    Requested = 1,
    ImmediateOrCancel = 2,
    FillOrKill = 3,
    SelfTrade = 4,
    DuplicateId = 5,
    UnknownId = 6,
    InvalidPrice = 7,
    InvalidQuantity = 8,
    BookFull = 9,
}

/// A record that is no command: which byte of it, and what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Offset in the record.
    pub offset: usize,
    /// The byte there.
    pub byte: u8,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "byte {} is {}: not in its list, or not zero where the command has no such field",
            self.offset, self.byte
        )
    }
}

impl std::error::Error for Malformed {}

const UNUSED: usize = 3;
const OWNER: usize = 4;
const ORDER_ID: usize = 8;
const PRICE: usize = 16;
const QUANTITY: usize = 24;

impl Command {
    /// Reads a record; every byte that the command does not use must be zero.
    #[inline]
    pub fn decode(record: &[u8; COMMAND_SIZE]) -> Result<Self, Malformed> {
        let (order_id, price, quantity) = (number(record, ORDER_ID), number(record, PRICE), number(record, QUANTITY));
        zero(record, UNUSED..OWNER)?;
        if record[0] == 0 {
            return Self::decode_order(record, order_id, price, quantity);
        }
        zero(record, 1..ORDER_ID)?;
        match record[0] {
            1 => zero(record, PRICE..COMMAND_SIZE).map(|()| Self::Cancel { order_id }),
            2 => zero(record, PRICE..QUANTITY).map(|()| Self::Reduce { order_id, by: quantity }),
            3 => Ok(Self::Replace { order_id, price, quantity }),
            4 => Ok(Self::Show { order_id, lots: quantity, now: price }),
            byte => Err(Malformed { offset: 0, byte }),
        }
    }

    #[inline]
    fn decode_order(record: &[u8; COMMAND_SIZE], order_id: u64, price: u64, quantity: u64) -> Result<Self, Malformed> {
        let at = |offset: usize| Malformed { offset, byte: record[offset] };
        let side = Side::from_byte(record[1]).ok_or(at(1))?;
        let word = TimeInForce::from_byte(record[2]);
        let known = [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok];
        let time_in_force = word.filter(|word| known.contains(word)).ok_or(at(2))?;
        let owner = u32::from_le_bytes([record[4], record[5], record[6], record[7]]);
        if owner == NOBODY {
            return Err(at(OWNER));
        }
        Ok(Self::Submit(NewOrder { order_id, side, time_in_force, price, quantity, owner }))
    }

    /// Its record.
    pub fn encode(&self) -> [u8; COMMAND_SIZE] {
        let mut record = [0; COMMAND_SIZE];
        let (kind, order_id, price, quantity) = match *self {
            Self::Submit(order) => {
                (record[1], record[2]) = (order.side as u8, order.time_in_force as u8);
                record[OWNER..ORDER_ID].copy_from_slice(&order.owner.to_le_bytes());
                (0, order.order_id, order.price, order.quantity)
            }
            Self::Cancel { order_id } => (1, order_id, 0, 0),
            Self::Reduce { order_id, by } => (2, order_id, 0, by),
            Self::Replace { order_id, price, quantity } => (3, order_id, price, quantity),
            Self::Show { order_id, lots, now } => (4, order_id, now, lots),
        };
        record[0] = kind;
        for (offset, value) in [(ORDER_ID, order_id), (PRICE, price), (QUANTITY, quantity)] {
            record[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
        }
        record
    }
}

impl Report {
    /// Its record; `command` is the number of its command in the batch.
    #[inline]
    pub fn encode(&self, command: u32) -> [u8; REPORT_SIZE] {
        let mut record = [0; REPORT_SIZE];
        (record[0], record[1]) = (self.told as u8, self.why as u8);
        record[4..8].copy_from_slice(&command.to_le_bytes());
        let numbers = [self.order_id, self.taker_id, self.price, self.quantity];
        for (place, value) in record[8..].chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        record
    }
}

fn number(record: &[u8; COMMAND_SIZE], offset: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&record[offset..offset + 8]);
    u64::from_le_bytes(bytes)
}

fn zero(record: &[u8; COMMAND_SIZE], range: std::ops::Range<usize>) -> Result<(), Malformed> {
    let start = range.start;
    let wrong = record[range].iter().position(|byte| *byte != 0);
    wrong.map_or(Ok(()), |at| Err(Malformed { offset: start + at, byte: record[start + at] }))
}
