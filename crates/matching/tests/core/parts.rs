//! What is displayed of an order, who trades with it, and what happens where it would trade with itself.

use matching::Engine;
use matching::book::Depth;
use matching::command::{ChangeAccountOptions, ChangeInstrumentRules, ChosenAllocation, Command, PlaceOrder};
use matching::vocabulary::{AllocationRule, PostOnly, SelfTradePrevention, Side, TimeInForce};

use crate::story::{ADA, BEN, CY, GOOG, buy, check, market, order, outcome, replace, sell};

fn iceberg(order: &mut PlaceOrder<'static>) {
    order.terms.display_quantity = 3;
}

fn hidden(order: &mut PlaceOrder<'static>) {
    order.terms.hidden = true;
}

fn group(account_id: u64) -> Command<'static> {
    Command::ChangeAccountOptions(ChangeAccountOptions { account_id, cancel_on_disconnect: None, trade_group: Some(7) })
}

fn rules(prevention: Option<SelfTradePrevention>, allocation: Option<ChosenAllocation>) -> Command<'static> {
    let instrument_id = GOOG;
    Command::ChangeInstrumentRules(ChangeInstrumentRules {
        instrument_id,
        self_trade_prevention: prevention,
        allocation,
    })
}

fn allocated(rule: AllocationRule, least: u64, lead_account_id: u64, lead_share_ppm: u32) -> Command<'static> {
    rules(None, Some(ChosenAllocation { rule, least, lead_account_id, lead_share_ppm }))
}

#[test]
fn an_iceberg_displays_a_part_and_refreshes_it_behind_the_others() {
    let past = vec![order(ADA, Side::Sell, 8, 100, iceberg), sell(CY, 2, 100)];
    check(vec![
        ("it displays a part", vec![], order(ADA, Side::Sell, 8, 100, iceberg), &["1 rests 3@100"]),
        (
            "the displayed part trades, then who is behind it, then the next part",
            past.clone(),
            buy(BEN, 6, 100),
            &[
                "3 created",
                "1 executed 3@100 MAKER",
                "3 executed 3@100 TAKER",
                "trade 1",
                "1 restated 8 refreshed rests 3@100",
                "2 executed 2@100 MAKER",
                "3 executed 2@100 TAKER",
                "trade 2",
                "1 executed 1@100 MAKER rests 2@100",
                "3 executed 1@100 TAKER",
                "trade 3",
            ],
        ),
        (
            "it can fill whole from its reserve",
            past.clone(),
            order(BEN, Side::Buy, 10, 100, |o| {
                o.time_in_force = TimeInForce::Fok;
            }),
            &[
                "3 created",
                "1 executed 3@100 MAKER",
                "3 executed 3@100 TAKER",
                "trade 1",
                "1 restated 8 refreshed rests 3@100",
                "2 executed 2@100 MAKER",
                "3 executed 2@100 TAKER",
                "trade 2",
                "1 executed 3@100 MAKER",
                "3 executed 3@100 TAKER",
                "trade 3",
                "1 restated 8 refreshed rests 2@100",
                "1 executed 2@100 MAKER",
                "3 executed 2@100 TAKER",
                "trade 4",
            ],
        ),
        (
            "a smaller quantity shrinks the reserve",
            past.clone(),
            replace(ADA, 1, Some(4), None),
            &["1 replaced 4@100 rests, priority 1"],
        ),
        (
            "as much as it has is no part",
            vec![],
            order(ADA, Side::Sell, 3, 100, iceberg),
            &["rejected invalid_display_quantity"],
        ),
    ]);
}

#[test]
fn a_hidden_order_is_met_and_not_seen() {
    let past = vec![order(ADA, Side::Sell, 2, 100, hidden), sell(CY, 2, 100)];
    check(vec![
        ("it displays nothing", vec![], order(ADA, Side::Sell, 2, 100, hidden), &["1 rests 0@100"]),
        (
            "it trades after what is displayed",
            past,
            buy(BEN, 3, 100),
            &[
                "3 created",
                "2 executed 2@100 MAKER",
                "3 executed 2@100 TAKER",
                "trade 1",
                "1 executed 1@100 MAKER rests 0@100",
                "3 executed 1@100 TAKER",
                "trade 2",
            ],
        ),
        (
            "a post-only order slides off it",
            vec![order(ADA, Side::Sell, 2, 100, hidden)],
            order(BEN, Side::Buy, 1, 101, |o| o.terms.post_only = Some(PostOnly::Slide)),
            &["2 rests 1@99"],
        ),
        (
            "a market order needs a price that is seen",
            vec![order(ADA, Side::Sell, 2, 100, hidden)],
            market(BEN, Side::Buy, 1, 0),
            &["rejected no_liquidity"],
        ),
    ]);
}

#[test]
fn an_order_never_trades_with_itself() {
    let past = vec![sell(ADA, 2, 100), sell(BEN, 3, 100), sell(CY, 2, 101)];
    let traded = ["4 created", "1 executed 2@100 MAKER", "4 executed 2@100 TAKER", "trade 1"];
    let rows: [(SelfTradePrevention, &[&str]); 4] = [
        (SelfTradePrevention::CancelNewest, &["4 canceled 4 self_trade"]),
        (
            SelfTradePrevention::CancelOldest,
            &["2 canceled 3 self_trade", "3 executed 2@101 MAKER", "4 executed 2@101 TAKER rests 2@101", "trade 2"],
        ),
        (SelfTradePrevention::CancelBoth, &["2 canceled 3 self_trade", "4 canceled 4 self_trade"]),
        (
            SelfTradePrevention::DecrementAndCancel,
            &[
                "2 canceled 3 self_trade",
                "4 restated 3 self_trade",
                "3 executed 1@101 MAKER rests 1@101",
                "4 executed 1@101 TAKER",
                "trade 2",
            ],
        ),
    ];
    for (prevention, follows) in rows {
        let expected: Vec<&str> = traded.iter().chain(follows).copied().collect();
        let mut chosen = past.clone();
        chosen.insert(0, rules(Some(prevention), None));
        assert_eq!(outcome(&chosen, buy(BEN, 6, 101)).1, expected, "{prevention:?} as the instrument's rule");
        let Command::PlaceOrder(mut own) = buy(BEN, 6, 101) else { unreachable!() };
        own.terms.self_trade_prevention = Some(prevention);
        assert_eq!(outcome(&past, Command::PlaceOrder(own)).1, expected, "{prevention:?} as the order's own");
    }
}

#[test]
fn prevention_knows_groups_and_who_rests_without_a_trade() {
    check(vec![
        (
            "a trade group is one owner",
            vec![group(ADA), group(BEN), sell(ADA, 2, 100)],
            buy(BEN, 1, 100),
            &["2 created", "2 canceled 1 self_trade"],
        ),
        (
            "the larger shrinks where it rests",
            vec![rules(Some(SelfTradePrevention::DecrementAndCancel), None), order(BEN, Side::Sell, 8, 100, iceberg)],
            buy(BEN, 6, 100),
            &["2 created", "1 restated 2 self_trade rests 2@100", "2 canceled 6 self_trade"],
        ),
        (
            "what shrank rests",
            vec![rules(Some(SelfTradePrevention::DecrementAndCancel), None), sell(BEN, 2, 100)],
            buy(BEN, 6, 100),
            &["2 created", "1 canceled 2 self_trade", "2 restated 4 self_trade rests 4@100"],
        ),
        (
            "an order that cleared its way rests",
            vec![rules(Some(SelfTradePrevention::CancelOldest), None), sell(BEN, 2, 100)],
            buy(BEN, 6, 100),
            &["2 rests 6@100", "1 canceled 2 self_trade"],
        ),
        (
            "fill-or-kill counts others only",
            vec![rules(Some(SelfTradePrevention::CancelOldest), None), sell(BEN, 2, 100), sell(ADA, 2, 100)],
            order(BEN, Side::Buy, 3, 100, |o| {
                o.time_in_force = TimeInForce::Fok;
            }),
            &["3 created", "3 canceled 3 fill_or_kill"],
        ),
    ]);
}

#[test]
fn an_instrument_shares_by_its_rule() {
    let past = |rule| vec![rule, sell(ADA, 6, 100), sell(CY, 3, 100)];
    check(vec![
        (
            "in proportion, the rest by time",
            past(allocated(AllocationRule::ProRata, 0, 0, 0)),
            buy(BEN, 4, 100),
            &[
                "3 created",
                "1 executed 3@100 MAKER rests 3@100",
                "3 executed 3@100 TAKER",
                "trade 1",
                "2 executed 1@100 MAKER rests 2@100",
                "3 executed 1@100 TAKER",
                "trade 2",
            ],
        ),
        (
            "too small a share is none",
            past(allocated(AllocationRule::ProRata, 2, 0, 0)),
            buy(BEN, 4, 100),
            &["3 created", "1 executed 4@100 MAKER rests 2@100", "3 executed 4@100 TAKER", "trade 1"],
        ),
        (
            "the lead's part first",
            past(allocated(AllocationRule::LeadMarketMaker, 0, CY, 500_000)),
            buy(BEN, 4, 100),
            &[
                "3 created",
                "1 executed 2@100 MAKER rests 4@100",
                "3 executed 2@100 TAKER",
                "trade 1",
                "2 executed 2@100 MAKER rests 1@100",
                "3 executed 2@100 TAKER",
                "trade 2",
            ],
        ),
        (
            "a lead that is nobody",
            vec![],
            allocated(AllocationRule::LeadMarketMaker, 0, 3, 1),
            &["ChangeInstrumentRules refused unknown_account"],
        ),
        (
            "a share larger than any order",
            vec![],
            allocated(AllocationRule::ProRata, 1_001, 0, 0),
            &["ChangeInstrumentRules refused quantity_too_large"],
        ),
    ]);
}

#[test]
fn an_iceberg_that_displays_less_than_it_may_is_restored_as_it_stands() {
    let past = [order(ADA, Side::Sell, 8, 100, iceberg), sell(CY, 2, 100)];
    let (engine, _) = outcome(&past, buy(BEN, 2, 100));
    let snapshot = engine.snapshot().expect("the end of a command");
    for engine in [&engine, &Engine::restore(&snapshot).expect("a snapshot")] {
        let book = &engine.markets()[0].book;
        let levels: Vec<Depth> = book.depth(Side::Sell).collect();
        assert_eq!(levels, [Depth { price: 100, quantity: 3, orders: 2 }], "one lot of the iceberg and two behind it");
    }
}
