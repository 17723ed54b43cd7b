"""The fold against a naive one from all events, and a restart anywhere against a straight run."""

from decimal import Decimal
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.projection import ViewStore
from risk_management.position import FLAT, Position, average_cost, bought, reduced, sold
from risk_management.views import RISK_EVENTS, SKIPPED_EVENTS, RiskView
from risk_management.wire import (
    account_message,
    exposure_messages,
    instrument_exposure_messages,
    open_orders,
    position_messages,
)
from trading_events.engine import TYPES

from . import naive
from .ledger import ASSETS, CLEARING, CUSTOMERS, EXTERNAL, Ledger, recorded


def ledger_of(seed, steps):
    ledger = Ledger(Random(seed))
    ledger.open_venue()
    for _ in range(steps):
        ledger.step()
    return ledger


def opened(path=None):
    view = RiskView()
    store = ViewStore(view, path)
    view.position = store.checkpoint
    return view, store


def fold(view, store, commands):
    for command in commands:
        for event in command:
            view.apply(event)
    if commands:
        store.commit(store.take(), commands[-1][-1].position)


def fields(message):
    return {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}


@given(seed=st.integers(0, 2**32), steps=st.integers(0, 250))
@settings(max_examples=40, deadline=None)
def test_accounts_positions_and_exposure_are_those_of_a_naive_recomputation(seed, steps):
    commands = ledger_of(seed, steps).commands
    view, store = opened()
    fold(view, store, recorded(commands))
    for account in (*CUSTOMERS, EXTERNAL, *CLEARING.values()):
        check_balances(view, commands, account)
    for account in CUSTOMERS:
        check_stakes(view, commands, account)


def check_balances(view, commands, account):
    total = naive.sums(commands)
    seen = {one.asset: one for one in account_message(view, view.accounts.get(account)).balances}
    for asset in ASSETS:
        has, holds = total[account, asset, "balance"], total[account, asset, "hold"]
        expected = tuple(naive.shown(number) for number in (has, holds, has - holds))
        one = seen.get(asset)
        assert ((one.balance, one.hold, one.available) if one else ("0", "0", "0")) == expected


def check_stakes(view, commands, account):
    row = view.accounts.get(account)
    assert [fields(one) for one in position_messages(view, row)] == naive.position_rows(commands, account)
    expected = naive.exposure_rows(commands, account)
    for one in exposure_messages(view, row):
        told = (one.cash, one.long_market_value, one.open_buy_notional, one.open_sell_notional, one.net_liquidation)
        assert told == expected.pop(one.currency)
    # What is not told has nothing at stake in it; what another currency values is told there.
    for currency, (cash, *stakes) in expected.items():
        assert cash == "0" or currency in naive.VALUED
        assert set(stakes) == {"0"}
    instruments = {
        one.symbol: (
            *(one.quantity, one.position_value, one.open_buy_quantity, one.open_buy_notional),
            *(one.open_sell_quantity, one.open_sell_notional),
        )
        for one in instrument_exposure_messages(view, row)
    }
    assert instruments == naive.instrument_rows(commands, account)
    assert open_orders(view, row) == sum(order[0] == account for order in naive.open_orders(commands).values())


@pytest.mark.parametrize("seed", range(4))
def test_a_restart_anywhere_leaves_the_rows_of_a_straight_run(seed, tmp_path):
    random = Random(seed)
    commands = recorded(ledger_of(seed, 300).commands)
    straight, store = opened(tmp_path / "straight.sqlite")
    fold(straight, store, commands)
    done = 0
    while done < len(commands):
        part = random.randint(1, 60)
        view, store = opened(tmp_path / "restarted.sqlite")
        fold(view, store, commands[done : done + part])
        store.close()
        done += part
    restarted, _ = opened(tmp_path / "restarted.sqlite")
    for table, other in zip(restarted.tables, straight.tables, strict=True):
        assert list(table.everything()) == list(other.everything()), table.name
    assert restarted.position == straight.position


def position(known, cost, realized="0"):
    return Position(Decimal(known), Decimal(cost), Decimal(realized))


@pytest.mark.parametrize(
    ("sentence", "steps", "after"),
    [
        ("a buy adds its cost", [("buy", 2, "10"), ("buy", 1, "13")], position(3, 33)),
        ("a sell takes its share of the cost", [("buy", 3, "11"), ("sell", 1, "15")], position(2, 22, 4)),
        ("a loss is a profit below zero", [("buy", 3, "11"), ("sell", 3, "10")], position(0, 0, -3)),
        ("a share is rounded half to even", [("buy", 3, "0.01"), ("buy", 5, "0.01"), ("buy", 1, "0.02"),
                                              ("sell", 3, "0.02")], position(6, "0.07", "0.03")),
        ("the last of a position takes what is left of its cost",
         [("buy", 2, "0.01"), ("buy", 1, "0"), ("sell", 1, "1"), ("sell", 1, "1"), ("sell", 1, "1")],
         position(0, 0, "2.98")),
        ("what came without a cost is sold for no profit", [("sell", 5, "10")], position(0, 0)),
        ("known quantity is sold first", [("buy", 2, "10"), ("sell", 5, "12")], position(0, 0, 4)),
        ("what is withdrawn takes its cost along, and no profit", [("buy", 4, "10"), ("leave", 1, "")],
         position(3, 30)),
    ],
)  # fmt: skip
def test_position(sentence, steps, after):
    held = FLAT
    for what, quantity, price in steps:
        if what == "buy":
            held = bought(held, Decimal(quantity), Decimal(price))
        elif what == "sell":
            held = sold(held, Decimal(quantity), Decimal(price), 2)
        else:
            held = reduced(held, Decimal(quantity), 2)
    assert held == after


@pytest.mark.parametrize(
    ("held", "average"), [(position(3, "0.1"), "0.03"), (position(8, "0.2"), "0.02"), (position(0, 0), None)]
)
def test_average_cost_is_rounded_half_to_even(held, average):
    assert average_cost(held, 2) == (average and Decimal(average))


@pytest.mark.parametrize(
    ("sentence", "pick", "told"),
    [
        ("an order that was never created", "OrderExecuted", "never created"),
        ("an account that was never opened", "CashDeposited", "never opened"),
    ],
)
def test_an_event_that_does_not_fit_stops_the_view(sentence, pick, told):
    commands = recorded(ledger_of(7, 200).commands)
    (event, *_) = [event for command in commands for event in command if event.event_type == pick]
    view, _ = opened()
    if pick == "OrderExecuted":
        for command in recorded(ledger_of(7, 0).commands):
            for past in command:
                view.apply(past)
    with pytest.raises(ValueError, match=told):
        view.apply(event)


def test_every_event_of_the_engine_is_folded_or_skipped_by_name():
    assert {kind.__name__ for kind in TYPES} == RISK_EVENTS | SKIPPED_EVENTS
    assert not RISK_EVENTS & SKIPPED_EVENTS


def test_an_event_of_the_engine_that_nobody_knows_stops_the_view():
    ledger = Ledger(Random(1))
    ledger.open_venue()
    event = next(iter(recorded(ledger.commands)))[0]
    with pytest.raises(ValueError, match="SplitDeclared at main:1 is unknown to the risk view"):
        RiskView().apply(msgspec.structs.replace(event, event_type="SplitDeclared"))
