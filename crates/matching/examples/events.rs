//! Prints samples of every event type, one JSON object a line: the golden samples of the contracts.

use matching::Engine;
use matching::batch::Batch;
use matching::command::{
    CancelAll, CancelOrder, ChangeAccountOptions, ChangeAccountState, ChangeFees, ChangeInstrumentRules,
    ChangeKillSwitch, ChangeLimits, ChangeSession, ChosenAllocation, Command, ListAsset, ListInstrument, MassCancel,
    OpenAccount, PlaceOrder, ReplaceOrder, ReportDisconnect, SetDeadMansTimer, SetMarkPrice, Stamped, Terms, TextArena,
    Transfer,
};
use matching::fees::Fees;
use matching::id::entity_id;
use matching::limit::{TRADES_PER_COMMAND_MAX, TRIGGERS_PER_COMMAND_MAX};
use matching::number::Unit;
use matching::vocabulary::{
    AccountState, AllocationRule, AssetKind, OrderType, PostOnly, SelfTradePrevention, Session, Side, Switch,
    TimeInForce, TriggerBy,
};

const LOG: u16 = 1;
const ADA: u64 = entity_id(LOG, 5);
const BEN: u64 = entity_id(LOG, 6);
const GOOG: u64 = entity_id(LOG, 1);
const BTC_USD: u64 = entity_id(LOG, 2);
const NOBODY: u64 = entity_id(LOG, 999);

fn asset(number: u64) -> u64 {
    entity_id(LOG, number)
}

fn order(account_id: u64, side: Side, quantity: u64, price: u64) -> PlaceOrder<'static> {
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

fn market(account_id: u64, side: Side, quantity: u64, protection_price: u64) -> PlaceOrder<'static> {
    let time_in_force = TimeInForce::Ioc;
    PlaceOrder {
        order_type: OrderType::Market,
        time_in_force,
        protection_price,
        ..order(account_id, side, quantity, 0)
    }
}

fn listings() -> Vec<Command<'static>> {
    let listed = |symbol, scale, kind| Command::ListAsset(ListAsset { symbol, scale, kind });
    vec![
        Command::OpenAccount(OpenAccount { user_id: "too-early" }),
        Command::OpenVenue,
        Command::OpenVenue,
        listed("USD", 10, AssetKind::Currency),
        listed("GOOG", 4, AssetKind::Security),
        listed("BTC", 14, AssetKind::Currency),
        listed("USD", 2, AssetKind::Currency),
        Command::ListInstrument(ListInstrument {
            symbol: "GOOG",
            base: asset(2),
            quote: asset(1),
            price_unit: Unit { mantissa: 1, scale: 2 },
            lot_unit: Unit { mantissa: 1, scale: 0 },
            max_price: 10_000_000,
            max_quantity: 1_000_000,
            protection_ppm: 50_000,
            calendar: "America/New_York 09:30-16:00",
        }),
        Command::ListInstrument(ListInstrument {
            symbol: "BTC/USD",
            base: asset(3),
            quote: asset(1),
            price_unit: Unit { mantissa: 5, scale: 1 },
            lot_unit: Unit { mantissa: 1, scale: 5 },
            max_price: 20_000_000,
            max_quantity: 100_000_000,
            protection_ppm: 100_000,
            calendar: "",
        }),
        Command::OpenAccount(OpenAccount { user_id: "01890a5d-ac96-774b-bcce-b302099a8057" }),
        Command::OpenAccount(OpenAccount { user_id: "a \"quoted\" \\ user" }),
    ]
}

fn funding() -> Vec<Command<'static>> {
    let transfer = |account_id, number, amount| Transfer { account_id, asset_id: asset(number), amount };
    let limits = |notional, quantity, max_open_orders| {
        Command::ChangeLimits(ChangeLimits {
            account_id: BEN,
            max_order_notional: notional,
            max_order_quantity: quantity,
            max_open_orders,
        })
    };
    let state = |state, reason| Command::ChangeAccountState(ChangeAccountState { account_id: BEN, state, reason });
    vec![
        Command::Deposit(transfer(ADA, 1, 1_000_000_000_000_000)),
        Command::Deposit(transfer(BEN, 1, 2_500_000_005_000_000)),
        Command::Deposit(transfer(ADA, 2, 5_000_000)),
        Command::Deposit(transfer(BEN, 2, 5_000_001)),
        Command::Deposit(transfer(ADA, 3, 250_000_000_000_000)),
        Command::Deposit(transfer(NOBODY, 1, 1)),
        Command::Withdraw(transfer(ADA, 1, 1)),
        Command::Withdraw(transfer(BEN, 2, 1)),
        Command::Withdraw(transfer(BEN, 2, 1 << 80)),
        limits(Some(1_000_000 * 10u128.pow(18)), Some(5 * 10u128.pow(17)), Some(3)),
        limits(None, Some(500 * 10u128.pow(18)), None),
        state(AccountState::Suspended, "documents missing"),
        Command::PlaceOrder(order(BEN, Side::Buy, 1, 1)),
        state(AccountState::Active, ""),
    ]
}

fn orders() -> Vec<Command<'static>> {
    let id = |number| entity_id(LOG, number);
    let replace = |order_id, quantity, price| {
        Command::ReplaceOrder(ReplaceOrder {
            account_id: ADA,
            order_id,
            quantity,
            price,
            trigger_price: None,
            client_order_id: None,
        })
    };
    let cancel = |account_id, order_id| Command::CancelOrder(CancelOrder { account_id, order_id });
    let named = |client_order_id, order: PlaceOrder<'static>| PlaceOrder { client_order_id, ..order };
    vec![
        Command::PlaceOrder(named(Some("ask-1"), order(ADA, Side::Sell, 100, 58010))), // 2
        Command::PlaceOrder(order(ADA, Side::Sell, 100, 58020)),
        Command::PlaceOrder(named(Some("hit \"it\""), order(BEN, Side::Buy, 30, 58010))),
        Command::PlaceOrder(order(BEN, Side::Buy, 120, 58010)), // 5, rests with 50
        Command::PlaceOrder(market(BEN, Side::Buy, 20, 0)),
        Command::PlaceOrder(market(BEN, Side::Buy, 100, 58020)), // protection price
        Command::PlaceOrder(market(ADA, Side::Sell, 10, 58000)),
        Command::PlaceOrder(PlaceOrder { time_in_force: TimeInForce::Ioc, ..order(ADA, Side::Sell, 80, 58010) }),
        Command::PlaceOrder(market(BEN, Side::Sell, 1, 0)), // 10, no liquidity
        Command::PlaceOrder(order(ADA, Side::Sell, 50, 58030)),
        replace(id(11), Some(40), None),
        Command::ReplaceOrder(ReplaceOrder {
            account_id: ADA,
            order_id: id(11),
            quantity: Some(60),
            price: Some(58025),
            trigger_price: None,
            client_order_id: Some("ask-2b"),
        }),
        Command::PlaceOrder(order(BEN, Side::Buy, 20, 58025)), // 12
        Command::PlaceOrder(order(BEN, Side::Buy, 5, 58000)),
        replace(id(11), None, Some(58000)), // crosses
        replace(id(11), Some(1), None),
        cancel(ADA, id(999)),
        Command::PlaceOrder(order(ADA, Side::Buy, 1, 58000)), // 14, its own account: canceled
        cancel(ADA, id(11)),
        cancel(ADA, id(11)),
        Command::PlaceOrder(PlaceOrder { time_in_force: TimeInForce::Day, ..order(BEN, Side::Buy, 3, 57000) }),
        Command::PlaceOrder(PlaceOrder { instrument_id: BTC_USD, ..order(ADA, Side::Sell, 12_345, 135_791) }),
        Command::PlaceOrder(PlaceOrder { instrument_id: BTC_USD, ..order(BEN, Side::Buy, 45, 135_791) }),
        Command::PlaceOrder(PlaceOrder { instrument_id: NOBODY, ..order(ADA, Side::Buy, 1, 1) }),
        Command::PlaceOrder(order(NOBODY, Side::Buy, 1, 1)),
        Command::PlaceOrder(order(BEN, Side::Buy, 100, 9_000_000)),
        Command::PlaceOrder(order(BEN, Side::Buy, 501, 57_000)),
        Command::ChangeSession(ChangeSession { instrument_id: GOOG, session: Session::Closed, reason: "16:00" }),
        Command::PlaceOrder(order(BEN, Side::Buy, 1, 57_000)),
        Command::ChangeSession(ChangeSession { instrument_id: GOOG, session: Session::Continuous, reason: "09:30" }),
        Command::ChangeSession(ChangeSession { instrument_id: NOBODY, session: Session::Closed, reason: "" }),
        Command::PlaceOrder(order(BEN, Side::Buy, 2, 57_001)),
        Command::PlaceOrder(order(BEN, Side::Buy, 2, 57_002)),
        Command::CancelAll(CancelAll { account_id: BEN, instrument_id: Some(GOOG) }),
        Command::CancelAll(CancelAll { account_id: BEN, instrument_id: None }),
        Command::CancelAll(CancelAll { account_id: NOBODY, instrument_id: None }),
    ]
}

/// What binds an order on entry.
fn on_entry() -> Vec<Command<'static>> {
    let with = |terms, order: PlaceOrder<'static>| Command::PlaceOrder(PlaceOrder { terms, ..order });
    let plain = Terms::default();
    let (whole, least) = (Terms { all_or_none: true, ..plain }, Terms { minimum_quantity: 3, ..plain });
    let post_only = |post_only| Terms { post_only: Some(post_only), ..plain };
    let budget = Terms { budget: 115_000_000_000_000, ..plain };
    let to_limit = OrderType::MarketToLimit;
    vec![
        Command::PlaceOrder(order(ADA, Side::Sell, 2, 57_500)),
        Command::PlaceOrder(PlaceOrder { time_in_force: TimeInForce::Fok, ..order(BEN, Side::Buy, 3, 57_500) }),
        with(whole, order(BEN, Side::Buy, 3, 57_500)),
        with(least, order(BEN, Side::Buy, 5, 57_500)),
        with(post_only(PostOnly::Reject), order(BEN, Side::Buy, 1, 57_500)),
        with(post_only(PostOnly::Reject), order(BEN, Side::Buy, 1, 57_400)),
        with(post_only(PostOnly::Slide), order(BEN, Side::Buy, 1, 57_510)),
        with(budget, market(BEN, Side::Buy, 0, 0)),
        Command::PlaceOrder(order(ADA, Side::Sell, 1, 57_500)),
        Command::PlaceOrder(PlaceOrder { order_type: to_limit, ..order(BEN, Side::Buy, 2, 0) }),
        with(Terms { budget: 1, ..plain }, market(ADA, Side::Sell, 0, 0)),
        Command::PlaceOrder(PlaceOrder {
            time_in_force: TimeInForce::Gtd,
            terms: Terms { expire_at_ms: 1_700_000_000_001, ..plain },
            ..order(BEN, Side::Buy, 1, 57_000)
        }),
    ]
}

/// Orders that wait for a price.
fn waiting() -> Vec<Command<'static>> {
    let waits = |order_type, side, trigger_by, trigger_price, price| {
        let terms = Terms { trigger_by: Some(trigger_by), trigger_price, ..Terms::default() };
        PlaceOrder { order_type, terms, ..order(BEN, side, 2, price) }
    };
    let mark = |instrument_id, price| Command::SetMarkPrice(SetMarkPrice { instrument_id, price });
    let stop_limit = waits(OrderType::StopLimit, Side::Sell, TriggerBy::BidAsk, 56_000, 55_900);
    let id = |number| entity_id(LOG, number);
    vec![
        Command::PlaceOrder(waits(OrderType::Stop, Side::Buy, TriggerBy::Mark, 60_000, 0)), // 42
        Command::PlaceOrder(stop_limit),
        Command::PlaceOrder(waits(OrderType::MarketIfTouched, Side::Sell, TriggerBy::Last, 60_000, 0)),
        Command::PlaceOrder(waits(OrderType::LimitIfTouched, Side::Sell, TriggerBy::Mark, 60_000, 60_000)),
        Command::PlaceOrder(waits(OrderType::Stop, Side::Buy, TriggerBy::Last, 0, 0)),
        Command::ReplaceOrder(ReplaceOrder {
            account_id: BEN,
            order_id: id(42),
            quantity: Some(1),
            price: None,
            trigger_price: Some(59_000),
            client_order_id: None,
        }),
        Command::PlaceOrder(order(ADA, Side::Sell, 3, 59_000)),
        mark(GOOG, 60_000),
        mark(GOOG, 0),
        mark(NOBODY, 1),
    ]
}

/// Ending many orders at once.
fn mass() -> Vec<Command<'static>> {
    let kill = |account_id, state| {
        Command::ChangeKillSwitch(ChangeKillSwitch { account_id, state, reason: "too many orders" })
    };
    let all = MassCancel::default();
    let low = MassCancel { instrument_id: Some(GOOG), lowest_price: Some(1), ..all };
    vec![
        Command::PlaceOrder(order(ADA, Side::Buy, 1, 50_000)),
        Command::MassCancel(MassCancel {
            account_id: Some(ADA),
            side: Some(Side::Buy),
            highest_price: Some(50_000),
            ..low
        }),
        Command::MassCancel(low),
        Command::PlaceOrder(order(ADA, Side::Buy, 1, 50_000)),
        kill(Some(ADA), Switch::On),
        Command::PlaceOrder(order(ADA, Side::Buy, 1, 50_000)),
        kill(Some(ADA), Switch::Off),
        kill(None, Switch::On),
        kill(None, Switch::Off),
        Command::MassCancel(all),
    ]
}

/// Parts that are displayed, orders that would trade with themselves, and who trades first.
fn parts() -> Vec<Command<'static>> {
    let with = |terms, order: PlaceOrder<'static>| Command::PlaceOrder(PlaceOrder { terms, ..order });
    let iceberg = Terms { display_quantity: 2, ..Terms::default() };
    let hidden = Terms { hidden: true, ..Terms::default() };
    let own = |word| Terms { self_trade_prevention: Some(word), ..Terms::default() };
    let decrement = own(SelfTradePrevention::DecrementAndCancel);
    let rules = |instrument_id, rule, least, lead_account_id, lead_share_ppm| {
        let chosen = ChosenAllocation { rule, least, lead_account_id, lead_share_ppm };
        let self_trade_prevention = (least > 0).then_some(SelfTradePrevention::CancelOldest);
        let allocation = Some(chosen);
        Command::ChangeInstrumentRules(ChangeInstrumentRules { instrument_id, self_trade_prevention, allocation })
    };
    let group = |account_id, trade_group| {
        let cancel_on_disconnect = Some(if trade_group > 0 { Switch::On } else { Switch::Off });
        let trade_group = Some(trade_group);
        Command::ChangeAccountOptions(ChangeAccountOptions { account_id, cancel_on_disconnect, trade_group })
    };
    vec![
        with(iceberg, order(ADA, Side::Sell, 5, 58_000)),
        with(Terms { display_quantity: 5, ..Terms::default() }, order(ADA, Side::Sell, 5, 58_000)),
        with(hidden, order(ADA, Side::Sell, 3, 58_000)),
        Command::PlaceOrder(order(BEN, Side::Buy, 6, 58_000)),
        with(decrement, order(ADA, Side::Buy, 1, 58_000)),
        with(own(SelfTradePrevention::CancelOldest), order(ADA, Side::Buy, 1, 58_000)),
        Command::CancelAll(CancelAll { account_id: ADA, instrument_id: None }),
        rules(GOOG, AllocationRule::ProRata, 2, 0, 0),
        rules(GOOG, AllocationRule::LeadMarketMaker, 0, BEN, 400_000),
        rules(GOOG, AllocationRule::LeadMarketMaker, 0, NOBODY, 400_000),
        rules(GOOG, AllocationRule::PriceTime, 0, 0, 0),
        group(ADA, 9),
        Command::PlaceOrder(order(ADA, Side::Buy, 1, 50_000)),
        Command::ReportDisconnect(ReportDisconnect { account_id: ADA, reason: "no heartbeat" }),
        Command::SetDeadMansTimer(SetDeadMansTimer { account_id: ADA, due_ms: 1 }),
        Command::SetDeadMansTimer(SetDeadMansTimer { account_id: ADA, due_ms: 1_700_000_000_002 }),
        Command::PlaceOrder(order(ADA, Side::Buy, 1, 50_000)),
        group(ADA, 0),
    ]
}

/// A call with its indicative price, its trades, and trading at the closing price.
fn sessions() -> Vec<Command<'static>> {
    let session = |session, reason| Command::ChangeSession(ChangeSession { instrument_id: GOOG, session, reason });
    vec![
        session(Session::PreOpen, ""),
        session(Session::OpeningCall, "08:50"),
        Command::PlaceOrder(order(ADA, Side::Sell, 5, 58_000)),
        Command::PlaceOrder(order(BEN, Side::Buy, 3, 58_020)),
        Command::PlaceOrder(PlaceOrder { time_in_force: TimeInForce::Gtc, ..market(BEN, Side::Buy, 4, 59_000) }),
        Command::PlaceOrder(PlaceOrder { time_in_force: TimeInForce::Fok, ..order(BEN, Side::Buy, 4, 59_000) }),
        session(Session::Continuous, ""),
        session(Session::VolatilityCall, "limit up"),
        session(Session::Halt, "news"),
        Command::PlaceOrder(order(BEN, Side::Buy, 1, 58_000)),
        session(Session::ClosingCall, ""),
        Command::PlaceOrder(order(ADA, Side::Sell, 5, 58_000)),
        Command::PlaceOrder(order(BEN, Side::Buy, 3, 58_000)),
        Command::CancelAll(CancelAll { account_id: BEN, instrument_id: None }),
        Command::PlaceOrder(order(BEN, Side::Buy, 5, 58_000)),
        session(Session::ClosingPriceCross, ""),
        Command::CancelAll(CancelAll { account_id: ADA, instrument_id: None }),
        session(Session::Continuous, ""),
    ]
}

/// An auction with more trades than one command makes; only what the division itself writes is shown.
fn huge_auction() -> Vec<Command<'static>> {
    let session = |session| Command::ChangeSession(ChangeSession { instrument_id: GOOG, session, reason: "" });
    let free = |account_id| {
        let (max_order_notional, max_order_quantity, max_open_orders) = (None, None, Some(1_000_000));
        Command::ChangeLimits(ChangeLimits { account_id, max_order_notional, max_order_quantity, max_open_orders })
    };
    let shares = Command::Deposit(Transfer { account_id: ADA, asset_id: asset(2), amount: 1_000_000_000 });
    let mut commands = vec![free(ADA), free(BEN), shares, session(Session::OpeningCall)];
    let trades = TRADES_PER_COMMAND_MAX as usize + 1;
    commands.extend(vec![Command::PlaceOrder(order(ADA, Side::Sell, 1, 100)); trades]);
    commands.push(Command::PlaceOrder(order(BEN, Side::Buy, trades as u64, 100)));
    commands.push(session(Session::Continuous));
    commands
}

/// What fills cost.
fn fees() -> Vec<Command<'static>> {
    let fees = |maker_ppm, taker_ppm, ceiling_ppm| {
        let fees = Fees { maker_ppm, taker_ppm, ceiling_ppm };
        Command::ChangeFees(ChangeFees { instrument_id: BTC_USD, fees })
    };
    let coins = |account_id, side, quantity| {
        Command::PlaceOrder(PlaceOrder { instrument_id: BTC_USD, ..order(account_id, side, quantity, 135_791) })
    };
    vec![
        fees(100, 250, 500),
        coins(ADA, Side::Sell, 3),
        coins(BEN, Side::Buy, 2),
        fees(0, 250, 500),
        coins(BEN, Side::Buy, 1),
        coins(BEN, Side::Buy, 1),
        fees(0, 0, 0),
        fees(0, 0, 500),
    ]
}

/// Orders that follow the market.
fn pegs() -> Vec<Command<'static>> {
    let peg = |order_type, side, price, offset| {
        let terms = Terms { offset, ..Terms::default() };
        Command::PlaceOrder(PlaceOrder { order_type, terms, ..order(ADA, side, 2, price) })
    };
    let id = |number| entity_id(LOG, number);
    vec![
        peg(OrderType::PrimaryPeg, Side::Buy, 58_000, 0),
        Command::PlaceOrder(order(BEN, Side::Buy, 1, 57_900)),
        Command::PlaceOrder(order(BEN, Side::Sell, 1, 58_100)),
        peg(OrderType::PrimaryPeg, Side::Buy, 58_000, -10), // 61
        peg(OrderType::PrimaryPeg, Side::Buy, 58_000, -10),
        peg(OrderType::MidpointPeg, Side::Sell, 0, 0),
        peg(OrderType::MarketPeg, Side::Sell, 58_050, 5),
        Command::PlaceOrder(order(BEN, Side::Buy, 1, 57_910)),
        Command::ReplaceOrder(ReplaceOrder {
            account_id: ADA,
            order_id: id(61),
            quantity: Some(1),
            price: Some(57_890),
            trigger_price: None,
            client_order_id: None,
        }),
        Command::CancelAll(CancelAll { account_id: BEN, instrument_id: None }),
    ]
}

/// More than one command triggers; only what that itself writes is shown.
fn deferred() -> Vec<Command<'static>> {
    let terms = Terms { trigger_by: Some(TriggerBy::Mark), trigger_price: 61_000, ..Terms::default() };
    let waits = PlaceOrder { order_type: OrderType::StopLimit, terms, ..order(ADA, Side::Buy, 1, 1) };
    let mut commands = vec![Command::PlaceOrder(waits); TRIGGERS_PER_COMMAND_MAX as usize + 1];
    commands.push(Command::SetMarkPrice(SetMarkPrice { instrument_id: GOOG, price: 61_000 }));
    commands
}

const OF_DEFERRED: [&str; 4] = ["TriggersDeferred", "TriggersResumed", "AuctionDeferred", "AuctionResumed"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut engine = Engine::new(LOG)?;
    let mut texts = TextArena::default();
    let commands =
        [listings(), funding(), orders(), on_entry(), waiting(), mass(), parts(), fees(), pegs(), sessions()].concat();
    let stamped = (0..).zip(commands).map(|(n, command)| Stamped { stamp_ns: 1_700_000_000_000_000_000 + n, command });
    let records: Vec<u8> = stamped.flat_map(|command| command.encode(&mut texts)).collect();
    let batch = Batch::execute(&mut engine, &records, texts.bytes())?;
    let expired = Batch::fire_due(&mut engine, 1_700_000_001_000_000_000);
    let stamped = [deferred(), huge_auction()].concat().into_iter().map(|command| Stamped { stamp_ns: 0, command });
    let records: Vec<u8> = stamped.flat_map(|command| command.encode(&mut texts)).collect();
    let mut more = Batch::execute(&mut engine, &records, texts.bytes())?;
    more.rows.retain(|row| OF_DEFERRED.contains(&row.event_type));
    let mut resumed = Batch::fire_due(&mut engine, u64::MAX);
    resumed.rows.retain(|row| OF_DEFERRED.contains(&row.event_type));
    for (batch, row) in
        [&batch, &expired, &more, &resumed].into_iter().flat_map(|batch| batch.rows.iter().map(move |row| (batch, row)))
    {
        let data = std::str::from_utf8(&batch.data[row.start..row.end])?;
        println!("{{\"event_type\":\"{}\",\"event_data\":{data}}}", row.event_type);
    }
    Ok(())
}
