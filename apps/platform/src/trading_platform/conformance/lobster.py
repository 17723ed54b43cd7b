"""Both LOBSTER files through the engine alone: the book after every message, and which orders each execution hit."""

from collections import Counter
from pathlib import Path

from matching import ids
from matching.command import AssetKind, Side
from trading_platform.conformance.suite import Outcome
from trading_platform.conformance.venue import IMMEDIATE, PLAIN, Happened, Terms, Venue, order_id_of
from trading_platform.lobster import day
from trading_platform.lobster.day import Day, Levels, Message
from trading_platform.lobster.plan import Action, Plan, Step
from trading_platform.lobster.sweep import Sweeps

# Levels of the file -> executions on known levels that hit the head of the queue; the exchange itself did not always.
HEADS_MIN = {1: 3_700, 10: 6_584}
DIFFERENCES_TOLD_MAX = 3
FUNDS = 1 << 60


def run(folder: Path) -> list[Outcome]:
    """A suite for each file: its rows, and one case for the executions."""
    names = {levels: f"LOBSTER_SampleFile_GOOG_2012-06-21_{levels}.zip" for levels in HEADS_MIN}
    return [_run_file(f"lobster-{levels}", day.read(folder / name), levels) for levels, name in names.items()]


def _run_file(name: str, sample: Day, levels: int) -> Outcome:
    outcome = Outcome(name)
    replay = Replay(sample)
    for number, row in enumerate(sample.rows):
        replay.apply(number)
        outcome.compare(f"row {number + 1}", row, replay.book())
        if len(outcome.failures) == DIFFERENCES_TOLD_MAX:
            # What follows only repeats it.
            outcome.compare("rows not looked at", 0, len(sample.rows) - number - 1)
            return outcome
    known, expected = replay.sweeps.known_and_expected()
    case = f"at least {HEADS_MIN[levels]} of {known} executions on known levels hit the head of the queue"
    outcome.compare(case, HEADS_MIN[levels], min(expected, HEADS_MIN[levels]))
    return outcome


class Replay:
    """One day: a maker's resting orders, and a taker's immediate order for each execution."""

    def __init__(self, sample: Day) -> None:
        self._day = sample
        self._plan = Plan(sample.rows[0])
        self.sweeps = Sweeps(sample.messages)
        self._venue = Venue()
        self._venue.list_asset("USD", AssetKind.CURRENCY)
        self._venue.list_asset(sample.symbol, AssetKind.SECURITY)
        self._listing = self._venue.list_instrument(sample.symbol, sample.symbol, "USD")
        self._maker, self._taker = (self._venue.open_account(name) for name in ("maker", "taker"))
        for account in (self._maker, self._taker):
            for asset in ("USD", sample.symbol):
                self._venue.deposit(account, asset, FUNDS)
        self._orders: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def apply(self, number: int) -> None:
        """Bring the book from row `number - 1` to row `number`; the first row opens it."""
        if not number:
            for step in self._plan.opening:
                self._do(step)
            return
        message = self._day.messages[number]
        steps = self._plan.steps(message, self._day.rows[number])
        if message.kind == day.EXECUTION:
            self.sweeps.expect(number, self._plan.known(message))
        for step in steps:
            events = self._do(step)
            if step.action is Action.EXECUTE:
                self._filled(number, message, events)

    def book(self) -> Levels:
        bids, asks = self._venue.engine.book(self._listing.instrument_id, self._day.depth)
        step = self._day.price_step
        levels = (tuple((price * step, size) for price, size, _ in side) for side in (bids, asks))
        return Levels(*levels)

    def _filled(self, number: int, message: Message, events: list[Happened]) -> None:
        fills = Counter[str]()
        for event in events:
            if event.kind == "TradeExecuted":
                _, maker = ids.parse(event.data["maker_order_id"])
                fills[self._names[maker]] += int(event.data["quantity"])
        self._plan.filled(message, fills)
        self.sweeps.filled(number, fills)

    def _do(self, step: Step) -> list[Happened]:
        match step.action:
            case Action.PLACE:
                events = self._place(step, self._maker, PLAIN)
                order_id = self._orders[step.name] = order_id_of(events)
                self._names[order_id] = step.name
                return events
            case Action.EXECUTE:
                return self._place(step, self._taker, IMMEDIATE)
            case Action.CANCEL:
                return self._venue.cancel(self._maker, self._orders[step.name])
            case Action.REDUCE:
                return self._venue.replace(self._maker, self._orders[step.name], quantity=step.quantity)

    def _place(self, step: Step, account: int, terms: Terms) -> list[Happened]:
        side = Side.BUY if step.side == day.BUY else Side.SELL
        price = step.price // self._day.price_step
        return self._venue.place(self._listing, account, side, step.quantity, price, terms)
