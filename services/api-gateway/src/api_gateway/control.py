"""What holds for many orders at once: kill switches, the dead-man's timer, options, instruments' rules."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from api_gateway.accounts import account_at, account_json, switch_text
from api_gateway.call import Call, Reply, reply
from api_gateway.commands import executed, reason_in
from api_gateway.documents import MILLISECOND_NS
from api_gateway.market import instrument_at, instrument_json
from api_gateway.problems import field_refused
from api_gateway.wire import ABSENT, decoded, optional_decimal, or_none, positive_decimal, time_text, uuid_in
from trading.v1.engine_pb2 import (
    SWITCH_OFF,
    SWITCH_ON,
    ChangeAccountOptions,
    ChangeInstrumentRules,
    ChangeKillSwitch,
    CommandResult,
    SetDeadMansTimer,
    SetMarkPrice,
)
from trading.v1.risk_pb2 import GetAccountRequest, GetKillSwitchRequest
from trading.v1.types_pb2 import LogPosition
from trading_events.messages import ALLOCATIONS, SELF_TRADE_PREVENTIONS
from trading_events.words import Allocation, SelfTradePrevention

TIMER_SECONDS_MAX = 86_400
TRADE_GROUP_MAX = (1 << 32) - 2
SECOND_MS = 1_000
SWITCHES = {"OFF": SWITCH_OFF, "ON": SWITCH_ON}


class AccountOptions(msgspec.Struct, forbid_unknown_fields=True):
    cancel_on_disconnect: bool


class CustomersOptions(msgspec.Struct, forbid_unknown_fields=True):
    cancel_on_disconnect: bool | UnsetType = UNSET
    trade_group: int | UnsetType | None = UNSET


class DeadMansTimerSetting(msgspec.Struct, forbid_unknown_fields=True):
    seconds: int


class DeadMansTimer(msgspec.Struct, frozen=True):
    account_id: str
    due_at: str


class KillSwitchSetting(msgspec.Struct, forbid_unknown_fields=True):
    state: Literal["OFF", "ON"]
    reason: str


class KillSwitch(msgspec.Struct, frozen=True):
    state: str
    reason: str | None
    changed_at: str | None


class InstrumentRules(msgspec.Struct, forbid_unknown_fields=True):
    self_trade_prevention: SelfTradePrevention | UnsetType = UNSET
    allocation: Allocation | UnsetType = UNSET
    least_allocation: msgspec.Raw = ABSENT
    lead_account_id: str | UnsetType = UNSET
    lead_share: msgspec.Raw = ABSENT


class MarkPriceSetting(msgspec.Struct, forbid_unknown_fields=True):
    price: msgspec.Raw


_options = msgspec.json.Decoder(AccountOptions)
_customers_options = msgspec.json.Decoder(CustomersOptions)
_timer = msgspec.json.Decoder(DeadMansTimerSetting)
_kill_switch = msgspec.json.Decoder(KillSwitchSetting)
_rules = msgspec.json.Decoder(InstrumentRules)
_mark_price = msgspec.json.Decoder(MarkPriceSetting)


# ---- one's own accounts


async def _own(call: Call) -> str:
    """The account of the path; Refused (not found) if it is another's, also for an administrator."""
    asked = GetAccountRequest(account_id=call.params["account_id"], user_id=call.user_id, at_least=call.at_least)
    await call.platform.risk.GetAccount(asked)
    return call.params["account_id"]


async def set_options(call: Call) -> Reply:
    """PATCH /accounts/{account_id}/options"""
    given = decoded(_options, call.body)
    change = ChangeAccountOptions(
        account_id=await _own(call), cancel_on_disconnect=SWITCHES[switch_text(given.cancel_on_disconnect)]
    )
    return await _account(call, await executed(call, change_account_options=change))


async def set_dead_mans_timer(call: Call) -> Reply:
    """PUT /accounts/{account_id}/dead-mans-timer"""
    seconds = decoded(_timer, call.body).seconds
    if not 0 < seconds <= TIMER_SECONDS_MAX:
        raise field_refused("seconds", f"must be a whole number from 1 to {TIMER_SECONDS_MAX}")
    account_id = await _own(call)
    due_ms = call.platform.runtime.now_ns() // MILLISECOND_NS + seconds * SECOND_MS
    result = await executed(call, set_dead_mans_timer=SetDeadMansTimer(account_id=account_id, due_ms=due_ms))
    return reply(200, DeadMansTimer(account_id, time_text(due_ms * MILLISECOND_NS)), result.position)


async def stop_dead_mans_timer(call: Call) -> Reply:
    """DELETE /accounts/{account_id}/dead-mans-timer"""
    result = await executed(call, set_dead_mans_timer=SetDeadMansTimer(account_id=await _own(call)))
    return Reply(204, b"", result.position)


# ---- administration


async def set_customers_options(call: Call) -> Reply:
    """PATCH /admin/accounts/{account_id}/options"""
    given = decoded(_customers_options, call.body)
    change = ChangeAccountOptions(account_id=call.params["account_id"])
    if given.cancel_on_disconnect is UNSET and given.trade_group is UNSET:
        raise field_refused("trade_group", "a change has a trade_group, cancel_on_disconnect or both")
    if given.cancel_on_disconnect is not UNSET:
        change.cancel_on_disconnect = SWITCHES[switch_text(given.cancel_on_disconnect)]
    if given.trade_group is not UNSET:
        if given.trade_group is not None and not 0 < given.trade_group <= TRADE_GROUP_MAX:
            raise field_refused("trade_group", f"must be a whole number from 1 to {TRADE_GROUP_MAX}, or null")
        change.trade_group = given.trade_group or 0
    return await _account(call, await executed(call, change_account_options=change))


async def set_account_kill_switch(call: Call) -> Reply:
    """PUT /admin/accounts/{account_id}/kill-switch"""
    given = decoded(_kill_switch, call.body)
    change = ChangeKillSwitch(
        account_id=call.params["account_id"], state=SWITCHES[given.state], reason=reason_in(given.reason)
    )
    return await _account(call, await executed(call, change_kill_switch=change))


async def set_kill_switch(call: Call) -> Reply:
    """PUT /admin/kill-switch"""
    given = decoded(_kill_switch, call.body)
    change = ChangeKillSwitch(state=SWITCHES[given.state], reason=reason_in(given.reason))
    return await _switch(call, (await executed(call, change_kill_switch=change)).position)


async def get_kill_switch(call: Call) -> Reply:
    """GET /admin/kill-switch"""
    return await _switch(call, call.at_least)


async def set_rules(call: Call) -> Reply:
    """PUT /admin/instruments/{symbol}/rules"""
    given = decoded(_rules, call.body)
    change = ChangeInstrumentRules(
        symbol=call.params["symbol"],
        least_allocation=optional_decimal(given.least_allocation, "least_allocation"),
        lead_share=optional_decimal(given.lead_share, "lead_share"),
    )
    if given.self_trade_prevention is not UNSET:
        change.self_trade_prevention = SELF_TRADE_PREVENTIONS[given.self_trade_prevention]
    if given.allocation is not UNSET:
        change.allocation = ALLOCATIONS[given.allocation]
    if given.lead_account_id is not UNSET:
        change.lead_account_id = uuid_in(given.lead_account_id, "lead_account_id")
    if not (change.self_trade_prevention or change.allocation):
        raise field_refused("allocation", "a change has an allocation, a self_trade_prevention or both")
    return await _instrument(call, await executed(call, change_instrument_rules=change))


async def set_mark_price(call: Call) -> Reply:
    """PUT /admin/instruments/{symbol}/mark-price"""
    price = positive_decimal(decoded(_mark_price, call.body).price, "price")
    mark = SetMarkPrice(symbol=call.params["symbol"], price=price)
    return await _instrument(call, await executed(call, set_mark_price=mark))


async def _account(call: Call, result: CommandResult) -> Reply:
    found = await account_at(call, result.position)
    return reply(200, account_json(found.account), found.position)


async def _instrument(call: Call, result: CommandResult) -> Reply:
    instrument, position = await instrument_at(call, call.params["symbol"], result.position)
    return reply(200, instrument_json(instrument), position)


async def _switch(call: Call, at_least: LogPosition | None) -> Reply:
    found = await call.platform.risk.GetKillSwitch(GetKillSwitchRequest(at_least=at_least))
    changed_at = time_text(found.changed_at_ns) if found.changed_at_ns else None
    return reply(200, KillSwitch(switch_text(found.on), or_none(found.reason), changed_at), found.position)
