"""A view that was closed and opened anywhere has the rows of one that never stopped; and it comes back fast."""

import time
from random import Random

import pytest

from kernel.projection import ViewStore
from market_data import views
from market_data.book import Resting
from market_data.market import InstrumentRow, MarketRow
from market_data.views import MarketView

from .venue import Venue, recorded


def rows(view):
    return {table.name: list(table.everything()) for table in view.tables}


def opened(path):
    view = MarketView()
    store = ViewStore(view, path)
    view.position = store.checkpoint
    return view, store


def fold(view, store, commands):
    for command in commands:
        for event in command:
            view.apply(event)
    if commands:
        store.commit(store.take(), commands[-1][-1].position)


@pytest.mark.parametrize("seed", range(6))
def test_a_restart_anywhere_leaves_the_rows_of_a_straight_run(seed, tmp_path, monkeypatch):
    monkeypatch.setattr(views, "SNAPSHOT_EVENTS_MIN", 20)
    monkeypatch.setattr(views, "SNAPSHOT_EVENTS_PER_ORDER", 1)
    monkeypatch.setattr(views, "SNAPSHOTS_KEPT_MAX", 6)
    random = Random(seed)
    venue = Venue(random)
    venue.list_instruments()
    for _ in range(300):
        venue.step()
    commands = recorded(venue.commands)
    straight, store = opened(tmp_path / "straight.sqlite")
    fold(straight, store, commands)

    done = 0
    while done < len(commands):
        part = random.randint(1, 60)
        view, store = opened(tmp_path / "restarted.sqlite")
        assert view.position == (commands[done - 1][-1].position if done else 0)
        fold(view, store, commands[done : done + part])
        store.close()
        done += part
    restarted, _ = opened(tmp_path / "restarted.sqlite")

    assert rows(restarted) == rows(straight)
    for symbol, market in straight.markets.items():
        assert restarted.markets[symbol].state == market.state
        assert market.state.snapshots
        assert list(restarted.markets[symbol].book.bids) == list(market.book.bids)
        assert list(restarted.markets[symbol].book.asks) == list(market.book.asks)
        assert restarted.markets[symbol].book.orders == market.book.orders


def test_kept_books_stay_few_and_reach_far_back(monkeypatch):
    monkeypatch.setattr(views, "SNAPSHOT_EVENTS_MIN", 10)
    monkeypatch.setattr(views, "SNAPSHOT_EVENTS_PER_ORDER", 1)
    monkeypatch.setattr(views, "SNAPSHOTS_KEPT_MAX", 8)
    venue = Venue(Random(1), symbols=("AAPL",))
    venue.list_instruments()
    for _ in range(1_000):
        venue.step()
    commands = recorded(venue.commands)
    view, store = opened(None)
    fold(view, store, commands)
    kept = [row.position for _, row in view.snapshots.everything()]
    assert kept == view.markets["AAPL"].state.snapshots
    assert 4 <= len(kept) < 8
    assert kept[0] < commands[-1][-1].position / 2


def test_a_hundred_thousand_resting_orders_are_back_within_a_second(tmp_path):
    view, store = opened(tmp_path / "large.sqlite")
    instrument = InstrumentRow(
        instrument_id="i", symbol="X", base="X", quote="USD", price_unit="0.01", lot_unit="1", max_price="1",
        max_quantity="1", protection="0.05", calendar="24x7", session="CONTINUOUS", session_since_ns=0,
    )  # fmt: skip
    view.instruments.put("X", instrument)
    view.states.put("X", MarketRow("X", 0))
    random = Random(1)
    for number in range(100_000):
        side = random.choice(("BUY", "SELL"))
        price = random.randint(1, 20_000) + (0 if side == "BUY" else 20_000)
        view.resting.put(f"6f726472-0001-8000-8000-{number:012x}", Resting("X", side, price, 100, number))
    store.commit(store.take(), 100_000)
    store.close()
    started = time.thread_time()
    view, store = opened(tmp_path / "large.sqlite")
    # The processor's time of this thread: other work on the machine does not count.
    assert time.thread_time() - started < 1
    assert len(view.markets["X"].book.orders) == 100_000
