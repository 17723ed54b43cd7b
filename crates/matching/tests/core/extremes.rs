//! The largest numbers, and what happens where a limit is reached.

use matching::Engine;
use matching::command::{
    CancelAll, ChangeLimits, ChangeSession, Command, ListAsset, ListInstrument, OpenAccount, PlaceOrder, Stamped,
    Terms, Transfer,
};
use matching::event::{Body, Events};
use matching::limit;
use matching::number::Unit;
use matching::vocabulary::{AssetKind, OrderType, Reason, Session, Side, TimeInForce};

use crate::reference::{LOG, id};

const SELLER: u64 = id(4);
const BUYER: u64 = id(5);

/// A venue at the edge: the highest price, the largest order and the dearest lot that may be listed.
fn venue() -> Vec<Command<'static>> {
    let asset = |symbol, scale| Command::ListAsset(ListAsset { symbol, scale, kind: AssetKind::Currency });
    let mut commands = vec![
        Command::OpenVenue,
        asset("Q", 9),
        asset("B", 12),
        Command::ListInstrument(ListInstrument {
            symbol: "EDGE",
            base: id(2),
            quote: id(1),
            // 4 x 10^9 ledger units a price unit and lot, just below 2^32; 10^12 a lot, just below 2^40.
            price_unit: Unit { mantissa: 4, scale: 0 },
            lot_unit: Unit { mantissa: 1, scale: 0 },
            max_price: limit::PRICE_MAX,
            max_quantity: limit::QUANTITY_MAX,
            protection_ppm: 1_000_000,
            calendar: "",
        }),
    ];
    for account_id in [SELLER, BUYER] {
        commands.push(Command::OpenAccount(OpenAccount { user_id: "someone" }));
        let max_open_orders = Some(u32::MAX);
        commands.push(Command::ChangeLimits(ChangeLimits {
            account_id,
            max_order_notional: None,
            max_order_quantity: None,
            max_open_orders,
        }));
    }
    let everything = limit::AMOUNT_MAX as u128;
    commands.push(Command::Deposit(Transfer { account_id: SELLER, asset_id: id(2), amount: everything }));
    commands.push(Command::Deposit(Transfer { account_id: BUYER, asset_id: id(1), amount: everything }));
    commands
}

fn order(account_id: u64, side: Side, quantity: u64, price: u64) -> PlaceOrder<'static> {
    PlaceOrder {
        account_id,
        instrument_id: id(1),
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        quantity,
        price,
        protection_price: 0,
        client_order_id: None,
        terms: Terms::default(),
    }
}

struct Story {
    engine: Engine,
    events: Events,
}

impl Story {
    fn begin() -> Self {
        let mut story = Self { engine: Engine::new(LOG).expect("a small log number"), events: Events::default() };
        for command in venue() {
            story.then(command);
        }
        story
    }

    fn then(&mut self, command: Command<'static>) -> &Body {
        self.events.clear();
        self.engine.apply(&Stamped { stamp_ns: u64::MAX, command }, &mut self.events);
        &self.events.list.last().expect("at least one event").body
    }
}

#[test]
fn the_largest_order_at_the_highest_price_trades_and_replays() {
    let (price, quantity) = (limit::PRICE_MAX, limit::QUANTITY_MAX);
    let market = PlaceOrder { order_type: OrderType::Market, ..order(BUYER, Side::Buy, quantity, 0) };
    let mut commands = venue();
    commands.extend([
        Command::PlaceOrder(order(SELLER, Side::Sell, quantity, price)),
        Command::PlaceOrder(order(BUYER, Side::Buy, quantity, price)),
        Command::PlaceOrder(order(SELLER, Side::Sell, quantity, price)),
        // Twice the highest price is cut to the highest.
        Command::PlaceOrder(market),
    ]);
    let mut story = Story { engine: Engine::new(LOG).expect("a small log number"), events: Events::default() };
    let mut replayed = Engine::new(LOG).expect("a small log number");
    let (mut scratch, mut traded) = (Events::default(), 0);
    for command in commands {
        story.then(command);
        for (index, event) in (0..).zip(&story.events.list) {
            let mut data = Vec::new();
            story.events.encode(&event.body, story.engine.catalog(), &mut data);
            let event_id = story.engine.event_id(index).render();
            let outcome = replayed.evolve_row(event.body.event_type(), &event_id, event.version, &data, &mut scratch);
            assert_eq!(outcome, Ok(()), "{}", String::from_utf8_lossy(&data));
            if let Body::TradeExecuted(trade) = event.body {
                traded += 1;
                assert_eq!((trade.price.0, trade.quantity.0), (price, quantity));
            }
        }
        assert_eq!(replayed.state_hash(), story.engine.state_hash());
    }
    assert_eq!(traded, 2);
}

#[test]
fn one_more_than_the_largest_is_refused() {
    let mut story = Story::begin();
    let rows = [
        (order(BUYER, Side::Buy, limit::QUANTITY_MAX + 1, 1), Reason::QuantityTooLarge),
        (order(BUYER, Side::Buy, 1, limit::PRICE_MAX + 1), Reason::PriceTooLarge),
        (order(BUYER, Side::Buy, u64::MAX, u64::MAX), Reason::QuantityTooLarge),
    ];
    for (order, reason) in rows {
        let body = story.then(Command::PlaceOrder(order));
        assert!(matches!(body, Body::OrderRejected(e) if e.reason == reason), "{body:?}");
    }
    let body = story.then(Command::Deposit(Transfer { account_id: SELLER, asset_id: id(1), amount: 1 }));
    assert!(matches!(body, Body::CommandRefused(e) if e.reason == Reason::AmountTooLarge), "{body:?}");
}

#[test]
fn a_full_instrument_a_full_match_and_a_full_cancel() {
    let mut story = Story::begin();
    for _ in 0..limit::ORDERS_PER_INSTRUMENT_MAX {
        story.then(Command::PlaceOrder(order(BUYER, Side::Buy, 1, 1)));
    }
    let body = story.then(Command::PlaceOrder(order(BUYER, Side::Buy, 1, 1)));
    assert!(matches!(body, Body::OrderRejected(e) if e.reason == Reason::InstrumentOrdersLimit), "{body:?}");
    let snapshot = story.engine.snapshot().expect("the end of a command");
    assert_eq!(Engine::restore(&snapshot).expect("a snapshot").state_hash(), story.engine.state_hash());

    let sweep = PlaceOrder { time_in_force: TimeInForce::Ioc, ..order(SELLER, Side::Sell, 500_000, 1) };
    let body = story.then(Command::PlaceOrder(sweep));
    assert!(matches!(body, Body::OrderCanceled(e) if e.reason == Reason::TradesPerCommand), "{body:?}");
    assert!(story.events.list.len() <= matching::id::EVENTS_PER_COMMAND_MAX);

    let mut rest = limit::ORDERS_PER_INSTRUMENT_MAX - limit::TRADES_PER_COMMAND_MAX;
    while rest > 0 {
        let expected = rest.min(limit::CANCELS_PER_COMMAND_MAX);
        let body = story.then(Command::CancelAll(CancelAll { account_id: BUYER, instrument_id: None }));
        assert!(matches!(body, Body::OrdersCanceled(e) if e.count == expected), "{body:?}");
        rest -= expected;
    }
    assert!(story.engine.markets()[0].book.is_empty());
}

#[test]
fn a_close_ends_day_orders_by_chunks() {
    let mut story = Story::begin();
    let day = PlaceOrder { time_in_force: TimeInForce::Day, ..order(BUYER, Side::Buy, 1, 1) };
    for _ in 0..=limit::CANCELS_PER_COMMAND_MAX {
        story.then(Command::PlaceOrder(day));
    }
    let close = ChangeSession { instrument_id: id(1), session: Session::Closed, reason: "day end" };
    story.then(Command::ChangeSession(close));
    assert_eq!(story.events.list.len(), limit::CANCELS_PER_COMMAND_MAX as usize + 1);
    story.then(Command::ChangeSession(close));
    assert_eq!(story.events.list.len(), 2);
    assert!(story.engine.markets()[0].book.is_empty());
}
