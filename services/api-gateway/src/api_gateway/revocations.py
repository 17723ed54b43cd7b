"""Follows what ended: revoked keys, changed roles, signed out sessions; what was remembered of them is forgotten."""

from typing import TYPE_CHECKING

from api_gateway.auth import Authenticator
from kernel.refused import Refused
from kernel.runtime import Runtime
from kernel.telemetry import logger
from trading.v1.types_pb2 import LogPosition
from trading.v1.user_pb2 import ConfirmRevocationsRequest, StreamRevocationsRequest

if TYPE_CHECKING:
    from trading.v1.user_pb2_grpc import UserServiceAsyncStub

RETRY_S = 1
log = logger("api-gateway")


async def follow(runtime: Runtime, users: "UserServiceAsyncStub", authenticator: Authenticator) -> None:
    """For ever; after an interruption from where it was. While it is interrupted, keys are believed for a minute.

    The first message of all comes at once: it tells where the log is and what ended lately, so nothing falls between
    two attempts. Before it nobody is authenticated.
    """
    after: LogPosition | None = None
    while True:
        try:
            async for ended in users.StreamRevocations(StreamRevocationsRequest(after=after, confirms=True)):
                for key_id in ended.api_key_ids:
                    authenticator.forget_key(key_id)
                for held in ended.roles_held:
                    authenticator.forget_user(held.user_id, list(held.roles), held.changed_at_ns)
                for session in ended.session_ids:
                    authenticator.forget_session(session)
                authenticator.told_what_ended.set()
                after = ended.position
                if ended.follower:
                    confirmed = ConfirmRevocationsRequest(follower=ended.follower, number=ended.number)
                    await users.ConfirmRevocations(confirmed)
        except Refused as refused:
            log.info("revocations_interrupted", code=refused.code, error=refused.message)
        await runtime.sleep(RETRY_S)
