"""Orders on the wire: what places, replaces and mass-cancels them, as the core's records.

The core refuses a malformed record with the whole batch, so everything that a record excludes is refused here.
"""

from typing import Any

from kernel.refused import Kind, Refused
from matching import command as record
from trading.v1 import engine_pb2, types_pb2
from trading_engine.listing import Draft, Listing, Terms, account, amount, count, order, price, quantity
from trading_events.placing import WAITING, contradiction

SIDES = {types_pb2.SIDE_BUY: record.Side.BUY, types_pb2.SIDE_SELL: record.Side.SELL}
TYPES = {
    types_pb2.ORDER_TYPE_LIMIT: record.OrderType.LIMIT,
    types_pb2.ORDER_TYPE_MARKET: record.OrderType.MARKET,
    types_pb2.ORDER_TYPE_MARKET_TO_LIMIT: record.OrderType.MARKET_TO_LIMIT,
    types_pb2.ORDER_TYPE_STOP: record.OrderType.STOP,
    types_pb2.ORDER_TYPE_STOP_LIMIT: record.OrderType.STOP_LIMIT,
    types_pb2.ORDER_TYPE_MARKET_IF_TOUCHED: record.OrderType.MARKET_IF_TOUCHED,
    types_pb2.ORDER_TYPE_LIMIT_IF_TOUCHED: record.OrderType.LIMIT_IF_TOUCHED,
}
TIMES_IN_FORCE = {
    types_pb2.TIME_IN_FORCE_GTC: record.TimeInForce.GTC,
    types_pb2.TIME_IN_FORCE_DAY: record.TimeInForce.DAY,
    types_pb2.TIME_IN_FORCE_IOC: record.TimeInForce.IOC,
    types_pb2.TIME_IN_FORCE_FOK: record.TimeInForce.FOK,
    types_pb2.TIME_IN_FORCE_GTD: record.TimeInForce.GTD,
}
POST_ONLY = {
    types_pb2.POST_ONLY_UNSPECIFIED: None,
    types_pb2.POST_ONLY_REJECT: record.PostOnly.REJECT,
    types_pb2.POST_ONLY_SLIDE: record.PostOnly.SLIDE,
}
TRIGGERS = {
    types_pb2.TRIGGER_METHOD_UNSPECIFIED: record.TriggerBy.LAST,
    types_pb2.TRIGGER_METHOD_LAST: record.TriggerBy.LAST,
    types_pb2.TRIGGER_METHOD_BID_ASK: record.TriggerBy.BID_ASK,
    types_pb2.TRIGGER_METHOD_MARK: record.TriggerBy.MARK,
}
SELF_TRADE_PREVENTIONS = {
    types_pb2.SELF_TRADE_PREVENTION_UNSPECIFIED: None,
    types_pb2.SELF_TRADE_PREVENTION_CANCEL_NEWEST: record.SelfTradePrevention.CANCEL_NEWEST,
    types_pb2.SELF_TRADE_PREVENTION_CANCEL_OLDEST: record.SelfTradePrevention.CANCEL_OLDEST,
    types_pb2.SELF_TRADE_PREVENTION_CANCEL_BOTH: record.SelfTradePrevention.CANCEL_BOTH,
    types_pb2.SELF_TRADE_PREVENTION_DECREMENT_AND_CANCEL: record.SelfTradePrevention.DECREMENT_AND_CANCEL,
}


def place_order(place: engine_pb2.PlaceOrder, listing: Listing, stamp_ns: int, draft: Draft) -> bytes:
    units = listing.instrument(place.symbol)
    broken = contradiction(place)
    if broken is not None:
        raise Refused("contradicting_terms", f"{broken.field}: {broken.told}.", Kind.INVALID)
    return record.place_order(
        draft.texts,
        stamp_ns,
        account_id=account(place.account_id),
        instrument_id=units.number,
        side=SIDES[place.side],
        order_type=TYPES[place.type],
        time_in_force=TIMES_IN_FORCE[place.time_in_force],
        quantity=quantity(place.quantity, units) if place.quantity else 0,
        price=price(place.price, units) if place.price else 0,
        protection_price=price(place.protection_price, units) if place.protection_price else 0,
        client_order_id=place.client_order_id or None,
        **(_terms(place, units, listing) if place.HasField("terms") else {}),
    )


def _terms(place: engine_pb2.PlaceOrder, units: Terms, listing: Listing) -> dict[str, Any]:
    """What a plain order does not have, as the packer's arguments."""
    terms = place.terms
    return {
        "post_only": POST_ONLY[terms.post_only],
        "all_or_none": terms.all_or_none,
        "minimum_quantity": _lots("minimum_quantity", terms.minimum_quantity, units),
        "budget": amount(terms.budget, listing.asset(units.quote), "budget") if terms.budget else 0,
        "expire_at_ms": terms.expire_at_ms,
        "trigger_by": TRIGGERS[terms.trigger_by] if place.type in WAITING else None,
        "trigger_price": _trigger_price(terms.trigger_price, units) or 0,
        "display_quantity": _lots("display_quantity", terms.display_quantity, units),
        "hidden": terms.hidden,
        "self_trade_prevention": SELF_TRADE_PREVENTIONS[terms.self_trade_prevention],
    }


def _lots(what: str, text: str, units: Terms) -> int:
    return count(what, text, units.lot_unit, "quantity_off_lot") if text else 0


def _trigger_price(text: str, units: Terms) -> int | None:
    return count("trigger_price", text, units.price_unit, "price_off_tick") if text else None


def replace_order(
    replace: engine_pb2.ReplaceOrder, listing: Listing, placed: str, stamp_ns: int, draft: Draft
) -> bytes:
    order_id = order(replace.order_id or placed)
    units = listing.instrument_of(order_id)
    return record.replace_order(
        draft.texts,
        stamp_ns,
        account_id=account(replace.account_id),
        order_id=order_id,
        quantity=quantity(replace.quantity, units) if replace.quantity and units else None,
        price=price(replace.price, units) if replace.price and units else None,
        trigger_price=_trigger_price(replace.trigger_price, units) if units else None,
        client_order_id=replace.client_order_id or None,
    )


def mass_cancel(chosen: engine_pb2.MassCancel, listing: Listing, stamp_ns: int) -> bytes:
    units = listing.instrument(chosen.symbol) if chosen.symbol else None
    if units is None and (chosen.lowest_price or chosen.highest_price):
        raise Refused("contradicting_terms", "symbol: required with a lowest_price or highest_price.", Kind.INVALID)
    return record.mass_cancel(
        stamp_ns,
        account_id=account(chosen.account_id) if chosen.account_id else None,
        instrument_id=units.number if units else None,
        side=SIDES[chosen.side] if chosen.side else None,
        lowest_price=price(chosen.lowest_price, units) if units and chosen.lowest_price else None,
        highest_price=price(chosen.highest_price, units) if units and chosen.highest_price else None,
    )
