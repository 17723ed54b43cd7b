"""Limit policies: what an account may do in one order and at once.

A policy covers one account, or every account that has none of its own (the default). There is one policy a scope:
setting it again replaces it. This module decides and remembers; it does no I/O and knows no clock.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from kernel.ids import derived_id
from kernel.money import canonical, parse
from kernel.refused import Kind, Refused
from trading_events.engine import AccountId, Number

AGGREGATE_TYPE = "LimitPolicy"
OPEN_ORDERS_MAX = 1_000_000

# The form is for the schema: the contract of the request proves it before the event is written.
PolicyName = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": "^[a-z][a-z0-9-]{0,47}$"})]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Canonical decimals above zero; the notional is in the quote currency. None: the venue's default holds."""

    max_order_notional: str | None = None
    max_order_quantity: str | None = None
    max_open_orders: int | None = None


NO_LIMITS = Limits()


# Command: what someone wants.
@dataclass(frozen=True, slots=True)
class SetLimitPolicy:
    """account_id None: the default."""

    policy: str
    account_id: str | None
    limits: Limits
    set_by: str


# Event: what happened.
class LimitPolicySet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """account_id null: it covers every account that has no policy of its own. set_by: a user's id."""

    policy: PolicyName
    account_id: AccountId | None
    max_order_notional: Number | None
    max_order_quantity: Number | None
    max_open_orders: int | None
    set_by: str


# State: the policy of one scope, None until it is set.
@dataclass(frozen=True, slots=True)
class LimitPolicy:
    policy: str
    account_id: str | None
    limits: Limits


State = LimitPolicy | None
initial: State = None


def decide(state: State, command: SetLimitPolicy) -> list[LimitPolicySet]:
    """Return the events that `command` causes; raise Refused with the first reason."""
    limits = command.limits
    for name, text in (("notional", limits.max_order_notional), ("quantity", limits.max_order_quantity)):
        if text is not None and (parse(text) <= 0 or canonical(parse(text)) != text):
            raise Refused("invalid_limit", f"the largest order {name} must be above 0, got {text}", Kind.INVALID)
    if limits.max_open_orders is not None and not 0 < limits.max_open_orders <= OPEN_ORDERS_MAX:
        told = f"open orders are limited to 1 to {OPEN_ORDERS_MAX}, got {limits.max_open_orders}"
        raise Refused("invalid_limit", told, Kind.INVALID)
    assert state is None or state.account_id == command.account_id, f"{command} does not belong to {state}"
    return [
        LimitPolicySet(
            policy=command.policy,
            account_id=command.account_id,
            max_order_notional=limits.max_order_notional,
            max_order_quantity=limits.max_order_quantity,
            max_open_orders=limits.max_open_orders,
            set_by=command.set_by,
        )
    ]


def evolve(state: State, event: LimitPolicySet) -> State:
    limits = Limits(event.max_order_notional, event.max_order_quantity, event.max_open_orders)
    return LimitPolicy(event.policy, event.account_id, limits)


def scope_id(account_id: str | None) -> str:
    """The aggregate of a scope."""
    return derived_id("limit-policy", account_id or "every account")
