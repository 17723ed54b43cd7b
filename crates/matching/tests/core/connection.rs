//! What happens to orders of an account that is gone.

use matching::command::{ChangeAccountOptions, Command, ReportDisconnect, SetDeadMansTimer, Stamped};
use matching::event::Events;
use matching::vocabulary::Switch;

use crate::reference::id;
use crate::story::{ADA, BEN, buy, check, outcome, sell, tell};

const MS: u64 = 1_000_000;

fn choose(switch: Switch) -> Command<'static> {
    let cancel_on_disconnect = Some(switch);
    Command::ChangeAccountOptions(ChangeAccountOptions { account_id: ADA, cancel_on_disconnect, trade_group: None })
}

fn lost(account_id: u64) -> Command<'static> {
    Command::ReportDisconnect(ReportDisconnect { account_id, reason: "" })
}

fn timer(account_id: u64, due_ms: u64) -> Command<'static> {
    Command::SetDeadMansTimer(SetDeadMansTimer { account_id, due_ms })
}

#[test]
fn a_lost_connection_ends_what_its_account_chose() {
    let open = [buy(ADA, 1, 90), buy(BEN, 1, 91), sell(ADA, 1, 100)];
    let with = |first: &[Command<'static>]| [first, &open].concat();
    check(vec![
        (
            "chosen",
            with(&[choose(Switch::On)]),
            lost(ADA),
            &["1 canceled 1 disconnect", "3 canceled 1 disconnect", "2 canceled in all"],
        ),
        ("not chosen", with(&[]), lost(ADA), &["0 canceled in all"]),
        ("no longer chosen", with(&[choose(Switch::On), choose(Switch::Off)]), lost(ADA), &["0 canceled in all"]),
        ("of nobody", vec![], lost(id(99)), &["ReportDisconnect refused unknown_account"]),
        ("a timer of nobody", vec![], timer(id(99), 5), &["SetDeadMansTimer refused unknown_account"]),
    ]);
}

#[test]
fn a_timer_that_is_not_set_anew_ends_its_account() {
    let past = [buy(ADA, 1, 90), buy(BEN, 1, 91), timer(BEN, 9), timer(ADA, 5), timer(ADA, 8)];
    let (mut engine, told) = outcome(&past, sell(ADA, 1, 100));
    assert_eq!(told, ["3 rests 1@100"]);
    assert_eq!(engine.next_due_ns(), Some(8 * MS), "the time it was set to last");
    let mut step = |stamp_ns: u64, command| {
        let mut events = Events::default();
        engine.apply(&Stamped { stamp_ns, command }, &mut events);
        (events.list.iter().map(tell).collect::<Vec<_>>(), engine.next_due_ns())
    };
    assert_eq!(step(7 * MS, Command::FireDue).0, ["FireDue refused nothing_due"]);
    let fired = ["1 canceled 1 dead_mans_timer", "3 canceled 1 dead_mans_timer", "DeadMansTimerChanged"];
    assert_eq!(step(8 * MS, Command::FireDue), (fired.map(str::to_owned).to_vec(), Some(9 * MS)));
    assert_eq!(step(8 * MS, timer(BEN, 8)).0, ["SetDeadMansTimer refused expire_time_passed"]);
    assert_eq!(step(8 * MS, timer(BEN, 0)), (vec!["DeadMansTimerChanged".to_owned()], None));
}
