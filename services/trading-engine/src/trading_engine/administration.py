"""The venue's own commands on the wire: accounts, money, limits, listings and sessions."""

from decimal import Decimal

from kernel.money import NotExact, parse, units
from kernel.refused import Refused
from matching import command as record
from trading.v1 import engine_pb2
from trading_engine.bounds import PRICE_MAX, QUANTITY_MAX, counted_bound, counted_unit
from trading_engine.control import control
from trading_engine.listing import PARTS_UNIT, Draft, Listing, account, amount

LIMIT_UNIT = Decimal(1).scaleb(-18)

ACCOUNT_STATES = {
    engine_pb2.ACCOUNT_STATE_ACTIVE: record.AccountState.ACTIVE,
    engine_pb2.ACCOUNT_STATE_SUSPENDED: record.AccountState.SUSPENDED,
}
ASSET_KINDS = {
    engine_pb2.ASSET_KIND_CURRENCY: record.AssetKind.CURRENCY,
    engine_pb2.ASSET_KIND_SECURITY: record.AssetKind.SECURITY,
}
SESSIONS = {
    engine_pb2.SESSION_CONTINUOUS: record.Session.CONTINUOUS,
    engine_pb2.SESSION_CLOSED: record.Session.CLOSED,
}


def administration(command: engine_pb2.Command, listing: Listing, stamp_ns: int, draft: Draft) -> bytes:
    """The record of a command that places and changes no order."""
    match command.WhichOneof("body"):
        case "open_venue":
            return record.open_venue(stamp_ns)
        case "open_account":
            return record.open_account(draft.texts, stamp_ns, command.open_account.user_id)
        case "deposit":
            paid = command.deposit
            asset = listing.asset(paid.asset)
            return record.deposit(stamp_ns, account(paid.account_id), asset.number, amount(paid.amount, asset))
        case "withdraw":
            taken = command.withdraw
            asset = listing.asset(taken.asset)
            return record.withdraw(stamp_ns, account(taken.account_id), asset.number, amount(taken.amount, asset))
        case "change_limits":
            return _change_limits(command.change_limits, stamp_ns)
        case "change_account_state":
            change = command.change_account_state
            state = ACCOUNT_STATES[change.state]
            return record.change_account_state(draft.texts, stamp_ns, account(change.account_id), state, change.reason)
        case "list_asset":
            listed = command.list_asset
            return record.list_asset(draft.texts, stamp_ns, listed.asset, listed.scale, ASSET_KINDS[listed.kind])
        case "list_instrument":
            return _list_instrument(command.list_instrument, listing, stamp_ns, draft)
        case "change_session":
            turned = command.change_session
            number = listing.instrument(turned.symbol).number
            return record.change_session(draft.texts, stamp_ns, number, SESSIONS[turned.session], turned.reason)
        case _:
            return control(command, listing, stamp_ns, draft)


def _change_limits(change: engine_pb2.ChangeLimits, stamp_ns: int) -> bytes:
    return record.change_limits(
        stamp_ns,
        account(change.account_id),
        max_order_notional=_limit("max_order_notional", change.max_order_notional),
        max_order_quantity=_limit("max_order_quantity", change.max_order_quantity),
        max_open_orders=change.max_open_orders or None,
    )


def _limit(what: str, text: str) -> int | None:
    """A limit in units of 10^-18; None when there is none."""
    return units(parse(text), LIMIT_UNIT) if text else None


def _list_instrument(listed: engine_pb2.ListInstrument, listing: Listing, stamp_ns: int, draft: Draft) -> bytes:
    price_unit, lot_unit = counted_unit("price_unit", listed.price_unit), counted_unit("lot_unit", listed.lot_unit)
    try:
        protection = units(parse(listed.protection), PARTS_UNIT)
    except NotExact:
        told = f"The protection is a fraction with at most six decimals, got {listed.protection}."
        raise Refused("invalid_terms", told) from None
    return record.list_instrument(
        draft.texts,
        stamp_ns,
        symbol=listed.symbol,
        base=listing.asset(listed.base).number,
        quote=listing.asset(listed.quote).number,
        price_unit=price_unit,
        lot_unit=lot_unit,
        max_price=counted_bound("max_price", listed.max_price, listed.price_unit, PRICE_MAX, "price_off_tick"),
        max_quantity=counted_bound(
            "max_quantity", listed.max_quantity, listed.lot_unit, QUANTITY_MAX, "quantity_off_lot"
        ),
        protection_ppm=protection,
        calendar=listed.calendar,
    )
