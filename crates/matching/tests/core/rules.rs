//! The rules as tables: what had happened, what is asked, what follows.

use matching::command::{CancelAll, Command, ListInstrument, PlaceOrder, Transfer};
use matching::number::Unit;
use matching::vocabulary::{Session, Side};

use crate::reference::id;
use crate::story::{
    ADA, BEN, CY, GOOG, buy, cancel, check, day, ioc, limit, limits, listing, market, outcome, replace, sell, session,
    suspend,
};

#[test]
fn orders_match_by_price_then_time() {
    check(vec![
        (
            "the best price is served first",
            vec![sell(ADA, 1, 101), sell(ADA, 1, 100)],
            buy(BEN, 1, 101),
            &["3 created", "2 executed 1@100 MAKER", "3 executed 1@100 TAKER", "trade 1"],
        ),
        (
            "at one price the first is served first",
            vec![sell(ADA, 2, 100), sell(CY, 2, 100)],
            buy(BEN, 3, 100),
            &[
                "3 created",
                "1 executed 2@100 MAKER",
                "3 executed 2@100 TAKER",
                "trade 1",
                "2 executed 1@100 MAKER rests 1@100",
                "3 executed 1@100 TAKER",
                "trade 2",
            ],
        ),
        (
            "what is left rests at its own price",
            vec![sell(ADA, 2, 100)],
            buy(BEN, 5, 101),
            &["2 created", "1 executed 2@100 MAKER", "2 executed 2@100 TAKER rests 3@101", "trade 1"],
        ),
        ("a price that does not meet rests", vec![sell(ADA, 2, 100)], buy(BEN, 5, 99), &["2 rests 5@99"]),
        (
            "what an immediate order cannot trade is canceled",
            vec![sell(ADA, 2, 100)],
            ioc(BEN, Side::Buy, 3, 100),
            &[
                "2 created",
                "1 executed 2@100 MAKER",
                "2 executed 2@100 TAKER",
                "trade 1",
                "2 canceled 1 immediate_or_cancel",
            ],
        ),
        (
            "an immediate order that meets nothing is canceled",
            vec![],
            ioc(BEN, Side::Buy, 3, 100),
            &["1 created", "1 canceled 3 immediate_or_cancel"],
        ),
        (
            "before it would trade with itself an order is canceled",
            vec![sell(ADA, 1, 100), sell(BEN, 1, 101)],
            buy(BEN, 3, 101),
            &["3 created", "1 executed 1@100 MAKER", "3 executed 1@100 TAKER", "trade 1", "3 canceled 2 self_trade"],
        ),
    ]);
}

#[test]
fn market_orders_stop_at_their_protection() {
    let asks = || vec![sell(ADA, 1, 1_000), sell(ADA, 1, 1_050), sell(ADA, 1, 1_051)];
    let first = ["4 created", "1 executed 1@1000 MAKER", "4 executed 1@1000 TAKER", "trade 1"];
    let second = ["2 executed 1@1050 MAKER", "4 executed 1@1050 TAKER", "trade 2"];
    let rows = [
        (
            "the instrument's 5 % decide",
            market(BEN, Side::Buy, 3, 0),
            [&first[..], &second, &["4 canceled 1 protection_price"]].concat(),
        ),
        (
            "a price of its own decides",
            market(BEN, Side::Buy, 2, 1_049),
            [&first[..], &["4 canceled 1 protection_price"]].concat(),
        ),
        (
            "it may reach further than 5 %",
            market(BEN, Side::Buy, 4, 2_000),
            [
                &first[..],
                &second,
                &["3 executed 1@1051 MAKER", "4 executed 1@1051 TAKER", "trade 3", "4 canceled 1 no_liquidity"],
            ]
            .concat(),
        ),
        ("nothing to trade with", market(BEN, Side::Sell, 1, 0), vec!["rejected no_liquidity"]),
        ("nothing to trade with, at a price of its own", market(BEN, Side::Sell, 1, 5), vec!["rejected no_liquidity"]),
    ];
    for (sentence, command, follows) in rows {
        assert_eq!(outcome(&asks(), command).1, follows, "{sentence}");
    }
}

#[test]
fn protection_rounds_away_from_harm_to_the_client() {
    // 5 % of 99 is 4.95: a buy stops at 103, not 104; a sell at 95, not 94.
    let protection = |past, command| {
        let (engine, _) = outcome(&[past], command);
        let holdings: Vec<_> = engine.accounts().get(4).holdings().map(|holding| holding.balance).collect();
        holdings
    };
    assert_eq!(protection(sell(ADA, 1, 104), market(BEN, Side::Buy, 1, 0))[1], 101);
    check(vec![
        (
            "a buy within",
            vec![sell(ADA, 1, 99), sell(ADA, 1, 103)],
            market(BEN, Side::Buy, 2, 0),
            &[
                "3 created",
                "1 executed 1@99 MAKER",
                "3 executed 1@99 TAKER",
                "trade 1",
                "2 executed 1@103 MAKER",
                "3 executed 1@103 TAKER",
                "trade 2",
            ],
        ),
        (
            "a buy beyond",
            vec![sell(ADA, 1, 99), sell(ADA, 1, 104)],
            market(BEN, Side::Buy, 2, 0),
            &[
                "3 created",
                "1 executed 1@99 MAKER",
                "3 executed 1@99 TAKER",
                "trade 1",
                "3 canceled 1 protection_price",
            ],
        ),
        (
            "a sell beyond",
            vec![buy(ADA, 1, 99), buy(ADA, 1, 94)],
            market(BEN, Side::Sell, 2, 0),
            &[
                "3 created",
                "1 executed 1@99 MAKER",
                "3 executed 1@99 TAKER",
                "trade 1",
                "3 canceled 1 protection_price",
            ],
        ),
    ]);
}

#[test]
fn replacing_keeps_or_loses_priority() {
    let two = || vec![sell(ADA, 5, 100), sell(BEN, 5, 100)];
    check(vec![
        ("less keeps it", two(), replace(ADA, 1, Some(4), None), &["1 replaced 4@100 rests, priority 1"]),
        ("nothing new keeps it", two(), replace(ADA, 1, None, None), &["1 replaced 5@100 rests, priority 1"]),
        ("more loses it", two(), replace(ADA, 1, Some(6), None), &["1 replaced 6@100 rests, priority 3"]),
        ("another price loses it", two(), replace(ADA, 1, Some(4), Some(99)), &["1 replaced 4@99 rests, priority 3"]),
        (
            "a price that meets trades",
            vec![sell(ADA, 5, 100), buy(BEN, 2, 99)],
            replace(ADA, 1, None, Some(98)),
            &["1 replaced 5@98 takes", "2 executed 2@99 MAKER", "1 executed 2@99 TAKER rests 3@98", "trade 1"],
        ),
        (
            "it may trade whole",
            vec![sell(ADA, 2, 100), buy(BEN, 2, 99)],
            replace(ADA, 1, None, Some(99)),
            &["1 replaced 2@99 takes", "2 executed 2@99 MAKER", "1 executed 2@99 TAKER", "trade 1"],
        ),
        (
            "but not with itself",
            vec![sell(ADA, 2, 100), buy(ADA, 2, 99)],
            replace(ADA, 1, None, Some(99)),
            &["1 replaced 2@99 takes", "1 canceled 2 self_trade"],
        ),
        (
            "the total counts what executed",
            vec![sell(ADA, 5, 100), buy(BEN, 2, 100)],
            replace(ADA, 1, Some(4), None),
            &["1 replaced 2@100 rests, priority 1"],
        ),
        (
            "it must exceed what executed",
            vec![sell(ADA, 5, 100), buy(BEN, 2, 100)],
            replace(ADA, 1, Some(2), None),
            &["REPLACE rejected quantity_below_executed"],
        ),
    ]);
}

#[test]
fn the_first_reason_in_the_fixed_order_is_given() {
    let everything_wrong = PlaceOrder { quantity: 0, price: 0, ..limit(id(99), Side::Buy, 0, 0) };
    let place = |change: fn(&mut PlaceOrder<'static>)| {
        let mut order = PlaceOrder { account_id: ADA, ..everything_wrong };
        change(&mut order);
        Command::PlaceOrder(order)
    };
    let bound = || limits(ADA, Some(500), Some(50), Some(0));
    check(vec![
        ("nobody's order", vec![], Command::PlaceOrder(everything_wrong), &["rejected unknown_account"]),
        ("a clearing account's", vec![], buy(id(3), 1, 1), &["rejected unknown_account"]),
        ("a suspended account's", vec![suspend(ADA)], place(|o| o.instrument_id = 0), &["rejected account_suspended"]),
        ("of nothing listed", vec![], place(|o| o.instrument_id = 0), &["rejected unknown_instrument"]),
        ("after hours", vec![session(Session::Closed)], place(|_| ()), &["rejected market_closed"]),
        ("of nothing", vec![], place(|_| ()), &["rejected invalid_quantity"]),
        ("for nothing", vec![], place(|o| o.quantity = 1_001), &["rejected invalid_price"]),
        ("of too much", vec![], place(|o| (o.quantity, o.price) = (1_001, 100_001)), &["rejected quantity_too_large"]),
        (
            "for too much",
            vec![bound()],
            place(|o| (o.quantity, o.price) = (1_000, 100_001)),
            &["rejected price_too_large"],
        ),
        ("of too much worth", vec![bound()], buy(ADA, 51, 1_000), &["rejected order_notional_limit"]),
        ("at the limit of worth", vec![limits(ADA, Some(500), None, None)], buy(ADA, 50, 1_000), &["1 rests 50@1000"]),
        (
            "a market sell, valued at the best price",
            vec![buy(BEN, 60, 1_000), limits(ADA, Some(500), None, None)],
            market(ADA, Side::Sell, 51, 1),
            &["rejected order_notional_limit"],
        ),
        (
            "a market buy, valued at its protection",
            vec![sell(BEN, 60, 1_000), limits(ADA, Some(500), None, None)],
            market(ADA, Side::Buy, 50, 0),
            &["rejected order_notional_limit"],
        ),
        ("of too many", vec![bound()], buy(ADA, 51, 1), &["rejected order_quantity_limit"]),
        ("with too many open", vec![bound()], buy(ADA, 50, 1), &["rejected open_orders_limit"]),
        (
            "that never rests",
            vec![bound()],
            ioc(ADA, Side::Buy, 50, 1),
            &["1 created", "1 canceled 50 immediate_or_cancel"],
        ),
        ("more than the cash", vec![], buy(ADA, 11, 100_000), &["rejected insufficient_funds"]),
        ("all the cash", vec![], buy(ADA, 10, 100_000), &["1 rests 10@100000"]),
        ("the cash twice", vec![buy(ADA, 10, 100_000)], buy(ADA, 1, 1), &["rejected insufficient_funds"]),
        ("more than the shares", vec![], sell(ADA, 101, 1), &["rejected insufficient_position"]),
    ]);
}

#[test]
fn cancels_answer_the_owner_only() {
    let one = || vec![sell(ADA, 5, 100)];
    check(vec![
        ("the owner's", one(), cancel(ADA, 1), &["1 canceled 5 requested"]),
        ("another's", one(), cancel(BEN, 1), &["CANCEL rejected order_not_found"]),
        ("never was", one(), cancel(ADA, 9), &["CANCEL rejected order_not_found"]),
        ("nobody's", one(), cancel(id(99), 1), &["CANCEL rejected unknown_account"]),
        ("closed", vec![sell(ADA, 5, 100), cancel(ADA, 1)], cancel(ADA, 1), &["CANCEL rejected order_closed"]),
        (
            "another's, closed",
            vec![sell(ADA, 5, 100), cancel(ADA, 1)],
            cancel(BEN, 1),
            &["CANCEL rejected order_not_found"],
        ),
        ("after hours", vec![sell(ADA, 5, 100), session(Session::Closed)], cancel(ADA, 1), &["1 canceled 5 requested"]),
        ("of a suspended account", vec![sell(ADA, 5, 100), suspend(ADA)], cancel(ADA, 1), &["1 canceled 5 requested"]),
        (
            "a replacement after hours",
            vec![sell(ADA, 5, 100), session(Session::Closed)],
            replace(ADA, 1, Some(1), None),
            &["REPLACE rejected market_closed"],
        ),
        (
            "a suspended account's replacement",
            vec![sell(ADA, 5, 100), suspend(ADA)],
            replace(ADA, 1, Some(1), None),
            &["REPLACE rejected account_suspended"],
        ),
        (
            "all of an account, oldest first",
            vec![sell(ADA, 5, 100), buy(BEN, 1, 50), buy(ADA, 2, 60), sell(ADA, 1, 90)],
            Command::CancelAll(CancelAll { account_id: ADA, instrument_id: None }),
            &["1 canceled 5 requested", "3 canceled 2 requested", "4 canceled 1 requested", "3 canceled in all"],
        ),
        (
            "all of nothing",
            vec![],
            Command::CancelAll(CancelAll { account_id: ADA, instrument_id: Some(GOOG) }),
            &["0 canceled in all"],
        ),
        (
            "the close expires day orders, best bids first",
            vec![day(ADA, Side::Buy, 1, 50), day(BEN, Side::Buy, 2, 51), buy(CY, 3, 49), day(CY, Side::Sell, 4, 60)],
            session(Session::Closed),
            &["SessionChanged", "2 expired 2 session_end", "1 expired 1 session_end", "4 expired 4 session_end"],
        ),
    ]);
}

#[test]
fn listings_and_transfers_are_refused_for_stable_reasons() {
    let listed = |change: fn(&mut ListInstrument<'static>)| {
        let mut terms = listing("NEW");
        change(&mut terms);
        Command::ListInstrument(terms)
    };
    let deposit = |account_id, asset, amount| Command::Deposit(Transfer { account_id, asset_id: id(asset), amount });
    let withdraw = |amount| Command::Withdraw(Transfer { account_id: ADA, asset_id: id(1), amount });
    let unit = |mantissa, scale| Unit { mantissa, scale };
    assert_eq!(unit(1, 2), listing("NEW").price_unit);
    check(vec![
        ("a taken symbol", vec![], listed(|t| t.symbol = "GOOG"), &["ListInstrument refused duplicate_listing"]),
        ("an unknown quote", vec![], listed(|t| t.quote = id(9)), &["ListInstrument refused unknown_asset"]),
        (
            "a fraction of a ledger unit",
            vec![],
            listed(|t| t.price_unit.scale = 5),
            &["ListInstrument refused notional_not_whole"],
        ),
        (
            "half a share",
            vec![],
            listed(|t| t.lot_unit = Unit { mantissa: 5, scale: 1 }),
            &["ListInstrument refused notional_not_whole"],
        ),
        (
            "an untrimmed unit",
            vec![],
            listed(|t| t.price_unit.mantissa = 10),
            &["ListInstrument refused invalid_terms"],
        ),
        ("no unit", vec![], listed(|t| t.lot_unit.mantissa = 0), &["ListInstrument refused invalid_terms"]),
        ("for itself", vec![], listed(|t| t.quote = t.base), &["ListInstrument refused invalid_terms"]),
        ("no highest price", vec![], listed(|t| t.max_price = 0), &["ListInstrument refused invalid_terms"]),
        (
            "a protection over 100 %",
            vec![],
            listed(|t| t.protection_ppm = 1_000_001),
            &["ListInstrument refused invalid_terms"],
        ),
        ("fine terms", vec![], listed(|_| ()), &["AccountOpened", "InstrumentListed"]),
        ("a second opening", vec![], Command::OpenVenue, &["OpenVenue refused duplicate_listing"]),
        ("to nobody", vec![], deposit(id(99), 1, 1), &["Deposit refused unknown_account"]),
        ("to the outside", vec![], deposit(id(1), 1, 1), &["Deposit refused unknown_account"]),
        ("to the house", vec![], deposit(id(2), 1, 1), &["CashDeposited"]),
        ("of nothing listed", vec![], deposit(ADA, 9, 1), &["Deposit refused unknown_asset"]),
        ("of nothing", vec![], deposit(ADA, 1, 0), &["Deposit refused invalid_amount"]),
        ("beyond every bound", vec![], deposit(ADA, 1, u128::MAX), &["Deposit refused amount_too_large"]),
        (
            "beyond what may be inside",
            vec![deposit(BEN, 1, 1 << 119)],
            deposit(ADA, 1, 1 << 119),
            &["Deposit refused amount_too_large"],
        ),
        ("more than there is", vec![], withdraw(100_000_001), &["Withdraw refused insufficient_funds"]),
        ("what is held", vec![buy(ADA, 10, 100_000)], withdraw(1), &["Withdraw refused insufficient_funds"]),
        ("all there is", vec![], withdraw(100_000_000), &["CashWithdrawn"]),
        ("out of a suspended account", vec![suspend(ADA)], withdraw(1), &["Withdraw refused account_suspended"]),
    ]);
}

#[test]
fn price_improvement_releases_the_hold_at_once() {
    let (engine, _) = outcome(&[sell(ADA, 3, 900)], buy(BEN, 5, 1_000));
    let usd = engine.accounts().get(4).holding(matching::event::Asset(0));
    // 3 at 9.00 are paid, 2 at 10.00 are held; USD has four decimals.
    assert_eq!((usd.balance, usd.hold), (100_000_000 - 270_000, 200_000));
}
