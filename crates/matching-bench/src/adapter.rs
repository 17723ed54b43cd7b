//! The benchmark's rules on top of the book: ids that are used again, a modify that cancels and enters again, the rest
//! of an immediate order as a cancel, and rejects of ids that are not open.

use matching::book::{Book, Incoming, NONE, Order, Sink};
use matching::ladder::LadderKind;
use matching::order_book::Ids;
use matching::vocabulary::{Side, TimeInForce};

use crate::message::{Kind, Message};
use crate::report::{Report, Told};

/// The benchmark has one client on each side of every trade.
const MAKER: u32 = 0;
const TAKER: u32 = 1;

/// Takes reports as they come.
pub trait Reports {
    /// One more.
    fn push(&mut self, report: Report);
}

impl Reports for Vec<Report> {
    #[inline]
    fn push(&mut self, report: Report) {
        Self::push(self, report);
    }
}

/// A book behind the benchmark's messages.
#[derive(Clone, Debug)]
pub struct Adapter {
    book: Book,
    ids: Ids,
}

/// The book's sink: a trade is a report, and a maker of which nothing is left gives its id back.
struct Trades<'a, R> {
    ids: &'a mut Ids,
    reports: &'a mut R,
    seq: u32,
    taker_id: u64,
}

impl<R: Reports> Sink for Trades<'_, R> {
    #[inline]
    fn traded(&mut self, slot: u32, maker: &mut Order, quantity: u64) {
        self.reports.push(Report {
            order_id: maker.id,
            taker_id: self.taker_id,
            seq: self.seq,
            price: maker.price as u32,
            quantity: quantity as u32,
            told: Told::Traded,
            side: maker.side(),
        });
        // An id that names a younger order by now stays.
        if maker.leaves == 0 && self.ids.get(maker.id) == slot {
            self.ids.set(maker.id, NONE);
        }
    }
}

impl Adapter {
    /// An empty book, with room for ids below `ids`.
    pub fn new(ladder: LadderKind, ids: usize) -> Self {
        Self { book: Book::new(ladder), ids: Ids::with_room(ids) }
    }

    /// The book.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Whether an id names an open order.
    pub fn is_open(&self, id: u64) -> bool {
        self.ids.get(id) != NONE
    }

    /// Leaves at most a message's quantity of its order, which keeps its priority.
    pub fn reduce<R: Reports>(&mut self, m: &Message, reports: &mut R) {
        let slot = self.ids.get(m.order_id);
        if slot == NONE {
            return reports.push(told(Told::ModifyRejected, m, m.side, 0));
        }
        let order = self.book.order(slot);
        let (side, price, leaves) = (order.side(), order.price as u32, order.leaves.min(u64::from(m.quantity)));
        self.book.set_leaves(slot, leaves);
        reports.push(told(Told::Modified, m, side, price));
    }

    /// Does what a message asks for and reports it.
    #[inline]
    pub fn apply<R: Reports>(&mut self, m: &Message, reports: &mut R) {
        match m.kind {
            Kind::New => self.enter(m, reports),
            Kind::Cancel => self.cancel(m, reports),
            Kind::Modify => self.modify(m, reports),
        }
    }

    #[inline]
    fn enter<R: Reports>(&mut self, m: &Message, reports: &mut R) {
        reports.push(told(Told::Accepted, m, m.side, m.price));
        let leaves = self.trade(m, m.side, reports);
        if leaves == 0 {
            return;
        }
        if m.immediate {
            return reports.push(told(Told::Canceled, m, m.side, m.price));
        }
        self.rest(m, m.side, leaves);
    }

    #[inline]
    fn cancel<R: Reports>(&mut self, m: &Message, reports: &mut R) {
        let slot = self.ids.get(m.order_id);
        if slot == NONE {
            return reports.push(told(Told::CancelRejected, m, m.side, 0));
        }
        let order = self.book.remove(slot);
        self.ids.set(m.order_id, NONE);
        reports.push(told(Told::Canceled, m, order.side(), order.price as u32));
    }

    #[inline]
    fn modify<R: Reports>(&mut self, m: &Message, reports: &mut R) {
        let slot = self.ids.get(m.order_id);
        if slot == NONE {
            return reports.push(told(Told::ModifyRejected, m, m.side, 0));
        }
        let side = self.book.remove(slot).side();
        self.ids.set(m.order_id, NONE);
        let leaves = self.trade(m, side, reports);
        reports.push(told(Told::Modified, m, side, m.price));
        if leaves > 0 {
            self.rest(m, side, leaves);
        }
    }

    /// Trades what meets the other side; what is left of it.
    #[inline]
    fn trade<R: Reports>(&mut self, m: &Message, side: Side, reports: &mut R) -> u64 {
        let mut incoming = Incoming::new(side, u64::from(m.price), u64::from(m.quantity), TAKER);
        let mut trades = Trades { ids: &mut self.ids, reports, seq: m.seq, taker_id: m.order_id };
        self.book.take(&mut incoming, u32::MAX, &mut trades);
        incoming.leaves
    }

    #[inline]
    fn rest(&mut self, m: &Message, side: Side, leaves: u64) {
        let slot = self.book.add(Order::new(m.order_id, side, TimeInForce::Gtc, u64::from(m.price), leaves, MAKER));
        self.book.rest(slot);
        self.ids.set(m.order_id, slot);
    }
}

#[inline]
fn told(told: Told, m: &Message, side: Side, price: u32) -> Report {
    Report { order_id: m.order_id, taker_id: 0, seq: m.seq, price, quantity: m.quantity, told, side }
}
