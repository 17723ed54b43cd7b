//! Stories about one venue: GOOG for USD at cents and whole shares, up to 1,000.00 and 1,000 shares, with a protection of
//! 5 %; Ada, Ben and Cy have 10,000 USD and 100 shares each.

use matching::Engine;
use matching::command::{
    CancelOrder, ChangeAccountState, ChangeLimits, ChangeSession, Command, ListAsset, ListInstrument, OpenAccount,
    PlaceOrder, ReplaceOrder, Stamped, Terms, Transfer,
};
use matching::event::{Body, Event, Events};
use matching::number::Unit;
use matching::vocabulary::{AccountState, AssetKind, OrderType, Session, Side, TimeInForce};

use crate::reference::{LOG, id};

pub const ADA: u64 = id(4);
pub const BEN: u64 = id(5);
pub const CY: u64 = id(6);
pub const GOOG: u64 = id(1);

pub fn venue() -> Vec<Command<'static>> {
    let asset = |symbol, scale, kind| Command::ListAsset(ListAsset { symbol, scale, kind });
    let mut commands = vec![
        Command::OpenVenue,
        asset("USD", 4, AssetKind::Currency),
        asset("GOOG", 0, AssetKind::Security),
        Command::ListInstrument(listing("GOOG")),
    ];
    commands.extend((0..3).map(|_| Command::OpenAccount(OpenAccount { user_id: "someone" })));
    for account_id in [ADA, BEN, CY] {
        commands.push(Command::Deposit(Transfer { account_id, asset_id: id(1), amount: 100_000_000 }));
        commands.push(Command::Deposit(Transfer { account_id, asset_id: id(2), amount: 100 }));
    }
    commands
}

pub fn listing(symbol: &'static str) -> ListInstrument<'static> {
    ListInstrument {
        symbol,
        base: id(2),
        quote: id(1),
        price_unit: Unit { mantissa: 1, scale: 2 },
        lot_unit: Unit { mantissa: 1, scale: 0 },
        max_price: 100_000,
        max_quantity: 1_000,
        protection_ppm: 50_000,
        calendar: "",
    }
}

pub fn limit(account_id: u64, side: Side, quantity: u64, price: u64) -> PlaceOrder<'static> {
    PlaceOrder {
        account_id,
        instrument_id: GOOG,
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

pub fn buy(account_id: u64, quantity: u64, price: u64) -> Command<'static> {
    Command::PlaceOrder(limit(account_id, Side::Buy, quantity, price))
}

pub fn sell(account_id: u64, quantity: u64, price: u64) -> Command<'static> {
    Command::PlaceOrder(limit(account_id, Side::Sell, quantity, price))
}

pub fn ioc(account_id: u64, side: Side, quantity: u64, price: u64) -> Command<'static> {
    Command::PlaceOrder(PlaceOrder { time_in_force: TimeInForce::Ioc, ..limit(account_id, side, quantity, price) })
}

pub fn day(account_id: u64, side: Side, quantity: u64, price: u64) -> Command<'static> {
    Command::PlaceOrder(PlaceOrder { time_in_force: TimeInForce::Day, ..limit(account_id, side, quantity, price) })
}

pub fn market(account_id: u64, side: Side, quantity: u64, protection_price: u64) -> Command<'static> {
    let order_type = OrderType::Market;
    Command::PlaceOrder(PlaceOrder { order_type, protection_price, ..limit(account_id, side, quantity, 0) })
}

/// An order of any kind: a limit order, changed.
pub fn order(
    account_id: u64,
    side: Side,
    quantity: u64,
    price: u64,
    change: fn(&mut PlaceOrder<'static>),
) -> Command<'static> {
    let mut order = limit(account_id, side, quantity, price);
    change(&mut order);
    Command::PlaceOrder(order)
}

pub fn cancel(account_id: u64, order: u64) -> Command<'static> {
    Command::CancelOrder(CancelOrder { account_id, order_id: id(order) })
}

pub fn replace(account_id: u64, order: u64, quantity: Option<u64>, price: Option<u64>) -> Command<'static> {
    let order_id = id(order);
    Command::ReplaceOrder(ReplaceOrder {
        account_id,
        order_id,
        quantity,
        price,
        trigger_price: None,
        client_order_id: None,
    })
}

pub fn session(session: Session) -> Command<'static> {
    Command::ChangeSession(ChangeSession { instrument_id: GOOG, session, reason: "" })
}

pub fn suspend(account_id: u64) -> Command<'static> {
    Command::ChangeAccountState(ChangeAccountState { account_id, state: AccountState::Suspended, reason: "" })
}

pub fn limits(account_id: u64, notional: Option<u128>, quantity: Option<u128>, open: Option<u32>) -> Command<'static> {
    let unit = 10u128.pow(18);
    Command::ChangeLimits(ChangeLimits {
        account_id,
        max_order_notional: notional.map(|whole| whole * unit),
        max_order_quantity: quantity.map(|whole| whole * unit),
        max_open_orders: open,
    })
}

/// Applies the past, then one command; returns what follows, a short sentence an event.
pub fn outcome(past: &[Command<'static>], command: Command<'static>) -> (Engine, Vec<String>) {
    let mut engine = Engine::new(LOG).expect("a small log number");
    let mut events = Events::default();
    for past in venue().iter().chain(past) {
        engine.apply(&Stamped { stamp_ns: 1, command: *past }, &mut events);
    }
    events.clear();
    engine.apply(&Stamped { stamp_ns: 1, command }, &mut events);
    let told = events.list.iter().map(tell).collect();
    (engine, told)
}

pub fn tell(event: &Event) -> String {
    let number = event.aggregate.id & 0xffff;
    match event.body {
        Body::OrderCreated(e) => match e.rests {
            Some(rests) => format!("{number} rests {}@{}", rests.quantity.0, rests.price.0),
            None => format!("{number} created"),
        },
        Body::OrderRejected(e) => format!("rejected {}", e.reason.text()),
        Body::OrderExecuted(e) => {
            let rests = e.rests.map_or(String::new(), |rests| format!(" rests {}@{}", rests.quantity.0, rests.price.0));
            format!("{number} executed {}@{} {}{rests}", e.quantity.0, e.price.0, e.liquidity.text())
        }
        Body::OrderReplaced(e) => {
            let rests = e.rests.map_or(" takes".to_owned(), |rests| format!(" rests, priority {}", rests.priority));
            let rests = e.trigger_price.0.map_or(rests, |price| format!(", waits for {}", price.0));
            format!("{number} replaced {}@{}{rests}", e.leaves_quantity.0, e.price.0)
        }
        Body::OrderTriggered(e) => {
            let rests =
                e.rests.map_or(String::new(), |rests| format!(", rests {}@{}", rests.quantity.0, rests.price.0));
            format!("{number} triggered at {}{rests}", e.trigger_price.0)
        }
        Body::OrderRestated(e) => {
            let rests = e.rests.map_or(String::new(), |rests| format!(" rests {}@{}", rests.quantity.0, rests.price.0));
            format!("{number} restated {} {}{rests}", e.quantity.0, e.reason.text())
        }
        Body::OrderCanceled(e) => format!("{number} canceled {} {}", e.canceled_quantity.0, e.reason.text()),
        Body::OrderExpired(e) => format!("{number} expired {} {}", e.canceled_quantity.0, e.reason.text()),
        Body::OrderCancelRejected(e) => format!("{} rejected {}", e.request.text(), e.reason.text()),
        Body::CommandRefused(e) => format!("{} refused {}", e.command.text(), e.reason.text()),
        Body::MassCanceled(e) => format!("{} canceled by choice", e.count),
        Body::OrdersCanceled(e) => format!("{} canceled in all", e.count),
        Body::TradeExecuted(e) => format!("trade {}", e.trade_id.0 & 0xffff),
        Body::IndicativeChanged(e) => {
            let price = e.price.map_or("none".to_owned(), |price| format!("{}@{}", e.volume.0, price.0));
            format!("indicative {price}{}", surplus(e.surplus.0, e.surplus_side.0))
        }
        Body::AuctionUncrossed(e) => {
            format!("auction {}@{}{}", e.volume.0, e.price.0, surplus(e.surplus.0, e.surplus_side.0))
        }
        Body::AuctionDeferred(e) => {
            let at = e.price.0.map_or(String::new(), |price| format!(" at {}", price.0));
            format!("auction goes on{at} after {}", e.volume.0)
        }
        other => other.event_type().to_owned(),
    }
}

fn surplus(lots: u64, side: Option<Side>) -> String {
    side.map_or(String::new(), |side| format!(", {lots} {} left", side.text()))
}

pub type Row = (&'static str, Vec<Command<'static>>, Command<'static>, &'static [&'static str]);

pub fn check(rows: Vec<Row>) {
    for (sentence, past, command, follows) in rows {
        let (_, told) = outcome(&past, command);
        assert_eq!(told, follows, "{sentence}");
    }
}
