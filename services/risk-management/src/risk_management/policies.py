"""Writes limit policies: this service is the only writer of their events."""

import asyncio
from typing import Any, assert_never

import msgspec

from kernel.event import Append, NewEvent
from kernel.eventlog.port import (
    CommandReused,
    Conflict,
    EventLog,
    Fenced,
    LogError,
    Writer,
)
from kernel.ids import derived_id
from kernel.projection import Projection
from kernel.refused import Kind, Refused
from kernel.rpc import correlation_id
from kernel.runtime import Runtime
from risk_management import events, policy
from risk_management.policy import Command, PolicyEvent, RemoveLimitPolicy, SetLimitPolicy
from risk_management.process import DEFAULT_SCOPE
from risk_management.rows import PolicyRow
from risk_management.views import RiskView


class LimitPolicies:
    """Decides one command at a time, on the state that the log's head has."""

    def __init__(self, runtime: Runtime, log: EventLog, view: RiskView, projection: Projection) -> None:
        self._runtime = runtime
        self._log = log
        self._view = view
        self._projection = projection
        self._deciding = asyncio.Lock()
        self._writer: Writer | None = None

    async def handle(self, command: Command, idempotency_key: str) -> int:
        """Record what the command causes; returns its position, or the head's if there is nothing to record. The same
        key and command have the first outcome, for ever."""
        async with self._deciding:
            await self._projection.reached()
            if command.account_id is not None:
                self._check_account(command.account_id)
            row = self._view.by_scope.get(command.account_id or DEFAULT_SCOPE)
            decided = policy.decide(_state(row), command)
            if not decided:
                return self._projection.position
            append = self._append(command, decided, row.version if row else 0, idempotency_key)
            position = await self._write(append)
            await self._projection.reached(position)
            return position

    def _check_account(self, account_id: str) -> None:
        account = self._view.accounts.get(account_id)
        if account is None or account.kind != "CUSTOMER":
            raise Refused("unknown_account", f"no customer has an account {account_id}", Kind.NOT_FOUND)

    def _append(self, command: Command, decided: list[PolicyEvent], version: int, idempotency_key: str) -> Append:
        kind, user_id, asked = _described(command)
        new = [
            NewEvent(
                event_id=self._runtime.uuid7(),
                aggregate_id=policy.scope_id(command.account_id),
                aggregate_type=policy.AGGREGATE_TYPE,
                event_type=type(event).__name__,
                event_version=version + number,
                event_data=events.encode(event),
                occurred_at_ns=self._runtime.now_ns(),
                account_id=command.account_id,
                user_id=user_id,
            )
            for number, event in enumerate(decided, 1)
        ]
        unique = idempotency_key or self._runtime.uuid7()
        command_id = derived_id(kind, user_id, unique)
        return Append(
            tuple(new),
            correlation_id=correlation_id.get() or command_id,
            command_id=command_id,
            request_hash=derived_id(msgspec.json.encode(asked).decode()),
        )

    async def _write(self, append: Append) -> int:
        try:
            if self._writer is None:
                self._writer = await self._log.acquire(events.ROLE, events.AGGREGATE_TYPES)
            (appended,) = await self._log.append([append], self._writer)
        except CommandReused:
            told = "the idempotency key was used for another policy; choose a new one"
            raise Refused("idempotency_key_reused", told, Kind.UNPROCESSABLE) from None
        except (Fenced, Conflict) as lost:
            self._writer = None
            raise Refused("policy_moved", f"another writer was faster: {lost}", Kind.UNAVAILABLE, 1) from None
        except LogError as failed:
            self._writer = None
            raise Refused("log_unavailable", f"the policy was not recorded: {failed}", Kind.UNAVAILABLE, 1) from None
        return appended.last


def _described(command: Command) -> tuple[str, str, list[Any]]:
    """The kind of the command, who sent it, and what it asks for: the same again is the same command."""
    match command:
        case SetLimitPolicy():
            return "set-limit-policy", command.set_by, [command.policy, command.account_id, command.limits]
        case RemoveLimitPolicy():
            return "remove-limit-policy", command.removed_by, [command.account_id]
        case _:
            assert_never(command)


def _state(row: PolicyRow | None) -> policy.State:
    return policy.LimitPolicy(row.policy, row.account_id, row.limits) if row and row.policy else policy.initial
