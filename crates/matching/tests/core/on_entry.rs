//! What binds an order on entry: fill-or-kill, minimum quantity, all-or-none, post-only, market-to-limit, budgets.

use matching::command::{Command, PlaceOrder};
use matching::vocabulary::{OrderType, PostOnly, Side, TimeInForce};

use crate::story::{ADA, BEN, CY, buy, check, limits, market, order, outcome, replace, sell};

fn fok(order: &mut PlaceOrder<'static>) {
    order.time_in_force = TimeInForce::Fok;
}

fn whole(order: &mut PlaceOrder<'static>) {
    order.terms.all_or_none = true;
}

fn reject(order: &mut PlaceOrder<'static>) {
    order.terms.post_only = Some(PostOnly::Reject);
}

fn slide(order: &mut PlaceOrder<'static>) {
    order.terms.post_only = Some(PostOnly::Slide);
}

fn to_limit(order: &mut PlaceOrder<'static>) {
    (order.order_type, order.price) = (OrderType::MarketToLimit, 0);
}

/// USD has four decimals and a price unit is a cent: 100 ledger units a price unit and lot.
fn budget(account_id: u64, side: Side, cents: u128, protection_price: u64) -> Command<'static> {
    let Command::PlaceOrder(mut order) = market(account_id, side, 0, protection_price) else { unreachable!() };
    order.terms.budget = cents * 100;
    Command::PlaceOrder(order)
}

const BOTH: [&str; 6] = [
    "1 executed 2@100 MAKER",
    "3 executed 2@100 TAKER",
    "trade 1",
    "2 executed 2@101 MAKER rests 1@101",
    "3 executed 2@101 TAKER",
    "trade 2",
];

fn asks() -> Vec<Command<'static>> {
    vec![sell(ADA, 2, 100), sell(CY, 3, 101)]
}

#[test]
fn fill_or_kill_trades_the_whole_or_nothing() {
    let killed = ["3 created", "3 canceled 6 fill_or_kill"];
    let rows: [(&str, Command<'static>, Vec<&str>); 4] = [
        ("all of it, from two levels", order(BEN, Side::Buy, 4, 101, fok), [&["3 created"], &BOTH[..]].concat()),
        ("one more than there is", order(BEN, Side::Buy, 6, 101, fok), killed.to_vec()),
        (
            "one more than there is at its price",
            order(BEN, Side::Buy, 3, 100, fok),
            vec!["3 created", "3 canceled 3 fill_or_kill"],
        ),
        ("nothing to meet", order(BEN, Side::Buy, 3, 99, fok), vec!["3 created", "3 canceled 3 fill_or_kill"]),
    ];
    for (sentence, command, expected) in rows {
        assert_eq!(outcome(&asks(), command).1, expected, "{sentence}");
    }
    check(vec![(
        "not what its own account offers behind another's",
        vec![sell(ADA, 2, 100), sell(BEN, 3, 101)],
        order(BEN, Side::Buy, 4, 101, fok),
        &["3 created", "3 canceled 4 fill_or_kill"],
    )]);
}

#[test]
fn a_minimum_binds_what_trades_on_entry_and_not_what_rests() {
    check(vec![
        (
            "enough",
            asks(),
            order(BEN, Side::Buy, 4, 101, |o| o.terms.minimum_quantity = 4),
            &["3 created", BOTH[0], BOTH[1], BOTH[2], BOTH[3], BOTH[4], BOTH[5]],
        ),
        (
            "too little within its price",
            asks(),
            order(BEN, Side::Buy, 4, 100, |o| o.terms.minimum_quantity = 3),
            &["3 created", "3 canceled 4 minimum_quantity"],
        ),
        (
            "enough, and the rest rests",
            asks(),
            order(BEN, Side::Buy, 4, 100, |o| o.terms.minimum_quantity = 2),
            &["3 created", "1 executed 2@100 MAKER", "3 executed 2@100 TAKER rests 2@100", "trade 1"],
        ),
        ("it meets nobody", asks(), order(BEN, Side::Buy, 4, 99, |o| o.terms.minimum_quantity = 3), &["3 rests 4@99"]),
        (
            "more than the order",
            asks(),
            order(BEN, Side::Buy, 4, 99, |o| o.terms.minimum_quantity = 5),
            &["rejected invalid_minimum_quantity"],
        ),
        (
            "all or none, and there is less",
            asks(),
            order(BEN, Side::Buy, 6, 101, whole),
            &["3 created", "3 canceled 6 all_or_none"],
        ),
        ("all or none, and it meets nobody", asks(), order(BEN, Side::Buy, 6, 99, whole), &["3 rests 6@99"]),
        (
            "only its own account's order is there",
            vec![sell(BEN, 3, 100)],
            order(BEN, Side::Buy, 3, 100, whole),
            &["2 created", "2 canceled 3 all_or_none"],
        ),
    ]);
}

#[test]
fn a_post_only_order_never_takes() {
    check(vec![
        ("it meets nobody", asks(), order(BEN, Side::Buy, 1, 99, reject), &["3 rests 1@99"]),
        ("it would trade", asks(), order(BEN, Side::Buy, 1, 100, reject), &["rejected post_only_would_trade"]),
        ("it slides below the ask", asks(), order(BEN, Side::Buy, 1, 105, slide), &["3 rests 1@99"]),
        ("it slides above the bid", vec![buy(ADA, 1, 100)], order(BEN, Side::Sell, 1, 90, slide), &["2 rests 1@101"]),
        (
            "there is no price below the ask",
            vec![sell(ADA, 1, 1)],
            order(BEN, Side::Buy, 1, 1, slide),
            &["rejected post_only_would_trade"],
        ),
        (
            "there is no price above the bid",
            vec![buy(ADA, 1, 100_000)],
            order(BEN, Side::Sell, 1, 100_000, slide),
            &["rejected post_only_would_trade"],
        ),
        (
            "a new price that would trade",
            vec![sell(ADA, 2, 100), order(BEN, Side::Buy, 1, 98, reject)],
            replace(BEN, 2, None, Some(100)),
            &["REPLACE rejected post_only_would_trade"],
        ),
        (
            "a new price slides too",
            vec![sell(ADA, 2, 100), order(BEN, Side::Buy, 1, 98, slide)],
            replace(BEN, 2, None, Some(100)),
            &["2 replaced 1@99 rests, priority 3"],
        ),
        (
            "the hold and the limit count the price at which it works",
            vec![sell(ADA, 1, 501), limits(BEN, Some(5), None, None)],
            order(BEN, Side::Buy, 1, 600, slide),
            &["2 rests 1@500"],
        ),
    ]);
}

#[test]
fn a_market_to_limit_order_rests_where_it_traded() {
    check(vec![
        (
            "it takes the best price only",
            asks(),
            order(BEN, Side::Buy, 4, 0, to_limit),
            &["3 created", "1 executed 2@100 MAKER", "3 executed 2@100 TAKER rests 2@100", "trade 1"],
        ),
        (
            "an immediate one does not rest",
            asks(),
            order(BEN, Side::Buy, 4, 0, |o| {
                to_limit(o);
                o.time_in_force = TimeInForce::Ioc;
            }),
            &[
                "3 created",
                "1 executed 2@100 MAKER",
                "3 executed 2@100 TAKER",
                "trade 1",
                "3 canceled 2 immediate_or_cancel",
            ],
        ),
        ("nothing to trade with", vec![], order(BEN, Side::Buy, 4, 0, to_limit), &["rejected no_liquidity"]),
    ]);
}

#[test]
fn a_budget_buys_whole_lots_and_never_costs_more() {
    check(vec![
        (
            "all of one level and a part of the next",
            asks(),
            budget(BEN, Side::Buy, 402, 0),
            &["3 created", BOTH[0], BOTH[1], BOTH[2], BOTH[3], BOTH[4], BOTH[5]],
        ),
        (
            "a cent less buys one less",
            asks(),
            budget(BEN, Side::Buy, 401, 0),
            &[
                "3 created",
                BOTH[0],
                BOTH[1],
                BOTH[2],
                "2 executed 1@101 MAKER rests 2@101",
                "3 executed 1@101 TAKER",
                BOTH[5],
            ],
        ),
        (
            "not beyond its protection",
            asks(),
            budget(BEN, Side::Buy, 402, 100),
            &["3 created", BOTH[0], BOTH[1], BOTH[2]],
        ),
        (
            "a sale raises at most it",
            vec![buy(ADA, 2, 100), buy(CY, 3, 99)],
            budget(BEN, Side::Sell, 299, 0),
            &[
                "3 created",
                "1 executed 2@100 MAKER",
                "3 executed 2@100 TAKER",
                "trade 1",
                "2 executed 1@99 MAKER rests 2@99",
                "3 executed 1@99 TAKER",
                "trade 2",
            ],
        ),
        ("less than a lot", asks(), budget(BEN, Side::Buy, 99, 0), &["rejected budget_too_small"]),
        ("nothing to buy", vec![], budget(BEN, Side::Buy, 99, 0), &["rejected no_liquidity"]),
        ("beyond every bound", asks(), budget(BEN, Side::Buy, u128::MAX / 100, 0), &["rejected amount_too_large"]),
        (
            "a limit on the order's worth counts what it costs",
            vec![sell(ADA, 2, 100), sell(CY, 3, 101), limits(BEN, Some(4), None, None)],
            budget(BEN, Side::Buy, 402, 0),
            &["rejected order_notional_limit"],
        ),
    ]);
}

#[test]
fn a_budget_holds_what_it_costs_and_not_the_protection() {
    // All of Ben's 10,000 USD: at the protection of 5 % above the best price it would need more than he has.
    let past = [sell(ADA, 5, 99_000), sell(CY, 6, 100_000)];
    let (engine, told) = outcome(&past, budget(BEN, Side::Buy, 1_000_000, 0));
    assert_eq!(told[1..].iter().filter(|event| event.contains("3 executed")).count(), 2, "{told:?}");
    let usd = engine.accounts().get(4).holding(matching::event::Asset(0));
    assert_eq!((usd.balance, usd.hold), (100_000_000 - 99_500_000, 0), "5 at 990 and 5 at 1,000");
}
