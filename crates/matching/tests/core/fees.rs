//! What fills cost: who pays, how it is rounded, what orders hold for it, and that money is conserved.

use matching::command::{ChangeFees, ChangeInstrumentRules, Command, PlaceOrder, Terms};
use matching::event::{Asset, Body, Events, Fee};
use matching::fees::Fees;
use matching::vocabulary::{CommandKind, OrderType, SelfTradePrevention, Side, TimeInForce};
use matching::{Engine, Misfit};

use crate::reference::{LOG, id};
use crate::story::{ADA, BEN, CY, GOOG, buy, cancel, check, limit, market, outcome, replace, sell};

const USD: Asset = Asset(0);
const HOUSE: u64 = id(2);
/// Every customer's dollars at first, in ledger units.
const FUNDS: i128 = 100_000_000;

fn fees(maker_ppm: u32, taker_ppm: u32, ceiling_ppm: u32) -> Command<'static> {
    Command::ChangeFees(ChangeFees { instrument_id: GOOG, fees: Fees { maker_ppm, taker_ppm, ceiling_ppm } })
}

/// What an account has more of than at first, and what it holds.
fn dollars(engine: &Engine, account_id: u64) -> (i128, i128) {
    let index = engine.accounts().find(account_id).expect("an account");
    let holding = engine.accounts().get(index).holding(USD);
    (holding.balance - if account_id == HOUSE { 0 } else { FUNDS }, holding.hold)
}

#[test]
fn only_what_can_be_held_is_set() {
    let here = || vec![fees(100, 200, 300)];
    check(vec![
        ("fees of an empty market", vec![], fees(100, 200, 300), &["FeesChanged"]),
        ("another ceiling while no order is open", here(), fees(0, 0, 0), &["FeesChanged"]),
        (
            "other rates below the ceiling at any time",
            vec![fees(1, 2, 300), buy(ADA, 1, 100)],
            fees(300, 0, 300),
            &["FeesChanged"],
        ),
        (
            "a higher ceiling while orders are open",
            vec![buy(ADA, 1, 100)],
            fees(0, 0, 1),
            &["ChangeFees refused orders_open"],
        ),
        (
            "a lower one",
            vec![fees(100, 200, 300), sell(ADA, 1, 100)],
            fees(100, 200, 200),
            &["ChangeFees refused orders_open"],
        ),
        (
            "of nothing that is listed",
            vec![],
            Command::ChangeFees(ChangeFees { instrument_id: id(9), fees: Fees::default() }),
            &["ChangeFees refused unknown_instrument"],
        ),
    ]);
    assert_eq!(CommandKind::ChangeFees as u8, 25);
}

/// A sentence, what happens, and of Ada, Ben and the house what each has gained and holds.
type Row = (&'static str, Vec<Command<'static>>, [(i128, i128); 3]);

#[test]
fn each_side_pays_its_rate_rounded_up_to_the_house() {
    // A price unit times a lot is 100 ledger units.
    let rows: Vec<Row> = vec![
        ("nothing is set", vec![sell(ADA, 3, 100), buy(BEN, 3, 100)], [(30_000, 0), (-30_000, 0), (0, 0)]),
        (
            "maker and taker",
            vec![fees(100, 250, 300), sell(ADA, 3, 100), buy(BEN, 3, 100)],
            [(30_000 - 3, 0), (-30_000 - 8, 0), (11, 0)],
        ),
        (
            "each fill by itself is rounded up",
            vec![fees(1, 1, 1), sell(ADA, 1, 100), sell(ADA, 1, 100), buy(BEN, 2, 100)],
            [(20_000 - 2, 0), (-20_000 - 2, 0), (4, 0)],
        ),
        (
            "the whole of it",
            vec![fees(1_000_000, 0, 1_000_000), sell(ADA, 1, 100), buy(BEN, 1, 100)],
            [(0, 0), (-10_000, 0), (10_000, 0)],
        ),
        (
            "a buy holds the ceiling of each lot, rounded up, and a sell nothing for it",
            vec![fees(0, 0, 150), buy(ADA, 3, 50), sell(BEN, 3, 60)],
            [(0, 15_003), (0, 0), (0, 0)],
        ),
        (
            "an improved price and a lower rate are released",
            vec![fees(0, 50, 150), sell(BEN, 2, 90), buy(ADA, 3, 100)],
            [(-18_001, 10_002), (18_000, 0), (1, 0)],
        ),
        (
            "a cancel releases all of it",
            vec![fees(0, 0, 150), buy(ADA, 3, 50), cancel(ADA, 1)],
            [(0, 0), (0, 0), (0, 0)],
        ),
        (
            "a replacement holds anew",
            vec![fees(0, 0, 150), buy(ADA, 3, 50), replace(ADA, 1, Some(5), Some(70))],
            [(0, 35_010), (0, 0), (0, 0)],
        ),
        (
            "rates that fall leave the holds as they are",
            vec![fees(300, 300, 300), buy(ADA, 1, 100), fees(0, 0, 300), sell(BEN, 1, 100)],
            [(-10_000, 0), (10_000, 0), (0, 0)],
        ),
    ];
    for (sentence, commands, expected) in rows {
        let (last, past) = commands.split_last().expect("a command");
        let (engine, _) = outcome(past, *last);
        assert_eq!([ADA, BEN, HOUSE].map(|account| dollars(&engine, account)), expected, "{sentence}");
        let snapshot = engine.snapshot().expect("the end of a command");
        assert_eq!(Engine::restore(&snapshot).expect("a snapshot").snapshot(), Ok(snapshot), "{sentence}");
    }
}

#[test]
fn an_order_that_cannot_pay_its_fee_is_refused() {
    let all = FUNDS as u64 / 100 / 1_000;
    check(vec![
        ("all its money without a fee", vec![], buy(ADA, 1_000, all), &["1 rests 1000@1000"]),
        ("with one", vec![fees(0, 0, 1)], buy(ADA, 1_000, all), &["rejected insufficient_funds"]),
        ("a little less", vec![fees(0, 0, 1)], buy(ADA, 999, all), &["1 rests 999@1000"]),
        (
            "a market buy, at its protection",
            vec![fees(0, 0, 1), sell(BEN, 10, 10_000)],
            market(ADA, Side::Buy, 100, 10_000),
            &["rejected insufficient_funds"],
        ),
    ]);
}

#[test]
fn a_budget_pays_its_fees_too() {
    let budget = |budget, side| {
        Command::PlaceOrder(PlaceOrder {
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Ioc,
            terms: Terms { budget, ..Terms::default() },
            ..limit(ADA, side, 0, 0)
        })
    };
    let past = |other: Command<'static>| vec![fees(0, 1_000, 1_000), other];
    let rows = [
        ("three lots cost more with their fees", sell(BEN, 5, 100), budget(30_000, Side::Buy), (-20_020, 0)),
        ("and that much buys them", sell(BEN, 5, 100), budget(30_030, Side::Buy), (-30_030, 0)),
        ("a sale raises at most it before its fee", buy(BEN, 5, 100), budget(30_000, Side::Sell), (29_970, 0)),
    ];
    for (sentence, other, command, expected) in rows {
        let (engine, _) = outcome(&past(other), command);
        assert_eq!(dollars(&engine, ADA), expected, "{sentence}");
    }
}

#[test]
fn decrements_cost_nothing_and_the_house_pays_itself() {
    let decrement = Command::ChangeInstrumentRules(ChangeInstrumentRules {
        instrument_id: GOOG,
        self_trade_prevention: Some(SelfTradePrevention::DecrementAndCancel),
        allocation: None,
    });
    let (engine, _) = outcome(&[fees(500, 500, 500), decrement, sell(ADA, 2, 100)], buy(ADA, 3, 100));
    assert_eq!(dollars(&engine, ADA), (0, 10_005), "what is left of the buy rests");
    let paid = [fees(500, 500, 500), sell(ADA, 10, 10_000), buy(BEN, 10, 10_000), sell(CY, 1, 1)];
    let (engine, _) = outcome(&paid, buy(HOUSE, 1, 1));
    assert_eq!(dollars(&engine, HOUSE).0, 2 * 5_000 - 100 + 1, "its own fee comes back, and the seller's");
}

#[test]
fn events_tell_what_each_side_paid_and_replay_checks_it() {
    let mut engine = Engine::new(LOG).expect("a small log number");
    let mut follower = Engine::new(LOG).expect("a small log number");
    let mut events = Events::default();
    let commands = [fees(0, 250, 250), sell(ADA, 3, 100), buy(BEN, 3, 100)];
    for (n, command) in (1..).zip(crate::story::venue().into_iter().chain(commands)) {
        events.clear();
        engine.apply(&matching::command::Stamped { stamp_ns: n, command }, &mut events);
        for (index, event) in (0..).zip(&events.list) {
            let mut changed = *event;
            match &mut changed.body {
                Body::OrderExecuted(e) => e.fee = Fee::default(),
                Body::FeesChanged(e) => e.ceiling.0 -= 1,
                _ => {}
            }
            let what = if matches!(event.body, Body::FeesChanged(_)) { "the fees" } else { "fee" };
            if changed != *event {
                let refused = follower.clone().evolve(engine.event_id(index), &changed, &events);
                assert_eq!(refused, Err(Misfit::Value(what)));
            }
            follower.evolve(engine.event_id(index), event, &events).expect("what was decided");
        }
    }
    let fees = events.list.iter().filter_map(|event| match event.body {
        Body::OrderExecuted(e) => Some(vec![events.fee_of(e.fee)]),
        Body::TradeExecuted(e) => Some(vec![events.fee_of(e.maker_fee), events.fee_of(e.taker_fee)]),
        _ => None,
    });
    assert_eq!(fees.collect::<Vec<_>>(), [vec![0], vec![8], vec![0, 8]]);
    let mut data = Vec::new();
    let executed = events.list.iter().filter(|event| event.body.event_type() == "OrderExecuted");
    executed.for_each(|event| events.encode(&event.body, engine.catalog(), &mut data));
    let text = String::from_utf8(data).expect("UTF-8");
    assert_eq!(text.matches("\"fee\":").count(), 1, "who pays nothing does not say so: {text}");
    assert!(text.ends_with(",\"fee\":\"0.0008\"}"), "{text}");
}
