"""Limit policies: what an account may do in one order and at once.

A policy covers one account, or every account (the default). What an account's own policy leaves open, the default
decides, limit by limit. There is one policy a scope: setting it again replaces it, and an account's own can be removed.
This module decides and remembers; it does no I/O and knows no clock.
"""

from dataclasses import dataclass
from typing import Annotated, assert_never

import msgspec

from kernel.ids import derived_id
from kernel.money import canonical, parse
from kernel.refused import Kind, Refused
from trading_events.words import AccountId, Number

AGGREGATE_TYPE = "LimitPolicy"
OPEN_ORDERS_MAX = 1_000_000

# The form is for the schema: the contract of the request proves it before the event is written.
PolicyName = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": "^[a-z][a-z0-9-]{0,47}$"})]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Canonical decimals above zero; the notional is in the quote currency. None: in an account's own policy the
    default's, in the default no limit; in force on an account, no limit."""

    max_order_notional: str | None = None
    max_order_quantity: str | None = None
    max_open_orders: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every limit is set."""
        return None not in (self.max_order_notional, self.max_order_quantity, self.max_open_orders)


NO_LIMITS = Limits()


# Commands: what someone wants.
@dataclass(frozen=True, slots=True)
class SetLimitPolicy:
    """account_id None: the default."""

    policy: str
    account_id: str | None
    limits: Limits
    set_by: str


@dataclass(frozen=True, slots=True)
class RemoveLimitPolicy:
    """The account falls back to the default, in every limit."""

    account_id: str
    removed_by: str


Command = SetLimitPolicy | RemoveLimitPolicy


# Events: what happened.
class LimitPolicySet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """account_id null: the default, which covers every account. A limit that is null in an account's own policy is the
    default's; in the default it is none. set_by: a user's id."""

    policy: PolicyName
    account_id: AccountId | None
    max_order_notional: Number | None
    max_order_quantity: Number | None
    max_open_orders: int | None
    set_by: str


class LimitPolicyRemoved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The account has no policy of its own any more. removed_by: a user's id."""

    account_id: AccountId
    removed_by: str


PolicyEvent = LimitPolicySet | LimitPolicyRemoved


# State: the policy of one scope, None while there is none.
@dataclass(frozen=True, slots=True)
class LimitPolicy:
    policy: str
    account_id: str | None
    limits: Limits


State = LimitPolicy | None
initial: State = None


def decide(state: State, command: Command) -> list[PolicyEvent]:
    """Return the events that `command` causes, none if there is nothing to remove; raise Refused with the first
    reason."""
    assert state is None or state.account_id == command.account_id, f"{command} does not belong to {state}"
    match command:
        case SetLimitPolicy():
            return [_set(command)]
        case RemoveLimitPolicy():
            return [] if state is None else [LimitPolicyRemoved(command.account_id, command.removed_by)]
        case _:
            assert_never(command)


def _set(command: SetLimitPolicy) -> LimitPolicySet:
    limits = command.limits
    for name, text in (("notional", limits.max_order_notional), ("quantity", limits.max_order_quantity)):
        if text is not None and (parse(text) <= 0 or canonical(parse(text)) != text):
            raise Refused("invalid_limit", f"the largest order {name} must be above 0, got {text}", Kind.INVALID)
    if limits.max_open_orders is not None and not 0 < limits.max_open_orders <= OPEN_ORDERS_MAX:
        told = f"open orders are limited to 1 to {OPEN_ORDERS_MAX}, got {limits.max_open_orders}"
        raise Refused("invalid_limit", told, Kind.INVALID)
    return LimitPolicySet(
        policy=command.policy,
        account_id=command.account_id,
        max_order_notional=limits.max_order_notional,
        max_order_quantity=limits.max_order_quantity,
        max_open_orders=limits.max_open_orders,
        set_by=command.set_by,
    )


def evolve(state: State, event: PolicyEvent) -> State:
    if isinstance(event, LimitPolicyRemoved):
        return None
    limits = Limits(event.max_order_notional, event.max_order_quantity, event.max_open_orders)
    return LimitPolicy(event.policy, event.account_id, limits)


def scope_id(account_id: str | None) -> str:
    """The aggregate of a scope."""
    return derived_id("limit-policy", account_id or "every account")
