//! Orders that wait for a price: what reaches them, in which order they fire, and that a cascade ends.

use matching::Engine;
use matching::batch::Batch;
use matching::command::{Command, PlaceOrder, ReplaceOrder, SetMarkPrice, Stamped, TextArena, Transfer};
use matching::event::Events;
use matching::limit::{TRADES_BEFORE_DEFERRAL, TRIGGERS_PER_COMMAND_MAX};
use matching::vocabulary::{OrderType, Session, Side, TimeInForce, TriggerBy};

use crate::reference::{LOG, id};
use crate::story::{
    ADA, BEN, CY, GOOG, buy, cancel, check, day, limit, limits, outcome, replace, sell, session, suspend, venue,
};

fn waiting(
    order_type: OrderType,
    account: u64,
    side: Side,
    quantity: u64,
    trigger_price: u64,
    price: u64,
) -> PlaceOrder<'static> {
    let mut order = PlaceOrder { order_type, ..limit(account, side, quantity, price) };
    (order.terms.trigger_by, order.terms.trigger_price) = (Some(TriggerBy::Last), trigger_price);
    order
}

fn stop(account: u64, side: Side, quantity: u64, trigger_price: u64) -> Command<'static> {
    Command::PlaceOrder(waiting(OrderType::Stop, account, side, quantity, trigger_price, 0))
}

fn stop_limit(account: u64, side: Side, quantity: u64, trigger_price: u64, price: u64) -> Command<'static> {
    Command::PlaceOrder(waiting(OrderType::StopLimit, account, side, quantity, trigger_price, price))
}

fn touched(account: u64, side: Side, quantity: u64, trigger_price: u64) -> Command<'static> {
    Command::PlaceOrder(waiting(OrderType::MarketIfTouched, account, side, quantity, trigger_price, 0))
}

fn by(trigger_by: TriggerBy, command: Command<'static>) -> Command<'static> {
    let Command::PlaceOrder(mut order) = command else { unreachable!() };
    order.terms.trigger_by = Some(trigger_by);
    Command::PlaceOrder(order)
}

fn mark(price: u64) -> Command<'static> {
    Command::SetMarkPrice(SetMarkPrice { instrument_id: GOOG, price })
}

fn moved(order: u64, trigger_price: u64) -> Command<'static> {
    let Command::ReplaceOrder(change) = replace(CY, order, None, None) else { unreachable!() };
    Command::ReplaceOrder(ReplaceOrder { trigger_price: Some(trigger_price), ..change })
}

/// A trade of one lot between Ada and Ben, as orders 1 and 2.
fn traded(price: u64) -> Vec<Command<'static>> {
    vec![sell(ADA, 1, price), buy(BEN, 1, price)]
}

fn after(price: u64, more: Vec<Command<'static>>) -> Vec<Command<'static>> {
    [traded(price), more].concat()
}

#[test]
fn a_stop_waits_for_a_worse_price_and_a_touched_order_for_a_better_one() {
    let fires = [
        "5 created",
        "4 executed 1@105 MAKER",
        "5 executed 1@105 TAKER",
        "trade 2",
        "3 triggered at 105",
        "3 canceled 1 no_liquidity",
    ];
    let waits = ["5 created", "4 executed 1@105 MAKER", "5 executed 1@105 TAKER", "trade 2"];
    let rows: [(&str, Command<'static>, &[&str]); 6] = [
        ("a buy stop at the price", stop(CY, Side::Buy, 1, 105), &fires),
        ("a buy stop above it", stop(CY, Side::Buy, 1, 106), &waits),
        ("a sell stop below it", stop(CY, Side::Sell, 1, 99), &waits),
        ("a sell that is to be touched at the price", touched(CY, Side::Sell, 1, 105), &fires),
        ("a sell that is to be touched above it", touched(CY, Side::Sell, 1, 106), &waits),
        ("a buy that is to be touched below it", touched(CY, Side::Buy, 1, 99), &waits),
    ];
    for (sentence, order, expected) in rows {
        let past = after(100, vec![order, sell(ADA, 1, 105)]);
        assert_eq!(outcome(&past, buy(BEN, 1, 105)).1, expected, "{sentence}");
    }
}

#[test]
fn what_was_there_before_triggers_at_once() {
    check(vec![
        (
            "a trade",
            after(100, vec![]),
            stop(CY, Side::Buy, 1, 100),
            &["3 created", "3 triggered at 100", "3 canceled 1 no_liquidity"],
        ),
        ("no trade yet", vec![], stop(CY, Side::Buy, 1, 100), &["1 created"]),
        (
            "a mark price",
            vec![mark(100)],
            by(TriggerBy::Mark, stop(CY, Side::Sell, 1, 100)),
            &["1 created", "1 triggered at 100", "1 canceled 1 no_liquidity"],
        ),
        (
            "a best price: a buy looks at the ask",
            vec![sell(ADA, 2, 101), buy(BEN, 2, 99)],
            by(TriggerBy::BidAsk, stop(CY, Side::Buy, 1, 100)),
            &[
                "3 created",
                "3 triggered at 100",
                "1 executed 1@101 MAKER rests 1@101",
                "3 executed 1@101 TAKER",
                "trade 1",
            ],
        ),
        (
            "a best price: a sell looks at the bid",
            vec![sell(ADA, 2, 101), buy(BEN, 2, 99)],
            by(TriggerBy::BidAsk, stop(CY, Side::Sell, 1, 100)),
            &[
                "3 created",
                "3 triggered at 100",
                "2 executed 1@99 MAKER rests 1@99",
                "3 executed 1@99 TAKER",
                "trade 1",
            ],
        ),
    ]);
}

#[test]
fn each_method_looks_at_its_own_price() {
    check(vec![
        (
            "the mark",
            vec![mark(90), by(TriggerBy::Mark, stop(CY, Side::Buy, 1, 100))],
            mark(100),
            &["MarkPriceChanged", "1 triggered at 100", "1 canceled 1 no_liquidity"],
        ),
        (
            "not a trade",
            vec![by(TriggerBy::Mark, stop(CY, Side::Buy, 1, 100)), sell(ADA, 1, 100)],
            buy(BEN, 1, 100),
            &["3 created", "2 executed 1@100 MAKER", "3 executed 1@100 TAKER", "trade 1"],
        ),
        (
            "the ask that a cancel uncovers",
            vec![by(TriggerBy::BidAsk, stop(CY, Side::Buy, 1, 105)), sell(ADA, 1, 104), sell(ADA, 1, 105)],
            cancel(ADA, 2),
            &[
                "2 canceled 1 requested",
                "1 triggered at 105",
                "3 executed 1@105 MAKER",
                "1 executed 1@105 TAKER",
                "trade 1",
            ],
        ),
        ("a mark of zero", vec![], mark(0), &["SetMarkPrice refused invalid_price"]),
        ("a mark beyond the highest", vec![], mark(100_001), &["SetMarkPrice refused price_too_large"]),
        (
            "a mark of nothing",
            vec![],
            Command::SetMarkPrice(SetMarkPrice { instrument_id: 0, price: 1 }),
            &["SetMarkPrice refused unknown_instrument"],
        ),
    ]);
}

#[test]
fn what_was_triggered_rests_trades_or_ends_as_its_type_says() {
    let fire = || sell(BEN, 1, 100);
    check(vec![
        (
            "a stop-limit rests at its price",
            after(101, vec![stop_limit(CY, Side::Sell, 2, 100, 100), buy(ADA, 1, 100)]),
            fire(),
            &[
                "5 created",
                "4 executed 1@100 MAKER",
                "5 executed 1@100 TAKER",
                "trade 2",
                "3 triggered at 100, rests 2@100",
            ],
        ),
        (
            "it takes what is within its price",
            after(
                101,
                vec![stop_limit(CY, Side::Sell, 2, 100, 99), buy(ADA, 1, 100), buy(ADA, 1, 99), buy(ADA, 1, 98)],
            ),
            fire(),
            &[
                "7 created",
                "4 executed 1@100 MAKER",
                "7 executed 1@100 TAKER",
                "trade 2",
                "3 triggered at 100",
                "5 executed 1@99 MAKER",
                "3 executed 1@99 TAKER rests 1@99",
                "trade 3",
            ],
        ),
        (
            "a stop's protection counts from its trigger price: 5 % below 100",
            after(101, vec![stop(CY, Side::Sell, 2, 100), buy(ADA, 1, 100), buy(ADA, 1, 95), buy(ADA, 1, 94)]),
            fire(),
            &[
                "7 created",
                "4 executed 1@100 MAKER",
                "7 executed 1@100 TAKER",
                "trade 2",
                "3 triggered at 100",
                "5 executed 1@95 MAKER",
                "3 executed 1@95 TAKER",
                "trade 3",
                "3 canceled 1 protection_price",
            ],
        ),
    ]);
}

#[test]
fn what_binds_an_order_on_entry_binds_it_when_it_is_triggered() {
    check(vec![(
        "what binds it on entry binds it then",
        after(
            101,
            vec![
                Command::PlaceOrder(PlaceOrder {
                    time_in_force: TimeInForce::Fok,
                    ..waiting(OrderType::StopLimit, CY, Side::Sell, 2, 100, 99)
                }),
                buy(ADA, 1, 100),
                buy(ADA, 1, 99),
            ],
        ),
        sell(BEN, 1, 100),
        &[
            "6 created",
            "4 executed 1@100 MAKER",
            "6 executed 1@100 TAKER",
            "trade 2",
            "3 triggered at 100",
            "3 canceled 2 fill_or_kill",
        ],
    )]);
}

#[test]
fn a_cascade_fires_one_after_another_in_a_fixed_order() {
    // Each stop that sells pushes the price on to the next; at one price the first to wait is first.
    let past = after(
        101,
        vec![
            stop(CY, Side::Sell, 1, 99),
            stop(ADA, Side::Sell, 1, 100),
            stop(CY, Side::Sell, 1, 100),
            buy(BEN, 1, 100),
            buy(BEN, 1, 99),
            buy(BEN, 3, 98),
        ],
    );
    let told = outcome(&past, sell(ADA, 1, 100)).1;
    let fired: Vec<&str> = told
        .iter()
        .map(String::as_str)
        .filter(|event| event.contains("triggered") || event.starts_with("trade"))
        .collect();
    assert_eq!(
        fired,
        ["trade 2", "4 triggered at 100", "trade 3", "5 triggered at 100", "trade 4", "3 triggered at 99", "trade 5"]
    );
}

#[test]
fn waiting_orders_are_held_and_refused_like_any_other() {
    let bound = |order_type| Command::PlaceOrder(waiting(order_type, CY, Side::Buy, 11, 95_000, 0));
    check(vec![
        (
            "a buy holds at its protection: 5 % above its trigger price",
            vec![],
            bound(OrderType::Stop),
            &["rejected insufficient_funds"],
        ),
        ("its trigger price is nothing", vec![], stop(CY, Side::Buy, 1, 0), &["rejected invalid_trigger_price"]),
        ("its trigger price is too high", vec![], stop(CY, Side::Buy, 1, 100_001), &["rejected price_too_large"]),
        (
            "it counts as open",
            vec![limits(CY, None, None, Some(1)), buy(CY, 1, 1)],
            stop(CY, Side::Buy, 1, 2),
            &["rejected open_orders_limit"],
        ),
        (
            "a sale is valued at its trigger price",
            vec![limits(CY, Some(5), None, None)],
            stop(CY, Side::Sell, 1, 501),
            &["rejected order_notional_limit"],
        ),
    ]);
}

#[test]
fn waiting_orders_are_replaced_and_ended_like_any_other() {
    check(vec![
        ("it is canceled", vec![stop(CY, Side::Buy, 1, 100)], cancel(CY, 1), &["1 canceled 1 requested"]),
        (
            "it is replaced to wait for what is there",
            after(100, vec![stop(CY, Side::Buy, 1, 110)]),
            moved(3, 100),
            &["3 replaced 1@105, waits for 100", "3 triggered at 100", "3 canceled 1 no_liquidity"],
        ),
        (
            "a working order has no trigger price",
            vec![buy(CY, 1, 100)],
            moved(1, 100),
            &["REPLACE rejected invalid_trigger_price"],
        ),
        (
            "a day order that waits ends with the day",
            vec![
                day(ADA, Side::Buy, 1, 50),
                Command::PlaceOrder(PlaceOrder {
                    time_in_force: TimeInForce::Day,
                    ..waiting(OrderType::Stop, CY, Side::Buy, 1, 100, 0)
                }),
            ],
            session(Session::Closed),
            &["SessionChanged", "1 expired 1 session_end", "2 expired 1 session_end"],
        ),
    ]);
}

#[test]
fn a_waiting_order_fires_in_an_open_market_whatever_became_of_its_account() {
    check(vec![
        (
            "a suspended account's order still fires",
            after(100, vec![stop(CY, Side::Buy, 1, 105), suspend(CY), sell(ADA, 1, 105)]),
            buy(BEN, 1, 105),
            &[
                "5 created",
                "4 executed 1@105 MAKER",
                "5 executed 1@105 TAKER",
                "trade 2",
                "3 triggered at 105",
                "3 canceled 1 no_liquidity",
            ],
        ),
        (
            "nothing fires while the market is closed",
            vec![by(TriggerBy::Mark, stop(CY, Side::Buy, 1, 100)), session(Session::Closed)],
            mark(100),
            &["MarkPriceChanged"],
        ),
        (
            "it fires when the market opens",
            vec![by(TriggerBy::Mark, stop(CY, Side::Buy, 1, 100)), session(Session::Closed), mark(100)],
            session(Session::Continuous),
            &["SessionChanged", "1 triggered at 100", "1 canceled 1 no_liquidity"],
        ),
    ]);
}

struct Story {
    engine: Engine,
    follower: Engine,
}

impl Story {
    fn begin() -> Self {
        let engine = || Engine::new(LOG).expect("a small log number");
        let mut story = Self { engine: engine(), follower: engine() };
        for command in
            venue().into_iter().chain([ADA, BEN, CY].map(|account| limits(account, None, None, Some(u32::MAX))))
        {
            story.then(command);
        }
        story
    }

    /// Decides a command in a batch of its own, replays it, restores both; returns the types of the events.
    fn then(&mut self, command: Command<'static>) -> Vec<Vec<&'static str>> {
        let mut texts = TextArena::default();
        let record = Stamped { stamp_ns: 1, command }.encode(&mut texts);
        let batch = Batch::execute(&mut self.engine, &record, texts.bytes()).expect("a valid record");
        let mut told = vec![Vec::new(); batch.given.len()];
        for row in &batch.rows {
            let data = &batch.data[row.start..row.end];
            let replayed =
                self.follower.evolve_row(row.event_type, &row.event_id, row.version, data, &mut Events::default());
            assert_eq!(replayed, Ok(()), "{}", String::from_utf8_lossy(data));
            told[row.command as usize].push(row.event_type);
        }
        told
    }

    fn check(&mut self) {
        let snapshot = self.engine.snapshot().expect("a command's end");
        assert_eq!(self.follower.snapshot().as_ref(), Ok(&snapshot));
        self.engine = Engine::restore(&snapshot).expect("a snapshot");
    }
}

fn count(told: &[&str], event_type: &str) -> usize {
    told.iter().filter(|told| **told == event_type).count()
}

#[test]
fn a_cascade_that_is_too_long_goes_on_before_the_next_command() {
    let most = TRIGGERS_PER_COMMAND_MAX as usize;
    let mut story = Story::begin();
    for _ in 0..=2 * most {
        story.then(by(TriggerBy::Mark, stop_limit(CY, Side::Buy, 1, 100, 1)));
    }
    let first = story.then(mark(100)).concat();
    assert_eq!((count(&first, "OrderTriggered"), count(&first, "TriggersDeferred")), (most, 1));
    assert_eq!(story.engine.next_due_ns(), Some(1), "at once");
    story.check();
    let then = story.then(buy(ADA, 1, 1));
    assert_eq!(then.len(), 3, "two commands are put in before the one that was given");
    let shape = |told: &[&'static str]| (told[0], count(told, "OrderTriggered"), count(told, "TriggersDeferred"));
    assert_eq!(shape(&then[0]), ("TriggersResumed", most, 1));
    assert_eq!(shape(&then[1]), ("TriggersResumed", 1, 0));
    assert_eq!(then[2], ["OrderCreated"]);
    assert_eq!(story.engine.next_due_ns(), None);
    story.check();
}

#[test]
fn deferred_triggers_wait_for_a_market_that_closed_meanwhile() {
    let mut story = Story::begin();
    for _ in 0..=TRIGGERS_PER_COMMAND_MAX {
        story.then(by(TriggerBy::Mark, stop_limit(CY, Side::Buy, 1, 100, 1)));
    }
    // Closed by a command that is decided without what is due before it, as no batch does.
    story.then(mark(100));
    let mut events = Events::default();
    story.engine.apply(&Stamped { stamp_ns: 1, command: session(Session::Closed) }, &mut events);
    assert_eq!(story.engine.next_due_ns(), None);
    events.clear();
    story.engine.apply(&Stamped { stamp_ns: 1, command: session(Session::Continuous) }, &mut events);
    let told: Vec<&str> = events.list.iter().map(|event| event.body.event_type()).collect();
    assert_eq!(told, ["SessionChanged", "TriggersResumed", "OrderTriggered"]);
}

#[test]
fn a_command_that_traded_a_lot_leaves_triggering_to_the_next() {
    let mut story = Story::begin();
    story.then(Command::Deposit(Transfer { account_id: ADA, asset_id: id(2), amount: 10_000 }));
    for _ in 0..TRADES_BEFORE_DEFERRAL {
        story.then(sell(ADA, 1, 100));
    }
    story.then(stop_limit(CY, Side::Buy, 1, 100, 1));
    let traded = story.then(buy(BEN, TRADES_BEFORE_DEFERRAL, 100)).concat();
    assert_eq!((count(&traded, "OrderTriggered"), traded.last()), (0, Some(&"TriggersDeferred")));
    story.check();
    let told = story.then(cancel(ADA, 1));
    assert_eq!(told, [vec!["TriggersResumed", "OrderTriggered"], vec!["OrderCancelRejected"]]);
    story.check();
}
