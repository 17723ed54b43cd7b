//! The engine's sink: every trade moves cash and assets in the step in which it happens.

use super::Engine;
use super::entry::{Hold, hold_of};
use super::fees::fee_of;
use super::self_trade::{group_of, incoming};
use crate::account::Accounts;
use crate::attributes::AttributeTable;
use crate::book::{Ending, Order, Prevented, SelfTrade, Sink};
use crate::catalog::InstrumentTerms;
use crate::event::{
    AccountId, Aggregate, Asset, Body, Event, Events, Fee, Instrument, InstrumentId, Notional, OrderCanceled,
    OrderExecuted, OrderId, Postings, Price, Quantity, Resting, TradeExecuted, TradeId,
};
use crate::id::{self, EntityKind};
use crate::limit;
use crate::market::BesideBook;
use crate::order_index::OrderIndex;
use crate::timer::Timers;
use crate::vocabulary::{Ledger, Liquidity, Reason, Reference, Restated, Session, Side, Status};

/// An order while it takes liquidity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taker {
    pub(super) order_id: OrderId,
    pub(super) account: u32,
    pub(super) side: Side,
    pub(super) limit: u64,
    pub(super) hold: Hold,
    pub(super) self_trade: SelfTrade,
    pub(super) quantity: u64,
    pub(super) leaves: u64,
    pub(super) cum_notional: i128,
    pub(super) version: u64,
}

impl Taker {
    /// The asset and the amount that it still holds.
    fn held(&self, terms: &InstrumentTerms) -> (Asset, i128) {
        match self.hold {
            Hold::AtLimit => hold_of(terms, self.side, self.limit, self.leaves),
            Hold::AtCost(cost) => (terms.quote, cost),
            Hold::At(price) => hold_of(terms, self.side, price, self.leaves),
        }
    }
}

/// Where an order stands while it is open.
pub(super) fn working_status(quantity: u64, leaves: u64) -> Status {
    match leaves {
        0 => Status::Executed,
        _ if leaves == quantity => Status::Pending,
        _ => Status::PartiallyExecuted,
    }
}

pub(super) fn push_order_event(events: &mut Events, order_id: OrderId, version: u64, body: Body) {
    let aggregate = Aggregate { kind: EntityKind::Order, id: order_id.0 };
    events.list.push(Event { aggregate, version, body });
}

pub(super) struct Settlement<'a> {
    pub(super) accounts: &'a mut Accounts,
    pub(super) index: &'a mut OrderIndex,
    pub(super) beside: &'a mut BesideBook,
    pub(super) attributes: &'a mut AttributeTable,
    pub(super) timers: &'a mut Timers,
    pub(super) events: &'a mut Events,
    pub(super) market_version: &'a mut u64,
    pub(super) next_trade: &'a mut u64,
    pub(super) terms: &'a InstrumentTerms,
    pub(super) instrument: Instrument,
    pub(super) log_number: u16,
    pub(super) taker: Taker,
    /// Where the taker's last event is.
    pub(super) last_of_taker: usize,
    /// Of the first trade and of the last: those in between lie between them.
    pub(super) prices: [u64; 2],
    /// At which all trades are made; zero: each at its maker's price.
    pub(super) price: u64,
    pub(super) prevented_trades: u32,
}

/// One trade: its id, its price, lots and their worth.
#[derive(Clone, Copy)]
pub(super) struct Fill {
    trade_id: TradeId,
    price: u64,
    quantity: u64,
    notional: i128,
}

/// One side of a trade.
struct Party {
    account: u32,
    side: Side,
    held_at: u64,
}

impl Sink for Settlement<'_> {
    fn traded(&mut self, slot: u32, maker: &mut Order, quantity: u64) {
        let shown = if maker.is_hidden() { 0 } else { maker.leaves };
        self.trade(slot, maker, [quantity, shown]);
    }

    fn iceberg_traded(&mut self, slot: u32, maker: &mut Order, quantity: u64, shown: u64) {
        self.trade(slot, maker, [quantity, shown]);
    }

    fn refreshed(&mut self, _slot: u32, order: &mut Order, shown: u64) {
        let rests = Resting { price: Price(order.price), quantity: Quantity(shown), priority: order.priority };
        self.restate(order, Restated::Refreshed, Some(rests), Postings::default());
    }

    fn prevented(&mut self, slot: u32, maker: &mut Order, prevented: Prevented) {
        self.prevented_trades += 1;
        match prevented {
            Prevented::Canceled => self.cancel_maker(slot, maker, maker.leaves),
            Prevented::Decremented { lots, shown } => self.decrement(slot, maker, [lots, shown]),
        }
    }

    fn group_of(&self, owner: u32) -> u32 {
        group_of(self.accounts, owner)
    }
}

impl Settlement<'_> {
    /// `lots` are those traded, and those displayed then.
    fn trade(&mut self, slot: u32, maker: &mut Order, lots: [u64; 2]) {
        let [quantity, shown] = lots;
        let fill = self.next_fill(if self.price == 0 { maker.price } else { self.price }, quantity);
        if self.prices[0] == 0 {
            self.prices[0] = fill.price;
        }
        self.prices[1] = fill.price;
        let maker_fee = self.execute_resting(slot, maker, fill, shown, Liquidity::Maker);
        let taker_fee = self.execute_taker(fill);
        let taker = (self.taker.order_id, self.taker.account);
        let parties = [(OrderId(maker.id), maker.owner), taker];
        self.tell_trade(fill, self.taker.side, parties, [maker_fee, taker_fee]);
    }

    /// The trade that comes next.
    pub(super) fn next_fill(&mut self, price: u64, quantity: u64) -> Fill {
        let trade_id = TradeId(id::entity_id(self.log_number, *self.next_trade));
        *self.next_trade += 1;
        Fill { trade_id, price, quantity, notional: self.terms.notional(price, quantity) }
    }

    /// The maker comes first, in the orders with their owners and in the fees.
    pub(super) fn tell_trade(&mut self, fill: Fill, aggressor: Side, parties: [(OrderId, u32); 2], fees: [Fee; 2]) {
        let [maker, taker] = parties;
        *self.market_version += 1;
        let instrument_id = InstrumentId(id::entity_id(self.log_number, u64::from(self.instrument.0) + 1));
        let body = Body::TradeExecuted(TradeExecuted {
            trade_id: fill.trade_id,
            symbol: self.instrument,
            price: Price(fill.price),
            quantity: Quantity(fill.quantity),
            aggressor_side: aggressor,
            maker_order_id: maker.0,
            taker_order_id: taker.0,
            maker_account_id: self.accounts.id_of(maker.1),
            taker_account_id: self.accounts.id_of(taker.1),
            maker_fee: fees[0],
            taker_fee: fees[1],
        });
        let aggregate = Aggregate { kind: EntityKind::Instrument, id: instrument_id.0 };
        self.events.list.push(Event { aggregate, version: *self.market_version, body });
    }

    /// A resting order's part in a trade, by which it has been reduced; it displays `shown` then.
    pub(super) fn execute_resting(
        &mut self,
        slot: u32,
        maker: &mut Order,
        fill: Fill,
        shown: u64,
        liquidity: Liquidity,
    ) -> Fee {
        let Fill { trade_id, price, quantity, notional } = fill;
        maker.version += 1;
        let side = maker.side();
        let cum_notional = self.beside.cum_notional(slot) + notional;
        self.beside.set_cum_notional(slot, cum_notional);
        let party = Party { account: maker.owner, side, held_at: self.attributes.held_at(slot, maker) };
        let fee = fee_of(&self.terms.fees, liquidity, notional);
        let postings = self.post(&party, quantity, notional, fee);
        // An iceberg order whose displayed part is used up says where it rests when it is refreshed.
        let rests = (maker.leaves > 0 && (shown > 0 || maker.is_hidden())).then_some(Resting {
            price: Price(maker.price),
            quantity: Quantity(shown),
            priority: maker.priority,
        });
        let body = OrderExecuted {
            order_id: OrderId(maker.id),
            trade_id,
            account_id: self.accounts.id_of(maker.owner),
            symbol: self.instrument,
            side,
            price: Price(price),
            quantity: Quantity(quantity),
            liquidity,
            status: working_status(maker.quantity, maker.leaves),
            cum_quantity: Quantity(maker.executed()),
            leaves_quantity: Quantity(maker.leaves),
            cum_notional: Notional(cum_notional),
            rests,
            postings,
            fee: self.events.add_fee(fee),
        };
        push_order_event(self.events, body.order_id, u64::from(maker.version), Body::OrderExecuted(body));
        if maker.leaves == 0 {
            self.close(slot, maker);
        }
        body.fee
    }

    /// A maker is open no longer.
    pub(super) fn close(&mut self, slot: u32, maker: &Order) {
        self.beside.unlink(self.accounts.get_mut(maker.owner), self.instrument.0, slot);
        self.index.close(maker.id & id::SEQUENCE_MAX, maker.owner);
        self.attributes.close(slot, maker, self.timers);
    }

    fn execute_taker(&mut self, fill: Fill) -> Fee {
        let Fill { trade_id, price, quantity, notional } = fill;
        self.taker.version += 1;
        self.taker.leaves -= quantity;
        self.taker.cum_notional += notional;
        let taker = self.taker;
        let held_at = match taker.hold {
            Hold::AtLimit => taker.limit,
            Hold::At(price) => price,
            Hold::AtCost(cost) => {
                self.taker.hold = Hold::AtCost(cost - self.terms.most_paid(price, quantity));
                price
            }
        };
        let fee = fee_of(&self.terms.fees, Liquidity::Taker, notional);
        let postings = self.post(&Party { account: taker.account, side: taker.side, held_at }, quantity, notional, fee);
        let body = OrderExecuted {
            order_id: taker.order_id,
            trade_id,
            account_id: self.accounts.id_of(taker.account),
            symbol: self.instrument,
            side: taker.side,
            price: Price(price),
            quantity: Quantity(quantity),
            liquidity: Liquidity::Taker,
            status: working_status(taker.quantity, taker.leaves),
            cum_quantity: Quantity(taker.quantity - taker.leaves),
            leaves_quantity: Quantity(taker.leaves),
            cum_notional: Notional(taker.cum_notional),
            rests: None,
            postings,
            fee: self.events.add_fee(fee),
        };
        self.last_of_taker = self.events.list.len();
        push_order_event(self.events, taker.order_id, taker.version, Body::OrderExecuted(body));
        body.fee
    }

    /// Base, then quote, each against the clearing account; the hold, which price improvement releases too; then the fee.
    fn post(&mut self, party: &Party, quantity: u64, notional: i128, fee: i128) -> Postings {
        let start = self.events.postings.len();
        let (terms, list) = (self.terms, &mut self.events.postings);
        let base = terms.base_amount(quantity);
        let (base, quote) = match party.side {
            Side::Buy => (base, -notional),
            Side::Sell => (-base, notional),
        };
        let (asset, hold) = hold_of(terms, party.side, party.held_at, quantity);
        for (account, asset, ledger, amount) in [
            (party.account, terms.base, Ledger::Balance, base),
            (terms.clearing, terms.base, Ledger::Balance, -base),
            (party.account, terms.quote, Ledger::Balance, quote),
            (terms.clearing, terms.quote, Ledger::Balance, -quote),
            (party.account, asset, Ledger::Hold, -hold),
        ] {
            self.accounts.post(list, account, asset, ledger, amount);
        }
        if fee != 0 {
            self.post_fee(party.account, fee);
        }
        self.events.postings_since(start)
    }
}

/// How taking ended.
pub(super) struct Taken {
    pub(super) taker: Taker,
    pub(super) ending: Ending,
    last_of_taker: usize,
}

impl Taken {
    /// What is left rests: the taker's last event says so.
    pub(super) fn note_resting(&self, rests: Resting, events: &mut Events) {
        let noted = match &mut events.list[self.last_of_taker].body {
            Body::OrderExecuted(e) => &mut e.rests,
            Body::OrderRestated(e) => &mut e.rests,
            Body::OrderCreated(e) => &mut e.rests,
            Body::OrderReplaced(e) => &mut e.rests,
            Body::OrderTriggered(e) => &mut e.rests,
            other => unreachable!("{} is no event of an order that takes", other.event_type()),
        };
        *noted = Some(rests);
    }

    /// Why what is left may not rest; `None` if it may.
    pub(super) fn stopped(&self) -> Option<Reason> {
        match self.ending {
            Ending::OwnOrder => Some(Reason::SelfTrade),
            Ending::TradesReached => Some(Reason::TradesPerCommand),
            Ending::Filled | Ending::Exhausted | Ending::PriceReached => None,
        }
    }
}

impl Engine {
    /// Trades an order until something ends it.
    pub(super) fn take(&mut self, instrument: Instrument, taker: Taker, events: &mut Events) -> Taken {
        let trades_max = self.trades_left();
        let market = &mut self.markets[instrument.0 as usize];
        let mut incoming = incoming(&self.accounts, &taker);
        let price = market.only_price();
        let last_of_taker = events.list.len() - 1;
        let mut settlement = Settlement {
            accounts: &mut self.accounts,
            index: &mut self.index,
            beside: &mut market.beside,
            attributes: &mut market.attributes,
            timers: &mut self.timers,
            events,
            market_version: &mut market.version,
            next_trade: &mut self.next_trade,
            terms: self.catalog.instrument(instrument).expect("a market has terms"),
            instrument,
            log_number: self.log_number,
            taker,
            last_of_taker,
            prevented_trades: 0,
            prices: [0; 2],
            price,
        };
        let ending = market.book.take(&mut incoming, trades_max, &mut settlement);
        let taken = Taken { taker: settlement.taker, ending, last_of_taker: settlement.last_of_taker };
        let [first, last] = settlement.prices;
        let prevented = settlement.prevented_trades;
        if last != 0 {
            market.triggers.last_trade = last;
            if !market.triggers.is_idle() && market.session == Session::Continuous {
                market.triggers.pass(Reference::Last, first.min(last), first.max(last));
            }
            self.touch(instrument.0);
        }
        if prevented > 0 {
            self.prevented += prevented;
            self.touch(instrument.0);
        }
        taken
    }

    /// Trades that the command has made or prevented.
    pub(super) fn steps_made(&self) -> u64 {
        self.next_trade - self.trades_before + u64::from(self.prevented)
    }

    /// How many trades the command may still make, those that it prevents included.
    pub(super) fn trades_left(&self) -> u32 {
        let made = u32::try_from(self.steps_made()).unwrap_or(u32::MAX);
        limit::TRADES_PER_COMMAND_MAX.saturating_sub(made)
    }

    /// Cancels what is left of a taker and releases its hold.
    pub(super) fn cancel_rest(&mut self, instrument: Instrument, taker: &Taker, reason: Reason, events: &mut Events) {
        let (asset, hold) = taker.held(self.terms(instrument));
        let postings = self.change_hold(taker.account, asset, -hold, events);
        let body = OrderCanceled {
            order_id: taker.order_id,
            account_id: self.accounts.id_of(taker.account),
            symbol: instrument,
            reason,
            status: Status::Canceled,
            cum_quantity: Quantity(taker.quantity - taker.leaves),
            leaves_quantity: Quantity(0),
            canceled_quantity: Quantity(taker.leaves),
            postings,
        };
        push_order_event(events, taker.order_id, taker.version + 1, Body::OrderCanceled(body));
    }

    /// One posting of a hold, or none if nothing changes.
    pub(super) fn change_hold(
        &mut self,
        account: u32,
        asset: crate::event::Asset,
        amount: i128,
        events: &mut Events,
    ) -> Postings {
        let start = events.postings.len();
        if amount != 0 {
            self.accounts.post(&mut events.postings, account, asset, Ledger::Hold, amount);
        }
        events.postings_since(start)
    }

    pub(super) fn account_id(&self, account: u32) -> AccountId {
        self.accounts.id_of(account)
    }
}
