//! A busy venue through the whole engine: accounts and holds included, 10,000 of them with Zipf activity on 100 instruments.
//!
//! Of a hundred commands 45 cancel, 7 replace, 5 are market, 3 stop, 5 immediate, 2 fill-or-kill and 5 post-only orders,
//! the rest limit orders. Cancels and replacements name orders that are open.

use matching::Engine;
use matching::command::{
    CancelOrder, ChangeFees, ChangeLimits, Command, ListAsset, ListInstrument, OpenAccount, PlaceOrder, ReplaceOrder,
    Stamped, Terms, TextArena, Transfer,
};
use matching::event::Events;
use matching::fees::Fees;
use matching::id::entity_id;
use matching::number::Unit;
use matching::vocabulary::{AssetKind, OrderType, PostOnly, Side, TimeInForce, TriggerBy};
use rand_mt::Mt;

const LOG: u16 = 1;
const ACCOUNTS: u32 = 10_000;
const INSTRUMENTS: u32 = 100;
/// External, house, a clearing account an instrument, then the customers.
const FIRST_CUSTOMER: u32 = 3 + INSTRUMENTS;
const MID: u64 = 50_000;
const QUANTITY_MAX: u32 = 100;
const DEPTH: u32 = 100;
const FUNDS: u128 = 1 << 80;
/// A hundredth of a percent of whoever rested, five of whoever came.
const FEES: Fees = Fees { maker_ppm: 100, taker_ppm: 500, ceiling_ppm: 1_000 };
/// The busiest account's weight; the n-th has one n-th of it.
const WEIGHT: u32 = 1_000_000;
/// Orders that rest at first: the mix ends more than it enters.
const RESTING: u32 = 200_000;
/// The last of a hundred kinds of command.
const A_LIMIT_ORDER: u32 = 99;

/// A venue that is open, and the commands that follow.
pub struct Venue {
    /// Every account funded, and the orders that rest at first.
    pub opened: Engine,
    /// In order.
    pub commands: Vec<Stamped<'static>>,
}

impl Venue {
    /// The same every time for a seed.
    pub fn new(seed: u32, count: usize) -> Self {
        let mut events = Events::default();
        let mut making = Making::opened(seed, RESTING, &mut events);
        let snapshot = making.engine.snapshot().expect("between commands");
        let opened = Engine::restore(&snapshot).expect("its own snapshot");
        let commands = (0..count).map(|_| stamped(making.next(&mut events))).collect();
        Self { opened, commands }
    }

    /// A venue where so many orders rest.
    pub fn resting(seed: u32, orders: u32) -> Engine {
        Making::opened(seed, orders, &mut Events::default()).engine
    }

    /// The commands as records, all of one stamp.
    pub fn records(&self) -> Vec<u8> {
        let mut texts = TextArena::default();
        self.commands.iter().flat_map(|command| command.encode(&mut texts)).collect()
    }
}

/// A command of the venue's only moment.
fn stamped(command: Command<'static>) -> Stamped<'static> {
    Stamped { stamp_ns: 1, command }
}

fn opening() -> impl Iterator<Item = Command<'static>> {
    let usd = ListAsset { symbol: "USD", scale: 10, kind: AssetKind::Currency };
    let listed = (0..INSTRUMENTS).flat_map(list);
    [Command::OpenVenue, Command::ListAsset(usd)].into_iter().chain(listed).chain((0..ACCOUNTS).flat_map(open))
}

fn list(number: u32) -> [Command<'static>; 3] {
    let symbol: &'static str = format!("S{number}").leak();
    let unit = |scale| Unit { mantissa: 1, scale };
    let instrument = ListInstrument {
        symbol,
        base: entity_id(LOG, u64::from(2 + number)),
        quote: entity_id(LOG, 1),
        price_unit: unit(2),
        lot_unit: unit(0),
        max_price: 10_000_000,
        max_quantity: 1_000_000,
        protection_ppm: 50_000,
        calendar: "",
    };
    let asset = ListAsset { symbol, scale: 0, kind: AssetKind::Security };
    let fees = ChangeFees { instrument_id: entity_id(LOG, u64::from(1 + number)), fees: FEES };
    [Command::ListAsset(asset), Command::ListInstrument(instrument), Command::ChangeFees(fees)]
}

fn open(customer: u32) -> impl Iterator<Item = Command<'static>> {
    let account_id = account(customer);
    let funds = (1..=INSTRUMENTS + 1).map(move |asset| {
        let asset_id = entity_id(LOG, u64::from(asset));
        Command::Deposit(Transfer { account_id, asset_id, amount: FUNDS })
    });
    let limits = ChangeLimits {
        account_id,
        max_order_notional: None,
        max_order_quantity: None,
        max_open_orders: Some(2_000_000),
    };
    [Command::OpenAccount(OpenAccount { user_id: "someone" })]
        .into_iter()
        .chain(funds)
        .chain([Command::ChangeLimits(limits)])
}

fn account(customer: u32) -> u64 {
    entity_id(LOG, u64::from(FIRST_CUSTOMER + customer))
}

/// Running sums of the accounts' weights.
fn weights() -> Vec<u32> {
    let mut sum = 0;
    let add = |place| {
        sum += WEIGHT / place;
        sum
    };
    (1..=ACCOUNTS).map(add).collect()
}

/// The venue while its commands are made: they name orders that are open.
struct Making {
    random: Mt,
    engine: Engine,
    open: Vec<(u64, u64)>,
    next_order: u64,
    sums: Vec<u32>,
}

impl Making {
    fn opened(seed: u32, orders: u32, events: &mut Events) -> Self {
        let engine = Engine::new(LOG).expect("a small log number");
        let mut making = Self { random: Mt::new(seed), engine, open: Vec::new(), next_order: 1, sums: weights() };
        for command in opening() {
            making.apply(command, events);
        }
        for _ in 0..orders {
            let order = making.enter(making.next_order, A_LIMIT_ORDER);
            making.apply(order, events);
        }
        making
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.random.next_u32() % bound
    }

    fn next(&mut self, events: &mut Events) -> Command<'static> {
        let command = self.draw();
        self.apply(command, events);
        command
    }

    fn apply(&mut self, command: Command<'static>, events: &mut Events) {
        events.clear();
        self.engine.apply(&stamped(command), events);
    }

    fn draw(&mut self) -> Command<'static> {
        let kind = self.below(100);
        let Some((account_id, order_id)) = (kind < 52).then(|| self.take_open()).flatten() else {
            return self.enter(self.next_order, kind);
        };
        if kind < 45 {
            return Command::CancelOrder(CancelOrder { account_id, order_id });
        }
        self.open.push((account_id, order_id));
        let quantity = Some(u64::from(1 + self.below(2 * QUANTITY_MAX)));
        let (price, trigger_price, client_order_id) = (None, None, None);
        Command::ReplaceOrder(ReplaceOrder { account_id, order_id, quantity, price, trigger_price, client_order_id })
    }

    /// An order that is open; those that are not any more are forgotten on the way.
    fn take_open(&mut self) -> Option<(u64, u64)> {
        while !self.open.is_empty() {
            let at = self.below(self.open.len() as u32) as usize;
            let (account_id, order_id) = self.open.swap_remove(at);
            if self.engine.instrument_of(order_id).is_some() {
                return Some((account_id, order_id));
            }
        }
        None
    }

    fn enter(&mut self, number: u64, kind: u32) -> Command<'static> {
        let drawn = self.below(*self.sums.last().unwrap_or(&1));
        let account_id = account(self.sums.partition_point(|sum| *sum <= drawn) as u32);
        let instrument_id = entity_id(LOG, u64::from(1 + self.below(INSTRUMENTS)));
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let away = u64::from(1 + self.below(DEPTH).min(self.below(DEPTH)));
        let (passive, reaching) = match side {
            Side::Buy => (MID - away, MID + away),
            Side::Sell => (MID + away, MID - away),
        };
        let mut order = PlaceOrder {
            account_id,
            instrument_id,
            side,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            quantity: u64::from(1 + self.below(QUANTITY_MAX)),
            price: passive,
            protection_price: 0,
            client_order_id: None,
            terms: Terms::default(),
        };
        match kind {
            52..57 => (order.order_type, order.time_in_force, order.price) = (OrderType::Market, TimeInForce::Ioc, 0),
            57..60 => {
                (order.order_type, order.price) = (OrderType::Stop, 0);
                (order.terms.trigger_by, order.terms.trigger_price) = (Some(TriggerBy::Last), reaching);
            }
            60..65 => (order.time_in_force, order.price) = (TimeInForce::Ioc, reaching),
            65..67 => (order.time_in_force, order.price) = (TimeInForce::Fok, reaching),
            67..72 => order.terms.post_only = Some(PostOnly::Slide),
            _ => {}
        }
        self.next_order += 1;
        self.open.push((account_id, entity_id(LOG, number)));
        Command::PlaceOrder(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_mostly_done() {
        let venue = Venue::new(23, 20_000);
        let mut engine = Engine::restore(&venue.opened.snapshot().expect("whole")).expect("its own");
        let mut events = Events::default();
        let (mut refused, mut traded) = (0, 0);
        for command in &venue.commands {
            events.clear();
            engine.apply(command, &mut events);
            let is = |name| events.list.iter().filter(|event| event.body.event_type() == name).count();
            refused += is("OrderCancelRejected") + is("OrderRejected");
            traded += is("TradeExecuted");
        }
        assert!(refused < 1_000 && traded > 1_000, "{refused} refused, {traded} trades");
    }
}
