"""Placing an order once, whatever becomes of the answer: it has an id before it is sent, and is sent again under it."""

import shlex
from collections.abc import Mapping
from typing import Any

import uvloop

from kernel.runtime import SystemRuntime
from trading_platform.client.rest import Failure, Gateway, Unanswered

ATTEMPTS_MAX = 3
PAUSE_S = 1.0


def new_client_order_id(runtime: SystemRuntime) -> str:
    return f"cli-{runtime.uuid7()}"


def placed(gateway: Gateway, order: Mapping[str, Any], runtime: SystemRuntime) -> Any:
    """The order that `order`, which has a client_order_id, made: the same one however often it is sent.

    Failure if it is refused; Failure with the command that asks for its outcome if nobody answers."""
    gateway.session()  # whoever is not signed in has sent nothing
    try:
        for attempt in range(1, ATTEMPTS_MAX):
            try:
                return gateway.post("/orders", order)
            except Unanswered:
                uvloop.run(runtime.sleep(PAUSE_S * attempt))
        return gateway.post("/orders", order)
    except Unanswered as failure:
        raise _open(failure, order) from None
    except KeyboardInterrupt:
        raise _open(Unanswered("interrupted"), order) from None


def _open(failure: Failure, order: Mapping[str, Any]) -> Failure:
    order_id = shlex.quote(str(order["client_order_id"]))
    account = f" --account {order['account_id']}" if "account_id" in order else ""
    told = (
        f"{failure}\nwhether the order was placed is not known. To ask: "
        f"trading order show {order_id} --client{account}\n"
        f"To send it again, and not twice: the same command with --client-order-id {order_id}"
    )
    return Failure(told, failure.exit_code)
