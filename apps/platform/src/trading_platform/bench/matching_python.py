"""The order book of the `matching` package from Python: a call an order, and buffers of 1,024; against bourse.

One list of 200,000 operations for all: a little more than half enter an order near the middle, the others cancel one
that came in earlier and may be gone. What was traded must be the same everywhere, or the figures mean nothing.
"""

from collections.abc import Callable
from importlib import util
from statistics import median

from kernel.runtime import Runtime
from matching.order_book import OrderBook, Side, Told, pack_cancel, pack_submit, unpack_reports
from trading_platform.bench.report import Result, per_second

OPERATIONS = 200_000
BATCH = 1_024
BATCH_CASE, CALL_CASE, BOURSE_CASE = CASES = ("python-batch", "python-per-call", "bourse")
WANTED = {BATCH_CASE: "5 M/s", CALL_CASE: "1.2 M/s"}
MID, REACH, LOTS_MAX = 50_000, 10, 100
ENTERING_PERCENT = 55
BUY, SELL = Side.BUY, Side.SELL
RATE, RATIO = "operations/s", "thousandths"

Enter = tuple[bool, int, int, int]  # is a bid, price, quantity, owner; its id is how many came in before
Operation = Enter | int  # or the id of an order to cancel


class Differs(Exception):
    """Two books traded differently; the message says how much."""


class NoRival(Exception):
    """bourse is not installed."""


def run(runtime: Runtime, case: str, runs: int) -> list[Result]:
    """The figures of one case, each a median. Differs if what was traded differs, NoRival where bourse is asked for and
    is not there."""
    if case == BOURSE_CASE and util.find_spec("bourse") is None:
        raise NoRival("bourse is not installed: `uv sync --all-packages --group rivals` installs it")
    operations = make_operations(OPERATIONS)
    if case == BATCH_CASE:
        return [_result(case, measure(runtime, operations, runs, Batches)[0])]
    if case == CALL_CASE:
        return [_result(case, measure(runtime, operations, runs, Calls)[0])]
    return _against_bourse(runtime, operations, runs)


def _against_bourse(runtime: Runtime, operations: list[Operation], runs: int) -> list[Result]:
    measured = {who: measure(runtime, operations, runs, who) for who in (Bourse, BourseAtOneTime, Calls, Batches)}
    traded = {who.__name__: lots for who, (_, lots) in measured.items() if who is not BourseAtOneTime}
    if len(set(traded.values())) != 1:
        raise Differs(f"lots traded: {traded}")
    timed, at_one_time, calls, batches = (rate for rate, _ in measured.values())
    return [
        _result("bourse-per-call", timed),
        _result("per-call-against-bourse", calls * 1_000 // timed, RATIO, "1.1 times"),
        _result("batch-against-bourse", batches * 1_000 // timed, RATIO, "4 times"),
        _result("bourse-per-call-at-one-time", at_one_time),
        _result("per-call-against-bourse-at-one-time", calls * 1_000 // at_one_time, RATIO),
        _result("batch-against-bourse-at-one-time", batches * 1_000 // at_one_time, RATIO),
    ]


def _result(case: str, value: int, unit: str = RATE, reference: str = "") -> Result:
    return Result("matching", case, value, unit, reference or WANTED.get(case, ""))


def measure(
    runtime: Runtime, operations: list[Operation], runs: int, who: Callable[[list[Operation]], "Driver"]
) -> tuple[int, int]:
    """Operations a second, the median of `runs` after one that warms up, and the lots traded in one."""
    took = []
    for number in range(runs + 1):
        driver = who(operations)
        started = runtime.monotonic_ns()
        driver.run()
        if number:
            took.append(runtime.monotonic_ns() - started)
    return per_second(len(operations), int(median(took))), driver.traded()


def make_operations(count: int) -> list[Operation]:
    """The same every time: drawn by a linear congruence."""
    state, entered = 7, 0
    operations: list[Operation] = []

    def below(bound: int) -> int:
        nonlocal state
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % (1 << 64)
        return (state >> 33) % bound

    for _ in range(count):
        if below(100) < ENTERING_PERCENT or not entered:
            is_bid, away = below(2) == 0, below(100)
            price = MID + REACH - away if is_bid else MID - REACH + away
            operations.append((is_bid, price, 1 + below(LOTS_MAX), 1 + below(1_000)))
            entered += 1
        else:
            operations.append(below(entered))
    return operations


class Driver:
    """Whoever does all operations: what `run` needs is made before it."""

    def run(self) -> None:
        raise NotImplementedError

    def traded(self) -> int:
        """Lots."""
        raise NotImplementedError


class Calls(Driver):
    """A call an operation, whose reports Python gets as objects and lets go."""

    def __init__(self, operations: list[Operation]) -> None:
        self._operations = operations
        self._book = OrderBook()

    def run(self) -> None:
        submit, cancel = self._book.submit, self._book.cancel
        entered = 0
        for operation in self._operations:
            if isinstance(operation, int):
                cancel(operation)
            else:
                is_bid, price, quantity, owner = operation
                submit(entered, BUY if is_bid else SELL, price, quantity, owner)
                entered += 1

    def traded(self) -> int:
        """The same operations once more, listening."""
        book, entered, lots = OrderBook(), 0, 0
        for operation in self._operations:
            if isinstance(operation, int):
                book.cancel(operation)
                continue
            is_bid, price, quantity, owner = operation
            reports = book.submit(entered, BUY if is_bid else SELL, price, quantity, owner)
            entered += 1
            lots += sum(report.quantity for report in reports if report.told == Told.TRADED)
        return lots


class Batches(Driver):
    """Buffers of 1,024 commands, and the reports as buffers."""

    def __init__(self, operations: list[Operation]) -> None:
        self._book = OrderBook()
        self._reports: list[bytes] = []
        records, entered = [], 0
        for operation in operations:
            if isinstance(operation, int):
                records.append(pack_cancel(operation))
            else:
                is_bid, price, quantity, owner = operation
                records.append(pack_submit(entered, BUY if is_bid else SELL, price, quantity, owner))
                entered += 1
        self._batches = [b"".join(records[at : at + BATCH]) for at in range(0, len(records), BATCH)]

    def run(self) -> None:
        apply, keep = self._book.apply, self._reports.append
        for batch in self._batches:
            keep(apply(batch))

    def traded(self) -> int:
        rows = (row for reports in self._reports for row in unpack_reports(reports))
        return sum(row.quantity for row in rows if row.told is Told.TRADED)


class Bourse(Driver):
    """The same through bourse, a call an operation; its ids count orders from 0 too.

    Its clock must move: of two orders of one price and one time it keeps one.
    """

    def __init__(self, operations: list[Operation]) -> None:
        import bourse  # an optional dependency of the benchmark

        self._operations = operations
        self._book = bourse.core.OrderBook(0, 1, True)

    def run(self) -> None:
        place, cancel, set_time = self._book.place_order, self._book.cancel_order, self._book.set_time
        for time, operation in enumerate(self._operations):
            set_time(time)
            if isinstance(operation, int):
                cancel(operation)
            else:
                is_bid, price, quantity, owner = operation
                place(is_bid, quantity, owner, price)

    def traded(self) -> int:
        return sum(trade[3] for trade in self._book.get_trades())


class BourseAtOneTime(Bourse):
    """Without the clock's calls it is faster, and loses orders: what was traded is not compared."""

    def run(self) -> None:
        place, cancel = self._book.place_order, self._book.cancel_order
        for operation in self._operations:
            if isinstance(operation, int):
                cancel(operation)
            else:
                is_bid, price, quantity, owner = operation
                place(is_bid, quantity, owner, price)
