//! Orders in one vector, linked by 32-bit slots; an order is one cache line.

use crate::vocabulary::{PostOnly, Side, TimeInForce};

/// No slot.
pub const NONE: u32 = u32::MAX;

/// Side, time in force, post-only and what is rare of an order in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(u32);

impl Flags {
    pub(super) fn new(side: Side, time_in_force: TimeInForce) -> Self {
        Self(side as u32 | (time_in_force as u32) << TIME_IN_FORCE_BIT)
    }
}

/// Three bits from here.
const TIME_IN_FORCE_BIT: u32 = 1;
/// Two bits from here.
const POST_ONLY_BIT: u32 = 4;
const ATTRIBUTES: u32 = 1 << 29;
pub(super) const ICEBERG: u32 = 1 << 30;
pub(super) const HIDDEN: u32 = 1 << 31;

/// An open order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Order {
    /// The order's id.
    pub id: u64,
    /// Limit price, price units.
    pub price: u64,
    /// Total quantity, lots.
    pub quantity: u64,
    /// What has not executed, lots.
    pub leaves: u64,
    /// Place in the queue of its level.
    pub priority: u64,
    /// The order behind it.
    pub next: u32,
    /// The order before it; in a free slot, the next free one.
    pub prev: u32,
    /// Its level, or [`NONE`] while it does not rest.
    pub level: u32,
    /// Whose it is: the book compares owners and knows nothing else of them.
    pub owner: u32,
    /// Number of its last event.
    pub version: u32,
    /// Side, time in force and post-only.
    pub flags: Flags,
}

const _: () = assert!(size_of::<Order>() == 64);

impl Order {
    /// Its side.
    pub fn side(&self) -> Side {
        if self.flags.0 & 1 == 0 { Side::Buy } else { Side::Sell }
    }

    /// How long it works.
    pub fn time_in_force(&self) -> TimeInForce {
        TimeInForce::from_byte((self.flags.0 >> TIME_IN_FORCE_BIT & 0b111) as u8).unwrap_or(TimeInForce::Ioc)
    }

    /// What becomes of it where it would trade on entry; `None` if it may.
    pub fn post_only(&self) -> Option<PostOnly> {
        PostOnly::from_byte((self.flags.0 >> POST_ONLY_BIT & 0b11) as u8)
    }

    /// Makes it post-only, or not.
    pub fn set_post_only(&mut self, post_only: Option<PostOnly>) {
        let bits = post_only.map_or(0, |word| word as u32) << POST_ONLY_BIT;
        self.flags.0 = self.flags.0 & !(0b11 << POST_ONLY_BIT) | bits;
    }

    /// Whether whoever keeps the book has more about it elsewhere.
    pub fn has_attributes(&self) -> bool {
        self.flags.0 & ATTRIBUTES != 0
    }

    /// Notes that there is more about it elsewhere, or no longer.
    pub fn set_attributes(&mut self, there: bool) {
        self.flags.0 = if there { self.flags.0 | ATTRIBUTES } else { self.flags.0 & !ATTRIBUTES };
    }

    /// Whether it is in a queue.
    pub fn rests(&self) -> bool {
        self.level != NONE
    }

    /// What has executed, lots.
    pub fn executed(&self) -> u64 {
        self.quantity - self.leaves
    }
}

/// All orders of a book; freed slots are used again, the last freed first.
#[derive(Clone, Debug)]
pub struct Slab {
    orders: Vec<Order>,
    free: u32,
    count: u32,
}

impl Default for Slab {
    fn default() -> Self {
        Self { orders: Vec::new(), free: NONE, count: 0 }
    }
}

impl Slab {
    pub(super) fn len(&self) -> u32 {
        self.count
    }

    pub(super) fn get(&self, slot: u32) -> &Order {
        &self.orders[slot as usize]
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.orders[slot as usize]
    }

    pub(super) fn add(&mut self, order: Order) -> u32 {
        self.count += 1;
        if self.free == NONE {
            if self.orders.len() == self.orders.capacity() {
                // An eighth at a time: a doubling vector would hold up to twice the memory that the orders need.
                self.orders.reserve_exact((self.orders.len() / 8).max(64));
            }
            self.orders.push(order);
            return u32::try_from(self.orders.len() - 1).expect("orders of a book are bounded");
        }
        let slot = self.free;
        self.free = self.orders[slot as usize].prev;
        self.orders[slot as usize] = order;
        slot
    }

    pub(super) fn free(&mut self, slot: u32) -> Order {
        let order = self.orders[slot as usize];
        self.orders[slot as usize].prev = self.free;
        self.free = slot;
        self.count -= 1;
        order
    }
}

/// The upper bits: what is rare.
impl Flags {
    pub(super) const fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    pub(super) const fn set(&mut self, bit: u32) {
        self.0 |= bit;
    }
}
