//! An order book on its own, for who wants nothing else: orders by the client's ids, and a report of all that happens.
//!
//! No accounts, no money, no events: [`crate::Engine`] has those. Commands and reports have a fixed size in bytes
//! (`record.rs`), so that many of them cross a language's border in one step.

use crate::book::{Allocation, Book, Depth, Ending, Incoming, NONE, Order, PlaceInQueue, Prevented, SelfTrade, Sink};
use crate::ladder::LadderKind;
use crate::limit::{BOOK_ORDERS_MAX, PRICE_MAX, QUANTITY_MAX};
use crate::vocabulary::{Side, TimeInForce};

mod ids;
mod record;

pub use ids::Ids;
pub use record::{COMMAND_SIZE, Command, Malformed, NewOrder, REPORT_SIZE, Told, Why};

/// An order that nobody owns; it trades with everybody.
pub const NO_OWNER: u32 = 0;
/// No order has this owner, so who comes in as it trades with all.
const NOBODY: u32 = u32::MAX;

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// What.
    pub told: Told,
    /// Why it was refused or canceled.
    pub why: Why,
    /// Whose it is; of a trade, the resting order.
    pub order_id: u64,
    /// Of a trade, the incoming order; else 0.
    pub taker_id: u64,
    /// The order's price; of a trade, that of the trade.
    pub price: u64,
    /// Lots: what came in, was traded, was canceled, is displayed, or is left of a reduced or replaced order.
    pub quantity: u64,
}

/// A book, and where each open order of a client's id is.
#[derive(Clone, Debug)]
pub struct OrderBook {
    book: Book,
    ids: Ids,
    self_trade: Option<SelfTrade>,
}

impl OrderBook {
    /// An empty book. Without `self_trade` an owner's orders trade with each other.
    pub fn new(allocation: Allocation, self_trade: Option<SelfTrade>) -> Self {
        let mut book = Book::new(LadderKind::default());
        book.set_allocation(allocation);
        Self { book, ids: Ids::default(), self_trade }
    }

    /// Does what a command asks for and reports what happens, in that order.
    #[inline]
    pub fn apply(&mut self, command: &Command, report: &mut impl FnMut(Report)) {
        match *command {
            Command::Submit(order) => self.submit(&order, report),
            Command::Cancel { order_id } => self.cancel(order_id, report),
            Command::Reduce { order_id, by } => self.reduce(order_id, by, report),
            Command::Replace { order_id, price, quantity } => self.replace(order_id, price, quantity, report),
            Command::Show { order_id, lots, now } => self.show(order_id, lots, now, report),
        }
    }

    /// The open order of an id.
    pub fn order(&self, order_id: u64) -> Option<&Order> {
        self.slot(order_id).map(|slot| self.book.order(slot))
    }

    /// What is ahead of an open order at its price.
    pub fn place_in_queue(&self, order_id: u64) -> Option<PlaceInQueue> {
        self.slot(order_id).and_then(|slot| self.book.place_in_queue(slot))
    }

    /// Number of open orders.
    pub fn len(&self) -> u32 {
        self.book.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.book.is_empty()
    }

    /// Levels of a side from the best.
    pub fn depth(&self, side: Side) -> impl Iterator<Item = Depth> + '_ {
        self.book.depth(side)
    }

    /// Open orders of a side in the order in which they would trade by price and time.
    pub fn queue(&self, side: Side) -> impl Iterator<Item = &Order> + '_ {
        self.book.queue(side).map(|(_, order)| order)
    }

    /// The commands that make this book out of an empty one, the oldest order first.
    pub fn snapshot(&self) -> Vec<u8> {
        let sides = [Side::Buy, Side::Sell].into_iter();
        let mut orders: Vec<(u32, &Order)> = sides.flat_map(|side| self.book.queue(side)).collect();
        orders.sort_unstable_by_key(|(_, order)| order.priority);
        let mut commands = Vec::with_capacity(orders.len() * COMMAND_SIZE);
        for (slot, order) in orders {
            commands.extend_from_slice(&Command::Submit(NewOrder::of(order)).encode());
            if let Some(shown) = self.shown_by(slot, order) {
                commands.extend_from_slice(&shown.encode());
            }
        }
        commands
    }

    /// Forgets every order.
    pub fn clear(&mut self) {
        *self = Self::new(self.book.allocation(), self.self_trade);
    }

    fn slot(&self, order_id: u64) -> Option<u32> {
        Some(self.ids.get(order_id)).filter(|slot| *slot != NONE)
    }

    fn submit(&mut self, order: &NewOrder, report: &mut impl FnMut(Report)) {
        let told = |told, why, quantity| Report {
            told,
            why,
            order_id: order.order_id,
            taker_id: 0,
            price: order.price,
            quantity,
        };
        if let Some(why) = self.refusal(order) {
            return report(told(Told::Rejected, why, order.quantity));
        }
        report(told(Told::Accepted, Why::Nothing, order.quantity));
        let mut incoming = self.incoming(order);
        if order.time_in_force == TimeInForce::Fok && !self.fills(&incoming) {
            return report(told(Told::Canceled, Why::FillOrKill, order.quantity));
        }
        let ending = self.take(&mut incoming, order.order_id, report);
        if ending == Ending::OwnOrder {
            return report(told(Told::Canceled, Why::SelfTrade, incoming.leaves));
        }
        if incoming.leaves == 0 {
            return;
        }
        if order.time_in_force != TimeInForce::Gtc {
            return report(told(Told::Canceled, Why::ImmediateOrCancel, incoming.leaves));
        }
        self.rest(order, incoming.leaves, Look::Whole);
    }

    fn refusal(&self, order: &NewOrder) -> Option<Why> {
        if self.slot(order.order_id).is_some() {
            return Some(Why::DuplicateId);
        }
        if order.quantity == 0 || order.quantity > QUANTITY_MAX {
            return Some(Why::InvalidQuantity);
        }
        let rests = order.time_in_force == TimeInForce::Gtc;
        if order.price > PRICE_MAX || (order.price == 0 && rests) {
            return Some(Why::InvalidPrice);
        }
        (rests && self.book.len() == BOOK_ORDERS_MAX).then_some(Why::BookFull)
    }

    fn cancel(&mut self, order_id: u64, report: &mut impl FnMut(Report)) {
        let Some(slot) = self.slot(order_id) else {
            return report(unknown(order_id));
        };
        let order = self.book.remove(slot);
        self.ids.set(order_id, NONE);
        report(about(Told::Canceled, Why::Requested, &order, order.leaves));
    }

    /// Takes lots away from an order, which keeps its priority; all of them end it.
    fn reduce(&mut self, order_id: u64, by: u64, report: &mut impl FnMut(Report)) {
        let Some(slot) = self.slot(order_id) else {
            return report(unknown(order_id));
        };
        let order = *self.book.order(slot);
        let Some(leaves) = order.leaves.checked_sub(by).filter(|_| by > 0) else {
            return report(about(Told::Rejected, Why::InvalidQuantity, &order, by));
        };
        if leaves == 0 {
            return self.cancel(order_id, report);
        }
        self.book.set_leaves(slot, leaves);
        report(about(Told::Reduced, Why::Requested, &order, leaves));
    }

    /// Takes an order out and lets it come in again with a price and a quantity; 0 keeps what it has.
    fn replace(&mut self, order_id: u64, price: u64, quantity: u64, report: &mut impl FnMut(Report)) {
        let Some(slot) = self.slot(order_id) else {
            return report(unknown(order_id));
        };
        let before = *self.book.order(slot);
        let price = if price == 0 { before.price } else { price };
        let quantity = if quantity == 0 { before.leaves } else { quantity };
        if price > PRICE_MAX {
            return report(about(Told::Rejected, Why::InvalidPrice, &before, quantity));
        }
        if quantity > QUANTITY_MAX {
            return report(about(Told::Rejected, Why::InvalidQuantity, &before, quantity));
        }
        let look = self.look_of(slot);
        self.book.remove(slot);
        self.ids.set(order_id, NONE);
        let order = NewOrder { price, quantity, ..NewOrder::of(&before) };
        let told = |told, why, quantity| Report { told, why, order_id, taker_id: 0, price, quantity };
        report(told(Told::Replaced, Why::Requested, quantity));
        let mut incoming = self.incoming(&order);
        let ending = self.take(&mut incoming, order_id, report);
        match (incoming.leaves, ending) {
            (leaves, Ending::OwnOrder) => report(told(Told::Canceled, Why::SelfTrade, leaves)),
            (0, _) => {}
            (leaves, _) => self.rest(&order, leaves, look),
        }
    }

    /// Lets an order display at most so many lots at a time, 0: nothing; it goes behind the others of its price.
    fn show(&mut self, order_id: u64, lots: u64, now: u64, report: &mut impl FnMut(Report)) {
        let Some(slot) = self.slot(order_id) else {
            return report(unknown(order_id));
        };
        let order = *self.book.order(slot);
        if lots > QUANTITY_MAX || now > lots.min(order.leaves) {
            return report(about(Told::Rejected, Why::InvalidQuantity, &order, lots));
        }
        self.book.remove(slot);
        let look = match lots {
            0 => Look::Nothing,
            _ if lots < order.leaves || now != 0 => Look::Part(lots),
            _ => Look::Whole,
        };
        self.rest(&NewOrder::of(&order), order.leaves, look);
        if let Some(slot) = self.slot(order_id) {
            if now != 0 && self.book.iceberg(slot).is_some() {
                self.book.set_shown(slot, now);
            }
            report(about(Told::Displayed, Why::Requested, &order, self.book.displayed(slot)));
        }
    }

    fn look_of(&self, slot: u32) -> Look {
        if self.book.order(slot).is_hidden() {
            return Look::Nothing;
        }
        self.book.iceberg(slot).map_or(Look::Whole, |iceberg| Look::Part(iceberg.display))
    }

    /// What makes a resting order look as it does.
    fn shown_by(&self, slot: u32, order: &Order) -> Option<Command> {
        let order_id = order.id;
        match self.look_of(slot) {
            Look::Whole => None,
            Look::Nothing => Some(Command::Show { order_id, lots: 0, now: 0 }),
            Look::Part(lots) => Some(Command::Show { order_id, lots, now: self.book.displayed(slot) }),
        }
    }

    fn incoming(&self, order: &NewOrder) -> Incoming {
        let limit = match (order.price, order.side) {
            (0, Side::Buy) => u64::MAX,
            (price, _) => price,
        };
        let owner = if self.self_trade.is_none() || order.owner == NO_OWNER { NOBODY } else { order.owner };
        let mut incoming = Incoming::new(order.side, limit, order.quantity, owner);
        incoming.self_trade = self.self_trade.unwrap_or_default();
        incoming
    }

    fn fills(&self, incoming: &Incoming) -> bool {
        self.book.would_trade(incoming, incoming.leaves, u32::MAX, &Asked) == incoming.leaves
    }

    #[inline]
    fn take(&mut self, incoming: &mut Incoming, taker_id: u64, report: &mut impl FnMut(Report)) -> Ending {
        let mut trades = Trades { ids: &mut self.ids, report, taker_id };
        self.book.take(incoming, u32::MAX, &mut trades)
    }

    #[inline]
    fn rest(&mut self, order: &NewOrder, leaves: u64, look: Look) {
        let NewOrder { order_id, side, price, owner, .. } = *order;
        let mut order = Order::new(order_id, side, TimeInForce::Gtc, price, leaves, owner);
        if look == Look::Nothing {
            order.hide();
        }
        let slot = self.book.add(order);
        if let Look::Part(lots) = look {
            self.book.set_display(slot, lots);
        }
        self.book.rest(slot);
        self.ids.set(order_id, slot);
    }
}

/// How much of a resting order is displayed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Whole,
    Part(u64),
    Nothing,
}

fn unknown(order_id: u64) -> Report {
    Report { told: Told::Rejected, why: Why::UnknownId, order_id, taker_id: 0, price: 0, quantity: 0 }
}

fn about(told: Told, why: Why, order: &Order, quantity: u64) -> Report {
    Report { told, why, order_id: order.id, taker_id: 0, price: order.price, quantity }
}

/// A look-ahead reports nothing.
struct Asked;

impl Sink for Asked {
    fn traded(&mut self, _: u32, _: &mut Order, _: u64) {}
}

struct Trades<'a, R> {
    ids: &'a mut Ids,
    report: &'a mut R,
    taker_id: u64,
}

impl<R: FnMut(Report)> Sink for Trades<'_, R> {
    #[inline]
    fn traded(&mut self, _: u32, maker: &mut Order, quantity: u64) {
        let taker_id = self.taker_id;
        (self.report)(Report { taker_id, ..about(Told::Traded, Why::Nothing, maker, quantity) });
        if maker.leaves == 0 {
            self.ids.set(maker.id, NONE);
        }
    }

    fn iceberg_traded(&mut self, slot: u32, maker: &mut Order, quantity: u64, _: u64) {
        self.traded(slot, maker, quantity);
    }

    fn refreshed(&mut self, _: u32, order: &mut Order, shown: u64) {
        (self.report)(about(Told::Displayed, Why::Nothing, order, shown));
    }

    fn prevented(&mut self, _: u32, maker: &mut Order, prevented: Prevented) {
        let is_gone = prevented == Prevented::Canceled || maker.leaves == 0;
        let told = if is_gone { Told::Canceled } else { Told::Reduced };
        let quantity = match prevented {
            Prevented::Decremented { lots, .. } if is_gone => lots,
            _ => maker.leaves,
        };
        (self.report)(about(told, Why::SelfTrade, maker, quantity));
        if is_gone {
            self.ids.set(maker.id, NONE);
        }
    }
}
