"""A new order as the contract's JSON, and as the order service takes it."""

import msgspec
from msgspec import UNSET, UnsetType

from api_gateway.problems import field_refused
from api_gateway.wire import ABSENT, decoded, optional_decimal, symbol_in, text_in, time_in, uuid_in
from trading.v1 import types_pb2
from trading.v1.engine_pb2 import PlaceOrder
from trading.v1.types_pb2 import OrderTerms
from trading_events.messages import (
    ORDER_TYPES,
    POST_ONLY,
    SELF_TRADE_PREVENTIONS,
    SIDES,
    TIMES_IN_FORCE,
    TRIGGER_METHODS,
)
from trading_events.placing import IMMEDIATE, contradiction
from trading_events.words import OrderType, PostOnly, SelfTradePrevention, Side, TimeInForce, TriggerBy

CLIENT_ORDER_ID = r"[A-Za-z0-9._:-]+"
CLIENT_ORDER_ID_CHARACTERS_MAX = 64
MILLISECOND_NS = 1_000_000
MARKET = types_pb2.ORDER_TYPE_MARKET


class NewOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Schema NewOrder of the contract."""

    symbol: str
    side: Side
    type: OrderType
    quantity: msgspec.Raw = ABSENT
    price: msgspec.Raw = ABSENT
    time_in_force: TimeInForce | UnsetType = UNSET
    protection_price: msgspec.Raw = ABSENT
    client_order_id: str | UnsetType = UNSET
    account_id: str | UnsetType = UNSET
    budget: msgspec.Raw = ABSENT
    trigger_price: msgspec.Raw = ABSENT
    trigger_by: TriggerBy | UnsetType = UNSET
    expire_at: str | UnsetType = UNSET
    display_quantity: msgspec.Raw = ABSENT
    hidden: bool = False
    minimum_quantity: msgspec.Raw = ABSENT
    all_or_none: bool = False
    post_only: PostOnly | UnsetType = UNSET
    self_trade_prevention: SelfTradePrevention | UnsetType = UNSET


_new_order = msgspec.json.Decoder(NewOrder)


def placed_order(body: bytes) -> PlaceOrder:
    """The order of a request's body."""
    return placed(decoded(_new_order, body))


def placed(given: NewOrder, path: str = "") -> PlaceOrder:
    """The order as the order service takes it; Refused with the first rule of the contract that it breaks."""
    kind = ORDER_TYPES[given.type]
    place = PlaceOrder(
        account_id=_account_id(given.account_id, f"{path}account_id"),
        symbol=symbol_in(given.symbol, f"{path}symbol"),
        side=SIDES[given.side],
        type=kind,
        time_in_force=TIMES_IN_FORCE[given.time_in_force or ("IOC" if kind == MARKET else "GTC")],
        quantity=optional_decimal(given.quantity, f"{path}quantity"),
        price=optional_decimal(given.price, f"{path}price"),
        protection_price=optional_decimal(given.protection_price, f"{path}protection_price"),
        client_order_id=client_order_id(given.client_order_id, f"{path}client_order_id"),
    )
    terms = _terms(given, path)
    if terms != PLAIN:
        place.terms.CopyFrom(terms)
    if kind == MARKET and place.time_in_force not in IMMEDIATE:
        raise field_refused(f"{path}time_in_force", "a MARKET order is always IOC or FOK")
    broken = contradiction(place)
    if broken is not None:
        raise field_refused(f"{path}{broken.field}", broken.told)
    return place


PLAIN = OrderTerms()


def _terms(given: NewOrder, path: str) -> OrderTerms:
    terms = OrderTerms(
        budget=optional_decimal(given.budget, f"{path}budget"),
        trigger_price=optional_decimal(given.trigger_price, f"{path}trigger_price"),
        display_quantity=optional_decimal(given.display_quantity, f"{path}display_quantity"),
        minimum_quantity=optional_decimal(given.minimum_quantity, f"{path}minimum_quantity"),
        hidden=given.hidden,
        all_or_none=given.all_or_none,
    )
    if given.expire_at is not UNSET:
        terms.expire_at_ms = time_in(given.expire_at, f"{path}expire_at") // MILLISECOND_NS
    if given.trigger_by is not UNSET:
        terms.trigger_by = TRIGGER_METHODS[given.trigger_by]
    if given.post_only is not UNSET:
        terms.post_only = POST_ONLY[given.post_only]
    if given.self_trade_prevention is not UNSET:
        terms.self_trade_prevention = SELF_TRADE_PREVENTIONS[given.self_trade_prevention]
    return terms


def _account_id(given: str | UnsetType, field: str) -> str:
    """Empty when the field is absent: the caller's first account."""
    return "" if given is UNSET else uuid_in(given, field)


def client_order_id(given: str | UnsetType, field: str) -> str:
    """Empty when the field is absent."""
    return "" if given is UNSET else text_in(given, field, CLIENT_ORDER_ID_CHARACTERS_MAX, CLIENT_ORDER_ID)
