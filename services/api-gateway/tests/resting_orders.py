"""An order service behind the gateway, written by hand: every order rests."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from kernel.refused import Kind, Refused
from trading.v1 import engine_pb2, trading_pb2, types_pb2
from trading.v1.trading_pb2_grpc import OrderServiceServicer

from .services import ACCOUNT, NOW_NS, at


class Orders(OrderServiceServicer):
    """Every order rests; `refuse` makes the next ones be rejected, `faults` be answered with an exception."""

    def __init__(self) -> None:
        self.orders: dict[str, types_pb2.Order] = {}
        self.outcomes: dict[str, tuple[bytes, engine_pb2.CommandResult]] = {}
        self.submitted: list[trading_pb2.SubmitRequest] = []
        self.asked: list[Any] = []
        self.refuse = ""
        self.fault: Exception | None = None
        self.readers: list[asyncio.Queue[trading_pb2.StreamOrdersResponse]] = []
        self.streams_opened = 0

    async def Submit(self, request: trading_pb2.SubmitRequest, context: Any) -> trading_pb2.SubmitResponse:
        if self.fault is not None:
            raise self.fault
        self.submitted.append(request)
        return trading_pb2.SubmitResponse(
            results=[
                self._decide("" if request.by_administrator else request.user_id, each) for each in request.requests
            ]
        )

    def _decide(self, user_id: str, request: trading_pb2.OrderRequest) -> engine_pb2.CommandResult:
        match request.WhichOneof("body"):
            case "place":
                return self._place(user_id, request.place, request.place.client_order_id or request.idempotency_key)
            case "cancel":
                return self._cancel(user_id, request.cancel.order_id)
            case "replace":
                return self._replace(user_id, request.replace)
            case "mass_cancel":
                return self._cancel_all(request.mass_cancel)
            case _:
                return self._cancel_all(request.cancel_all)

    def _place(self, user_id: str, place: engine_pb2.PlaceOrder, key: str) -> engine_pb2.CommandResult:
        body = place.SerializeToString(deterministic=True)
        if key in self.outcomes:
            known, result = self.outcomes[key]
            if known != body:
                return engine_pb2.CommandResult(refused="command_id_reused", refused_kind="unprocessable")
            again = engine_pb2.CommandResult()
            again.CopyFrom(result)
            again.first_time = False
            return again
        if place.symbol == "NOPE":
            return engine_pb2.CommandResult(refused="unknown_instrument", refused_kind="not_found", message="None.")
        number = len(self.orders) + 1
        order = types_pb2.Order(
            id=f"6f726472-0001-8000-8000-{number:012x}",
            client_order_id=place.client_order_id,
            account_id=place.account_id or ACCOUNT,
            user_id=user_id,
            symbol=place.symbol,
            side=place.side,
            type=place.type,
            time_in_force=place.time_in_force,
            status=types_pb2.ORDER_STATUS_REJECTED if self.refuse else types_pb2.ORDER_STATUS_PENDING,
            quantity=place.quantity,
            price=place.price,
            protection_price=place.protection_price,
            cum_quantity="0",
            leaves_quantity=place.quantity,
            reason=self.refuse,
            cum_notional="0",
            version=1,
            created_at_ns=NOW_NS,
            updated_at_ns=NOW_NS,
            terms=place.terms if place.HasField("terms") else None,
        )
        self.orders[order.id] = order
        result = engine_pb2.CommandResult(first_time=True, position=at(number), aggregate_id=order.id, order=order)
        if self.refuse:
            result.refused, result.refused_kind, result.message = self.refuse, "not_found", "The core says no."
        if key:
            self.outcomes[key] = (body, result)
        return result

    def _own(self, user_id: str, order_id: str) -> types_pb2.Order | None:
        order = self.orders.get(order_id)
        return order if order is not None and user_id in ("", order.user_id) else None

    def _cancel(self, user_id: str, order_id: str) -> engine_pb2.CommandResult:
        order = self._own(user_id, order_id)
        if order is None:
            return engine_pb2.CommandResult(refused="order_not_found", refused_kind="not_found", message="None.")
        if order.status == types_pb2.ORDER_STATUS_CANCELED:
            return engine_pb2.CommandResult(refused="order_closed", refused_kind="conflict", message="Closed.")
        order.status = types_pb2.ORDER_STATUS_CANCELED
        return engine_pb2.CommandResult(first_time=True, position=at(90), aggregate_id=order.id)

    def _replace(self, user_id: str, replace: trading_pb2.ReplaceRequest) -> engine_pb2.CommandResult:
        order = self._own(user_id, replace.order_id)
        if order is None:
            return engine_pb2.CommandResult(refused="order_not_found", refused_kind="not_found", message="None.")
        order.quantity = replace.quantity or order.quantity
        order.price = replace.price or order.price
        return engine_pb2.CommandResult(first_time=True, position=at(91), aggregate_id=order.id)

    def _cancel_all(self, wanted: engine_pb2.CancelAllOrders) -> engine_pb2.CommandResult:
        canceled = 0
        for order in self.orders.values():
            if order.status == types_pb2.ORDER_STATUS_PENDING and wanted.symbol in ("", order.symbol):
                order.status = types_pb2.ORDER_STATUS_CANCELED
                canceled += 1
        return engine_pb2.CommandResult(
            first_time=True, position=at(92), aggregate_id=wanted.account_id or ACCOUNT, canceled_orders=canceled
        )

    async def FindOrder(self, request: trading_pb2.FindOrderRequest, context: Any) -> trading_pb2.FindOrderResponse:
        self.asked.append(request)
        order = self._own(request.user_id, request.order_id)
        if request.client_order_id:
            order = next((o for o in self.orders.values() if o.client_order_id == request.client_order_id), None)
        if order is None:
            raise Refused("order_not_found", "There is no such order of yours.", Kind.NOT_FOUND)
        return trading_pb2.FindOrderResponse(order=order, position=at(99))

    async def ListOrders(self, request: trading_pb2.ListOrdersRequest, context: Any) -> trading_pb2.ListOrdersResponse:
        self.asked.append(request)
        newest_first = [order for order in reversed(self.orders.values()) if request.user_id in ("", order.user_id)]
        return trading_pb2.ListOrdersResponse(
            orders=newest_first[: request.limit],
            next_cursor=newest_first[request.limit - 1].id if len(newest_first) > request.limit else "",
            position=at(99),
        )

    async def StreamOrders(
        self, request: trading_pb2.StreamOrdersRequest, context: Any
    ) -> AsyncIterator[trading_pb2.StreamOrdersResponse]:
        self.streams_opened += 1
        frames: asyncio.Queue[trading_pb2.StreamOrdersResponse] = asyncio.Queue()
        self.readers.append(frames)
        yield trading_pb2.StreamOrdersResponse(
            account_id=ACCOUNT,
            snapshot=True,
            first_seq=4,
            seq=4,
            position=at(40),
            time_ns=NOW_NS,
            balances=[trading_pb2.Balance(asset="USD", balance="100", hold="10", available="90")],
        )
        while True:
            yield await frames.get()

    async def GetViewPosition(self, request: Any, context: Any) -> trading_pb2.GetViewPositionResponse:
        if self.fault is not None:
            raise self.fault
        return trading_pb2.GetViewPositionResponse(position=at(99))
