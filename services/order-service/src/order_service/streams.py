"""Live streams of accounts: a snapshot of the open orders, then every change with a contiguous seq."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from kernel.event import Event
from kernel.projection import Projection
from kernel.refused import Kind, Refused
from order_service.settings import OrderServiceSettings
from order_service.views import Change, OrdersView
from order_service.wire import balance_message, event_message, order_message
from trading.v1 import trading_pb2, types_pb2

SNAPSHOT_ORDERS_MAX = 1_000

Frames = asyncio.Queue[trading_pb2.StreamOrdersResponse | None]


class AccountStreams:
    """Fans a batch's changes out to the readers of the accounts that it touched."""

    def __init__(self, view: OrdersView, projection: Projection, log_name: str, settings: OrderServiceSettings) -> None:
        self._view = view
        self._projection = projection
        self._log_name = log_name
        self._frames_max = settings.subscriber_frames_max
        self._readers: dict[str, dict[Frames, None]] = {}
        self._beginning: list[Callable[[], None]] = []
        projection.on_commit.append(self._publish)

    async def follow(self, account_id: str) -> AsyncIterator[trading_pb2.StreamOrdersResponse]:
        """The account's stream from now on. Refused when the reader is slower than the account trades."""
        queue: Frames = asyncio.Queue()
        await self._projection.reached()
        try:
            yield await self._begin(account_id, queue)
            while (frame := await queue.get()) is not None:
                yield frame
            raise Refused("slow_consumer", "The stream was read too slowly; subscribe again.", Kind.RATE_LIMITED)
        finally:
            readers = self._readers.get(account_id, {})
            readers.pop(queue, None)
            if not readers:
                self._readers.pop(account_id, None)

    async def _begin(self, account_id: str, queue: Frames) -> trading_pb2.StreamOrdersResponse:
        """Attach the reader and make its snapshot, both at a moment when memory and committed rows agree: a change
        that is still being committed comes as a frame."""
        begun: asyncio.Future[trading_pb2.StreamOrdersResponse] = asyncio.get_running_loop().create_future()

        def attach() -> None:
            if not begun.done():
                self._readers.setdefault(account_id, {})[queue] = None
                begun.set_result(self._snapshot(account_id))

        if self._view.is_changing:
            self._beginning.append(attach)
        else:
            attach()
        return await begun

    def _publish(self, events: Sequence[Event]) -> None:
        for account_id, change in self._view.take_changes().items():
            readers = self._readers.get(account_id)
            if not readers:
                continue
            frame = self._update(account_id, change)
            for queue in readers:
                if queue.qsize() >= self._frames_max:
                    queue.put_nowait(None)
                else:
                    queue.put_nowait(frame)
        beginning, self._beginning = self._beginning, []
        for attach in beginning:
            attach()

    def _update(self, account_id: str, change: Change) -> trading_pb2.StreamOrdersResponse:
        return trading_pb2.StreamOrdersResponse(
            account_id=account_id,
            first_seq=change.first_seq,
            seq=change.seq,
            position=self._position(),
            time_ns=change.events[-1].occurred_at_ns,
            orders=[order_message(row) for row in change.orders.values()],
            events=[event_message(event) for event in change.events],
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
