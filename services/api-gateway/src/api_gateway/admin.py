"""Administration: listing, money in and out, sessions, and the log itself. ADMIN only."""

import re
from typing import Any, Literal

import msgspec

from api_gateway.accounts import account_at, account_json
from api_gateway.call import Call, Reply, reply
from api_gateway.commands import executed, reason_in
from api_gateway.documents import event_json
from api_gateway.market import instrument_at, instrument_json
from api_gateway.orders import EventPage
from api_gateway.problems import field_refused
from api_gateway.wire import (
    ABSENT,
    compared,
    decoded,
    optional_decimal,
    position_in,
    positive_decimal,
    symbol_in,
    text_in,
)
from kernel.event import Event
from kernel.eventlog.port import EventLog
from kernel.refused import Refused
from trading.v1.engine_pb2 import (
    ChangeSession,
    Deposit,
    ListAsset,
    ListInstrument,
    Withdraw,
)
from trading.v1.risk_pb2 import SetTradingStateRequest
from trading_events import engine as events

ASSET_KINDS = {"CURRENCY": 1, "SECURITY": 2}
SESSIONS = {"CONTINUOUS": 1, "CLOSED": 2}
STATES = {"ACTIVE": 1, "SUSPENDED": 2}
SCALE_MAX = 18
PROTECTION_DEFAULT = "0.05"
PROTECTION_SCALE_MAX = 6
CALENDARS = ("24x7", "XNAS", "XNYS", "ALWAYS", "manual")
ASSET = r"[A-Z0-9]{1,12}"
VERSION = re.compile(r"[0-9]{1,18}", re.ASCII)


class NewAsset(msgspec.Struct, forbid_unknown_fields=True):
    asset: str
    scale: int
    kind: Literal["CURRENCY", "SECURITY"]


class AssetJson(msgspec.Struct, frozen=True):
    asset: str
    scale: int
    kind: str


class NewInstrument(msgspec.Struct, forbid_unknown_fields=True):
    symbol: str
    base: str
    quote: str
    price_unit: msgspec.Raw
    lot_unit: msgspec.Raw
    max_price: msgspec.Raw
    max_quantity: msgspec.Raw
    protection: msgspec.Raw = ABSENT
    calendar: str = "24x7"


class SessionSetting(msgspec.Struct, forbid_unknown_fields=True):
    session: Literal["CONTINUOUS", "CLOSED"]
    reason: str


class NewTransfer(msgspec.Struct, forbid_unknown_fields=True):
    asset: str
    amount: msgspec.Raw


class Transfer(msgspec.Struct, frozen=True):
    account_id: str
    asset: str
    amount: str
    event_type: str
    balance: str


class AccountStateSetting(msgspec.Struct, forbid_unknown_fields=True):
    state: Literal["ACTIVE", "SUSPENDED"]
    reason: str


_new_asset = msgspec.json.Decoder(NewAsset)
_new_instrument = msgspec.json.Decoder(NewInstrument)
_session = msgspec.json.Decoder(SessionSetting)
_transfer = msgspec.json.Decoder(NewTransfer)
_state = msgspec.json.Decoder(AccountStateSetting)


def asset_in(text: str, field: str) -> str:
    return text_in(text, field, 12, ASSET)


async def list_asset(call: Call) -> Reply:
    """POST /admin/assets"""
    given = decoded(_new_asset, call.body)
    if not 0 <= given.scale <= SCALE_MAX:
        raise field_refused("scale", f"must be a whole number from 0 to {SCALE_MAX}")
    listing = ListAsset(asset=asset_in(given.asset, "asset"), scale=given.scale, kind=ASSET_KINDS[given.kind])  # type: ignore[arg-type]
    result = await executed(call, list_asset=listing)
    return reply(201, AssetJson(given.asset, given.scale, given.kind), result.position)


async def list_instrument(call: Call) -> Reply:
    """POST /admin/instruments"""
    given = decoded(_new_instrument, call.body)
    listing = ListInstrument(
        symbol=symbol_in(given.symbol),
        base=asset_in(given.base, "base"),
        quote=asset_in(given.quote, "quote"),
        price_unit=positive_decimal(given.price_unit, "price_unit"),
        lot_unit=positive_decimal(given.lot_unit, "lot_unit"),
        max_price=positive_decimal(given.max_price, "max_price"),
        max_quantity=positive_decimal(given.max_quantity, "max_quantity"),
        protection=_protection(given.protection),
        calendar=_calendar(given.calendar),
    )
    result = await executed(call, list_instrument=listing)
    instrument, position = await instrument_at(call, listing.symbol, result.position)
    return reply(201, instrument_json(instrument), position)


def _protection(given: msgspec.Raw) -> str:
    text = optional_decimal(given, "protection") or PROTECTION_DEFAULT
    if compared(text) > 1 or len(text.partition(".")[2]) > PROTECTION_SCALE_MAX:
        told = f"must be a fraction of at most 1 with at most {PROTECTION_SCALE_MAX} decimals; {text} was given"
        raise field_refused("protection", told)
    return text


def _calendar(given: str) -> str:
    if given not in CALENDARS:
        raise field_refused("calendar", f"must be one of {', '.join(CALENDARS)}; {given[:32]} was given")
    return given


async def set_session(call: Call) -> Reply:
    """PUT /admin/instruments/{symbol}/session"""
    given = decoded(_session, call.body)
    symbol = call.params["symbol"]
    reason = reason_in(given.reason)
    change = ChangeSession(symbol=symbol, session=SESSIONS[given.session], reason=reason)  # type: ignore[arg-type]
    result = await executed(call, change_session=change)
    instrument, position = await instrument_at(call, symbol, result.position)
    return reply(200, instrument_json(instrument), position)


async def deposit(call: Call) -> Reply:
    """POST /admin/accounts/{account_id}/deposits"""
    asset, amount = _amount(call)
    return await _transferred(call, deposit=Deposit(account_id=call.params["account_id"], asset=asset, amount=amount))


async def withdraw(call: Call) -> Reply:
    """POST /admin/accounts/{account_id}/withdrawals"""
    asset, amount = _amount(call)
    account_id = call.params["account_id"]
    try:
        return await _transferred(call, withdraw=Withdraw(account_id=account_id, asset=asset, amount=amount))
    except Refused as refused:
        if refused.code != "insufficient_funds":
            raise
        raise Refused(refused.code, await _short_of(call, asset, amount), refused.kind) from None


async def _short_of(call: Call, asset: str, amount: str) -> str:
    """What the account has available now: a retry is told the same code, and what there is then."""
    balances = (await account_at(call, None)).account.balances
    left = next((balance.available for balance in balances if balance.asset == asset), "0")
    return f"The withdrawal needs {amount} {asset}; {left} {asset} is available now."


def _amount(call: Call) -> tuple[str, str]:
    given = decoded(_transfer, call.body)
    return asset_in(given.asset, "asset"), positive_decimal(given.amount, "amount")


async def _transferred(call: Call, **body: Any) -> Reply:
    """What was booked, read from the events of the command itself: a retry gets the first answer."""
    result = await executed(call, **body)
    outcome = (await call.platform.log.outcomes([result.command_id]))[result.command_id]
    return reply(201, _transfer_json(outcome.events[0]), result.position)


def _transfer_json(event: Event) -> Transfer:
    booked = events.decode(event.event_type, event.event_data)
    match booked:
        case events.CashDeposited() | events.AssetDeposited() | events.CashWithdrawn() | events.AssetWithdrawn():
            wanted = (booked.account_id, booked.asset, "balance")
            balance = next(
                posting.after
                for posting in booked.postings
                if (posting.account_id, posting.asset, posting.kind) == wanted
            )
            return Transfer(booked.account_id, booked.asset, booked.amount, event.event_type, balance)
        case _:
            raise AssertionError(f"a transfer led to {event.event_type}")


async def set_state(call: Call) -> Reply:
    """PUT /admin/accounts/{account_id}/state"""
    given = decoded(_state, call.body)
    changed = await call.platform.risk.SetTradingState(
        SetTradingStateRequest(
            account_id=call.params["account_id"],
            state=STATES[given.state],  # type: ignore[arg-type]
            reason=reason_in(given.reason),
            user_id=call.user_id,
        )
    )
    found = await account_at(call, changed.position)
    return reply(200, account_json(found.account), found.position)


async def list_events(call: Call) -> Reply:
    """GET /admin/events: the log in its order, or one aggregate's events; the cursor is the next `after`."""
    log, limit = call.platform.log, call.page_size
    text, slash, version = call.query.get("after", f"{log.name}:0").partition("/")
    after = position_in(text, "after")
    if after.log != log.name:
        raise field_refused("after", f"there is no log {after.log}, only {log.name}")
    aggregate_id = call.query.get("aggregate_id")
    if aggregate_id is None:
        if slash:
            raise field_refused("after", "has a version only with the aggregate_id of its page")
        found = await log.read(after.position, limit + 1)
    elif slash:
        found = await log.read_stream(_aggregate(aggregate_id), _version(version), limit + 1)
    else:
        found = await _stream_after(log, _aggregate(aggregate_id), after.position, limit + 1)
    page = found[:limit]
    following = _following(page[-1], aggregate_id) if len(found) > limit else None
    return reply(200, EventPage([event_json(event) for event in page], following))


def _aggregate(given: str) -> str:
    return text_in(given, "aggregate_id", 128)


def _version(given: str) -> int:
    if not VERSION.fullmatch(given):
        raise field_refused("after", "must be a position such as main:42, or the next_cursor of the page before")
    return int(given)


def _following(last: Event, aggregate_id: str | None) -> str:
    """Where the next page starts: of an aggregate also its version, from which it is read."""
    place = f"{last.log}:{last.position}"
    return f"{place}/{last.event_version}" if aggregate_id is not None else place


async def _stream_after(log: EventLog, aggregate_id: str, position: int, limit: int) -> list[Event]:
    """Events of an aggregate behind a position, of which no page has told the version: found by skipping, as positions
    and versions of one aggregate rise together."""
    found: list[Event] = []
    version = 0
    while len(found) < limit:
        read = await log.read_stream(aggregate_id, version)
        if not read:
            break
        found += [event for event in read if event.position > position]
        version = read[-1].event_version
    return found[:limit]
