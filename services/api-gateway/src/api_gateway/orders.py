"""Orders: place, replace, cancel, look up. The hot routes of the gateway: plain functions over msgspec and protobuf."""

import msgspec

from api_gateway.call import Call, Reply, encode, reply
from api_gateway.documents import EventJson, OrderJson, order_json, owners_event_json
from api_gateway.new_order import NewOrder, client_order_id, placed, placed_order
from api_gateway.problems import (
    STATUS_OF,
    FieldError,
    FieldsRefused,
    Problem,
    field_refused,
    problem_of,
)
from api_gateway.wire import ABSENT, decoded, optional_decimal, or_none
from kernel.refused import Kind, Refused
from trading.v1.engine_pb2 import CancelAllOrders, CommandResult, MassCancel, PlaceOrder
from trading.v1.trading_pb2 import (
    CancelRequest,
    FindOrderRequest,
    ListOrdersRequest,
    ListOrdersResponse,
    OrderRequest,
    ReplaceRequest,
    SubmitRequest,
)
from trading.v1.types_pb2 import ORDER_STATUS_REJECTED, LogPosition
from trading_events.messages import SIDES

BATCH_ORDERS_MAX = 100

STATES = {
    "all": ListOrdersRequest.STATE_UNSPECIFIED,
    "open": ListOrdersRequest.STATE_OPEN,
    "closed": ListOrdersRequest.STATE_CLOSED,
}


class NewOrderBatch(msgspec.Struct, forbid_unknown_fields=True):
    orders: list[NewOrder]


class OrderReplacement(msgspec.Struct, forbid_unknown_fields=True):
    quantity: msgspec.Raw = ABSENT
    price: msgspec.Raw = ABSENT
    trigger_price: msgspec.Raw = ABSENT
    client_order_id: str | msgspec.UnsetType = msgspec.UNSET


class OrderPage(msgspec.Struct, frozen=True):
    items: list[OrderJson]
    next_cursor: str | None


class EventPage(msgspec.Struct, frozen=True):
    items: list[EventJson]
    next_cursor: str | None


class OrdersCanceled(msgspec.Struct, frozen=True):
    account_id: str
    symbol: str | None
    count: int


class OrderResult(msgspec.Struct, frozen=True, omit_defaults=True):
    status: int
    order: OrderJson | None = None
    problem: Problem | None = None


class OrderBatchResult(msgspec.Struct, frozen=True):
    results: list[OrderResult]


_new_batch = msgspec.json.Decoder(NewOrderBatch)
_replacement = msgspec.json.Decoder(OrderReplacement)


async def _submit(call: Call, requests: list[OrderRequest]) -> list[CommandResult]:
    submitted = await call.platform.orders.Submit(
        SubmitRequest(
            user_id=call.user_id,
            correlation_id=call.request_id,
            requests=requests,
            at_least=call.at_least,
            traceparent=call.traceparent,
        )
    )
    return list(submitted.results)


def _position(result: CommandResult) -> LogPosition | None:
    return result.position if result.HasField("position") else None


def _placing_refusal(result: CommandResult, placed: PlaceOrder) -> Refused:
    """Why an order was not placed: what it names (an instrument) may be missing, the route is not, so 422."""
    if result.refused == "command_id_reused" and not placed.client_order_id:
        return Refused("idempotency_key_reused", "This Idempotency-Key came before with another body; use a new one.")
    refusal = refusal_of(result)
    if refusal.kind in (Kind.NOT_FOUND, Kind.CONFLICT):
        return Refused(refusal.code, refusal.message, Kind.UNPROCESSABLE)
    return refusal


def refusal_of(result: CommandResult) -> Refused:
    """Why the command was refused. An order that was recorded as rejected is 422 with its id."""
    if result.order.id and result.order.status == ORDER_STATUS_REJECTED:
        return Refused(result.refused, result.message, order_id=result.order.id)
    if result.refused == "command_id_reused":
        told = "This client_order_id came before with another body; the first order stands."
        return Refused("client_order_id_reused", told)
    kind = Kind(result.refused_kind) if result.refused_kind else Kind.UNPROCESSABLE
    return Refused(result.refused, result.message, kind)


async def create(call: Call) -> Reply:
    """POST /orders"""
    placed = placed_order(call.body)
    (result,) = await _submit(call, [OrderRequest(idempotency_key=call.idempotency_key, place=placed)])
    if result.refused:
        raise _placing_refusal(result, placed)
    if result.first_time:
        call.platform.orders_created.inc()
    return Reply(201, encode(order_json(result.order)), _position(result))


async def create_batch(call: Call) -> Reply:
    """POST /orders/batch: each order has its own result, in the order given."""
    given = decoded(_new_batch, call.body).orders
    if not 0 < len(given) <= BATCH_ORDERS_MAX:
        raise field_refused("orders", f"must have 1 to {BATCH_ORDERS_MAX} orders")
    requests: list[OrderRequest] = []
    errors: list[FieldError] = []
    for index, one in enumerate(given):
        try:
            key = f"{call.idempotency_key}/{index}" if call.idempotency_key else ""
            requests.append(OrderRequest(idempotency_key=key, place=placed(one, f"orders.{index}.")))
        except FieldsRefused as refused:
            errors.extend(refused.errors)
    if errors:
        raise FieldsRefused(errors)
    results = await _submit(call, requests)
    created = sum(1 for result in results if result.first_time and not result.refused)
    call.platform.orders_created.inc(created)
    rendered = [_batch_result(call, request.place, result) for request, result in zip(requests, results, strict=True)]
    positions = [result.position for result in results if result.HasField("position")]
    newest = max(positions, key=lambda position: position.position, default=None)
    return reply(200, OrderBatchResult(rendered), newest)


def _batch_result(call: Call, placed: PlaceOrder, result: CommandResult) -> OrderResult:
    if not result.refused:
        return OrderResult(201, order=order_json(result.order))
    refusal = _placing_refusal(result, placed)
    return OrderResult(STATUS_OF[refusal.kind], problem=problem_of(refusal, call.path, call.request_id))


async def get(call: Call) -> Reply:
    """GET /orders/{order_id}"""
    found = await call.platform.orders.FindOrder(
        FindOrderRequest(user_id=call.user_id, order_id=call.params["order_id"], at_least=call.at_least)
    )
    return Reply(200, encode(order_json(found.order)), found.position)


async def get_by_client_order_id(call: Call) -> Reply:
    """GET /orders/by-client-order-id/{client_order_id}"""
    found = await call.platform.orders.FindOrder(
        FindOrderRequest(
            user_id=call.user_id,
            client_order_id=call.params["client_order_id"],
            account_id=call.query_id("account_id"),
            at_least=call.at_least,
        )
    )
    return Reply(200, encode(order_json(found.order)), found.position)


async def list_all(call: Call) -> Reply:
    """GET /orders"""
    found = await call.platform.orders.ListOrders(
        ListOrdersRequest(
            user_id=call.user_id,
            account_id=call.query_id("account_id"),
            symbol=call.query_symbol(),
            state=state_of(call),
            cursor=call.cursor,
            limit=call.page_size,
            at_least=call.at_least,
        )
    )
    return shown_page(found)


def state_of(call: Call) -> "ListOrdersRequest.State.ValueType":
    return STATES[call.query_choice("status", tuple(STATES), "open")]


def shown_page(found: ListOrdersResponse) -> Reply:
    page = OrderPage([order_json(order) for order in found.orders], or_none(found.next_cursor))
    return reply(200, page, found.position)


async def replace(call: Call) -> Reply:
    """PATCH /orders/{order_id}"""
    given = decoded(_replacement, call.body)
    quantity = optional_decimal(given.quantity, "quantity")
    price = optional_decimal(given.price, "price")
    trigger_price = optional_decimal(given.trigger_price, "trigger_price")
    if not (quantity or price or trigger_price):
        raise field_refused("quantity", "a replacement has a quantity, a price or a trigger_price")
    asked = ReplaceRequest(
        order_id=call.params["order_id"],
        quantity=quantity,
        price=price,
        trigger_price=trigger_price,
        new_client_order_id=client_order_id(given.client_order_id, "client_order_id"),
    )
    (result,) = await _submit(call, [OrderRequest(replace=asked)])
    return await _changed(call, result)


async def cancel(call: Call) -> Reply:
    """DELETE /orders/{order_id}"""
    asked = CancelRequest(order_id=call.params["order_id"])
    (result,) = await _submit(call, [OrderRequest(cancel=asked)])
    return await _changed(call, result)


async def _changed(call: Call, result: CommandResult) -> Reply:
    """The whole order after a replace or cancel: the engine's answer tells what changed, the view has the rest."""
    if result.refused:
        raise refusal_of(result)
    found = await call.platform.orders.FindOrder(
        FindOrderRequest(user_id=call.user_id, order_id=call.params["order_id"], at_least=_position(result))
    )
    return Reply(200, encode(order_json(found.order)), found.position)


async def cancel_all(call: Call) -> Reply:
    """DELETE /orders"""
    symbol, account_id = call.query_symbol(), call.query_id("account_id")
    (result,) = await _submit(call, [mass_cancel(call, account_id)])
    if result.refused:
        raise refusal_of(result)
    # The result is about the first event: an order's, or the account's when there was nothing to cancel.
    canceled = OrdersCanceled(
        account_id or result.order.account_id or result.aggregate_id, or_none(symbol), result.canceled_orders
    )
    return reply(200, canceled, _position(result))


def mass_cancel(call: Call, account_id: str | None) -> OrderRequest:
    """What the query chooses of an account (empty: the caller's first), or for an administrator of every one (None)."""
    symbol = call.query_symbol()
    side = call.query_choice("side", ("", *SIDES), "")
    lowest, highest = call.query_decimal("lowest_price"), call.query_decimal("highest_price")
    if (lowest or highest) and not symbol:
        raise field_refused("symbol", "required with a lowest_price or a highest_price")
    if account_id is not None and not (side or lowest or highest):
        return OrderRequest(cancel_all=CancelAllOrders(account_id=account_id, symbol=symbol))
    chosen = MassCancel(account_id=account_id or "", symbol=symbol, lowest_price=lowest, highest_price=highest)
    if side:
        chosen.side = SIDES[side]
    return OrderRequest(mass_cancel=chosen)


async def history(call: Call) -> Reply:
    """GET /orders/{order_id}/history: the events of the order as the log keeps them; the cursor is a version."""
    order_id = call.params["order_id"]
    found = await call.platform.orders.FindOrder(
        FindOrderRequest(user_id=call.user_id, order_id=order_id, at_least=call.at_least)
    )
    after = call.cursor or "0"
    if not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise field_refused("cursor", "must be the next_cursor of the page before")
    limit = call.page_size
    events = await call.platform.log.read_stream(order_id, int(after), limit + 1)
    page = [owners_event_json(event, found.order.user_id) for event in events[:limit]]
    return reply(200, EventPage(page, str(page[-1].event_version) if len(events) > limit else None), found.position)
