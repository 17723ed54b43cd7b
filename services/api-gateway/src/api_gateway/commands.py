"""One engine command of a request, and what such commands have in common."""

from typing import Any

from api_gateway.call import Call
from api_gateway.problems import field_refused
from api_gateway.wire import text_in
from kernel.ids import derived_id
from kernel.refused import Kind, Refused
from trading.v1.engine_pb2 import Command, CommandResult, ExecuteRequest

REASON = r"[^\x00-\x1f\x7f-\x9f]+"
REASON_CHARACTERS_MAX = 200
REASON_BYTES_MAX = 256


async def executed(call: Call, **body: Any) -> CommandResult:
    """One engine command; an Idempotency-Key makes its id, so a retry finds the first outcome, for ever."""
    key = call.idempotency_key
    command = Command(
        command_id=derived_id("api", call.user_id, call.route, key) if key else call.platform.runtime.uuid7(),
        user_id=call.user_id,
        correlation_id=call.request_id,
        traceparent=call.traceparent,
        **body,
    )
    try:
        result = (await call.platform.engine.Execute(ExecuteRequest(command=command))).result
    except Refused as refused:
        raise _key_reused(refused) from None
    if result.refused:
        kind = Kind(result.refused_kind) if result.refused_kind else Kind.UNPROCESSABLE
        raise _key_reused(Refused(result.refused, result.message, kind))
    return result


def _key_reused(refused: Refused) -> Refused:
    """The engine speaks of commands, the edge of keys."""
    if refused.code != "command_id_reused":
        return refused
    return Refused("idempotency_key_reused", "This Idempotency-Key came before with another body.")


def reason_in(given: str) -> str:
    """Recorded for ever, as one line."""
    if len(given.encode()) > REASON_BYTES_MAX:
        raise field_refused("reason", f"must have at most {REASON_BYTES_MAX} bytes in UTF-8")
    return text_in(given, "reason", REASON_CHARACTERS_MAX, REASON)
