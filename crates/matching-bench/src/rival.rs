//! The crate matchcore behind the same messages and reports, for a comparison in one run.
//!
//! It names orders by the number of their command, and tells neither side nor price of what it cancels: the table by its
//! ids has them. A modify is its amend, one command: the quickest way it has.
//!
//! Its reports are not the published ones: a limit order of version 0.4.0 that meets the other side trades on beyond its
//! limit. So it is compared in speed only, and its hash stands beside its figures.

use matchcore::{
    AmendCmd, AmendPatch, CancelCmd, Command, CommandKind, CommandMeta, CommandOutcome, CommandReport, LimitOrder,
    LimitOrderPatch, MatchResult, NewOrder, OrderBook, OrderFlags, OrderId, OrderKind, Price, Quantity, QuantityPolicy,
    SequenceNumber, Side as RivalSide, SubmitCmd, TimeInForce, Timestamp,
};
use matching::book::NONE;
use matching::vocabulary::Side;

use crate::adapter::Reports;
use crate::message::{Kind, Message};
use crate::report::{Report, Told};

/// What the adapter knows of an order, by the rival's id.
#[derive(Clone, Copy)]
struct Known {
    client_id: u64,
    price: u32,
    leaves: u32,
    side: Side,
}

/// The rival's book behind the benchmark's messages.
pub struct Rival {
    book: OrderBook,
    next: u64,
    by_client: Vec<u32>,
    known: Vec<Known>,
}

impl Rival {
    /// An empty book, for ids below `ids` and so many messages.
    pub fn new(ids: usize, messages: usize) -> Self {
        let nobody = Known { client_id: 0, price: 0, leaves: 0, side: Side::Buy };
        Self { book: OrderBook::new("B"), next: 0, by_client: vec![NONE; ids], known: vec![nobody; messages] }
    }

    /// Does what a message asks for and reports it.
    pub fn apply<R: Reports>(&mut self, m: &Message, reports: &mut R) {
        match m.kind {
            Kind::New => self.enter(m, reports),
            Kind::Cancel => self.cancel(m, reports),
            Kind::Modify => self.modify(m, reports),
        }
    }

    fn execute(&mut self, kind: CommandKind) -> CommandOutcome {
        let meta = CommandMeta { sequence_number: SequenceNumber(self.next), timestamp: Timestamp(self.next) };
        self.next += 1;
        self.book.execute(&Command { meta, kind })
    }

    fn enter<R: Reports>(&mut self, m: &Message, reports: &mut R) {
        reports.push(told(Told::Accepted, m, m.side, m.price));
        let leaves = self.submit(m, m.side, m.immediate, reports);
        if leaves > 0 && m.immediate {
            reports.push(told(Told::Canceled, m, m.side, m.price));
        }
    }

    /// Submits an order, reports its trades, and remembers it if it rests; what is left of it.
    fn submit<R: Reports>(&mut self, m: &Message, side: Side, immediate: bool, reports: &mut R) -> u32 {
        let id = self.next;
        let rival_side = if side == Side::Buy { RivalSide::Buy } else { RivalSide::Sell };
        let time_in_force = if immediate { TimeInForce::Ioc } else { TimeInForce::Gtc };
        let order = LimitOrder::new(
            Price(u64::from(m.price)),
            QuantityPolicy::Standard { quantity: Quantity(u64::from(m.quantity)) },
            OrderFlags::new(rival_side, false, time_in_force),
        );
        let outcome = self.execute(CommandKind::Submit(SubmitCmd { order: NewOrder::Limit(order) }));
        let leaves = m.quantity - self.report_trades(&outcome, m, reports);
        if leaves > 0 && !immediate {
            self.by_client[m.order_id as usize] = id as u32;
            self.known[id as usize] = Known { client_id: m.order_id, price: m.price, leaves, side };
        }
        leaves
    }

    fn cancel<R: Reports>(&mut self, m: &Message, reports: &mut R) {
        let id = self.by_client[m.order_id as usize];
        if id == NONE {
            return reports.push(told(Told::CancelRejected, m, m.side, 0));
        }
        self.execute(CommandKind::Cancel(CancelCmd { order_id: OrderId(u64::from(id)), order_kind: OrderKind::Limit }));
        self.by_client[m.order_id as usize] = NONE;
        let Known { price, side, .. } = self.known[id as usize];
        reports.push(told(Told::Canceled, m, side, price));
    }

    fn modify<R: Reports>(&mut self, m: &Message, reports: &mut R) {
        let id = self.by_client[m.order_id as usize];
        if id == NONE {
            return reports.push(told(Told::ModifyRejected, m, m.side, 0));
        }
        let patch = LimitOrderPatch::new()
            .with_price(Price(u64::from(m.price)))
            .with_quantity_policy(QuantityPolicy::Standard { quantity: Quantity(u64::from(m.quantity)) });
        let amend = AmendCmd { order_id: OrderId(u64::from(id)), patch: AmendPatch::Limit(patch) };
        let outcome = self.execute(CommandKind::Amend(amend));
        let leaves = m.quantity - self.report_trades(&outcome, m, reports);
        let known = &mut self.known[id as usize];
        (known.price, known.leaves) = (m.price, leaves);
        reports.push(told(Told::Modified, m, known.side, m.price));
        if leaves == 0 {
            self.by_client[m.order_id as usize] = NONE;
        }
    }

    /// Reports the trades of a command; how much it traded.
    fn report_trades<R: Reports>(&mut self, outcome: &CommandOutcome, m: &Message, reports: &mut R) -> u32 {
        let CommandOutcome::Applied(CommandReport::Submit(effects) | CommandReport::Amend(effects)) = outcome else {
            return 0;
        };
        let trades = effects.target_order().match_result().map_or(&[][..], MatchResult::trades);
        for trade in trades {
            let (price, quantity) = (trade.price().0 as u32, trade.quantity().0 as u32);
            let maker = &mut self.known[trade.maker_order_id().0 as usize];
            maker.leaves -= quantity;
            let (order_id, taker_id, side) = (maker.client_id, m.order_id, maker.side);
            if maker.leaves == 0 {
                self.by_client[order_id as usize] = NONE;
            }
            reports.push(Report { order_id, taker_id, seq: m.seq, price, quantity, told: Told::Traded, side });
        }
        trades.iter().map(|trade| trade.quantity().0 as u32).sum()
    }
}

fn told(told: Told, m: &Message, side: Side, price: u32) -> Report {
    Report { order_id: m.order_id, taker_id: 0, seq: m.seq, price, quantity: m.quantity, told, side }
}
