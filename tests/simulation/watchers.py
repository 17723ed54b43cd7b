"""Readers of the live streams: what they saw must be contiguous, and what the log says at that seq."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from kernel.refused import Kind, Refused
from kernel.simulation.network import Network
from tests.simulation.ledger import Ledger, Levels
from trading.v1 import market_data_pb2, trading_pb2
from trading.v1.market_data_pb2_grpc import MarketDataServiceStub
from trading.v1.trading_pb2_grpc import OrderServiceStub

AGAIN_S = 0.5


class Watcher:
    """Follows one stream for ever, from a new snapshot whenever it breaks."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.frames = 0
        self._name = type(self).__name__

    async def follow(self) -> None:
        while True:
            try:
                await self._read(self._open())
            except Refused as refused:
                # The instrument and the account come up while everything starts.
                if refused.kind not in (Kind.UNAVAILABLE, Kind.RATE_LIMITED, Kind.NOT_FOUND):
                    raise
            await asyncio.sleep(AGAIN_S)

    async def _read(self, frames: AsyncIterator[Any]) -> None:
        seq: int | None = None
        async for frame in frames:
            self.frames += 1
            if (seq is None) != frame.snapshot:
                self.wrong.append(f"{self._name}: a snapshot comes first, and only first: {seq}, {frame.seq}")
            if seq is not None and not seq + 1 == frame.first_seq <= frame.seq:
                self.wrong.append(f"{self._name}: after seq {seq} came {frame.first_seq} to {frame.seq}")
            seq = frame.seq
            self._take(frame)

    def _open(self) -> AsyncIterator[Any]:
        raise NotImplementedError

    def _take(self, frame: Any) -> None:
        raise NotImplementedError


class BookWatcher(Watcher):
    """The whole book of an instrument; remembers how it looked at each seq."""

    def __init__(self, network: Network, symbol: str) -> None:
        super().__init__()
        self._market = MarketDataServiceStub(network.channel("market-data"))
        self._symbol = symbol
        self._sides: dict[str, dict[Decimal, tuple[Decimal, int]]] = {}
        self.saw: dict[int, Levels] = {}

    def _open(self) -> AsyncIterator[Any]:
        asked = market_data_pb2.StreamChannelRequest(channel="book", symbol=self._symbol)
        return aiter(self._market.StreamChannel(asked))

    def _take(self, frame: market_data_pb2.StreamChannelResponse) -> None:
        if frame.snapshot:
            self._sides = {"bids": {}, "asks": {}}
        for name, side in self._sides.items():
            for level in getattr(frame, name):
                side[Decimal(level.price)] = (Decimal(level.quantity), level.orders)
            self._sides[name] = {price: level for price, level in side.items() if level[0]}
        bids = tuple((price, *self._sides["bids"][price]) for price in sorted(self._sides["bids"], reverse=True))
        asks = tuple((price, *self._sides["asks"][price]) for price in sorted(self._sides["asks"]))
        if self.saw.setdefault(frame.seq, (bids, asks)) != (bids, asks):
            self.wrong.append(f"the book of {self._symbol} at seq {frame.seq} looked different before")

    def check(self, ledger: Ledger) -> list[str]:
        books = ledger.books[self._symbol]
        for seq, levels in self.saw.items():
            if seq >= len(books) or books[seq] != levels:
                self.wrong.append(f"the book of {self._symbol} at seq {seq} was shown as {levels}")
        return self.wrong


class AccountWatcher(Watcher):
    """An account's stream; every order that it shows has that many events, and each comes once."""

    def __init__(self, network: Network, user_id: str, account_id: str) -> None:
        super().__init__()
        self._orders = OrderServiceStub(network.channel("order-service"))
        self._user_id = user_id
        self._account_id = account_id
        self._balances: dict[str, tuple[Decimal, Decimal]] = {}

    def _open(self) -> AsyncIterator[Any]:
        asked = trading_pb2.StreamOrdersRequest(user_id=self._user_id, account_id=self._account_id)
        return aiter(self._orders.StreamOrders(asked))

    def _take(self, frame: trading_pb2.StreamOrdersResponse) -> None:
        if frame.snapshot:
            self._balances = {}
        for row in frame.balances:
            self._balances[row.asset] = (Decimal(row.balance), Decimal(row.hold))

    def check(self, ledger: Ledger) -> list[str]:
        """At rest the stream has told the account's last balances."""
        for asset, told in self._balances.items():
            key = (self._account_id, asset)
            if told != (ledger.balances[key], ledger.holds[key]):
                self.wrong.append(f"the stream of {self._user_id} ends with {asset} at {told}, not as the log has it")
        return self.wrong
