"""The order service's servicers: parse, call, render."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from kernel.event import Event
from kernel.eventlog.port import EventLog
from kernel.ids import KIND_ORDER, core_cursor
from kernel.projection import Projection
from kernel.refused import Kind, Refused
from kernel.rpc import correlation_id
from kernel.runtime import Runtime
from order_service.answers import completed
from order_service.execution import executed
from order_service.order import OrderRow
from order_service.outcomes import note
from order_service.owners import Owners
from order_service.settings import OrderServiceSettings
from order_service.streams import AccountStreams
from order_service.submit import AccountOf, command_of, named_accounts, named_orders
from order_service.views import OrdersView
from order_service.wire import event_message, order_message
from trading.v1 import engine_pb2, market_data_pb2, trading_pb2, trading_pb2_grpc, types_pb2

TRACEPARENT_CHARACTERS = 55
ADMINISTRATORS = frozenset({"cancel", "cancel_all", "mass_cancel"})
NOT_FOUND = Refused("order_not_found", "There is no such order of yours.", Kind.NOT_FOUND)


class Orders:
    """What both servicers do: submit to the engine, and read the view at a position."""

    def __init__(
        self,
        runtime: Runtime,
        log: EventLog,
        view: OrdersView,
        projection: Projection,
        engine: Any,
        settings: OrderServiceSettings,
    ) -> None:
        self.runtime = runtime
        self.log = log
        self.view = view
        self.projection = projection
        self.engine = engine
        self.settings = settings

    async def reached(self, at_least: types_pb2.LogPosition) -> None:
        """Wait until the view covers the caller's position; none given means what the view has."""
        if at_least.log and at_least.log != self.log.name:
            raise Refused("unknown_log", f"There is no log {at_least.log}, only {self.log.name}.", Kind.INVALID)
        if at_least.position:
            await self.projection.reached(at_least.position)

    async def submit(self, request: trading_pb2.SubmitRequest) -> list[engine_pb2.CommandResult]:
        began_ns = self.runtime.monotonic_ns()
        results = await self._submit(request)
        note(request, results, self.runtime.monotonic_ns() - began_ns)
        return results

    async def _submit(self, request: trading_pb2.SubmitRequest) -> list[engine_pb2.CommandResult]:
        await self.reached(request.at_least)
        if any(self.view.orders.get(order_id) is None for order_id in named_orders(request)):
            await self.projection.reached()  # a client may name an order that the view has not seen yet
        account_of = await self._account_of(request)
        results: list[engine_pb2.CommandResult | None] = []
        commands: list[engine_pb2.Command] = []
        for asked in request.requests:
            try:
                commands.append(command_of(asked, request, account_of, self.runtime.uuid7()))
                results.append(None)
            except Refused as refused:
                results.append(_refused(refused))
        asked_of_engine = [asked for asked, result in zip(request.requests, results, strict=True) if result is None]
        decided = await executed(self.engine, commands)
        answers = [
            await completed(self.view, self.projection, *one)
            for one in zip(asked_of_engine, commands, decided, strict=True)
        ]
        following = iter(answers)
        return [result if result is not None else next(following) for result in results]

    async def _account_of(self, request: trading_pb2.SubmitRequest) -> AccountOf:
        owners = Owners(self.view, self.projection)
        if not request.by_administrator:
            return await owners.own(request.user_id, named_accounts(request))
        if any(asked.WhichOneof("body") not in ADMINISTRATORS for asked in request.requests):
            raise Refused("forbidden", "An administrator cancels others' orders, and does no more.", Kind.FORBIDDEN)
        return await owners.anyone(named_accounts(request))

    async def find(self, request: trading_pb2.FindOrderRequest) -> OrderRow:
        """The order, if it is the caller's or an administrator asks. Not found is said only at the log's head."""
        await self.reached(request.at_least)
        row = self._look(request)
        if row is None:
            await self.projection.reached()
            row = self._look(request)
        if row is None or request.user_id not in ("", row.user_id):
            raise NOT_FOUND
        return row

    def _look(self, request: trading_pb2.FindOrderRequest) -> OrderRow | None:
        if request.order_id:
            return self.view.orders.get(request.order_id)
        accounts = [request.account_id] if request.account_id else []
        for account_id in accounts or self.view.accounts_of(request.user_id):
            row = self.view.by_client_order_id(account_id, request.client_order_id)
            if row is not None:
                return row
        return None

    def position(self) -> types_pb2.LogPosition:
        return types_pb2.LogPosition(log=self.log.name, position=self.projection.position)


class OrderServicer(trading_pb2_grpc.OrderServiceServicer):
    def __init__(self, orders: Orders, streams: AccountStreams) -> None:
        self._orders = orders
        self._streams = streams

    async def Submit(self, request: trading_pb2.SubmitRequest, context: Any) -> trading_pb2.SubmitResponse:
        return trading_pb2.SubmitResponse(results=await self._orders.submit(request))

    async def FindOrder(self, request: trading_pb2.FindOrderRequest, context: Any) -> trading_pb2.FindOrderResponse:
        row = await self._orders.find(request)
        return trading_pb2.FindOrderResponse(order=order_message(row), position=self._orders.position())

    async def ListOrders(self, request: trading_pb2.ListOrdersRequest, context: Any) -> trading_pb2.ListOrdersResponse:
        orders, cursor = self._orders, core_cursor(KIND_ORDER, request.cursor)
        await orders.reached(request.at_least)
        if not request.at_least.position:
            await orders.projection.reached()  # a list shows what was there when it was asked for
        owners = Owners(orders.view, orders.projection)
        accounts: Sequence[str] = orders.view.accounts_of(request.user_id)
        if request.account_id or not request.user_id:
            named = [request.account_id]
            account_of = await (owners.own(request.user_id, named) if request.user_id else owners.anyone(named))
            accounts = [account_of(request.account_id, "")]
        is_open = {1: True, 2: False}.get(request.state)
        limit = request.limit or orders.settings.page_orders_default
        rows = orders.view.page(accounts, request.symbol, is_open, cursor, limit + 1) if accounts else []
        more = len(rows) > limit
        return trading_pb2.ListOrdersResponse(
            orders=[order_message(row) for row in rows[:limit]],
            next_cursor=rows[limit - 1].order_id if more else "",
            position=orders.position(),
        )

    async def GetOrderHistory(
        self, request: trading_pb2.GetOrderHistoryRequest, context: Any
    ) -> trading_pb2.GetOrderHistoryResponse:
        found = trading_pb2.FindOrderRequest(
            user_id=request.user_id, order_id=request.order_id, at_least=request.at_least
        )
        row = await self._orders.find(found)
        recorded: list[Event] = []
        while more := await self._orders.log.read_stream(row.order_id, len(recorded)):
            recorded += more
        return trading_pb2.GetOrderHistoryResponse(events=[event_message(event, row.user_id) for event in recorded])

    async def StreamOrders(
        self, request: trading_pb2.StreamOrdersRequest, context: Any
    ) -> AsyncIterator[trading_pb2.StreamOrdersResponse]:
        owners = Owners(self._orders.view, self._orders.projection)
        account_of = await owners.own(request.user_id, [request.account_id])
        async for frame in self._streams.follow(account_of(request.account_id, "")):
            yield frame

    async def GetViewPosition(
        self, request: trading_pb2.GetViewPositionRequest, context: Any
    ) -> trading_pb2.GetViewPositionResponse:
        return trading_pb2.GetViewPositionResponse(position=self._orders.position())


class TradingServicer(trading_pb2_grpc.TradingServiceServicer):
    """The platform's trading interface in three calls."""

    def __init__(self, orders: Orders, market_data: Any) -> None:
        self._orders = orders
        self._market_data = market_data

    async def CreateOrder(
        self, request: trading_pb2.CreateOrderRequest, context: Any
    ) -> trading_pb2.CreateOrderResponse:
        submit = trading_pb2.SubmitRequest(
            user_id=request.user_id,
            correlation_id=correlation_id.get(),
            traceparent=_traceparent(context),
            requests=[trading_pb2.OrderRequest(place=request.order)],
        )
        if request.account_id:  # the contract: the same as the order's, if that has one
            submit.requests[0].place.account_id = request.account_id
        (result,) = await self._orders.submit(submit)
        if result.refused:
            raise Refused(result.refused, result.message, Kind(result.refused_kind), order_id=result.order.id)
        return trading_pb2.CreateOrderResponse(
            order=result.order, fills=result.fills, position=result.position, first_time=result.first_time
        )

    async def GetOrder(self, request: trading_pb2.GetOrderRequest, context: Any) -> trading_pb2.GetOrderResponse:
        found = trading_pb2.FindOrderRequest(
            user_id=request.user_id, order_id=request.order_id, at_least=request.at_least
        )
        row = await self._orders.find(found)
        return trading_pb2.GetOrderResponse(order=order_message(row), position=self._orders.position())

    async def StreamMarketData(
        self, request: trading_pb2.StreamMarketDataRequest, context: Any
    ) -> AsyncIterator[trading_pb2.StreamMarketDataResponse]:
        """Top of book of several symbols from now on, as market-data streams it."""
        waiting: asyncio.Queue[market_data_pb2.TopOfBook | Exception] = asyncio.Queue(
            self._orders.settings.subscriber_frames_max
        )
        runtime = self._orders.runtime
        followers = [
            runtime.spawn(self._follow(symbol, request.depth, waiting), f"top of {symbol}")
            for symbol in dict.fromkeys(request.symbols)
        ]
        try:
            while not isinstance(top := await waiting.get(), Exception):
                yield trading_pb2.StreamMarketDataResponse(top=top)
            raise top
        finally:
            for follower in followers:
                follower.cancel()
            await asyncio.gather(*followers, return_exceptions=True)

    async def _follow(
        self, symbol: str, depth: int, waiting: "asyncio.Queue[market_data_pb2.TopOfBook | Exception]"
    ) -> None:
        """Put one symbol's frames, and at last why they ended."""
        try:
            async for response in self._market_data.StreamTopOfBook(
                market_data_pb2.StreamTopOfBookRequest(symbol=symbol, depth=depth)
            ):
                for frame in response.frames:
                    await waiting.put(frame)
            raise Refused("stream_ended", f"The stream of {symbol} ended; subscribe again.", Kind.UNAVAILABLE)
        except Exception as error:
            await waiting.put(error)


def _traceparent(context: Any) -> str:
    """The caller's place in its trace, from the call's metadata; empty if there is none."""
    given = dict(context.invocation_metadata() or ()).get("traceparent", "")
    return given if isinstance(given, str) and len(given) == TRACEPARENT_CHARACTERS else ""


def _refused(refused: Refused) -> engine_pb2.CommandResult:
    return engine_pb2.CommandResult(refused=refused.code, message=refused.message, refused_kind=refused.kind.value)
