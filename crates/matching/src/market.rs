//! One instrument's market: its book, and what the engine keeps of each order beside it.

use crate::account::Account;
use crate::attributes::{AttributeTable, Attributes};
use crate::auction::Call;
use crate::book::{Book, NONE, Order};
use crate::event::{Price, Quantity, Resting};
use crate::ladder::LadderKind;
use crate::peg::Peg;
use crate::timer::Timers;
use crate::trigger::{Triggers, Waiting};
use crate::vocabulary::{SelfTradePrevention, Session, Side, TimeInForce};

/// What the engine keeps of an order beside the book's cache line.
#[derive(Clone, Copy, Debug)]
struct Beside {
    cum_notional: [u64; 2],
    next: u32,
    prev: u32,
}

/// A market.
#[derive(Clone, Debug)]
pub struct Market {
    /// The orders.
    pub book: Book,
    /// Whether it trades.
    pub session: Session,
    /// Number of the instrument's last event.
    pub version: u64,
    /// What happens where orders would trade with themselves, unless they say.
    pub self_trade: SelfTradePrevention,
    pub(crate) beside: BesideBook,
    pub(crate) attributes: AttributeTable,
    pub(crate) triggers: Triggers,
    pub(crate) call: Call,
}

impl Market {
    pub(crate) fn new(ladder: LadderKind) -> Self {
        Self {
            book: Book::new(ladder),
            session: Session::Continuous,
            version: 0,
            self_trade: SelfTradePrevention::CancelNewest,
            beside: BesideBook::default(),
            attributes: AttributeTable::default(),
            triggers: Triggers::default(),
            call: Call::default(),
        }
    }

    /// The slots of day orders: bids from the best, then asks, each level in its order; then those that wait, the
    /// oldest first.
    pub(crate) fn day_orders(&self) -> impl Iterator<Item = u32> + '_ {
        let resting = [Side::Buy, Side::Sell].into_iter().flat_map(|side| self.book.queue(side));
        let waiting = self.waiting_orders().into_iter().map(|slot| (slot, self.book.order(slot)));
        resting.chain(waiting).filter(|(_, order)| order.time_in_force() == TimeInForce::Day).map(|(slot, _)| slot)
    }

    /// The slots of all open orders, the oldest first.
    pub(crate) fn open_orders(&self) -> Vec<u32> {
        let resting = [Side::Buy, Side::Sell].into_iter().flat_map(|side| self.book.queue(side)).map(|(slot, _)| slot);
        let mut slots: Vec<u32> = resting.chain(self.attributes.waiting()).collect();
        slots.sort_unstable_by_key(|slot| self.book.order(*slot).id);
        slots
    }

    /// The slots of orders that wait, the oldest first.
    pub(crate) fn waiting_orders(&self) -> Vec<u32> {
        let mut slots: Vec<u32> = self.attributes.waiting().collect();
        slots.sort_unstable_by_key(|slot| self.book.order(*slot).id);
        slots
    }

    /// What an order waits for, if it does.
    pub(crate) fn waiting_of(&self, slot: u32) -> Option<Waiting> {
        self.attributes.of(slot, self.book.order(slot)).waiting
    }

    /// The price at which a buy holds its lots.
    pub(crate) fn held_at(&self, slot: u32) -> u64 {
        self.attributes.held_at(slot, self.book.order(slot))
    }

    /// What an order follows, if it is a peg.
    pub(crate) fn peg_of(&self, slot: u32) -> Option<Peg> {
        self.attributes.of(slot, self.book.order(slot)).peg
    }

    /// A resting order works at another price, behind all that is there; it displays as much as before.
    pub(crate) fn move_to(&mut self, slot: u32, price: u64) {
        let iceberg = self.book.iceberg(slot);
        self.book.unlink(slot);
        self.book.order_mut(slot).price = price;
        self.book.rest(slot);
        if let Some(iceberg) = iceberg {
            self.book.set_shown(slot, iceberg.shown);
        }
    }

    /// Whether a change of its prices may cause something else.
    pub(crate) fn is_watched(&self) -> bool {
        !self.triggers.is_idle() || !self.attributes.pegs.is_empty() || self.session.is_call()
    }

    /// Keeps an order that displays at most so many lots at a time; zero: all of it.
    pub(crate) fn add(&mut self, order: Order, display: u64) -> u32 {
        let slot = self.book.add(order);
        if display != 0 {
            self.book.set_display(slot, display);
        }
        slot
    }

    /// An order rests, as events say it.
    pub(crate) fn resting(&self, slot: u32) -> Resting {
        let order = self.book.order(slot);
        let quantity = Quantity(self.book.displayed(slot));
        Resting { price: Price(order.price), quantity, priority: order.priority }
    }

    /// What happens where an order would trade with itself, if it says so.
    pub(crate) fn self_trade_chosen(&self, slot: u32) -> Option<SelfTradePrevention> {
        self.attributes.of(slot, self.book.order(slot)).self_trade
    }

    /// Keeps an order that waits.
    pub(crate) fn add_waiting(
        &mut self,
        order: Order,
        display: u64,
        waiting: Waiting,
        attributes: Attributes,
        timers: &mut Timers,
    ) -> u32 {
        let side = order.side();
        let slot = self.add(order, display);
        self.attributes.open(&mut self.book, slot, Attributes { waiting: Some(waiting), ..attributes }, timers);
        self.triggers.arm(slot, side, &waiting);
        slot
    }

    /// An order waits no longer, and is open.
    pub(crate) fn end_waiting(&mut self, slot: u32) -> Option<Waiting> {
        let waiting = self.attributes.set_waiting(slot, None)?;
        self.triggers.disarm(self.book.order(slot).side(), &waiting);
        Some(waiting)
    }

    /// A waiting order waits for another price: it begins anew. Returns what it waits for, unless that is the same.
    pub(crate) fn rearm(&mut self, slot: u32, trigger_price: u64) -> Option<Waiting> {
        let before = self.waiting_of(slot).filter(|waiting| waiting.trigger_price != trigger_price)?;
        self.end_waiting(slot)?;
        let waiting = Waiting { trigger_price, armed: self.triggers.next_armed, ..before };
        self.attributes.set_waiting(slot, Some(waiting));
        self.triggers.arm(slot, self.book.order(slot).side(), &waiting);
        Some(waiting)
    }
}

/// The engine's record of each order, by the book's slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct BesideBook {
    records: Vec<Beside>,
}

impl BesideBook {
    /// Paid or received so far, ledger units of the quote asset.
    pub(crate) fn cum_notional(&self, slot: u32) -> i128 {
        let [low, high] = self.records[slot as usize].cum_notional;
        (u128::from(high) << 64 | u128::from(low)) as i128
    }

    pub(crate) fn set_cum_notional(&mut self, slot: u32, value: i128) {
        let bits = value as u128;
        self.records[slot as usize].cum_notional = [bits as u64, (bits >> 64) as u64];
    }

    /// The account's next younger order in the instrument.
    pub(crate) fn next(&self, slot: u32) -> Option<u32> {
        Some(self.records[slot as usize].next).filter(|next| *next != NONE)
    }

    /// An order begins to be open: it is its account's youngest in the instrument.
    pub(crate) fn link(&mut self, account: &mut Account, instrument: u32, slot: u32) {
        if slot as usize >= self.records.len() {
            if self.records.len() == self.records.capacity() {
                self.records.reserve_exact((self.records.len() / 8).max(64));
            }
            self.records.resize(slot as usize + 1, Beside { cum_notional: [0; 2], next: NONE, prev: NONE });
        }
        account.open_orders += 1;
        let working = account.working_mut(instrument);
        let prev = std::mem::replace(&mut working.last, slot);
        self.records[slot as usize] = Beside { cum_notional: [0; 2], next: NONE, prev };
        if prev == NONE {
            working.first = slot;
        } else {
            self.records[prev as usize].next = slot;
        }
    }

    /// An order is open no longer.
    pub(crate) fn unlink(&mut self, account: &mut Account, instrument: u32, slot: u32) {
        let Beside { next, prev, .. } = self.records[slot as usize];
        account.open_orders -= 1;
        if prev == NONE {
            account.working_mut(instrument).first = next;
        } else {
            self.records[prev as usize].next = next;
        }
        if next == NONE {
            account.working_mut(instrument).last = prev;
        } else {
            self.records[next as usize].prev = prev;
        }
    }
}
