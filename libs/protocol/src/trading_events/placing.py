"""What the words of a new order exclude or need, from the request alone: one list of rules for whoever takes orders in.

Whether an order fits the market and its account is the engine's to say; these rules need neither.
"""

from collections.abc import Iterator
from typing import NamedTuple

from trading.v1 import types_pb2
from trading.v1.engine_pb2 import PlaceOrder

LIMIT = types_pb2.ORDER_TYPE_LIMIT
MARKET = types_pb2.ORDER_TYPE_MARKET
GTD = types_pb2.TIME_IN_FORCE_GTD
# They have a limit price.
PRICED = frozenset({LIMIT, types_pb2.ORDER_TYPE_STOP_LIMIT, types_pb2.ORDER_TYPE_LIMIT_IF_TOUCHED})
# They are market orders, or become one: no limit price, never at rest.
MARKETS = frozenset({MARKET, types_pb2.ORDER_TYPE_STOP, types_pb2.ORDER_TYPE_MARKET_IF_TOUCHED})
# They wait for a trigger price.
WAITING = frozenset(
    {
        *(types_pb2.ORDER_TYPE_STOP, types_pb2.ORDER_TYPE_STOP_LIMIT),
        *(types_pb2.ORDER_TYPE_MARKET_IF_TOUCHED, types_pb2.ORDER_TYPE_LIMIT_IF_TOUCHED),
    }
)
IMMEDIATE = frozenset({types_pb2.TIME_IN_FORCE_IOC, types_pb2.TIME_IN_FORCE_FOK})


class Contradiction(NamedTuple):
    """The field that has to change, and how."""

    field: str
    told: str


def contradiction(place: PlaceOrder) -> Contradiction | None:
    """The first rule that the order breaks; None for an order that can be one."""
    if _is_plain(place):
        return None
    name = types_pb2.OrderType.Name(place.type).removeprefix("ORDER_TYPE_")
    for rules in (
        _of_prices(place, name),
        _of_waiting(place, name),
        _of_time(place),
        _of_entry(place),
        _of_show(place),
    ):
        for is_broken, field, told in rules:
            if is_broken:
                return Contradiction(field, told)
    return None


def _is_plain(place: PlaceOrder) -> bool:
    """Most orders: found out quickly."""
    if place.HasField("terms") or place.time_in_force == GTD or not place.quantity:
        return False
    if place.type == LIMIT:
        return bool(place.price) and not place.protection_price
    return place.type == MARKET and not place.price


Rule = tuple[bool, str, str]


def _of_prices(place: PlaceOrder, name: str) -> Iterator[Rule]:
    kind, budget = place.type, place.terms.budget
    instead = "protection_price bounds it" if kind in MARKETS else "it takes the best opposite price"
    yield kind in PRICED and not place.price, "price", f"required for a {name} order"
    yield kind not in PRICED and bool(place.price), "price", f"not for a {name} order; {instead}"
    yield kind not in MARKETS and bool(place.protection_price), "protection_price", f"not for a {name} order"
    yield bool(budget) and kind != MARKET, "budget", "only for a MARKET order"
    yield bool(budget) and bool(place.quantity), "quantity", "not beside a budget, which decides it"
    yield not budget and not place.quantity, "quantity", "required without a budget"


def _of_waiting(place: PlaceOrder, name: str) -> Iterator[Rule]:
    waits, terms = place.type in WAITING, place.terms
    yield waits and not terms.trigger_price, "trigger_price", f"required for a {name} order"
    yield not waits and bool(terms.trigger_price), "trigger_price", f"not for a {name} order, which does not wait"
    yield not waits and bool(terms.trigger_by), "trigger_by", f"not for a {name} order, which does not wait"


def _of_time(place: PlaceOrder) -> Iterator[Rule]:
    expires, is_gtd = bool(place.terms.expire_at_ms), place.time_in_force == GTD
    yield is_gtd and not expires, "expire_at", "required for the time in force GTD"
    yield expires and not is_gtd, "expire_at", "only for the time in force GTD"


def _of_entry(place: PlaceOrder) -> Iterator[Rule]:
    terms = place.terms
    rests = place.type == LIMIT and place.time_in_force not in IMMEDIATE
    yield bool(terms.post_only) and not rests, "post_only", "only for a LIMIT order that may rest"
    both = terms.all_or_none and bool(terms.minimum_quantity)
    yield both, "minimum_quantity", "not beside all_or_none, which is the whole"


def _of_show(place: PlaceOrder) -> Iterator[Rule]:
    terms = place.terms
    may_rest = place.type not in MARKETS and place.time_in_force not in IMMEDIATE
    yield terms.hidden and not may_rest, "hidden", "only for an order that may rest"
    yield bool(terms.display_quantity) and not may_rest, "display_quantity", "only for an order that may rest"
    yield (
        terms.hidden and bool(terms.display_quantity),
        "display_quantity",
        "not beside hidden, which shows nothing",
    )
