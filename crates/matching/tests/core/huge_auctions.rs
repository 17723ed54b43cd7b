//! Auctions that are more than one command does, or more than an indicative price may cost.

use matching::Engine;
use matching::batch::Batch;
use matching::command::{ChangeLimits, Command, OpenAccount, ReplaceOrder, Stamped, TextArena, Transfer};
use matching::event::{Body, Events};
use matching::limit::{ENDS_AFTER_TRADES_MAX, INDICATIVE_LEVELS_MAX, TRADES_PER_COMMAND_MAX};
use matching::vocabulary::{Session, Side};

use crate::reference::{LOG, id};
use crate::story::{BEN, buy, cancel, limit, market, sell, session, tell, venue};

use Session::{Closed, ClosingCall, Continuous, Halt};

/// A venue whose two richest customers have what a huge auction needs.
fn huge(sellers: u64, market_orders: u64) -> Engine {
    let mut engine = Engine::new(LOG).expect("a small log number");
    let mut commands = venue();
    commands.extend((0..2).map(|_| Command::OpenAccount(OpenAccount { user_id: "rich" })));
    for account_id in [id(7), id(8)] {
        commands.push(Command::Deposit(Transfer { account_id, asset_id: id(1), amount: 1 << 60 }));
        commands.push(Command::Deposit(Transfer { account_id, asset_id: id(2), amount: 1 << 40 }));
    }
    let free = |account_id| {
        Command::ChangeLimits(ChangeLimits {
            account_id,
            max_order_notional: None,
            max_order_quantity: None,
            max_open_orders: Some(u32::MAX),
        })
    };
    commands.extend([free(id(7)), free(id(8)), session(ClosingCall)]);
    commands.extend((0..sellers).map(|_| sell(id(7), 1, 100)));
    commands.extend((0..sellers / 1_000).map(|_| buy(id(8), 1_000, 100)));
    commands.extend((0..market_orders).map(|_| market(id(8), Side::Buy, 1, 100)));
    for command in commands {
        engine.apply(&Stamped { stamp_ns: 1, command }, &mut Events::default());
    }
    engine
}

fn decided(engine: &mut Engine, command: Command<'static>) -> (Vec<String>, usize) {
    let mut events = Events::default();
    engine.apply(&Stamped { stamp_ns: 1, command }, &mut events);
    let trades = events.list.iter().filter(|event| matches!(event.body, Body::TradeExecuted(_))).count();
    assert!(events.list.len() < 65_536, "one append takes the command");
    let quiet = |body: &Body| matches!(body, Body::TradeExecuted(_) | Body::OrderExecuted(_) | Body::OrderCanceled(_));
    (events.list.iter().filter(|event| !quiet(&event.body)).map(tell).collect(), trades)
}

#[test]
fn a_huge_auction_goes_on_at_the_same_price() {
    let most = u64::from(TRADES_PER_COMMAND_MAX);
    let mut engine = huge(most + 1_000, 0);
    let (told, trades) = decided(&mut engine, session(Continuous));
    assert_eq!(
        (told.as_slice(), trades as u64),
        (["SessionChanged".to_owned(), format!("auction goes on at 100 after {most}")].as_slice(), most)
    );
    assert_eq!(engine.next_due_ns(), Some(engine.last_stamp_ns()), "it is due at once");
    let snapshot = engine.snapshot().expect("the end of a command");
    let mut restored = Engine::restore(&snapshot).expect("a snapshot");
    for refused in [
        buy(BEN, 1, 200),
        Command::ReplaceOrder(ReplaceOrder {
            account_id: id(7),
            order_id: id(most + 500),
            quantity: None,
            price: Some(1),
            trigger_price: None,
            client_order_id: None,
        }),
    ] {
        let (told, _) = decided(&mut restored, refused);
        assert!(told[0].ends_with("rejected uncrossing"), "{told:?}");
    }
    assert_eq!(decided(&mut restored, session(Halt)).0, ["ChangeSession refused uncrossing"]);
    for engine in [&mut engine, &mut restored] {
        let (told, trades) = decided(engine, Command::FireDue);
        assert_eq!((told, trades), (vec!["AuctionResumed".to_owned(), format!("auction {}@100", most + 1_000)], 1_000));
        assert_eq!(engine.next_due_ns(), None);
    }
}

#[test]
fn what_follows_a_huge_auction_is_divided_too() {
    let (ends, most) = (u64::from(ENDS_AFTER_TRADES_MAX), u64::from(TRADES_PER_COMMAND_MAX));
    let mut engine = huge(most, ends + 10);
    let (told, trades) = decided(&mut engine, session(Closed));
    assert_eq!(
        told,
        ["SessionChanged", &format!("auction {most}@100, {} BUY left", ends + 10), "auction goes on after 0"]
    );
    assert_eq!(trades as u64, most);
    assert_eq!(decided(&mut engine, Command::FireDue).0, ["AuctionResumed"]);
    assert_eq!(engine.next_due_ns(), None);
    assert!(engine.markets()[0].book.is_empty());
}

#[test]
fn a_huge_auction_replays() {
    let mut engine = huge(u64::from(TRADES_PER_COMMAND_MAX) + 1_000, 5);
    let mut follower = Engine::restore(&engine.snapshot().expect("the end of a command")).expect("a snapshot");
    let record = Stamped { stamp_ns: 1, command: session(Closed) }.encode(&mut TextArena::default());
    let batch = Batch::execute(&mut engine, &record, &[]).expect("a command");
    let more = Batch::fire_due(&mut engine, 1_000_000);
    for batch in [&batch, &more] {
        for row in &batch.rows {
            let data = &batch.data[row.start..row.end];
            follower
                .evolve_row(row.event_type, &row.event_id, row.version, data, &mut Events::default())
                .expect("its own log");
        }
    }
    assert_eq!(follower.state_hash(), engine.state_hash());
}

#[test]
fn while_too_many_levels_cross_nothing_new_is_told() {
    let mut engine = huge(0, 0);
    let rich = |side, price| Command::PlaceOrder(limit(if side == Side::Buy { id(8) } else { id(7) }, side, 1, price));
    let crossed = INDICATIVE_LEVELS_MAX as u64 / 2;
    for price in 1..=crossed {
        assert!(decided(&mut engine, rich(Side::Sell, price)).0.len() <= 2);
    }
    let told = |told: Vec<String>| told.last().is_some_and(|line| line.starts_with("indicative"));
    assert!(told(decided(&mut engine, rich(Side::Buy, 100_000)).0), "as many as one looks at");
    for price in 1..crossed {
        decided(&mut engine, rich(Side::Buy, price));
    }
    assert!(!told(decided(&mut engine, rich(Side::Buy, crossed)).0), "one more");
    assert!(told(decided(&mut engine, cancel(id(7), crossed)).0), "again as many");
    decided(&mut engine, rich(Side::Sell, crossed));
    let (told, _) = decided(&mut engine, session(Continuous));
    assert!(told[1].starts_with("auction"), "the auction itself looks at all: {told:?}");
}
