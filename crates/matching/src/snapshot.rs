//! Canonical snapshots: the same bytes for the same state, whatever way led to it.
//!
//! All integers are little-endian, texts are a `u32` length and UTF-8, lists a `u32` count and their elements. The
//! state hash is the SHA-256 of the snapshot. Slots, free lists and ladders are not part of it; queues are written in
//! their order. Nothing in it is skipped when read: restoring and taking it again gives the same bytes.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

use crate::Engine;
use crate::account::{Account, Holding};
use crate::auction::Call;
use crate::book::Allocation;
use crate::market::Market;
use crate::order_index::{NO_ACCOUNT, Place};
use crate::trigger::Triggers;
use crate::vocabulary::{AllocationRule, Side};

mod restore;

/// First bytes of every snapshot.
pub const MAGIC: &[u8; 8] = b"MATCHING";
/// How the bytes are laid out.
pub const FORMAT_VERSION: u16 = 1;
/// What the state consists of, and what events mean to it: a change of either is a change of this number.
pub const STATE_SCHEMA: u16 = 8;

const OPEN: u32 = u32::MAX - 1;

/// Why bytes are not a snapshot of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// Not a snapshot, or of another version.
    Header(&'static str),
    /// The bytes end too soon.
    Truncated,
    /// Bytes are left over.
    TooLong,
    /// A value contradicts the others.
    Inconsistent(&'static str),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(what) => write!(f, "snapshot header: {what}"),
            Self::Truncated => f.write_str("the snapshot ends too soon"),
            Self::TooLong => f.write_str("bytes are left after the snapshot"),
            Self::Inconsistent(what) => write!(f, "the snapshot contradicts itself: {what}"),
        }
    }
}

impl std::error::Error for SnapshotError {}

/// A command's events have been replayed only in part: there is no state to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InsideCommand;

impl fmt::Display for InsideCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("snapshots stand at the end of a command")
    }
}

impl std::error::Error for InsideCommand {}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn i128(&mut self, value: i128) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).expect("lists are bounded"));
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }
}

impl Engine {
    /// The canonical bytes of the state.
    pub fn snapshot(&self) -> Result<Vec<u8>, InsideCommand> {
        if !self.is_at_command_end() {
            return Err(InsideCommand);
        }
        let mut w = Writer::default();
        w.bytes.extend_from_slice(MAGIC);
        w.u16(FORMAT_VERSION);
        w.u16(STATE_SCHEMA);
        w.u16(self.log_number);
        w.u64(self.command_sequence);
        w.u64(self.last_stamp_ns / 1_000_000);
        w.u64(self.next_trade);
        w.u64(self.index.next());
        self.write_assets(&mut w);
        self.write_accounts(&mut w);
        w.u8(u8::from(self.killed));
        w.count(self.killed_accounts.len());
        self.killed_accounts.iter().for_each(|account| w.u32(*account));
        self.write_instruments(&mut w);
        for market in &self.markets {
            write_orders(&mut w, market);
        }
        self.write_closed(&mut w);
        Ok(w.bytes)
    }

    /// The SHA-256 of the snapshot, in hexadecimal.
    pub fn state_hash(&self) -> Result<String, InsideCommand> {
        let digest = Sha256::digest(self.snapshot()?);
        Ok(digest.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    fn write_assets(&self, w: &mut Writer) {
        w.count(self.catalog.assets().len());
        for (terms, version) in self.catalog.assets().iter().zip(&self.asset_versions) {
            w.text(&terms.symbol);
            w.u8(terms.scale);
            w.u8(terms.kind as u8);
            w.u64(*version);
        }
    }

    fn write_accounts(&self, w: &mut Writer) {
        w.count(self.accounts.list().len());
        for account in self.accounts.list() {
            write_account(w, account);
        }
    }

    fn write_instruments(&self, w: &mut Writer) {
        w.count(self.markets.len());
        for (index, (terms, market)) in (0..).zip(self.catalog.instruments().iter().zip(&self.markets)) {
            w.text(&terms.symbol);
            w.u32(terms.base.0);
            w.u32(terms.quote.0);
            w.u64(terms.price_unit.mantissa);
            w.u8(terms.price_unit.scale);
            w.u64(terms.lot_unit.mantissa);
            w.u8(terms.lot_unit.scale);
            w.u64(terms.max_price);
            w.u64(terms.max_quantity);
            w.u32(terms.protection_ppm);
            w.u32(terms.fees.maker_ppm);
            w.u32(terms.fees.taker_ppm);
            w.u32(terms.fees.ceiling_ppm);
            w.text(&terms.calendar);
            w.u32(terms.clearing);
            w.u8(market.session as u8);
            w.u64(market.version);
            w.u64(market.book.next_priority());
            write_rules(w, market);
            write_triggers(w, &market.triggers);
            w.u8(u8::from(self.unfinished.contains(&index)));
            write_call(w, &market.call);
        }
    }

    /// The account of each number that is still remembered.
    fn write_closed(&self, w: &mut Writer) {
        for number in self.index.remembered_from()..self.index.next() {
            w.u32(match self.index.get(number) {
                Place::Open { .. } => OPEN,
                Place::Closed { account } => account,
                Place::Unknown => NO_ACCOUNT,
            });
        }
    }
}

fn write_account(w: &mut Writer, account: &Account) {
    w.u8(account.kind as u8);
    w.u8(account.state as u8);
    w.u8(u8::from(account.opened));
    w.text(&account.user_id);
    w.u64(account.version);
    w.optional(account.limits.max_order_notional, Writer::i128);
    w.optional(account.limits.max_order_quantity, Writer::i128);
    w.optional(account.limits.max_open_orders, Writer::u32);
    w.u32(account.trade_group);
    w.u8(u8::from(account.cancel_on_disconnect));
    w.u64(account.dead_mans_due_ms);
    let holdings: Vec<Holding> = account.holdings().collect();
    w.count(holdings.len());
    for holding in holdings {
        w.u32(holding.asset.0);
        w.i128(holding.balance);
        w.i128(holding.hold);
    }
}

/// Both sides from the best price, each level in the order of its queue.
fn write_orders(w: &mut Writer, market: &Market) {
    for side in [Side::Buy, Side::Sell] {
        w.count(market.book.queue(side).count());
        for (slot, order) in market.book.queue(side) {
            w.u64(order.id);
            w.u32(order.owner);
            w.u8(order.time_in_force() as u8);
            w.u8(order.post_only().map_or(0, |word| word as u8));
            write_attributes(w, market, slot);
            w.u64(market.book.iceberg(slot).map_or(0, |iceberg| iceberg.shown));
            w.u64(order.price);
            w.u64(order.quantity);
            w.u64(order.leaves);
            w.u64(order.priority);
            w.u32(order.version);
            w.i128(market.beside.cum_notional(slot));
        }
    }
    write_waiting(w, market);
}

/// How its orders meet.
fn write_rules(w: &mut Writer, market: &Market) {
    w.u8(market.self_trade as u8);
    let (rule, number, ppm) = match market.book.allocation() {
        Allocation::PriceTime => (AllocationRule::PriceTime, 0, 0),
        Allocation::ProRata { minimum } => (AllocationRule::ProRata, minimum, 0),
        Allocation::LeadMarketMaker { owner, share_ppm } => (AllocationRule::LeadMarketMaker, owner.into(), share_ppm),
    };
    w.u8(rule as u8);
    w.u64(number);
    w.u32(ppm);
}

/// What only few orders have.
fn write_attributes(w: &mut Writer, market: &Market, slot: u32) {
    let order = market.book.order(slot);
    let attributes = market.attributes.of(slot, order);
    w.u64(attributes.expire_at_ms);
    w.u8(attributes.self_trade.map_or(0, |word| word as u8));
    w.u8(u8::from(attributes.market));
    w.u8(u8::from(order.is_hidden()));
    w.u64(market.book.iceberg(slot).map_or(0, |iceberg| iceberg.display));
    w.u8(attributes.peg.map_or(0, |peg| peg.order_type as u8));
    if let Some(peg) = attributes.peg {
        w.u64(peg.offset as u64);
        w.u64(peg.limit);
    }
}

/// The last trade and mark price, and what was deferred.
fn write_triggers(w: &mut Writer, triggers: &Triggers) {
    w.u64(triggers.last_trade);
    w.u64(triggers.mark);
    w.u64(triggers.next_armed);
    w.count(triggers.waves.len());
    for wave in &triggers.waves {
        w.u8(wave.reference as u8);
        w.u64(wave.low);
        w.u64(wave.high);
        w.u64(wave.armed_before);
    }
}

/// What a call would trade as it was told, and a price at which trades go on.
fn write_call(w: &mut Writer, call: &Call) {
    w.u64(call.price);
    w.u64(call.volume);
    w.optional(call.told, |w, told| {
        w.u64(told.price);
        w.u64(told.volume);
        w.u64(told.surplus);
        w.u8(told.surplus_side.map_or(0, |side| side as u8 + 1));
    });
}

/// Orders that wait, by their numbers.
fn write_waiting(w: &mut Writer, market: &Market) {
    let slots = market.waiting_orders();
    w.count(slots.len());
    for slot in slots {
        let (order, Some(waiting)) = (market.book.order(slot), market.waiting_of(slot)) else { continue };
        w.u64(order.id);
        w.u32(order.owner);
        w.u8(order.side() as u8);
        w.u8(order.time_in_force() as u8);
        write_attributes(w, market, slot);
        w.u64(order.price);
        w.u64(order.quantity);
        w.u32(order.version);
        w.u8(waiting.order_type as u8);
        w.u8(waiting.trigger_by as u8);
        w.u64(waiting.trigger_price);
        w.u64(waiting.armed);
        w.u8(u8::from(waiting.all_or_none));
        w.u64(waiting.minimum_quantity);
    }
}
