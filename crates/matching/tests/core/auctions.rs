//! Sessions and auctions as tables: what had happened, what is asked, what follows.

use matching::command::{ChangeInstrumentRules, Command, PlaceOrder};
use matching::vocabulary::{OrderType, PostOnly, SelfTradePrevention, Session, Side, TimeInForce, TriggerBy};

use crate::story::{ADA, BEN, CY, GOOG, Row, buy, cancel, check, day, market, order, outcome, replace, sell, session};

use Session::{Closed, ClosingCall, ClosingPriceCross, Continuous, Halt, OpeningCall, PreOpen, VolatilityCall};

/// Trades once at a price: auctions have a reference then.
fn traded(price: u64) -> Vec<Command<'static>> {
    vec![sell(CY, 1, price), buy(BEN, 1, price)]
}

fn after(past: Vec<Command<'static>>, more: Vec<Command<'static>>) -> Vec<Command<'static>> {
    [past, more].concat()
}

#[test]
fn a_call_collects_and_tells_what_it_would_trade() {
    let call = || vec![session(OpeningCall), sell(ADA, 5, 100)];
    check(vec![
        ("orders that meet rest", call(), buy(BEN, 3, 101), &["2 rests 3@101", "indicative 3@100, 2 SELL left"]),
        ("what does not meet says nothing", call(), buy(BEN, 3, 99), &["2 rests 3@99"]),
        (
            "a cancel changes it",
            after(call(), vec![buy(BEN, 3, 101)]),
            cancel(BEN, 2),
            &["2 canceled 3 requested", "indicative none"],
        ),
        (
            "a replacement changes it",
            after(call(), vec![buy(BEN, 3, 101)]),
            replace(BEN, 2, Some(6), None),
            &["2 replaced 6@101 rests, priority 3", "indicative 5@101, 1 BUY left"],
        ),
        (
            "what changes nothing of it is not told",
            after(call(), vec![buy(BEN, 3, 101), buy(CY, 2, 102)]),
            replace(CY, 3, None, Some(103)),
            &["3 replaced 2@103 rests, priority 4"],
        ),
        ("a call begins with what is there", vec![sell(ADA, 5, 100)], session(VolatilityCall), &["SessionChanged"]),
        (
            "what was collected before a call is told when it begins",
            vec![session(PreOpen), sell(ADA, 5, 100), buy(BEN, 3, 101)],
            session(OpeningCall),
            &["SessionChanged", "indicative 3@100, 2 SELL left"],
        ),
        (
            "before the call nothing is told",
            vec![session(PreOpen), sell(ADA, 5, 100)],
            buy(BEN, 3, 101),
            &["2 rests 3@101"],
        ),
        (
            "reserves and hidden orders count",
            vec![
                session(OpeningCall),
                order(ADA, Side::Sell, 9, 100, |o| o.terms.display_quantity = 2),
                order(CY, Side::Sell, 4, 100, |o| o.terms.hidden = true),
            ],
            buy(BEN, 15, 100),
            &["3 rests 15@100", "indicative 13@100, 2 BUY left"],
        ),
    ]);
}

#[test]
fn each_session_takes_what_it_can() {
    let place = |change: fn(&mut PlaceOrder<'static>)| order(BEN, Side::Buy, 5, 100, change);
    let call = |session_: Session| vec![sell(ADA, 5, 100), session(session_)];
    let not = &["rejected not_in_session"];
    let rows: Vec<Row> = vec![
        ("after hours", call(Closed), place(|_| ()), &["rejected market_closed"]),
        ("in a halt", call(Halt), place(|_| ()), &["rejected market_halted"]),
        ("in a halt a replacement", call(Halt), replace(ADA, 1, Some(4), None), &["REPLACE rejected market_halted"]),
        ("in a halt a cancel", call(Halt), cancel(ADA, 1), &["1 canceled 5 requested"]),
        ("immediate in a call", call(OpeningCall), place(|o| o.time_in_force = TimeInForce::Ioc), not),
        ("the whole at once in a call", call(ClosingCall), place(|o| o.time_in_force = TimeInForce::Fok), not),
        ("the whole on entry in a call", call(VolatilityCall), place(|o| o.terms.all_or_none = true), not),
        ("a least on entry in a call", call(PreOpen), place(|o| o.terms.minimum_quantity = 2), not),
        ("post-only in a call", call(PreOpen), place(|o| o.terms.post_only = Some(PostOnly::Slide)), not),
        (
            "the best price in a call",
            call(PreOpen),
            place(|o| (o.order_type, o.price) = (OrderType::MarketToLimit, 0)),
            not,
        ),
        (
            "a budget in a call",
            call(PreOpen),
            place(|o| (o.order_type, o.price, o.quantity, o.terms.budget) = (OrderType::Market, 0, 0, 1_000_000)),
            not,
        ),
        (
            "an order that waits",
            call(PreOpen),
            place(|o| {
                o.order_type = OrderType::StopLimit;
                (o.terms.trigger_by, o.terms.trigger_price) = (Some(TriggerBy::BidAsk), 100);
            }),
            &["2 created"],
        ),
        ("no closing price", call(ClosingPriceCross), place(|_| ()), &["rejected no_reference"]),
    ];
    check(rows);
}

#[test]
fn leaving_a_call_trades_at_one_price() {
    let collected =
        || vec![session(OpeningCall), sell(ADA, 5, 98), sell(CY, 5, 100), buy(BEN, 7, 101), buy(BEN, 1, 99)];
    let trades = [
        "1 executed 5@100 MAKER",
        "3 executed 5@100 TAKER rests 2@101",
        "trade 1",
        "2 executed 2@100 MAKER rests 3@100",
        "3 executed 2@100 TAKER",
        "trade 2",
        "auction 7@100, 3 SELL left",
    ];
    for (sentence, next, follows) in [
        ("into continuous trading", Continuous, true),
        ("into the close", Closed, true),
        ("to the closing price", ClosingPriceCross, true),
        ("into a halt", Halt, false),
        ("into another call", VolatilityCall, false),
        ("back to before the call", PreOpen, false),
    ] {
        let (engine, told) = outcome(&collected(), session(next));
        let expected: &[&str] = match next {
            _ if follows => &trades,
            VolatilityCall => &["indicative 7@100, 3 SELL left"],
            _ => &[],
        };
        assert_eq!(told[0], "SessionChanged", "{sentence}");
        assert_eq!(told[1..], *expected, "{sentence}");
        let (bid, ask) = (engine.markets()[0].book.best(Side::Buy), engine.markets()[0].book.best(Side::Sell));
        assert_eq!(bid >= ask, !follows, "{sentence}: {bid:?} {ask:?}");
    }
}

#[test]
fn what_rests_crossed_trades_when_matching_begins() {
    let crossed = |of: Session| vec![session(of), sell(ADA, 2, 100), buy(BEN, 2, 101)];
    let one = &["SessionChanged", "1 executed 2@101 MAKER", "2 executed 2@101 TAKER", "trade 1", "auction 2@101"];
    check(vec![
        ("without a call", crossed(PreOpen), session(Continuous), one),
        ("after a halt", after(crossed(VolatilityCall), vec![session(Halt)]), session(Continuous), one),
        ("nothing trades at a close without a call", crossed(PreOpen), session(Closed), &["SessionChanged"]),
        ("nor after a halt", after(crossed(ClosingCall), vec![session(Halt)]), session(Closed), &["SessionChanged"]),
        (
            "the next day's auction trades it",
            after(crossed(PreOpen), vec![session(Closed), session(OpeningCall)]),
            session(Continuous),
            one,
        ),
    ]);
}

#[test]
fn market_orders_rest_in_a_call_and_end_with_it() {
    check(vec![
        (
            "they reach as far as the protection from the last trade",
            after(traded(100), vec![session(ClosingCall)]),
            market(BEN, Side::Buy, 3, 0),
            &["3 rests 3@105"],
        ),
        (
            "before the first trade as far as prices go",
            vec![session(OpeningCall)],
            market(BEN, Side::Sell, 3, 0),
            &["1 rests 3@1"],
        ),
        (
            "nobody has the money for the highest price",
            vec![session(OpeningCall)],
            market(BEN, Side::Buy, 11, 0),
            &["rejected insufficient_funds"],
        ),
        (
            "their bound is no price that is asked",
            vec![session(OpeningCall), sell(ADA, 2, 103)],
            market(BEN, Side::Buy, 3, 108),
            &["2 rests 3@108", "indicative 2@103, 1 BUY left"],
        ),
        (
            "unless a hidden order names it too",
            vec![session(OpeningCall), sell(ADA, 2, 103), order(CY, Side::Buy, 1, 108, |o| o.terms.hidden = true)],
            market(BEN, Side::Buy, 3, 108),
            &["3 rests 3@108", "indicative 2@108, 2 BUY left"],
        ),
        (
            "they meet each other at the last price",
            after(traded(100), vec![session(ClosingCall), market(ADA, Side::Sell, 2, 0)]),
            market(BEN, Side::Buy, 3, 0),
            &["4 rests 3@105", "indicative 2@100, 1 BUY left"],
        ),
        (
            "but nowhere without one",
            vec![session(OpeningCall), market(ADA, Side::Sell, 2, 0), market(BEN, Side::Buy, 3, 101)],
            session(Continuous),
            &["SessionChanged", "1 canceled 2 no_liquidity", "2 canceled 3 no_liquidity"],
        ),
        (
            "what is left of them ends",
            vec![session(OpeningCall), market(BEN, Side::Buy, 3, 108), sell(ADA, 2, 103)],
            session(Continuous),
            &[
                "SessionChanged",
                "1 executed 2@103 MAKER rests 1@108",
                "2 executed 2@103 TAKER",
                "trade 1",
                "auction 2@103, 1 BUY left",
                "1 canceled 1 no_liquidity",
            ],
        ),
    ]);
}

#[test]
fn market_orders_of_a_call_are_replaced_in_quantity_alone() {
    check(vec![
        (
            "they have no price to replace",
            vec![session(OpeningCall), market(BEN, Side::Buy, 3, 108)],
            replace(BEN, 1, None, Some(109)),
            &["REPLACE rejected invalid_price"],
        ),
        (
            "but a quantity",
            vec![session(OpeningCall), market(BEN, Side::Buy, 3, 108)],
            replace(BEN, 1, Some(2), None),
            &["1 replaced 2@108 rests, priority 1"],
        ),
    ]);
}

#[test]
fn reserves_trade_first_and_keep_their_place() {
    check(vec![(
        "an iceberg order displays as much as before",
        vec![
            session(OpeningCall),
            order(ADA, Side::Sell, 9, 100, |o| o.terms.display_quantity = 2),
            order(CY, Side::Sell, 4, 100, |o| o.terms.hidden = true),
            buy(BEN, 6, 100),
        ],
        session(Continuous),
        &[
            "SessionChanged",
            "1 executed 6@100 MAKER rests 2@100",
            "3 executed 6@100 TAKER",
            "trade 1",
            "auction 6@100, 7 SELL left",
        ],
    )]);
}

#[test]
fn no_auction_trades_an_account_with_itself() {
    let rule = |word| {
        let self_trade_prevention = Some(word);
        Command::ChangeInstrumentRules(ChangeInstrumentRules {
            instrument_id: GOOG,
            self_trade_prevention,
            allocation: None,
        })
    };
    let own = |word| vec![rule(word), session(OpeningCall), sell(ADA, 5, 100), buy(ADA, 3, 101), buy(BEN, 4, 100)];
    let follows = |word| outcome(&own(word), session(Continuous)).1[1..].to_vec();
    let others = |lots: u64, left: &str| {
        let rests = if lots < 5 { format!(" rests {}@100", 5 - lots) } else { String::new() };
        vec![
            format!("1 executed {lots}@100 MAKER{rests}"),
            format!("3 executed {lots}@100 TAKER"),
            "trade 1".to_owned(),
            format!("auction {lots}@100{left}"),
        ]
    };
    let mut newest = vec!["2 canceled 3 self_trade".to_owned()];
    newest.extend(others(4, ", 1 SELL left"));
    assert_eq!(follows(SelfTradePrevention::CancelNewest), newest);
    let none = "auction 0@100, 7 BUY left";
    assert_eq!(follows(SelfTradePrevention::CancelOldest), ["1 canceled 5 self_trade", none]);
    let none = "auction 0@100, 4 BUY left";
    assert_eq!(follows(SelfTradePrevention::CancelBoth), ["1 canceled 5 self_trade", "2 canceled 3 self_trade", none]);
    let shrunk = [
        "1 restated 2 self_trade rests 2@100",
        "2 canceled 3 self_trade",
        "1 executed 2@100 MAKER",
        "3 executed 2@100 TAKER rests 2@100",
        "trade 1",
        "auction 2@100, 2 BUY left",
    ];
    assert_eq!(follows(SelfTradePrevention::DecrementAndCancel), shrunk);
}

#[test]
fn what_prevention_leaves_crossed_trades_at_a_price_of_its_own() {
    check(vec![(
        "the younger of the two was all that sold at the first price",
        vec![session(OpeningCall), buy(ADA, 50, 110), sell(ADA, 50, 100), sell(CY, 5, 105)],
        session(Continuous),
        &[
            "SessionChanged",
            "2 canceled 50 self_trade",
            "auction 0@100, 50 BUY left",
            "1 executed 5@110 MAKER rests 45@110",
            "3 executed 5@110 TAKER",
            "trade 1",
            "auction 5@110, 45 BUY left",
        ],
    )]);
}

#[test]
fn at_the_closing_price_nothing_trades_at_another() {
    let closed = || after(traded(100), vec![session(ClosingCall), session(ClosingPriceCross)]);
    check(vec![
        ("another price", closed(), buy(BEN, 3, 101), &["rejected not_in_session"]),
        ("the closing price rests", closed(), buy(BEN, 3, 100), &["3 rests 3@100"]),
        (
            "and trades",
            after(closed(), vec![buy(BEN, 3, 100)]),
            sell(ADA, 2, 100),
            &["4 created", "3 executed 2@100 MAKER rests 1@100", "4 executed 2@100 TAKER", "trade 2"],
        ),
        (
            "who asks for less gets the closing price",
            after(traded(100), vec![sell(ADA, 2, 97), session(ClosingPriceCross)]),
            buy(BEN, 3, 100),
            &["4 created", "3 executed 2@100 MAKER", "4 executed 2@100 TAKER rests 1@100", "trade 2"],
        ),
        (
            "a market order takes the closing price",
            after(closed(), vec![sell(ADA, 2, 100)]),
            market(BEN, Side::Buy, 3, 0),
            &["4 created", "3 executed 2@100 MAKER", "4 executed 2@100 TAKER", "trade 2", "4 canceled 1 no_liquidity"],
        ),
        ("a protection that does not reach it", closed(), market(BEN, Side::Buy, 3, 99), &["rejected not_in_session"]),
        (
            "a replacement to another price",
            after(closed(), vec![buy(BEN, 3, 100)]),
            replace(BEN, 3, None, Some(99)),
            &["REPLACE rejected not_in_session"],
        ),
        (
            "a replacement at the old price",
            after(traded(100), vec![buy(BEN, 3, 90), session(ClosingPriceCross)]),
            replace(BEN, 3, Some(4), None),
            &["3 replaced 4@90 rests, priority 3"],
        ),
    ]);
}

#[test]
fn stops_are_triggered_after_the_auction() {
    let stop = order(CY, Side::Sell, 1, 90, |o| {
        o.order_type = OrderType::StopLimit;
        (o.terms.trigger_by, o.terms.trigger_price) = (Some(TriggerBy::Last), 101);
    });
    check(vec![
        (
            "not while it is called",
            vec![session(OpeningCall), sell(ADA, 2, 100), buy(BEN, 2, 101), stop],
            buy(BEN, 1, 95),
            &["4 rests 1@95"],
        ),
        (
            "by the auction's price",
            vec![session(OpeningCall), sell(ADA, 2, 100), buy(BEN, 2, 100), stop, buy(BEN, 1, 95)],
            session(Continuous),
            &[
                "SessionChanged",
                "1 executed 2@100 MAKER",
                "2 executed 2@100 TAKER",
                "trade 1",
                "auction 2@100",
                "3 triggered at 101",
                "4 executed 1@95 MAKER",
                "3 executed 1@95 TAKER",
                "trade 2",
            ],
        ),
        (
            "not by a close",
            vec![session(ClosingCall), sell(ADA, 2, 100), buy(BEN, 2, 100), stop],
            session(Closed),
            &["SessionChanged", "1 executed 2@100 MAKER", "2 executed 2@100 TAKER", "trade 1", "auction 2@100"],
        ),
    ]);
}

#[test]
fn day_orders_end_after_the_closing_auction() {
    check(vec![(
        "what is left of them",
        vec![session(ClosingCall), day(ADA, Side::Sell, 5, 100), buy(BEN, 2, 100)],
        session(Closed),
        &[
            "SessionChanged",
            "1 executed 2@100 MAKER rests 3@100",
            "2 executed 2@100 TAKER",
            "trade 1",
            "auction 2@100, 3 SELL left",
            "1 expired 3 session_end",
        ],
    )]);
}
