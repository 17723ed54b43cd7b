//! Random commands from a seed: mostly sensible, always with some that must be refused.

use matching::command::{
    CancelAll, CancelOrder, ChangeAccountOptions, ChangeAccountState, ChangeFees, ChangeInstrumentRules,
    ChangeKillSwitch, ChangeLimits, ChangeSession, ChosenAllocation, Command, ListAsset, ListInstrument, MassCancel,
    OpenAccount, PlaceOrder, ReplaceOrder, ReportDisconnect, SetDeadMansTimer, SetMarkPrice, Terms, Transfer,
};
use matching::fees::Fees;
use matching::number::Unit;
use matching::vocabulary::{
    AccountState, AllocationRule, AssetKind, OrderType, PostOnly, SelfTradePrevention, Session, Side, Switch,
    TimeInForce, TriggerBy,
};

use crate::reference::id;

/// A small generator of numbers (splitmix64): the same everywhere for a seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }
}

const CUSTOMERS: u64 = 6;
/// External, house, three clearing accounts, then the customers.
const FIRST_CUSTOMER: u64 = 6;
const INSTRUMENTS: u64 = 3;

/// Commands that open a venue with three instruments and funded customers.
pub fn opening() -> Vec<Command<'static>> {
    let asset = |symbol, scale, kind| Command::ListAsset(ListAsset { symbol, scale, kind });
    let instrument = |symbol, base, price_unit, lot_unit, protection_ppm| {
        Command::ListInstrument(ListInstrument {
            symbol,
            base: id(base),
            quote: id(1),
            price_unit,
            lot_unit,
            max_price: 10_000,
            max_quantity: 5_000,
            protection_ppm,
            calendar: "always",
        })
    };
    let unit = |mantissa, scale| Unit { mantissa, scale };
    let mut commands = vec![
        Command::OpenVenue,
        asset("USD", 10, AssetKind::Currency),
        asset("GOOG", 4, AssetKind::Security),
        asset("BTC", 14, AssetKind::Currency),
        instrument("GOOG", 2, unit(1, 2), unit(1, 0), 50_000),
        instrument("BTC/USD", 3, unit(5, 1), unit(1, 5), 33_333),
        instrument("GOOG.X", 2, unit(25, 4), unit(2, 1), 0),
    ];
    for number in [1, 3] {
        let fees = Fees { maker_ppm: 100, taker_ppm: 250 * number as u32, ceiling_ppm: CEILING_PPM };
        commands.push(Command::ChangeFees(ChangeFees { instrument_id: id(number), fees }));
    }
    commands.extend((0..CUSTOMERS).map(|_| Command::OpenAccount(OpenAccount { user_id: "someone" })));
    for customer in 0..CUSTOMERS {
        for (asset_number, amount) in [(1, 3_000_000_000_000_000), (2, 40_000_000), (3, 6_000_000_000_000)] {
            let account_id = id(FIRST_CUSTOMER + customer);
            commands.push(Command::Deposit(Transfer { account_id, asset_id: id(asset_number), amount }));
        }
    }
    commands
}

fn account(random: &mut Random) -> u64 {
    match random.below(60) {
        0 => random.below(12), // of another log
        1 => id(random.below(30)),
        _ => id(FIRST_CUSTOMER + random.below(CUSTOMERS)),
    }
}

fn instrument(random: &mut Random) -> u64 {
    if random.one_in(80) { id(random.below(9)) } else { id(1 + random.below(INSTRUMENTS)) }
}

fn quantity(random: &mut Random) -> u64 {
    match random.below(40) {
        0 => 0,
        1 => 4_990 + random.below(20),
        2 => u64::MAX,
        _ => 1 + random.below(60),
    }
}

fn price(random: &mut Random) -> u64 {
    match random.below(60) {
        0 => 0,
        1 => 9_990 + random.below(20),
        2 => 1 + random.below(10),
        3 => u64::MAX,
        4..8 => 4_000 + random.below(2_000),
        _ => 4_990 + random.below(20),
    }
}

/// What the generator may know of the state.
pub struct Known<'a> {
    /// Number of orders so far.
    pub orders: u64,
    /// The latest stamp.
    pub now_ms: u64,
    /// The numbers of the open ones.
    pub open: &'a [u64],
}

/// Mostly an open order, sometimes one that closed or never was.
fn order(random: &mut Random, known: &Known<'_>) -> u64 {
    match random.below(40) {
        0 => random.below(100),
        1 => id(known.orders + random.below(3)),
        2 => id(1 + random.below(known.orders + 1)),
        3..6 => id(known.orders.saturating_sub(random.below(60)).max(1)),
        _ if known.open.is_empty() => id(1),
        _ => id(random.pick(known.open)),
    }
}

fn place(random: &mut Random, now_ms: u64) -> Command<'static> {
    let order_type = if random.one_in(3) { random.pick(&OTHER_TYPES) } else { OrderType::Limit };
    let mut time_in_force = random.pick(&TIMES_IN_FORCE);
    if order_type.is_pegged() && time_in_force.is_immediate() {
        time_in_force = TimeInForce::Gtc;
    }
    let mut order = PlaceOrder {
        account_id: account(random),
        instrument_id: instrument(random),
        side: random.pick(Side::ALL),
        order_type,
        time_in_force,
        quantity: quantity(random),
        price: if order_type.has_price() { price(random) } else { 0 },
        protection_price: 0,
        client_order_id: random.pick(&[None, Some("plain"), Some("with \"quotes\" and \\"), Some("Zürich")]),
        terms: Terms::default(),
    };
    if order_type.waits() {
        order.terms.trigger_by = Some(random.pick(TriggerBy::ALL));
        order.terms.trigger_price = price(random);
    }
    if order_type.is_pegged() {
        order.price = if random.one_in(3) { 0 } else { price(random) };
        order.terms.offset = random.pick(&[0, 0, 0, -1, 1, -2, 2, -3, 3, 20_000, i64::MIN, -4_999]);
    }
    if order_type.is_market() && random.one_in(3) {
        order.protection_price = price(random);
    }
    if time_in_force == TimeInForce::Gtd {
        order.terms.expire_at_ms = (now_ms + random.below(100_000)).saturating_sub(3_000).max(1);
    }
    if random.one_in(3) {
        attach(random, &mut order);
    }
    if order.may_rest() && random.one_in(5) {
        if random.one_in(3) {
            order.terms.hidden = true;
        } else {
            order.terms.display_quantity = 1 + random.below(12);
        }
    }
    if random.one_in(4) {
        order.terms.self_trade_prevention = Some(random.pick(SelfTradePrevention::ALL));
    }
    Command::PlaceOrder(order)
}

const OTHER_TYPES: [OrderType; 12] = [
    OrderType::PrimaryPeg,
    OrderType::PrimaryPeg,
    OrderType::MarketPeg,
    OrderType::MidpointPeg,
    OrderType::Market,
    OrderType::Market,
    OrderType::Market,
    OrderType::MarketToLimit,
    OrderType::Stop,
    OrderType::StopLimit,
    OrderType::MarketIfTouched,
    OrderType::LimitIfTouched,
];
const TIMES_IN_FORCE: [TimeInForce; 7] = [
    TimeInForce::Gtd,
    TimeInForce::Gtc,
    TimeInForce::Gtc,
    TimeInForce::Gtc,
    TimeInForce::Day,
    TimeInForce::Ioc,
    TimeInForce::Fok,
];

/// Terms that the order's type and time in force allow.
fn attach(random: &mut Random, order: &mut PlaceOrder<'static>) {
    let rests = order.order_type == OrderType::Limit && !order.time_in_force.is_immediate();
    match random.below(4) {
        0 if rests => order.terms.post_only = Some(random.pick(PostOnly::ALL)),
        1 => order.terms.all_or_none = true,
        2 if order.order_type == OrderType::Market => {
            order.quantity = 0;
            let lots = u128::from(1 + random.below(90));
            let one = random.pick(&[5_000 * 100_000_000, 5_000 * 50_000, 5_000 * 5_000_000]);
            order.terms.budget = random.pick(&[lots * one + 7, lots * one, 1, u128::MAX]);
        }
        _ => order.terms.minimum_quantity = 1 + random.below(70),
    }
}

fn replace(random: &mut Random, known: &Known<'_>, owner: u64) -> Command<'static> {
    Command::ReplaceOrder(ReplaceOrder {
        account_id: owner,
        order_id: order(random, known),
        quantity: random.one_in(2).then(|| quantity(random)),
        price: random.one_in(2).then(|| price(random)),
        trigger_price: random.one_in(8).then(|| price(random)),
        client_order_id: random.pick(&[None, Some("again")]),
    })
}

fn administer(random: &mut Random, now_ms: u64) -> Command<'static> {
    match random.below(30) {
        0 if random.one_in(2) => Command::ChangeSession(ChangeSession {
            instrument_id: instrument(random),
            session: Session::Closed,
            reason: "end of day",
        }),
        1..5 => Command::ChangeSession(ChangeSession {
            instrument_id: instrument(random),
            session: Session::Continuous,
            reason: "start of day",
        }),
        5 | 6 => Command::ChangeSession(ChangeSession {
            instrument_id: instrument(random),
            session: random.pick(Session::ALL),
            reason: "the time has come",
        }),
        7 if random.one_in(3) => Command::ChangeAccountState(ChangeAccountState {
            account_id: account(random),
            state: AccountState::Suspended,
            reason: "",
        }),
        8..12 => Command::ChangeAccountState(ChangeAccountState {
            account_id: id(FIRST_CUSTOMER + random.below(CUSTOMERS)),
            state: AccountState::Active,
            reason: "checked",
        }),
        12 => Command::ChangeLimits(ChangeLimits {
            account_id: account(random),
            max_order_notional: random.one_in(3).then(|| u128::from(random.below(3_000)) * 10u128.pow(18) + 1),
            max_order_quantity: random.one_in(3).then(|| u128::from(random.below(60)) * 10u128.pow(18)),
            max_open_orders: random.one_in(2).then(|| random.below(40) as u32),
        }),
        13 | 14 | 25..30 => Command::ChangeLimits(ChangeLimits {
            account_id: id(FIRST_CUSTOMER + random.below(CUSTOMERS)),
            max_order_notional: None,
            max_order_quantity: None,
            max_open_orders: None,
        }),
        15 if random.one_in(2) => mass_cancel(random),
        19 if random.one_in(2) => kill_switch(random),
        20 if random.one_in(3) => fees(random),
        20 => rules(random),
        21..=23 => absence(random, now_ms),
        15 => Command::OpenAccount(OpenAccount { user_id: "a newcomer" }),
        16 if random.one_in(2) => Command::FireDue,
        16 => Command::OpenVenue,
        17 if random.one_in(2) => {
            Command::SetMarkPrice(SetMarkPrice { instrument_id: instrument(random), price: price(random) })
        }
        17 => Command::ListAsset(ListAsset { symbol: "USD", scale: 2, kind: AssetKind::Currency }),
        18 => Command::CancelAll(CancelAll {
            account_id: account(random),
            instrument_id: random.one_in(2).then(|| instrument(random)),
        }),
        _ => {
            let amount = random.pick(&[0, 1, 30_000_000, 60_000_000_000_000, u128::MAX, 1 << 120]);
            let transfer = Transfer { account_id: account(random), asset_id: id(random.below(5)), amount };
            if random.one_in(2) { Command::Deposit(transfer) } else { Command::Withdraw(transfer) }
        }
    }
}

fn mass_cancel(random: &mut Random) -> Command<'static> {
    let instrument_id = random.one_in(2).then(|| instrument(random));
    let mut price = || instrument_id.and_then(|_| random.one_in(3).then(|| 4_990 + random.below(20)));
    let (lowest_price, highest_price) = (price(), price());
    let account_id = (!random.one_in(5)).then(|| account(random));
    let side = random.one_in(3).then(|| random.pick(Side::ALL));
    Command::MassCancel(MassCancel { account_id, instrument_id, side, lowest_price, highest_price })
}

/// What an account chooses for the time when it is gone, and that it is.
fn absence(random: &mut Random, now_ms: u64) -> Command<'static> {
    let account_id = account(random);
    match random.below(3) {
        0 => Command::ChangeAccountOptions(ChangeAccountOptions {
            account_id,
            cancel_on_disconnect: random.one_in(2).then(|| random.pick(Switch::ALL)),
            trade_group: (!random.one_in(4)).then(|| random.below(3) as u32),
        }),
        1 => Command::ReportDisconnect(ReportDisconnect { account_id, reason: random.pick(&["", "no heartbeat"]) }),
        _ => {
            let later = now_ms + 1 + random.below(60_000);
            Command::SetDeadMansTimer(SetDeadMansTimer { account_id, due_ms: random.pick(&[0, 1, later, later]) })
        }
    }
}

fn rules(random: &mut Random) -> Command<'static> {
    let rule = random.pick(AllocationRule::ALL);
    let lead = rule == AllocationRule::LeadMarketMaker;
    let chosen = ChosenAllocation {
        rule,
        least: if rule == AllocationRule::ProRata { random.pick(&[0, 2, 5, 5_001]) } else { 0 },
        lead_account_id: if lead { account(random) } else { 0 },
        lead_share_ppm: if lead { random.below(1_000_001) as u32 } else { 0 },
    };
    Command::ChangeInstrumentRules(ChangeInstrumentRules {
        instrument_id: instrument(random),
        self_trade_prevention: random.one_in(2).then(|| random.pick(SelfTradePrevention::ALL)),
        allocation: random.one_in(2).then_some(chosen),
    })
}

/// The ceiling of all; others are refused while orders are open.
const CEILING_PPM: u32 = 3_000;

fn fees(random: &mut Random) -> Command<'static> {
    let ceiling_ppm = random.pick(&[CEILING_PPM, CEILING_PPM, CEILING_PPM, 0, 1_000_000]);
    let mut rate = || random.below(u64::from(ceiling_ppm) + 1) as u32;
    let (maker_ppm, taker_ppm) = (rate(), rate());
    let fees = Fees { maker_ppm, taker_ppm, ceiling_ppm };
    Command::ChangeFees(ChangeFees { instrument_id: instrument(random), fees })
}

/// Mostly off again.
fn kill_switch(random: &mut Random) -> Command<'static> {
    let account_id = (!random.one_in(3)).then(|| account(random));
    let state = if random.one_in(6) { Switch::On } else { Switch::Off };
    Command::ChangeKillSwitch(ChangeKillSwitch { account_id, state, reason: "runaway" })
}

/// The next command, given what is known of the state and whose an order is.
pub fn next(random: &mut Random, known: &Known<'_>, owner_of: impl Fn(u64) -> Option<u64>) -> Command<'static> {
    match random.below(100) {
        0..64 => place(random, known.now_ms),
        64..76 => {
            let order_id = order(random, known);
            let owner = owner_of(order_id).filter(|_| !random.one_in(20)).unwrap_or_else(|| account(random));
            Command::CancelOrder(CancelOrder { account_id: owner, order_id })
        }
        76..94 => {
            let mut command = replace(random, known, 0);
            if let Command::ReplaceOrder(c) = &mut command {
                c.account_id = owner_of(c.order_id).filter(|_| !random.one_in(20)).unwrap_or_else(|| account(random));
            }
            command
        }
        _ => administer(random, known.now_ms),
    }
}
