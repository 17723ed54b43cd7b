"""The order-book exercise: twelve scenarios where a crossing order is refused, and two of its optional ones that trade.

The input holds the twelve. The optional ones have an output only; each bears the description of an earlier scenario,
whose input it repeats with trading on.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from matching.command import AssetKind, PostOnly, Side
from trading_platform.conformance.suite import Outcome, read
from trading_platform.conformance.venue import Happened, Listing, Terms, Venue, order_id_of

FUNDS = 1_000_000_000
SIDES = {"B": Side.BUY, "S": Side.SELL}


class Scenario(NamedTuple):
    name: str
    description: str
    lines: list[list[str]]


def run(folder: Path) -> Outcome:
    outcome = Outcome("kraken")
    inputs = list(_scenarios(read(folder / "input_file.csv")))
    for number, expected in enumerate(_scenarios(read(folder / "output_file.csv"))):
        is_optional = number >= len(inputs)
        given = _of_description(inputs, expected.description) if is_optional else inputs[number]
        found = list(_answers(given.lines, is_optional))
        outcome.compare(f"{expected.name}: {expected.description}", expected.lines, found)
    return outcome


def _scenarios(text: str) -> Iterator[Scenario]:
    """Between two names; a line that begins with a number sign and names nothing is a remark."""
    scenario: Scenario | None = None
    for line in text.splitlines():
        word, _, told = line.strip().partition(":")
        if word == "#name":
            if scenario is not None:
                yield scenario
            scenario = Scenario(" ".join(told.split()), "", [])
        elif word == "#descr" and scenario is not None:
            scenario = scenario._replace(description=told.strip())
        elif scenario is not None and line.strip() and not line.startswith("#"):
            scenario.lines.append([field.strip() for field in line.split(",")])
    if scenario is not None:
        yield scenario


def _of_description(scenarios: Iterable[Scenario], description: str) -> Scenario:
    return next(scenario for scenario in scenarios if scenario.description == description)


def _answers(lines: list[list[str]], trades: bool) -> Iterator[list[str]]:
    """The exercise's output for one scenario, which begins with an empty book."""
    exercise = Exercise(next(fields[2] for fields in lines if fields[0] == "N"))
    for fields in lines:
        match fields:
            case ["N", user, _, price, quantity, side, name]:
                yield from exercise.enter(user, name, SIDES[side], int(quantity), int(price), trades)
            case ["C", user, name]:
                yield from exercise.cancel(user, name)
            case ["F"]:
                pass
            case _:
                raise ValueError(f"expected N, C or F with their fields, got {fields}")


class Exercise:
    """One book, and what its users call their orders."""

    def __init__(self, symbol: str) -> None:
        self._venue = Venue()
        self._venue.list_asset("CASH", AssetKind.CURRENCY)
        self._venue.list_asset(symbol, AssetKind.SECURITY)
        self._symbol = symbol
        self._listing: Listing = self._venue.list_instrument(symbol, symbol, "CASH")
        self._accounts: dict[str, int] = {}
        self._orders: dict[tuple[str, str], int] = {}
        self._names: dict[str, tuple[str, str]] = {}

    def enter(self, user: str, name: str, side: Side, quantity: int, price: int, trades: bool) -> Iterator[list[str]]:
        before = self._tops()
        terms = Terms(post_only=None if trades else PostOnly.REJECT)
        events = self._venue.place(self._listing, self._account(user), side, quantity, price, terms)
        self._orders[user, name] = order_id_of(events)
        self._names[events[0].data["order_id"]] = (user, name)
        refused = events[0].kind == "OrderRejected"
        yield ["R" if refused else "A", user, name]
        yield from (self._trade(event) for event in events if event.kind == "TradeExecuted")
        yield from self._changes(before)

    def cancel(self, user: str, name: str) -> Iterator[list[str]]:
        before = self._tops()
        events = self._venue.cancel(self._account(user), self._orders[user, name])
        yield ["A" if events[0].kind == "OrderCanceled" else "R", user, name]
        yield from self._changes(before)

    def _account(self, user: str) -> int:
        if user not in self._accounts:
            account = self._accounts[user] = self._venue.open_account(user)
            for asset in ("CASH", self._symbol):
                self._venue.deposit(account, asset, FUNDS)
        return self._accounts[user]

    def _trade(self, event: Happened) -> list[str]:
        maker, taker = self._names[event.data["maker_order_id"]], self._names[event.data["taker_order_id"]]
        buyer, seller = (taker, maker) if event.data["aggressor_side"] == "BUY" else (maker, taker)
        return ["T", *buyer, *seller, event.data["price"], event.data["quantity"]]

    def _tops(self) -> dict[str, tuple[int, int] | None]:
        return {letter: self._venue.best(self._listing, side) for letter, side in SIDES.items()}

    def _changes(self, before: dict[str, tuple[int, int] | None]) -> Iterator[list[str]]:
        for letter, top in self._tops().items():
            if top != before[letter]:
                yield ["B", letter, *(map(str, top) if top else ("-", "-"))]
