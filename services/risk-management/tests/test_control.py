"""What an administrator switches for an account or the venue, and what a client chooses, as the account shows it."""

from random import Random

import pytest

from risk_management.views import VENUE, RiskView
from risk_management.wire import account_message
from trading_events.engine import AccountOptionsChanged, DeadMansTimerChanged, KillSwitchChanged

from .ledger import CUSTOMERS, EXTERNAL, START_NS, Ledger, recorded

ALICE, BOB = list(CUSTOMERS)[:2]

# Sentence, what happened, and what Alice's account shows: kill switch, cancel on disconnect, trade group, timer.
CHANGES = [
    ("nothing", [], (False, False, 0, 0)),
    ("her kill switch", [KillSwitchChanged("ON", "x", ALICE)], (True, False, 0, 0)),
    (
        "her kill switch, off again",
        [KillSwitchChanged("ON", "x", ALICE), KillSwitchChanged("OFF", "y", ALICE)],
        (False, False, 0, 0),
    ),
    ("another's kill switch", [KillSwitchChanged("ON", "x", BOB)], (False, False, 0, 0)),
    ("the venue's kill switch", [KillSwitchChanged("ON", "x")], (False, False, 0, 0)),
    (
        "options",
        [AccountOptionsChanged(ALICE, 7, True), AccountOptionsChanged(BOB, 8)],
        (False, True, 7, 0),
    ),
    (
        "options taken back",
        [AccountOptionsChanged(ALICE, 7, True), AccountOptionsChanged(ALICE, None)],
        (False,) * 2 + (0,) * 2,
    ),
    ("a timer", [DeadMansTimerChanged(ALICE, 123)], (False, False, 0, 123)),
    (
        "a timer that is off",
        [DeadMansTimerChanged(ALICE, 123), DeadMansTimerChanged(ALICE, None)],
        (False, False, 0, 0),
    ),
]


def folded(events) -> RiskView:
    ledger = Ledger(Random(1))
    ledger.open_venue()
    for event in events:
        account = getattr(event, "account_id", None) or EXTERNAL
        ledger.commands.append([("Account", account, event)])
    view = RiskView()
    for command in recorded(ledger.commands):
        for event in command:
            view.apply(event)
    return view


@pytest.mark.parametrize(("events", "shown"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_an_account_shows_its_switch_its_options_and_its_timer(events, shown):
    view = folded(events)
    row = view.accounts.get(ALICE)
    assert row is not None
    account = account_message(view, row)
    told = account.kill_switch, account.cancel_on_disconnect, account.trade_group, account.dead_mans_timer_ms
    assert told == shown


def test_the_venues_switch_is_kept_with_its_last_reason():
    view = folded(
        [KillSwitchChanged("ON", "drill"), KillSwitchChanged("OFF", "over"), KillSwitchChanged("ON", "x", BOB)]
    )
    row = view.kill_switch.get(VENUE)
    assert row is not None
    assert (row.on, row.reason, row.changed_at_ns) == (False, "over", START_NS)
