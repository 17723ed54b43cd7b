"""Accounts: balances, positions, exposure and the limits in force."""

import msgspec

from api_gateway.call import Call, Reply, reply
from api_gateway.documents import MILLISECOND_NS, BalanceJson, balance_json
from api_gateway.wire import decimal_or_zero, or_none, time_text
from kernel.refused import Kind, Refused
from trading.v1.risk_pb2 import (
    Account,
    GetAccountRequest,
    GetAccountResponse,
    GetExposureRequest,
    InstrumentExposure,
    ListAccountsRequest,
    ListPositionsRequest,
    Position,
)
from trading.v1.types_pb2 import LogPosition


class AccountJson(msgspec.Struct, frozen=True):
    """Schema Account of the contract."""

    account_id: str
    user_id: str
    kind: str
    state: str
    balances: list[BalanceJson]
    version: int
    opened_at: str
    kill_switch: str
    cancel_on_disconnect: bool
    trade_group: int | None
    dead_mans_timer: str | None


class AccountPage(msgspec.Struct, frozen=True):
    items: list[AccountJson]
    next_cursor: str | None


class AccountLimits(msgspec.Struct, frozen=True):
    account_id: str
    state: str
    max_order_notional: str | None
    max_order_quantity: str | None
    max_open_orders: int | None


class PositionJson(msgspec.Struct, frozen=True):
    symbol: str
    asset: str
    currency: str
    quantity: str
    average_cost: str | None
    mark_price: str | None
    market_value: str | None
    unrealized_profit: str | None
    realized_profit: str


class PositionList(msgspec.Struct, frozen=True):
    items: list[PositionJson]


class InstrumentExposureJson(msgspec.Struct, frozen=True):
    symbol: str
    currency: str
    quantity: str
    mark_price: str | None
    position_value: str | None
    open_buy_quantity: str
    open_buy_notional: str
    open_sell_quantity: str
    open_sell_notional: str


class ExposureJson(msgspec.Struct, frozen=True):
    account_id: str
    open_orders: int
    instruments: list[InstrumentExposureJson]


def account_json(account: Account) -> AccountJson:
    return AccountJson(
        account.id,
        account.user_id,
        account.kind,
        account.state,
        [balance_json(balance) for balance in account.balances],
        account.version,
        time_text(account.opened_at_ns),
        switch_text(account.kill_switch),
        account.cancel_on_disconnect,
        account.trade_group or None,
        time_text(account.dead_mans_timer_ms * MILLISECOND_NS) if account.dead_mans_timer_ms else None,
    )


def switch_text(is_on: bool) -> str:
    return "ON" if is_on else "OFF"


def limits_json(account: Account) -> AccountLimits:
    return AccountLimits(
        account.id,
        account.state,
        or_none(account.limits.max_order_notional),
        or_none(account.limits.max_order_quantity),
        account.limits.max_open_orders or None,
    )


def asker(call: Call) -> str:
    """Whose accounts may be seen: one's own; an administrator sees all (the services read the empty id so)."""
    return "" if call.is_admin else call.user_id


async def account_at(call: Call, at_least: LogPosition | None) -> GetAccountResponse:
    return await call.platform.risk.GetAccount(
        GetAccountRequest(account_id=call.params["account_id"], user_id=asker(call), at_least=at_least)
    )


async def list_all(call: Call) -> Reply:
    """GET /accounts"""
    user_id = call.query_id("user_id") or call.user_id
    if user_id != call.user_id and not call.is_admin:
        raise Refused("forbidden", "Only an ADMIN may list another user's accounts.", Kind.FORBIDDEN)
    found = await call.platform.risk.ListAccounts(
        ListAccountsRequest(user_id=user_id, cursor=call.cursor, limit=call.page_size, at_least=call.at_least)
    )
    page = AccountPage([account_json(account) for account in found.accounts], or_none(found.next_cursor))
    return reply(200, page, found.position)


async def get(call: Call) -> Reply:
    """GET /accounts/{account_id}"""
    found = await account_at(call, call.at_least)
    return reply(200, account_json(found.account), found.position)


async def limits(call: Call) -> Reply:
    """GET /accounts/{account_id}/limits"""
    found = await account_at(call, call.at_least)
    return reply(200, limits_json(found.account), found.position)


async def positions(call: Call) -> Reply:
    """GET /accounts/{account_id}/positions: what is held in instruments; cash is among the balances."""
    found = await call.platform.risk.ListPositions(
        ListPositionsRequest(account_id=call.params["account_id"], user_id=asker(call), at_least=call.at_least)
    )
    held = [position for position in found.positions if position.symbol]
    items = [_position_json(position) for position in held]
    return reply(200, PositionList(sorted(items, key=lambda item: item.symbol)), found.position)


def _position_json(position: Position) -> PositionJson:
    return PositionJson(
        symbol=position.symbol,
        asset=position.asset,
        currency=position.currency,
        quantity=position.quantity,
        average_cost=or_none(position.average_cost),
        mark_price=or_none(position.last_price),
        market_value=or_none(position.market_value),
        unrealized_profit=or_none(position.unrealized_profit),
        realized_profit=decimal_or_zero(position.realized_profit),
    )


async def exposure(call: Call) -> Reply:
    """GET /accounts/{account_id}/exposure"""
    account_id = call.params["account_id"]
    found = await call.platform.risk.GetExposure(
        GetExposureRequest(account_id=account_id, user_id=asker(call), at_least=call.at_least)
    )
    instruments = [_exposure_json(exposure) for exposure in found.instruments]
    return reply(200, ExposureJson(account_id, found.open_orders, instruments), found.position)


def _exposure_json(exposure: InstrumentExposure) -> InstrumentExposureJson:
    return InstrumentExposureJson(
        exposure.symbol,
        exposure.currency,
        decimal_or_zero(exposure.quantity),
        or_none(exposure.mark_price),
        or_none(exposure.position_value),
        decimal_or_zero(exposure.open_buy_quantity),
        decimal_or_zero(exposure.open_buy_notional),
        decimal_or_zero(exposure.open_sell_quantity),
        decimal_or_zero(exposure.open_sell_notional),
    )
