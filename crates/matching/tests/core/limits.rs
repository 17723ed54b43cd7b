//! What is bounded, at its bound: one more is refused by name, and what is full still works.

use matching::Engine;
use matching::batch::{Batch, BatchError};
use matching::command::{
    Command, ListAsset, ListInstrument, OpenAccount, PlaceOrder, SetMarkPrice, Stamped, TextArena, Transfer,
};
use matching::event::Events;
use matching::ladder::LadderKind;
use matching::limit;
use matching::number::Unit;
use matching::vocabulary::{AssetKind, Side};

use crate::reference::{LOG, id};
use crate::story::{ADA, BEN, GOOG, buy, cancel, check, ioc, limit as limit_order, listing, sell, tell, venue};

/// Applies commands and tells the last event of the last one.
fn last(engine: &mut Engine, commands: impl IntoIterator<Item = Command<'static>>) -> String {
    let mut events = Events::default();
    for command in commands {
        events.clear();
        engine.apply(&Stamped { stamp_ns: 1, command }, &mut events);
    }
    tell(events.list.last().expect("at least one command"))
}

fn opened() -> Engine {
    let mut engine = Engine::with_ladder(LOG, LadderKind::Sorted).expect("a small log number");
    last(&mut engine, venue());
    engine
}

fn restored(engine: &Engine) -> Engine {
    let snapshot = engine.snapshot().expect("the end of a command");
    let restored = Engine::restore_with_ladder(&snapshot, LadderKind::Sorted).expect("a snapshot");
    assert_eq!(restored.state_hash(), engine.state_hash());
    restored
}

#[test]
fn a_venue_lists_so_many_assets_and_instruments_and_no_more() {
    let mut engine = opened();
    let mut events = Events::default();
    let mut outcome = |engine: &mut Engine, command: Command<'_>| {
        events.clear();
        engine.apply(&Stamped { stamp_ns: 1, command }, &mut events);
        tell(events.list.last().expect("an event"))
    };
    let mut list = |engine: &mut Engine, number: usize, kind: &str| {
        let symbol = format!("N{number}");
        let asset = ListAsset { symbol: &symbol, scale: 0, kind: AssetKind::Security };
        let instrument = ListInstrument { symbol: &symbol, ..listing("") };
        let is_asset = kind == "asset";
        outcome(engine, if is_asset { Command::ListAsset(asset) } else { Command::ListInstrument(instrument) })
    };
    for (kind, most, listed) in
        [("asset", limit::ASSETS_MAX, "AssetListed"), ("instrument", limit::INSTRUMENTS_MAX, "InstrumentListed")]
    {
        let already = if kind == "asset" { 2 } else { 1 };
        for number in already..most {
            assert_eq!(list(&mut engine, number, kind), listed, "{kind} {number}");
        }
        assert!(list(&mut engine, most, kind).ends_with("refused capacity_reached"), "{kind}");
    }
    // The last one that was listed trades like any other.
    let last_one = id(limit::INSTRUMENTS_MAX as u64);
    let order = |account, side| PlaceOrder { instrument_id: last_one, ..limit_order(account, side, 1, 100) };
    let mut engine = restored(&engine);
    let told =
        last(&mut engine, [Command::PlaceOrder(order(ADA, Side::Sell)), Command::PlaceOrder(order(BEN, Side::Buy))]);
    assert_eq!(told, "trade 1");
}

#[test]
fn an_account_that_says_nothing_has_so_many_open_orders() {
    let most = limit::OPEN_ORDERS_DEFAULT as usize;
    let mut engine = opened();
    let rested = last(&mut engine, std::iter::repeat_n(buy(ADA, 1, 1), most));
    assert_eq!(rested, format!("{most} rests 1@1"));
    assert_eq!(last(&mut engine, [buy(ADA, 1, 1)]), "rejected open_orders_limit");
    assert_eq!(last(&mut engine, [ioc(ADA, Side::Buy, 1, 1)]), format!("{} canceled 1 immediate_or_cancel", most + 2));
    assert_eq!(last(&mut engine, [buy(BEN, 1, 1)]), format!("{} rests 1@1", most + 3), "another account");
    assert_eq!(last(&mut engine, [cancel(ADA, 1), buy(ADA, 1, 1)]), format!("{} rests 1@1", most + 4));
}

#[test]
fn what_closed_long_ago_is_not_told_from_what_never_was() {
    let remembered = limit::CLOSED_ORDERS_REMEMBERED as usize;
    let mut engine = opened();
    let closed = ioc(ADA, Side::Buy, 1, 1);
    last(&mut engine, std::iter::repeat_n(closed, remembered));
    assert_eq!(last(&mut engine, [cancel(ADA, 1)]), "CANCEL rejected order_closed", "the oldest that is remembered");
    assert_eq!(last(&mut engine, [closed, cancel(ADA, 1)]), "CANCEL rejected order_not_found");
    assert_eq!(last(&mut engine, [cancel(ADA, 2)]), "CANCEL rejected order_closed");
    assert_eq!(last(&mut restored(&engine), [cancel(ADA, 1)]), "CANCEL rejected order_not_found");
}

#[test]
fn a_mark_price_is_a_price_like_any_other() {
    let mark = |price| Command::SetMarkPrice(SetMarkPrice { instrument_id: GOOG, price });
    let highest = listing("").max_price;
    check(vec![
        ("the lowest", vec![], mark(1), &["MarkPriceChanged"]),
        ("the highest", vec![], mark(highest), &["MarkPriceChanged"]),
        ("none", vec![], mark(0), &["SetMarkPrice refused invalid_price"]),
        ("one more than the highest", vec![], mark(highest + 1), &["SetMarkPrice refused price_too_large"]),
    ]);
}

#[test]
fn an_order_a_level_over_all_prices() {
    const LEVELS: u64 = 9_000;
    let step = limit::PRICE_MAX / LEVELS;
    for ladder in [LadderKind::Dense, LadderKind::Sorted, LadderKind::Ordered] {
        let mut engine = Engine::with_ladder(LOG, ladder).expect("a small log number");
        last(&mut engine, wide_venue());
        // From both ends to the middle, so that no ladder is lucky.
        let prices = (1..=LEVELS / 2).flat_map(|n| [n * step, (LEVELS + 1 - n) * step]);
        let rested = last(&mut engine, prices.map(|price| sell(ADA, 1, price)));
        assert_eq!(rested, format!("{LEVELS} rests 1@{}", (LEVELS / 2 + 1) * step));
        let book = &engine.markets()[0].book;
        assert_eq!(book.depth(Side::Sell).count() as u64, LEVELS);
        assert_eq!(book.best(Side::Sell), Some(step));
        assert!(book.depth(Side::Sell).map(|level| level.price).is_sorted());
        assert_eq!(restored(&engine).markets()[0].book.depth(Side::Sell).count() as u64, LEVELS);
        let told = last(&mut engine, [buy(BEN, LEVELS - 1, limit::PRICE_MAX)]);
        assert_eq!(told, format!("trade {}", LEVELS - 1));
        assert_eq!(engine.markets()[0].book.best(Side::Sell), Some(LEVELS * step), "{ladder:?}");
    }
}

/// The highest price that can be listed; Ada has shares and Ben cash enough for all of it.
fn wide_venue() -> Vec<Command<'static>> {
    let asset = |symbol, kind| Command::ListAsset(ListAsset { symbol, scale: 0, kind });
    let wide = ListInstrument {
        price_unit: Unit::ONE,
        max_price: limit::PRICE_MAX,
        max_quantity: limit::QUANTITY_MAX,
        ..listing("WIDE")
    };
    let account = Command::OpenAccount(OpenAccount { user_id: "someone" });
    let deposit = |account_id, asset, amount| Command::Deposit(Transfer { account_id, asset_id: id(asset), amount });
    let mut commands = vec![Command::OpenVenue, asset("USD", AssetKind::Currency), asset("GOOG", AssetKind::Security)];
    commands.extend([Command::ListInstrument(wide), account, account]);
    commands.extend([deposit(ADA, 2, 1_000_000), deposit(BEN, 1, 1 << 100)]);
    commands
}

#[test]
fn the_dearest_lot_that_may_be_listed() {
    let with = |scale: u8, change: fn(&mut ListInstrument<'static>)| {
        let asset = |symbol| Command::ListAsset(ListAsset { symbol, scale, kind: AssetKind::Currency });
        let mut terms = ListInstrument { base: id(3), quote: id(4), symbol: "N", ..listing("N") };
        (terms.price_unit, terms.lot_unit) = (Unit::ONE, Unit::ONE);
        change(&mut terms);
        (vec![asset("B"), asset("Q")], Command::ListInstrument(terms))
    };
    let listed: &[&str] = &["AccountOpened", "InstrumentListed"];
    let not_whole: &[&str] = &["ListInstrument refused notional_not_whole"];
    let invalid: &[&str] = &["ListInstrument refused invalid_terms"];
    let rows = [
        ("a notional unit of 2^32", with(0, |t| t.price_unit.mantissa = 1 << 32), listed),
        ("one more", with(0, |t| t.price_unit.mantissa = (1 << 32) + 1), not_whole),
        (
            "a lot of 10^12 ledger units, below 2^40",
            with(12, |t| t.price_unit = Unit { mantissa: 1, scale: 9 }),
            listed,
        ),
        (
            "one of 2 x 10^12, above",
            with(12, |t| (t.price_unit, t.lot_unit.mantissa) = (Unit { mantissa: 1, scale: 9 }, 2)),
            not_whole,
        ),
        ("a mantissa above a trillion", with(0, |t| t.price_unit.mantissa = 1_000_000_000_001), invalid),
        ("the highest price", with(0, |t| t.max_price = limit::PRICE_MAX), listed),
        ("one more", with(0, |t| t.max_price = limit::PRICE_MAX + 1), invalid),
        ("the largest quantity", with(0, |t| t.max_quantity = limit::QUANTITY_MAX), listed),
        ("one more", with(0, |t| t.max_quantity = limit::QUANTITY_MAX + 1), invalid),
        ("no largest quantity", with(0, |t| t.max_quantity = 0), invalid),
        ("a protection of 100 %", with(0, |t| t.protection_ppm = 1_000_000), listed),
    ];
    check(rows.map(|(sentence, (past, command), follows)| (sentence, past, command, follows)).into());
}

#[test]
fn a_batch_holds_so_many_bytes_of_texts() {
    let mut engine = opened();
    let record = Stamped { stamp_ns: 1, command: cancel(ADA, 1) }.encode(&mut TextArena::default());
    let texts = vec![b'x'; limit::TEXTS_PER_BATCH_MAX + 1];
    assert!(Batch::execute(&mut engine, &record, &texts[1..]).is_ok());
    assert_eq!(Batch::execute(&mut engine, &record, &texts).unwrap_err(), BatchError::TooLarge);
    let most = record.repeat(limit::COMMANDS_PER_BATCH_MAX);
    assert_eq!(
        Batch::execute(&mut engine, &most, b"").expect("a full batch").stamps.len(),
        limit::COMMANDS_PER_BATCH_MAX
    );
}
