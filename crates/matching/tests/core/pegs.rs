//! Pegged orders: where they work, what they follow, when they move, and what they hold.

use matching::Engine;
use matching::command::{Command, PlaceOrder, Terms};
use matching::event::Asset;
use matching::vocabulary::{OrderType, Session, Side, TimeInForce, TriggerBy};

use crate::story::{ADA, BEN, CY, GOOG, buy, cancel, check, limit, order, outcome, replace, sell, session};

fn peg(account_id: u64, side: Side, order_type: OrderType, quantity: u64, price: u64, offset: i64) -> Command<'static> {
    let terms = Terms { offset, ..Terms::default() };
    Command::PlaceOrder(PlaceOrder { order_type, terms, ..limit(account_id, side, quantity, price) })
}

fn primary(account_id: u64, side: Side, quantity: u64, price: u64) -> Command<'static> {
    peg(account_id, side, OrderType::PrimaryPeg, quantity, price, 0)
}

fn midpoint(account_id: u64, side: Side, quantity: u64, price: u64) -> Command<'static> {
    peg(account_id, side, OrderType::MidpointPeg, quantity, price, 0)
}

fn market(account_id: u64, side: Side, quantity: u64, price: u64, offset: i64) -> Command<'static> {
    peg(account_id, side, OrderType::MarketPeg, quantity, price, offset)
}

/// A bid at 90 and an ask at 110.
fn book() -> Vec<Command<'static>> {
    vec![buy(BEN, 5, 90), sell(CY, 5, 110)]
}

fn after(more: &[Command<'static>]) -> Vec<Command<'static>> {
    [book(), more.to_vec()].concat()
}

#[test]
fn a_peg_works_at_its_reference_and_never_beyond_its_limit() {
    check(vec![
        ("its own side", book(), primary(ADA, Side::Buy, 3, 200), &["3 rests 3@90"]),
        ("with an offset", book(), peg(ADA, Side::Buy, OrderType::PrimaryPeg, 3, 200, 4), &["3 rests 3@94"]),
        ("up to its limit", book(), peg(ADA, Side::Buy, OrderType::PrimaryPeg, 3, 92, 4), &["3 rests 3@92"]),
        ("the other side", book(), market(ADA, Side::Sell, 3, 0, 1), &["3 rests 3@91"]),
        ("the middle", book(), midpoint(ADA, Side::Sell, 3, 0), &["3 rests 3@100"]),
        ("half a price unit of a buy", after(&[buy(BEN, 1, 91)]), midpoint(ADA, Side::Buy, 3, 200), &["4 rests 3@100"]),
        ("half a price unit of a sell", after(&[buy(BEN, 1, 91)]), midpoint(ADA, Side::Sell, 3, 0), &["4 rests 3@101"]),
        (
            "a hidden one shows nothing",
            book(),
            order(ADA, Side::Sell, 3, 0, |o| {
                (o.order_type, o.terms.hidden) = (OrderType::MidpointPeg, true);
            }),
            &["3 rests 0@100"],
        ),
        (
            "an iceberg shows a part",
            book(),
            order(ADA, Side::Sell, 3, 0, |o| {
                (o.order_type, o.terms.display_quantity) = (OrderType::MidpointPeg, 2);
            }),
            &["3 rests 2@100"],
        ),
    ]);
}

#[test]
fn on_entry_it_trades_as_a_limit_order_does() {
    check(vec![
        (
            "at the other side",
            book(),
            market(ADA, Side::Buy, 7, 200, 0),
            &[
                "3 created",
                "2 executed 5@110 MAKER",
                "3 executed 5@110 TAKER rests 2@110",
                "trade 1",
                "3 canceled 2 no_reference",
            ],
        ),
        (
            "with a peg in the middle",
            after(&[midpoint(ADA, Side::Sell, 3, 0)]),
            midpoint(BEN, Side::Buy, 3, 200),
            &["4 created", "3 executed 3@100 MAKER", "4 executed 3@100 TAKER", "trade 1"],
        ),
        (
            "not with its own account",
            after(&[midpoint(ADA, Side::Sell, 3, 0)]),
            midpoint(ADA, Side::Buy, 3, 200),
            &["4 created", "4 canceled 3 self_trade"],
        ),
        (
            "whole or not at all",
            after(&[midpoint(ADA, Side::Sell, 3, 0)]),
            order(BEN, Side::Buy, 4, 200, |o| {
                (o.order_type, o.terms.all_or_none) = (OrderType::MidpointPeg, true);
            }),
            &["4 created", "4 canceled 4 all_or_none"],
        ),
    ]);
}

#[test]
fn what_cannot_be_priced_or_held_is_refused() {
    check(vec![
        ("no bid", vec![sell(CY, 5, 110)], primary(ADA, Side::Buy, 1, 100), &["rejected no_reference"]),
        ("no ask", vec![buy(CY, 5, 90)], midpoint(ADA, Side::Buy, 1, 100), &["rejected no_reference"]),
        (
            "only a hidden ask",
            vec![order(CY, Side::Sell, 5, 110, |o| o.terms.hidden = true)],
            primary(ADA, Side::Sell, 1, 0),
            &["rejected no_reference"],
        ),
        ("a buy without a limit cannot be held", book(), primary(ADA, Side::Buy, 1, 0), &["rejected invalid_price"]),
        ("a limit too high", book(), primary(ADA, Side::Sell, 1, 100_001), &["rejected price_too_large"]),
        ("an offset too far", book(), market(ADA, Side::Sell, 1, 0, -100_001), &["rejected price_too_large"]),
        ("nothing", book(), primary(ADA, Side::Sell, 0, 0), &["rejected invalid_quantity"]),
        ("more than it has", book(), primary(ADA, Side::Sell, 101, 0), &["rejected insufficient_position"]),
        ("its limit is what it holds", book(), primary(ADA, Side::Buy, 100, 10_001), &["rejected insufficient_funds"]),
        ("and may be all it has", book(), primary(ADA, Side::Buy, 100, 10_000), &["3 rests 100@90"]),
        (
            "while the market is closed",
            after(&[session(Session::Closed)]),
            primary(ADA, Side::Sell, 1, 0),
            &["rejected market_closed"],
        ),
    ]);
}

#[test]
fn a_group_moves_as_one_with_its_reference() {
    let two = || after(&[primary(ADA, Side::Buy, 3, 95), primary(CY, Side::Buy, 2, 95)]);
    check(vec![
        ("a better bid moves both in one event", two(), buy(BEN, 1, 93), &["5 rests 1@93", "PegsMoved"]),
        ("up to their limit", two(), buy(BEN, 1, 99), &["5 rests 1@99", "PegsMoved"]),
        ("a bid that is no better moves nothing", two(), buy(BEN, 1, 80), &["5 rests 1@80"]),
        (
            "a bid that is gone",
            [two(), vec![buy(BEN, 1, 80)]].concat(),
            cancel(BEN, 1),
            &["1 canceled 5 requested", "PegsMoved"],
        ),
        (
            "the last one: they have nothing to follow",
            two(),
            cancel(BEN, 1),
            &["1 canceled 5 requested", "3 canceled 3 no_reference", "4 canceled 2 no_reference"],
        ),
        (
            "pegs follow no pegs",
            after(&[peg(ADA, Side::Buy, OrderType::PrimaryPeg, 3, 99, 5)]),
            primary(CY, Side::Buy, 2, 99),
            &["4 rests 2@90"],
        ),
        (
            "one event a group",
            [two(), vec![primary(BEN, Side::Buy, 1, 91)]].concat(),
            buy(BEN, 1, 93),
            &["6 rests 1@93", "PegsMoved", "PegsMoved"],
        ),
        (
            "not while the market is closed",
            [two(), vec![buy(BEN, 1, 80), session(Session::Closed)]].concat(),
            cancel(BEN, 1),
            &["1 canceled 5 requested"],
        ),
        (
            "but when it opens",
            [two(), vec![buy(BEN, 1, 80), session(Session::Closed), cancel(BEN, 1)]].concat(),
            session(Session::Continuous),
            &["SessionChanged", "PegsMoved"],
        ),
    ]);
}

/// Price, priority and displayed lots of an order.
fn place(engine: &Engine, number: u64) -> (u64, u64, u64) {
    let market = engine.market(GOOG).expect("a market");
    let found = [Side::Buy, Side::Sell].into_iter().flat_map(|side| market.book.queue(side));
    let (slot, order) = found.into_iter().find(|(_, order)| order.id & 0xffff == number).expect("it rests");
    (order.price, order.priority, market.book.displayed(slot))
}

#[test]
fn moved_orders_keep_their_order_and_go_behind_what_is_there() {
    let past = after(&[primary(ADA, Side::Buy, 3, 95), primary(CY, Side::Buy, 2, 95)]);
    let (engine, _) = outcome(&past, buy(BEN, 1, 93));
    let [leader, first, second] = [5, 3, 4].map(|number| place(&engine, number));
    assert_eq!([leader.0, first.0, second.0], [93; 3]);
    assert!(leader.1 < first.1 && first.1 < second.1, "{leader:?} {first:?} {second:?}");
    let iceberg: fn(&mut PlaceOrder<'static>) =
        |o| (o.order_type, o.terms.display_quantity) = (OrderType::PrimaryPeg, 4);
    let past = after(&[order(ADA, Side::Buy, 9, 95, iceberg), buy(BEN, 1, 80), sell(CY, 6, 90)]);
    let (engine, _) = outcome(&past, buy(BEN, 1, 93));
    assert_eq!(place(&engine, 3).0, 93);
    assert_eq!(place(&engine, 3).2, 3, "a moved iceberg displays what it displayed");
}

#[test]
fn moving_never_trades() {
    let past = || after(&[midpoint(ADA, Side::Buy, 1, 98), peg(BEN, Side::Sell, OrderType::MarketPeg, 1, 0, 9)]);
    check(vec![
        (
            "a sell stops one price unit before the bid",
            past(),
            cancel(BEN, 1),
            &["1 canceled 5 requested", "3 canceled 1 no_reference", "4 canceled 1 no_reference"],
        ),
        (
            "a peg that would meet a hidden order stops before it",
            after(&[order(CY, Side::Sell, 1, 94, |o| o.terms.hidden = true), primary(ADA, Side::Buy, 1, 99)]),
            buy(BEN, 1, 93),
            &["5 rests 1@93", "PegsMoved"],
        ),
    ]);
    let hidden = order(CY, Side::Sell, 1, 94, |o| o.terms.hidden = true);
    let ahead = peg(ADA, Side::Buy, OrderType::PrimaryPeg, 1, 99, 3);
    let (engine, told) = outcome(&after(&[hidden, ahead]), buy(BEN, 1, 92));
    assert_eq!(told, ["5 rests 1@92"], "95 would meet 94: it stays at 93");
    assert_eq!(place(&engine, 4).0, 93);
    let (engine, _) = outcome(&after(&[hidden, ahead, buy(BEN, 1, 92)]), cancel(CY, 3));
    assert_eq!(place(&engine, 4).0, 95, "it goes on when the way is free");
}

/// A sentence, what was before, a command, and Ada's dollars: more than at first, and held.
type Held = (&'static str, Vec<Command<'static>>, Command<'static>, (i128, i128));

#[test]
fn it_holds_its_limit_and_releases_it() {
    let funds = |engine: &Engine| {
        let account = engine.accounts().get(engine.accounts().find(ADA).expect("an account"));
        let holding = account.holding(Asset(0));
        (holding.balance - 100_000_000, holding.hold)
    };
    let entered = after(&[primary(ADA, Side::Buy, 3, 100), buy(CY, 1, 80)]);
    let rows: [Held; 6] = [
        ("at its limit", book(), primary(ADA, Side::Buy, 3, 100), (0, 30_000)),
        ("a fill costs its working price", entered.clone(), sell(CY, 6, 90), (-9_000, 20_000)),
        ("a move holds the same", entered.clone(), buy(BEN, 1, 95), (0, 30_000)),
        ("a replacement holds anew", entered.clone(), replace(ADA, 3, Some(2), Some(120)), (0, 24_000)),
        ("a cancel releases it", entered.clone(), cancel(ADA, 3), (0, 0)),
        ("what it takes on entry", book(), market(ADA, Side::Buy, 3, 150, 0), (-33_000, 0)),
    ];
    for (sentence, past, command, expected) in rows {
        let (engine, _) = outcome(&past, command);
        assert_eq!(funds(&engine), expected, "{sentence}");
        let snapshot = engine.snapshot().expect("the end of a command");
        assert_eq!(Engine::restore(&snapshot).expect("a snapshot").snapshot(), Ok(snapshot), "{sentence}");
    }
}

#[test]
fn a_replacement_changes_its_limit_and_its_quantity() {
    let past = || after(&[peg(ADA, Side::Buy, OrderType::PrimaryPeg, 3, 92, 4)]);
    check(vec![
        (
            "a smaller quantity keeps its place",
            past(),
            replace(ADA, 3, Some(2), None),
            &["3 replaced 2@92 rests, priority 3"],
        ),
        ("a larger one loses it", past(), replace(ADA, 3, Some(4), None), &["3 replaced 4@92 rests, priority 4"]),
        (
            "a limit that lets it go further",
            past(),
            replace(ADA, 3, None, Some(93)),
            &["3 replaced 3@93 rests, priority 4"],
        ),
        (
            "a limit further than it goes",
            past(),
            replace(ADA, 3, None, Some(99)),
            &["3 replaced 3@94 rests, priority 4"],
        ),
        ("no limit", past(), replace(ADA, 3, None, Some(0)), &["REPLACE rejected invalid_price"]),
        (
            "it never trades by it",
            after(&[market(ADA, Side::Buy, 3, 105, 0)]),
            replace(ADA, 3, Some(3), Some(120)),
            &["3 replaced 3@109 rests, priority 4"],
        ),
    ]);
}

#[test]
fn the_number_of_pegs_is_bounded() {
    let most = matching::limit::PEGS_PER_INSTRUMENT_MAX;
    let mut past = book();
    past.extend((0..most).map(|_| primary(ADA, Side::Buy, 1, 95)));
    let (engine, told) = outcome(&past, primary(ADA, Side::Buy, 1, 95));
    assert_eq!(told, ["rejected instrument_orders_limit"]);
    assert_eq!(engine.market(GOOG).expect("a market").book.len() as usize, most + 2);
    let (_, told) = outcome(&past, buy(BEN, 1, 92));
    assert_eq!(told.len(), 2, "all of them move in one event");
}

#[test]
fn a_stop_that_moved_pegs_have_reached_goes_on_in_the_next_command() {
    let stop = order(BEN, Side::Buy, 1, 0, |o| {
        o.order_type = OrderType::Stop;
        o.terms.trigger_by = Some(TriggerBy::BidAsk);
        o.terms.trigger_price = 109;
    });
    let past = after(&[sell(BEN, 1, 105), primary(ADA, Side::Sell, 1, 0), stop]);
    let (mut engine, told) = outcome(&past, cancel(BEN, 3));
    assert_eq!(told, ["3 canceled 1 requested", "PegsMoved", "TriggersDeferred"], "the ask is 110 now");
    assert!(engine.next_due_ns().is_some());
    let mut events = matching::event::Events::default();
    engine.apply(&matching::command::Stamped { stamp_ns: 1, command: Command::FireDue }, &mut events);
    let told: Vec<String> = events.list.iter().map(crate::story::tell).collect();
    assert_eq!(told[..2], ["TriggersResumed".to_owned(), "5 triggered at 109".to_owned()]);
}

#[test]
fn a_good_till_time_peg_expires_and_a_day_peg_ends_with_its_session() {
    let day = Command::PlaceOrder(PlaceOrder {
        order_type: OrderType::MidpointPeg,
        time_in_force: TimeInForce::Day,
        ..limit(ADA, Side::Sell, 1, 0)
    });
    check(vec![("a day peg", after(&[day]), session(Session::Closed), &["SessionChanged", "3 expired 1 session_end"])]);
}
