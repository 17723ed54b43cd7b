"""Limit policies: the default one, and those of accounts. ADMIN only."""

import msgspec

from api_gateway.accounts import account_at, limits_json
from api_gateway.call import Call, Reply, reply
from api_gateway.problems import field_refused
from api_gateway.wire import decoded, nullable_decimal, or_none
from trading.v1.risk_pb2 import (
    LimitPolicy,
    Limits,
    ListLimitPoliciesRequest,
    RemoveLimitPolicyRequest,
    SetLimitPolicyRequest,
    SetLimitPolicyResponse,
)
from trading.v1.types_pb2 import LogPosition

OPEN_ORDERS_MAX = 1_000_000
# What the policies that are set here are called.
OF_AN_ACCOUNT = "account"
DEFAULT = "default"


class LimitsSetting(msgspec.Struct, forbid_unknown_fields=True):
    max_order_notional: msgspec.Raw
    max_order_quantity: msgspec.Raw
    max_open_orders: int | None


class LimitPolicyJson(msgspec.Struct, frozen=True):
    """Schema LimitPolicy of the contract."""

    policy: str
    account_id: str | None
    max_order_notional: str | None
    max_order_quantity: str | None
    max_open_orders: int | None


class LimitPolicyPage(msgspec.Struct, frozen=True):
    items: list[LimitPolicyJson]
    next_cursor: str | None


class DefaultLimitsSet(msgspec.Struct, frozen=True):
    policy: LimitPolicyJson
    accounts_changed: int
    accounts_pending: int


_limits = msgspec.json.Decoder(LimitsSetting)


def _given_limits(body: bytes) -> Limits:
    given = decoded(_limits, body)
    open_orders = given.max_open_orders
    if open_orders is not None and not 1 <= open_orders <= OPEN_ORDERS_MAX:
        raise field_refused("max_open_orders", f"must be null or a whole number from 1 to {OPEN_ORDERS_MAX}")
    return Limits(
        max_order_notional=nullable_decimal(given.max_order_notional, "max_order_notional"),
        max_order_quantity=nullable_decimal(given.max_order_quantity, "max_order_quantity"),
        max_open_orders=open_orders or 0,
    )


def _policy_json(policy: LimitPolicy) -> LimitPolicyJson:
    limits = policy.limits
    return LimitPolicyJson(
        policy.policy,
        or_none(policy.account_id),
        or_none(limits.max_order_notional),
        or_none(limits.max_order_quantity),
        limits.max_open_orders or None,
    )


async def _set(call: Call, policy: str, account_id: str, limits: Limits) -> SetLimitPolicyResponse:
    return await call.platform.risk.SetLimitPolicy(
        SetLimitPolicyRequest(policy=policy, account_id=account_id, limits=limits, user_id=call.user_id)
    )


async def set_limits(call: Call) -> Reply:
    """PUT /admin/accounts/{account_id}/limits: the whole set; null falls back to the default policy."""
    changed = await _set(call, OF_AN_ACCOUNT, call.params["account_id"], _given_limits(call.body))
    return await _in_force(call, changed.accounts_pending, changed.position)


async def remove_limits(call: Call) -> Reply:
    """DELETE /admin/accounts/{account_id}/limits: the default policy decides all of them again."""
    removed = await call.platform.risk.RemoveLimitPolicy(
        RemoveLimitPolicyRequest(account_id=call.params["account_id"], user_id=call.user_id)
    )
    return await _in_force(call, removed.accounts_pending, removed.position)


async def _in_force(call: Call, pending: int, position: LogPosition) -> Reply:
    """202 with the limits still in force when the new ones are recorded and the engine is away."""
    found = await account_at(call, position)
    return reply(202 if pending else 200, limits_json(found.account), found.position)


async def list_all(call: Call) -> Reply:
    """GET /admin/limit-policies"""
    found = await call.platform.risk.ListLimitPolicies(
        ListLimitPoliciesRequest(at_least=call.at_least, cursor=call.cursor, limit=call.page_size)
    )
    page = LimitPolicyPage([_policy_json(policy) for policy in found.policies], or_none(found.next_cursor))
    return reply(200, page, found.position)


async def set_default(call: Call) -> Reply:
    """PUT /admin/limit-policies/default: the whole set; null is no limit. 202 while accounts wait for the engine."""
    limits = _given_limits(call.body)
    changed = await _set(call, DEFAULT, "", limits)
    done = DefaultLimitsSet(
        _policy_json(LimitPolicy(policy=DEFAULT, limits=limits)), changed.accounts_changed, changed.accounts_pending
    )
    return reply(202 if changed.accounts_pending else 200, done, changed.position)
