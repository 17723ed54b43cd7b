"""The replay: a client that sends a LOBSTER day to order-service and compares market-data's book with every row.

Each execution message is one immediate-or-cancel order of the taker's account, so that the book after every message can
be compared.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, assert_never

from kernel.ids import derived_id
from kernel.money import canonical
from kernel.runtime import Runtime
from trading.v1 import engine_pb2, market_data_pb2, trading_pb2, types_pb2
from trading.v1.engine_pb2_grpc import EngineServiceStub
from trading.v1.market_data_pb2_grpc import MarketDataServiceStub
from trading.v1.trading_pb2_grpc import OrderServiceStub
from trading_platform.lobster import day
from trading_platform.lobster.day import Day, Levels
from trading_platform.lobster.plan import Action, MustWait, Plan, Step
from trading_platform.lobster.sweep import Sweeps

REQUESTS_MAX = 250
IN_FLIGHT_MAX = 4
SUBMIT_DEADLINE_S = 60.0
USER = "lobster-replay"
SHARES = "1000000000"
DOLLARS = "1000000000000"
OPEN_ORDERS_MAX = 1_000_000

Progress = Callable[[int, int], None]


class ReplayFailed(Exception):
    """The platform refused what the day needs; the message says what and at which message."""


@dataclass
class Outcome:
    """Counts of one replay. first_difference: the first row that differs, for people."""

    rows: int = 0
    rows_equal: int = 0
    executions: int = 0
    executions_known: int = 0
    executions_expected: int = 0
    commands: int = 0
    first_difference: str = ""


class Sent(NamedTuple):
    """A request under way, or none where a message changes nothing; `ends_row`: the book must then equal the row."""

    number: int
    step: Step | None
    ends_row: bool


class Replay:
    """One day on one platform. `run` is the whole story."""

    def __init__(self, runtime: Runtime, sample: Day, channels: Callable[[str], Any], progress: Progress) -> None:
        self._runtime = runtime
        self._day = sample
        self._orders = OrderServiceStub(channels("order-service"))
        self._market_data = MarketDataServiceStub(channels("market-data"))
        self._engine = EngineServiceStub(channels("trading-engine"))
        self._progress = progress
        self._plan = Plan(sample.rows[0])
        self._outcome = Outcome(rows=len(sample.rows))
        self._tick = Decimal(sample.price_step) / day.PRICE_PER_DOLLAR
        self._prices: dict[int, str] = {}
        self._names: dict[str, str] = {}  # order id -> client order id
        self._maker = self._taker = ""
        self._gathered: list[Sent] = []
        self._flights: deque[tuple[asyncio.Task[trading_pb2.SubmitResponse], list[Sent]]] = deque()
        self._row_ends: asyncio.Queue[tuple[int, int] | None] = asyncio.Queue()  # row, position of its last command
        self._sweeps = Sweeps(sample.messages)
        self._position = 0

    async def run(self) -> Outcome:
        self._position = await self._open()
        comparing = self._runtime.spawn(self._compare(self._position), "comparing")
        try:
            await self._send()
            self._row_ends.put_nowait(None)
            await comparing
        finally:
            comparing.cancel()
        self._outcome.executions = self._sweeps.executions
        self._outcome.executions_known, self._outcome.executions_expected = self._sweeps.known_and_expected()
        return self._outcome

    async def state_hash(self) -> str:
        answer: engine_pb2.GetStateHashResponse = await self._engine.GetStateHash(engine_pb2.GetStateHashRequest())
        return answer.state_hash

    @property
    def seeded(self) -> int:
        return self._plan.seeded

    @property
    def dropped(self) -> int:
        return self._plan.dropped

    # ---- before the first row

    async def _open(self) -> int:
        """List the instrument, open and fill a maker's and a taker's account; returns the log's position."""
        stamp_ns = self._day.messages[0].time_ns
        number = 0

        async def execute(**body: Any) -> engine_pb2.CommandResult:
            nonlocal number
            number += 1
            command = engine_pb2.Command(
                command_id=derived_id("lobster-replay", str(number)),
                correlation_id="lobster-replay",
                source_time_ns=stamp_ns,
                **body,
            )
            answer: engine_pb2.ExecuteResponse = await self._engine.Execute(engine_pb2.ExecuteRequest(command=command))
            result = answer.result
            if result.refused:
                raise ReplayFailed(f"{command.WhichOneof('body')}: {result.refused}: {result.message}")
            return result

        symbol = self._day.symbol
        currency, security = engine_pb2.ASSET_KIND_CURRENCY, engine_pb2.ASSET_KIND_SECURITY
        await execute(list_asset=engine_pb2.ListAsset(asset="USD", scale=10, kind=currency))
        await execute(list_asset=engine_pb2.ListAsset(asset=symbol, scale=0, kind=security))
        terms = engine_pb2.ListInstrument(
            symbol=symbol,
            base=symbol,
            quote="USD",
            price_unit=canonical(self._tick),
            lot_unit="1",
            max_price="1000000",
            max_quantity="10000000",
            protection="0.1",
            calendar="manual",
        )
        await execute(list_instrument=terms)
        accounts = []
        for _ in range(2):
            opened = await execute(open_account=engine_pb2.OpenAccount(user_id=USER))
            account_id = opened.aggregate_id
            accounts.append(account_id)
            await execute(deposit=engine_pb2.Deposit(account_id=account_id, asset="USD", amount=DOLLARS))
            await execute(deposit=engine_pb2.Deposit(account_id=account_id, asset=symbol, amount=SHARES))
            limits = engine_pb2.ChangeLimits(account_id=account_id, max_open_orders=OPEN_ORDERS_MAX)
            last = await execute(change_limits=limits)
        self._maker, self._taker = accounts
        return last.position.position

    # ---- sending

    async def _send(self) -> None:
        self._gather(0, self._plan.opening)
        for number in range(1, len(self._day.messages)):
            message, row = self._day.messages[number], self._day.rows[number]
            try:
                steps = self._plan.steps(message, row)
            except MustWait:
                await self._flush(0)
                steps = self._plan.steps(message, row)
            if message.kind == day.EXECUTION:
                self._sweeps.expect(number, self._plan.known(message))
            self._gather(number, steps)
            if len(self._gathered) >= REQUESTS_MAX:
                await self._flush(IN_FLIGHT_MAX - 1)
        await self._flush(0)

    def _gather(self, number: int, steps: list[Step]) -> None:
        for at, step in enumerate(steps, 1):
            self._gathered.append(Sent(number, step, at == len(steps)))
        if not steps:
            self._gathered.append(Sent(number, None, True))

    async def _flush(self, under_way_max: int) -> None:
        """Send what is gathered, then take answers until at most so many submissions are under way."""
        if self._gathered:
            sent, self._gathered = self._gathered, []
            requests = [self._request(one.number, one.step) for one in sent if one.step is not None]
            self._outcome.commands += len(requests)
            self._flights.append((self._runtime.spawn(self._submit(requests), "submission"), sent))
        while len(self._flights) > under_way_max:
            task, sent = self._flights.popleft()
            results = iter((await task).results)
            for one in sent:
                if one.step is not None:
                    self._told(one.number, one.step, next(results))
                if one.ends_row:
                    self._row_ends.put_nowait((one.number, self._position))
            self._progress(sent[-1].number + 1, self._outcome.rows)

    async def _submit(self, requests: list[trading_pb2.OrderRequest]) -> trading_pb2.SubmitResponse:
        if not requests:
            return trading_pb2.SubmitResponse()
        request = trading_pb2.SubmitRequest(user_id=USER, correlation_id=USER, requests=requests)
        response: trading_pb2.SubmitResponse = await self._orders.Submit(request, timeout=SUBMIT_DEADLINE_S)
        return response

    def _told(self, number: int, step: Step, result: engine_pb2.CommandResult) -> None:
        if result.refused:
            raise ReplayFailed(f"message {number + 1}: {step} was refused: {result.refused}: {result.message}")
        self._position = result.position.position
        if step.action is Action.PLACE:
            self._names[result.aggregate_id] = step.name
        elif step.action is Action.EXECUTE:
            fills = Counter[str]()
            for fill in result.fills:
                fills[self._names[fill.resting_order_id]] += int(fill.quantity)
            self._plan.filled(self._day.messages[number], fills)
            self._sweeps.filled(number, fills)

    def _request(self, number: int, step: Step) -> trading_pb2.OrderRequest:
        stamp_ns = self._day.messages[number].time_ns
        key = f"{number}/{step.action.value}/{step.name}"
        match step.action:
            case Action.PLACE | Action.EXECUTE:
                rests = step.action is Action.PLACE
                place = engine_pb2.PlaceOrder(
                    account_id=self._maker if rests else self._taker,
                    symbol=self._day.symbol,
                    side=types_pb2.SIDE_BUY if step.side == day.BUY else types_pb2.SIDE_SELL,
                    type=types_pb2.ORDER_TYPE_LIMIT,
                    time_in_force=types_pb2.TIME_IN_FORCE_GTC if rests else types_pb2.TIME_IN_FORCE_IOC,
                    quantity=str(step.quantity),
                    price=self._price(step.price),
                    client_order_id=step.name,
                )
                return trading_pb2.OrderRequest(idempotency_key=key, source_time_ns=stamp_ns, place=place)
            case Action.CANCEL:
                cancel = trading_pb2.CancelRequest(account_id=self._maker, client_order_id=step.name)
                return trading_pb2.OrderRequest(idempotency_key=key, source_time_ns=stamp_ns, cancel=cancel)
            case Action.REDUCE:
                replace = trading_pb2.ReplaceRequest(
                    account_id=self._maker, client_order_id=step.name, quantity=str(step.quantity)
                )
                return trading_pb2.OrderRequest(idempotency_key=key, source_time_ns=stamp_ns, replace=replace)
            case _:
                assert_never(step.action)

    def _price(self, price: int) -> str:
        text = self._prices.get(price)
        if text is None:
            text = self._prices[price] = canonical(Decimal(price) / day.PRICE_PER_DOLLAR)
        return text

    # ---- comparing

    async def _compare(self, start: int) -> None:
        """After the last command of each message, market-data's best levels must be the row."""
        asked = market_data_pb2.StreamTopOfBookRequest(
            symbol=self._day.symbol,
            depth=self._day.depth,
            after=types_pb2.LogPosition(log="main", position=start),
        )
        stream = aiter(self._market_data.StreamTopOfBook(asked))
        frames: deque[market_data_pb2.TopOfBook] = deque()
        book, covered = market_data_pb2.TopOfBook(), start
        while (end := await self._row_ends.get()) is not None:
            number, position = end
            while covered < position:
                response = await anext(stream)
                frames.extend(response.frames)
                covered = response.covered.position
            while frames and frames[0].position.position <= position:
                book = frames.popleft()
            if self._equal(book, self._day.rows[number]):
                self._outcome.rows_equal += 1
            elif not self._outcome.first_difference:
                self._outcome.first_difference = f"row {number + 1}: expected {self._day.rows[number]}, got {book}"

    def _equal(self, book: market_data_pb2.TopOfBook, row: Levels) -> bool:
        return self._same(book.bids, row.bids) and self._same(book.asks, row.asks)

    def _same(self, levels: Sequence[market_data_pb2.Level], expected: tuple[tuple[int, int], ...]) -> bool:
        return len(levels) == len(expected) and all(
            level.price == self._price(price) and level.quantity == str(size)
            for level, (price, size) in zip(levels, expected, strict=True)
        )
