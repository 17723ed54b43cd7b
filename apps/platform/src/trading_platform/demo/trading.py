"""Makers that quote around a wandering price, and takers that trade against them; all numbers are ticks and lots.

They use order-service like everyone. One seed gives one course of prices and orders.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from kernel.money import canonical, decimal, parse
from kernel.refused import Refused
from kernel.runtime import Runtime
from trading.v1 import engine_pb2, market_data_pb2, trading_pb2, types_pb2
from trading_platform.demo.instruments import INSTRUMENTS, Listed

if TYPE_CHECKING:
    from trading.v1.trading_pb2_grpc import OrderServiceAsyncStub

QUOTES_OPEN_MAX = 24
QUOTES_A_STEP = 2
MAKERS, TAKERS = 2, 2
FOLLOW_AGAIN_S = 0.5


@dataclass
class Participant:
    """A maker or a taker: its account, and the client order ids of the quotes that still rest."""

    user_id: str
    quotes: dict[str, deque[str]] = field(default_factory=dict)  # by symbol, oldest first


class Trading:
    """session: names this run, so that its client order ids are its own."""

    def __init__(self, runtime: Runtime, orders: OrderServiceAsyncStub, seed: int) -> None:
        self._runtime = runtime
        self._orders = orders
        self._random = Random(seed)
        self._mid = {listed.symbol: listed.start_ticks for listed in INSTRUMENTS}
        self._makers = [Participant(f"demo-maker-{number}") for number in range(1, MAKERS + 1)]
        self._takers = [Participant(f"demo-taker-{number}") for number in range(1, TAKERS + 1)]
        self.session = ""
        self._count = 0

    @property
    def user_ids(self) -> list[str]:
        return [participant.user_id for participant in (*self._makers, *self._takers)]

    async def resume(self, instruments: Sequence[market_data_pb2.Instrument]) -> None:
        """Go on at the last prices, without the quotes of the run before."""
        by_symbol = {instrument.symbol: instrument for instrument in instruments}
        for listed in INSTRUMENTS:
            last = by_symbol[listed.symbol].last_price
            if last:
                self._mid[listed.symbol] = int(parse(last) / parse(listed.tick))
        every = trading_pb2.OrderRequest(cancel_all=engine_pb2.CancelAllOrders())
        for maker in self._makers:
            await self._orders.Submit(trading_pb2.SubmitRequest(user_id=maker.user_id, requests=[every]))

    @asynccontextmanager
    async def following(self) -> AsyncIterator[list[asyncio.Task[None]]]:
        """The makers learn which quotes were hit, until the block ends; a task ends by failing only."""
        tasks = [self._runtime.spawn(self._follow(maker), maker.user_id) for maker in self._makers]
        try:
            yield tasks
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def step(self, source_time_ns: int) -> None:
        """One step of every instrument: prices wander, makers renew some quotes, sometimes a taker trades."""
        for listed in INSTRUMENTS:
            low = listed.start_ticks // 2
            moved = self._mid[listed.symbol] + self._random.randint(-listed.step_ticks, listed.step_ticks)
            self._mid[listed.symbol] = max(low, moved)
        for maker in self._makers:
            requests = [request for listed in INSTRUMENTS for request in self._quotes(maker, listed)]
            await self._submit(maker, requests, source_time_ns)
        taker = self._random.choice(self._takers)
        takes = [self._take(listed) for listed in INSTRUMENTS if self._random.randrange(3) == 0]
        await self._submit(taker, takes, source_time_ns)

    def _quotes(self, maker: Participant, listed: Listed) -> list[trading_pb2.OrderRequest]:
        requests = []
        quotes = maker.quotes.setdefault(listed.symbol, deque())
        while len(quotes) > QUOTES_OPEN_MAX:
            cancel = trading_pb2.CancelRequest(client_order_id=quotes.popleft())
            requests.append(trading_pb2.OrderRequest(cancel=cancel))
        spread = listed.step_ticks
        for side, sign in ((types_pb2.SIDE_BUY, -1), (types_pb2.SIDE_SELL, 1)):
            for _ in range(QUOTES_A_STEP):
                away = 1 + spread + min(self._random.randrange(8 * spread), self._random.randrange(8 * spread))
                placed = self._order(listed, side, self._mid[listed.symbol] + sign * away, types_pb2.TIME_IN_FORCE_GTC)
                quotes.append(placed.place.client_order_id)
                requests.append(placed)
        return requests

    def _take(self, listed: Listed) -> trading_pb2.OrderRequest:
        side, sign = self._random.choice(((types_pb2.SIDE_BUY, 1), (types_pb2.SIDE_SELL, -1)))
        limit = self._mid[listed.symbol] + sign * 6 * listed.step_ticks
        return self._order(listed, side, limit, types_pb2.TIME_IN_FORCE_IOC)

    def _order(
        self, listed: Listed, side: types_pb2.Side.ValueType, ticks: int, time_in_force: types_pb2.TimeInForce.ValueType
    ) -> trading_pb2.OrderRequest:
        self._count += 1
        place = engine_pb2.PlaceOrder(
            symbol=listed.symbol,
            side=side,
            type=types_pb2.ORDER_TYPE_LIMIT,
            time_in_force=time_in_force,
            quantity=canonical(decimal(self._random.randint(1, listed.lots_max), parse(listed.lot))),
            price=canonical(decimal(ticks, parse(listed.tick))),
            client_order_id=f"demo-{self.session}-{self._count}",
        )
        return trading_pb2.OrderRequest(place=place)

    async def _submit(self, who: Participant, requests: list[trading_pb2.OrderRequest], source_time_ns: int) -> None:
        if not requests:
            return
        for request in requests:
            request.source_time_ns = source_time_ns
        submit = trading_pb2.SubmitRequest(user_id=who.user_id, correlation_id="demo", requests=requests)
        response: trading_pb2.SubmitResponse = await self._orders.Submit(submit)
        for result in response.results:
            if result.order.client_order_id and result.order.leaves_quantity == "0":
                self._forget(who, result.order)

    async def _follow(self, maker: Participant) -> None:
        """Learn which quotes were hit, as any client does: from the account's stream."""
        asked = trading_pb2.StreamOrdersRequest(user_id=maker.user_id)
        while True:
            try:
                async for frame in self._orders.StreamOrders(asked):
                    for order in frame.orders:
                        if order.leaves_quantity == "0":
                            self._forget(maker, order)
            except Refused:
                await self._runtime.sleep(FOLLOW_AGAIN_S)

    def _forget(self, who: Participant, order: types_pb2.Order) -> None:
        quotes = who.quotes.get(order.symbol)
        if quotes and order.client_order_id in quotes:
            quotes.remove(order.client_order_id)
