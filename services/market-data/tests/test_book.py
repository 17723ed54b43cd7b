"""The fold of the book against a naive one: after every command of random sequences, every level is equal."""

from collections import defaultdict
from decimal import Decimal
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.money import NotExact, canonical, decimal, units
from kernel.projection import ViewStore
from market_data.book import Book
from market_data.grid import Grid
from market_data.views import MARKET_EVENTS, SKIPPED_EVENTS, MarketView
from trading_events.engine import (
    TYPES,
    OrderCanceled,
    OrderCreated,
    OrderExecuted,
    OrderReplaced,
    OrderRestated,
    PegsMoved,
    Rests,
)

from .venue import Venue, lots, recorded, ticks


def folded(commands):
    view = MarketView()
    ViewStore(view, None)
    for command in recorded(commands):
        for event in command:
            view.apply(event)
    return view


def naive_levels(venue, symbol, side):
    """Levels from the venue's own list of orders, best first, as text."""
    totals = defaultdict(lambda: [0, 0])
    for order in venue.book:
        if (order.symbol, order.side) == (symbol, side):
            totals[order.price][0] += order.leaves
            totals[order.price][1] += 1
    best_first = sorted(totals, reverse=side == "BUY")
    return [(ticks(price), lots(totals[price][0]), totals[price][1]) for price in best_first]


def levels(market, ladder):
    return [(market.prices.text(p), market.quantities.text(q), orders) for p, q, orders in ladder]


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 80))
@settings(max_examples=60, deadline=None)
def test_after_every_command_every_level_is_that_of_a_naive_book(seed, steps):
    venue = Venue(Random(seed))
    venue.list_instruments()
    view = MarketView()
    ViewStore(view, None)
    position = 0
    for step in range(steps):
        done = len(venue.commands)
        if step:
            venue.step()
            done = len(venue.commands) - 1
        else:
            done = 0
        for command in recorded(venue.commands[done:], position + 1):
            for event in command:
                view.apply(event)
            position = command[-1].position
        for symbol in venue.symbols:
            market = view.markets[symbol]
            assert levels(market, market.book.bids) == naive_levels(venue, symbol, "BUY")
            assert levels(market, market.book.asks) == naive_levels(venue, symbol, "SELL")


def created(order_id, side="BUY", rests=None):
    return OrderCreated(
        order_id, None, "a", "X", side, "LIMIT", "GTC", "5", "10", None, "PENDING", "0", "5", rests, []
    )  # fmt: skip


def executed(order_id, side, rests):
    return OrderExecuted(order_id, "t", "a", "X", side, "10", "1", "MAKER", "EXECUTED", "1", "0", "10", rests, [])


def replaced(order_id, rests):
    return OrderReplaced(order_id, None, "a", "X", "5", "11", "PENDING", "0", "5", rests, [])


def restated(order_id, rests):
    return OrderRestated(order_id, "a", "X", "BUY", "refreshed", "5", "PENDING", "0", "5", rests, [])


def canceled(order_id):
    return OrderCanceled(order_id, "a", "X", "requested", "CANCELED", "0", "0", "5", [])


IN = created("1", rests=Rests("10", "5", 1))


@pytest.mark.parametrize(
    ("sentence", "events", "bids"),
    [
        ("a resting order is a level", [IN], [(10, 5, 1)]),
        ("an order that does not rest is not in the book", [created("1")], []),
        ("two orders of a price are one level", [IN, created("2", rests=Rests("10", "3", 2))], [(10, 8, 2)]),
        ("a part of it may be executed", [IN, executed("1", "BUY", Rests("10", "4", 1))], [(10, 4, 1)]),
        ("an executed order is out", [IN, executed("1", "BUY", None)], []),
        ("an order may rest after its first fills", [created("1"), executed("1", "BUY", Rests("10", "4", 1))],
         [(10, 4, 1)]),
        ("a replaced order moves", [IN, replaced("1", Rests("11", "5", 2))], [(11, 5, 1)]),
        ("a hidden order is not seen", [IN, created("2", rests=Rests("10", "0", 2))], [(10, 5, 1)]),
        ("an iceberg order is out until it displays its next part", [IN, executed("1", "BUY", None)], []),
        (
            "its next part is in, behind the others",
            [IN, executed("1", "BUY", None), restated("1", Rests("10", "2", 7))],
            [(10, 2, 1)],
        ),
        ("a replaced order that trades is out until it rests", [IN, replaced("1", None)], []),
        ("a canceled order is out", [IN, canceled("1")], []),
        ("the end of an order that never rested changes nothing", [IN, created("2"), canceled("2")], [(10, 5, 1)]),
        ("only the place in the queue changes", [IN, replaced("1", Rests("10", "5", 9))], [(10, 5, 1)]),
    ],
)  # fmt: skip
def test_book(sentence, events, bids):
    book = Book("X", Grid("1"), Grid("1"))
    for event in events:
        book.apply(event)
    assert list(book.bids) == bids
    assert list(book.asks) == []


def test_pegged_orders_move_in_one_event_each_behind_the_other():
    book = Book("X", Grid("1"), Grid("1"))
    for event in (IN, created("2", rests=Rests("10", "3", 2)), created("3", rests=Rests("11", "4", 3))):
        book.apply(event)
    moved = book.moved(PegsMoved("i", "X", "BUY", "11", 4, ["2", "hidden", "1"]))
    assert [(order_id, order.price, order.quantity, order.priority) for order_id, order in moved] == [
        ("2", 11, 3, 4),
        ("1", 11, 5, 6),
    ]
    assert list(book.bids) == [(11, 12, 3)]


@pytest.mark.parametrize(
    ("sentence", "events", "told"),
    [
        ("an order that was never seen cannot rest by a replace", [replaced("1", Rests("10", "5", 1))], "never saw it"),
        ("a price off the unit is no price", [created("1", rests=Rests("10.5", "5", 1))], "whole multiple of 1"),
    ],
)
def test_an_event_that_does_not_fit_is_an_error(sentence, events, told):
    book = Book("X", Grid("1"), Grid("1"))
    with pytest.raises(ValueError, match=told):
        for event in events:
            book.apply(event)


def test_an_event_of_an_unlisted_instrument_stops_the_view():
    venue = Venue(Random(1))
    venue.place("AAPL")
    with pytest.raises(ValueError, match="AAPL was never listed"):
        folded(venue.commands)


@given(unit=st.sampled_from(["1", "0.01", "0.005", "0.00000001", "25", "2.5"]), count=st.integers(0, 10**22))
def test_a_grid_counts_as_exact_decimals_do(unit, count):
    grid = Grid(unit)
    text = canonical(decimal(count, Decimal(unit)))
    assert grid.text(count) == text
    assert grid.count(text) == count == units(Decimal(text), Decimal(unit))


@pytest.mark.parametrize(
    "text", ["", "1.", ".5", "-1", "+1", "1e3", "1.003", "0.005000001", " 1", "1,0", "٣", "1_000", "NaN"]
)
def test_a_grid_refuses_what_is_no_whole_multiple(text):
    with pytest.raises(NotExact):
        Grid("0.005").count(text)


def test_every_event_of_the_engine_is_folded_or_skipped_by_name():
    assert {kind.__name__ for kind in TYPES} == MARKET_EVENTS | SKIPPED_EVENTS
    assert not MARKET_EVENTS & SKIPPED_EVENTS


def test_an_event_of_the_engine_that_nobody_knows_stops_the_view():
    venue = Venue(Random(1))
    venue.list_instruments()
    event = recorded(venue.commands)[0][0]
    with pytest.raises(ValueError, match="SplitDeclared at main:1 is unknown to the market view"):
        MarketView().apply(msgspec.structs.replace(event, event_type="SplitDeclared"))
