//! Ending many orders at once: mass cancels and kill switches.

use matching::batch::Batch;
use matching::command::{ChangeKillSwitch, Command, MassCancel, PlaceOrder, Stamped};
use matching::event::Events;
use matching::limit::CANCELS_PER_COMMAND_MAX;
use matching::vocabulary::{OrderType, Side, Switch, TriggerBy};

use crate::reference::id;
use crate::story::{ADA, BEN, GOOG, buy, cancel, check, limit, limits, outcome, replace, sell};

const ALL: MassCancel =
    MassCancel { account_id: None, instrument_id: None, side: None, lowest_price: None, highest_price: None };

fn stop(account_id: u64, trigger_price: u64) -> Command<'static> {
    let mut order = PlaceOrder { order_type: OrderType::Stop, ..limit(account_id, Side::Buy, 1, 0) };
    (order.terms.trigger_by, order.terms.trigger_price) = (Some(TriggerBy::Mark), trigger_price);
    Command::PlaceOrder(order)
}

fn kill(account_id: Option<u64>, state: Switch) -> Command<'static> {
    Command::ChangeKillSwitch(ChangeKillSwitch { account_id, state, reason: "runaway" })
}

/// Orders 1 to 5.
fn book() -> Vec<Command<'static>> {
    vec![sell(ADA, 1, 110), buy(BEN, 1, 90), buy(ADA, 1, 80), stop(ADA, 85), sell(BEN, 1, 120)]
}

#[test]
fn a_mass_cancel_ends_what_it_chooses_oldest_first() {
    let cancels = |cancel: MassCancel| Command::MassCancel(cancel);
    let goog = MassCancel { instrument_id: Some(GOOG), ..ALL };
    let [one, two, three, four, five] = [1, 2, 3, 4, 5].map(|number| format!("{number} canceled 1 requested"));
    let rows = [
        ("the whole venue", ALL, vec![&one, &two, &three, &four, &five]),
        ("an account's", MassCancel { account_id: Some(ADA), ..ALL }, vec![&one, &three, &four]),
        ("a side", MassCancel { side: Some(Side::Sell), ..ALL }, vec![&one, &five]),
        (
            "from a price on, and only what has one",
            MassCancel { lowest_price: Some(90), ..goog },
            vec![&one, &two, &five],
        ),
        ("up to a price", MassCancel { highest_price: Some(90), ..goog }, vec![&two, &three]),
        (
            "an account's of a side within prices",
            MassCancel {
                account_id: Some(ADA),
                side: Some(Side::Buy),
                lowest_price: Some(80),
                highest_price: Some(80),
                ..goog
            },
            vec![&three],
        ),
        ("prices that leave nothing", MassCancel { lowest_price: Some(91), highest_price: Some(90), ..goog }, vec![]),
    ];
    for (sentence, cancel, ended) in rows {
        let told = outcome(&book(), cancels(cancel)).1;
        let expected: Vec<String> = ended.iter().map(|told| (*told).clone()).collect();
        assert_eq!(told, [expected, vec![format!("{} canceled by choice", ended.len())]].concat(), "{sentence}");
    }
    check(vec![
        (
            "nobody's",
            vec![],
            cancels(MassCancel { account_id: Some(id(99)), ..ALL }),
            &["MassCancel refused unknown_account"],
        ),
        (
            "of nothing",
            vec![],
            cancels(MassCancel { instrument_id: Some(0), ..ALL }),
            &["MassCancel refused unknown_instrument"],
        ),
    ]);
}

#[test]
fn a_kill_switch_ends_orders_and_keeps_new_ones_out() {
    let on = || kill(Some(ADA), Switch::On);
    check(vec![
        (
            "an account's",
            book(),
            on(),
            &["KillSwitchChanged", "1 canceled 1 kill_switch", "3 canceled 1 kill_switch", "4 canceled 1 kill_switch"],
        ),
        (
            "the venue's",
            book(),
            kill(None, Switch::On),
            &[
                "KillSwitchChanged",
                "1 canceled 1 kill_switch",
                "2 canceled 1 kill_switch",
                "3 canceled 1 kill_switch",
                "4 canceled 1 kill_switch",
                "5 canceled 1 kill_switch",
            ],
        ),
        ("an order of the account", vec![on()], buy(ADA, 1, 1), &["rejected kill_switch"]),
        ("a waiting order of the account", vec![on()], stop(ADA, 1), &["rejected kill_switch"]),
        ("another account's order", vec![on()], buy(BEN, 1, 1), &["1 rests 1@1"]),
        ("anybody's order", vec![kill(None, Switch::On)], buy(BEN, 1, 1), &["rejected kill_switch"]),
        ("switched off", vec![on(), kill(Some(ADA), Switch::Off)], buy(ADA, 1, 1), &["1 rests 1@1"]),
        (
            "the venue's is not switched off by an account's",
            vec![kill(None, Switch::On), kill(Some(ADA), Switch::Off)],
            buy(ADA, 1, 1),
            &["rejected kill_switch"],
        ),
        ("nobody's", vec![], kill(Some(id(99)), Switch::On), &["ChangeKillSwitch refused unknown_account"]),
        (
            "what it ended stays ended",
            vec![buy(ADA, 1, 1), on()],
            replace(ADA, 1, None, None),
            &["REPLACE rejected order_closed"],
        ),
        ("and is canceled no more", vec![buy(ADA, 1, 1), on()], cancel(ADA, 1), &["CANCEL rejected order_closed"]),
    ]);
}

#[test]
fn a_kill_switch_with_too_much_to_end_goes_on_before_the_next_command() {
    let (mut engine, _) = outcome(&[], limits(ADA, None, None, Some(u32::MAX)));
    let mut events = Events::default();
    let mut apply = |engine: &mut matching::Engine, command| {
        events.clear();
        engine.apply(&Stamped { stamp_ns: 1, command }, &mut events);
        events.list.len()
    };
    for _ in 0..CANCELS_PER_COMMAND_MAX + 7 {
        apply(&mut engine, buy(ADA, 1, 1));
    }
    assert_eq!(apply(&mut engine, kill(Some(ADA), Switch::On)), CANCELS_PER_COMMAND_MAX as usize + 1);
    let mut restored = matching::Engine::restore(&engine.snapshot().expect("a command's end")).expect("a snapshot");
    assert_eq!(restored.next_due_ns(), Some(0), "at once, as the state knows the time to the millisecond");
    let batch = Batch::fire_due(&mut restored, 1);
    assert_eq!((batch.given.len(), batch.rows.len()), (1, 7));
    assert_eq!(restored.next_due_ns(), None);
}
