"""Live streams of accounts: a snapshot of the open orders, then every change with a contiguous seq."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from kernel.event import Event
from kernel.projection import Projection
from kernel.refused import Kind, Refused
from order_service.settings import OrderServiceSettings
from order_service.views import Change, OrdersView, merged
from order_service.wire import balance_message, event_message, order_message
from trading.v1 import trading_pb2, types_pb2

SNAPSHOT_ORDERS_MAX = 1_000


class Reader:
    """What one reader of an account has not been given yet; too much of it ends the stream."""

    def __init__(self, events_max: int) -> None:
        self._events_max = events_max
        self._waiting: list[Change] = []
        self._events = 0
        self._changed = asyncio.Event()
        self._overflowed = False

    def put(self, change: Change) -> None:
        if self._overflowed:
            return
        # One change alone is never too much: it was one batch.
        if self._waiting and self._events + len(change.events) > self._events_max:
            self._overflowed = True
            self._waiting.clear()
        else:
            self._waiting.append(change)
            self._events += len(change.events)
        self._changed.set()

    async def next(self) -> Change:
        """All that has changed since the last call, as soon as there is any."""
        await self._changed.wait()
        if self._overflowed:
            raise Refused("slow_consumer", "The stream was read too slowly; subscribe again.", Kind.RATE_LIMITED)
        change = merged(self._waiting)
        self._waiting.clear()
        self._events = 0
        self._changed.clear()
        return change


class AccountStreams:
    """Fans a batch's changes out to the readers of the accounts that it touched."""

    def __init__(self, view: OrdersView, projection: Projection, log_name: str, settings: OrderServiceSettings) -> None:
        self._view = view
        self._projection = projection
        self._log_name = log_name
        self._events_max = settings.subscriber_events_max
        self._readers: dict[str, dict[Reader, None]] = {}
        self._beginning: list[Callable[[], None]] = []
        projection.on_commit.append(self._publish)

    async def follow(self, account_id: str) -> AsyncIterator[trading_pb2.StreamOrdersResponse]:
        """The account's stream from now on; what changes while the reader is busy comes as one frame. Refused when the
        reader is much slower than the account trades."""
        reader = Reader(self._events_max)
        await self._projection.reached()
        try:
            yield await self._begin(account_id, reader)
            while True:
                yield self._update(account_id, await reader.next())
        finally:
            readers = self._readers.get(account_id, {})
            readers.pop(reader, None)
            if not readers:
                self._readers.pop(account_id, None)

    async def _begin(self, account_id: str, reader: Reader) -> trading_pb2.StreamOrdersResponse:
        """Attach the reader and make its snapshot, both at a moment when memory and committed rows agree: a change
        that is still being committed comes as a frame."""
        begun: asyncio.Future[trading_pb2.StreamOrdersResponse] = asyncio.get_running_loop().create_future()

        def attach() -> None:
            if not begun.done():
                self._readers.setdefault(account_id, {})[reader] = None
                begun.set_result(self._snapshot(account_id))

        if self._view.is_changing:
            self._beginning.append(attach)
        else:
            attach()
        return await begun

    def _publish(self, events: Sequence[Event]) -> None:
        for account_id, change in self._view.take_changes().items():
            for reader in self._readers.get(account_id, ()):
                reader.put(change)
        beginning, self._beginning = self._beginning, []
        for attach in beginning:
            attach()

    def _update(self, account_id: str, change: Change) -> trading_pb2.StreamOrdersResponse:
        account = self._view.accounts.get(account_id)
        assert account is not None, f"what changes the account {account_id} comes after its opening"
        return trading_pb2.StreamOrdersResponse(
            account_id=account_id,
            first_seq=change.first_seq,
            seq=change.seq,
            position=self._position(),
            time_ns=change.events[-1].occurred_at_ns,
            orders=[order_message(row) for row in change.orders.values()],
            events=[event_message(event, account.user_id) for event in change.events],
            balances=[balance_message(row) for row in change.balances.values()],
        )

    def _snapshot(self, account_id: str) -> trading_pb2.StreamOrdersResponse:
        account = self._view.accounts.get(account_id)
        seq = account.seq if account else 0
        rows = self._view.page([account_id], "", True, "", SNAPSHOT_ORDERS_MAX)
        return trading_pb2.StreamOrdersResponse(
            account_id=account_id,
            snapshot=True,
            first_seq=seq,
            seq=seq,
            position=self._position(),
            time_ns=max((row.updated_at_ns for row in rows), default=0),
            orders=[order_message(row) for row in rows],
            balances=[balance_message(row) for row in self._view.balances_of(account_id)],
        )

    def _position(self) -> types_pb2.LogPosition:
        return types_pb2.LogPosition(log=self._log_name, position=self._projection.position)
