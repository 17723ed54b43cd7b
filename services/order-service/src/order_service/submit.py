"""From what a client asks to the engine's commands: whose account, which id, which order.

A command id is derived from what makes the request the same request: the account and its client order id, or the
caller's idempotency key. Without either it is new each time.
"""

from collections.abc import Callable
from typing import Any

from kernel.ids import derived_id
from kernel.money import NotExact, canonical, parse
from kernel.refused import Kind, Refused
from trading.v1 import engine_pb2, trading_pb2

# The account that a request means, from the account and the order that it names; Refused if it is another's.
AccountOf = Callable[[str, str], str]


def named_orders(submit: trading_pb2.SubmitRequest) -> list[str]:
    """The order ids that the submission's cancels and replaces name without an account."""
    changes = [request.cancel if request.HasField("cancel") else request.replace for request in submit.requests]
    return [change.order_id for change in changes if change.order_id and not change.account_id]


def named_accounts(submit: trading_pb2.SubmitRequest) -> list[str]:
    """The accounts that the submission names, empty where it means the caller's first."""
    bodies = [(request, request.WhichOneof("body") or "place") for request in submit.requests]
    return [getattr(request, body).account_id for request, body in bodies]


def placing_id(account_id: str, client_order_id: str) -> str:
    """The id of the command that places (or renames) the order known by this client order id, for ever."""
    return derived_id("client-order-id", account_id, client_order_id)


def command_of(
    request: trading_pb2.OrderRequest, submit: trading_pb2.SubmitRequest, account_of: AccountOf, new_id: str
) -> engine_pb2.Command:
    """The engine command for one request of a submission; Refused if it names an account that is not the caller's."""
    command = engine_pb2.Command(
        command_id=derived_id("request", submit.user_id, request.idempotency_key)
        if request.idempotency_key
        else new_id,
        user_id=submit.user_id,
        correlation_id=submit.correlation_id or new_id,
        traceparent=submit.traceparent,
        source_time_ns=request.source_time_ns,
    )
    match request.WhichOneof("body"):
        case "place":
            _place(command, request.place, account_of)
        case "cancel":
            _cancel(command, request.cancel, account_of)
        case "replace":
            _replace(command, request.replace, account_of)
        case "cancel_all":
            command.cancel_all_orders.account_id = account_of(request.cancel_all.account_id, "")
            command.cancel_all_orders.symbol = request.cancel_all.symbol
        case "mass_cancel":
            _mass_cancel(command, request.mass_cancel, account_of, submit.by_administrator)
        case _:
            raise AssertionError("the contract requires a body")
    return command


def _place(command: engine_pb2.Command, place: engine_pb2.PlaceOrder, account_of: AccountOf) -> None:
    command.place_order.CopyFrom(place)
    order = command.place_order
    order.account_id = account_of(place.account_id, "")
    for field in ("quantity", "price", "protection_price"):
        _to_one_form(order, field)
    if place.HasField("terms"):
        for field in ("minimum_quantity", "budget", "trigger_price", "display_quantity"):
            _to_one_form(order.terms, field)
    if place.client_order_id:
        command.command_id = placing_id(order.account_id, place.client_order_id)


def _cancel(command: engine_pb2.Command, cancel: trading_pb2.CancelRequest, account_of: AccountOf) -> None:
    command.cancel_order.account_id = account_of(cancel.account_id, cancel.order_id)
    if cancel.order_id:
        command.cancel_order.order_id = cancel.order_id
    elif cancel.client_order_id:
        command.cancel_order.placed_by_command_id = placing_id(command.cancel_order.account_id, cancel.client_order_id)
    else:
        raise Refused("order_not_named", "A cancel names its order by id or by client order id.", Kind.INVALID)


def _replace(command: engine_pb2.Command, replace: trading_pb2.ReplaceRequest, account_of: AccountOf) -> None:
    order = command.replace_order
    order.account_id = account_of(replace.account_id, replace.order_id)
    for field in ("quantity", "price", "trigger_price"):
        setattr(order, field, getattr(replace, field))
        _to_one_form(order, field)
    order.client_order_id = replace.new_client_order_id
    if replace.order_id:
        order.order_id = replace.order_id
    elif replace.client_order_id:
        order.placed_by_command_id = placing_id(order.account_id, replace.client_order_id)
    else:
        raise Refused("order_not_named", "A replace names its order by id or by client order id.", Kind.INVALID)
    if not (order.quantity or order.price or order.trigger_price):
        told = "A replace gives a new quantity, a new price or a new trigger price."
        raise Refused("nothing_to_replace", told, Kind.INVALID)
    if replace.new_client_order_id:
        command.command_id = placing_id(order.account_id, replace.new_client_order_id)


def _mass_cancel(
    command: engine_pb2.Command, asked: engine_pb2.MassCancel, account_of: AccountOf, by_administrator: bool
) -> None:
    """An administrator who names no account means every one."""
    command.mass_cancel.CopyFrom(asked)
    if asked.account_id or not by_administrator:
        command.mass_cancel.account_id = account_of(asked.account_id, "")
    for field in ("lowest_price", "highest_price"):
        _to_one_form(command.mass_cancel, field)


def _to_one_form(message: Any, field: str) -> None:
    """580.10 and 580.1 are the same request: numbers travel in their one form."""
    text = getattr(message, field)
    if not text:
        return
    try:
        setattr(message, field, canonical(parse(text)))
    except NotExact as error:
        raise Refused(f"invalid_{field}", f"The {field}: {error}.", Kind.INVALID) from None
