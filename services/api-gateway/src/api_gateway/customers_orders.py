"""The orders of customers, for administrators: list, look up, cancel. The record names the administrator."""

import msgspec

from api_gateway.call import Call, Reply, encode, reply
from api_gateway.documents import order_json
from api_gateway.orders import OrdersCanceled, mass_cancel, refusal_of, shown_page, state_of
from api_gateway.wire import or_none
from trading.v1.engine_pb2 import CommandResult
from trading.v1.trading_pb2 import CancelRequest, FindOrderRequest, ListOrdersRequest, OrderRequest, SubmitRequest
from trading.v1.types_pb2 import LogPosition


class VenueOrdersCanceled(msgspec.Struct, frozen=True):
    symbol: str | None
    count: int


async def list_all(call: Call) -> Reply:
    """GET /admin/accounts/{account_id}/orders"""
    asked = ListOrdersRequest(
        account_id=call.params["account_id"],
        symbol=call.query_symbol(),
        state=state_of(call),
        cursor=call.cursor,
        limit=call.page_size,
        at_least=call.at_least,
    )
    return shown_page(await call.platform.orders.ListOrders(asked))


async def get(call: Call) -> Reply:
    """GET /admin/orders/{order_id}"""
    return await _found(call, call.at_least)


async def cancel(call: Call) -> Reply:
    """DELETE /admin/orders/{order_id}"""
    result = await _submit(call, OrderRequest(cancel=CancelRequest(order_id=call.params["order_id"])))
    return await _found(call, result.position)


async def cancel_all(call: Call) -> Reply:
    """DELETE /admin/accounts/{account_id}/orders"""
    account_id, symbol = call.params["account_id"], call.query_symbol()
    result = await _submit(call, mass_cancel(call, account_id))
    return reply(200, OrdersCanceled(account_id, or_none(symbol), result.canceled_orders), result.position)


async def cancel_every(call: Call) -> Reply:
    """DELETE /admin/orders"""
    result = await _submit(call, mass_cancel(call, None))
    canceled = VenueOrdersCanceled(or_none(call.query_symbol()), result.canceled_orders)
    return reply(200, canceled, result.position)


async def _found(call: Call, at_least: LogPosition | None) -> Reply:
    asked = FindOrderRequest(order_id=call.params["order_id"], at_least=at_least)
    found = await call.platform.orders.FindOrder(asked)
    return Reply(200, encode(order_json(found.order)), found.position)


async def _submit(call: Call, request: OrderRequest) -> CommandResult:
    submitted = await call.platform.orders.Submit(
        SubmitRequest(
            user_id=call.user_id,
            correlation_id=call.request_id,
            requests=[request],
            at_least=call.at_least,
            traceparent=call.traceparent,
            by_administrator=True,
        )
    )
    (result,) = submitted.results
    if result.refused:
        raise refusal_of(result)
    return result
