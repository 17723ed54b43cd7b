"""The words of orders are the same in events, in the services' messages and in the public contract."""

from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from trading.v1 import engine_pb2, types_pb2
from trading_events import engine as events
from trading_events import messages

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS: dict[str, Any] = yaml.safe_load((ROOT / "contracts" / "openapi.yaml").read_text())["components"]["schemas"]
# List -> words of events, the table of messages, the enumeration, and the schema of the public contract.
LISTS = {
    "side": (events.Side, messages.SIDES, types_pb2.Side, "Side"),
    "type": (events.OrderType, messages.ORDER_TYPES, types_pb2.OrderType, "OrderType"),
    "time in force": (events.TimeInForce, messages.TIMES_IN_FORCE, types_pb2.TimeInForce, "TimeInForce"),
    "status": (events.Status, messages.ORDER_STATUSES, types_pb2.OrderStatus, "OrderStatus"),
    "post-only": (events.PostOnly, messages.POST_ONLY, types_pb2.PostOnly, "PostOnly"),
    "trigger method": (events.TriggerBy, messages.TRIGGER_METHODS, types_pb2.TriggerMethod, "TriggerMethod"),
    "self-trade prevention": (
        events.SelfTradePrevention,
        messages.SELF_TRADE_PREVENTIONS,
        types_pb2.SelfTradePrevention,
        "SelfTradePrevention",
    ),
    "allocation": (events.Allocation, messages.ALLOCATIONS, engine_pb2.Allocation, "Allocation"),
}
# Settled and built in the core, on their way through the services.
COMING = {
    *("TRAILING_STOP", "TRAILING_STOP_LIMIT", "PRIMARY_PEG", "MARKET_PEG", "MIDPOINT_PEG"),
    *("AT_THE_OPEN", "AT_THE_CLOSE", "HELD"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_word_is_known_everywhere_or_nowhere(name):
    words, table, enumeration, schema = LISTS[name]
    known = set(get_args(words)) - COMING
    assert set(table) == known
    assert sorted(table.values()) == [value for value in enumeration.values() if value]
    assert all(enumeration.Name(value).endswith(f"_{word}") for word, value in table.items())
    assert set(SCHEMAS[schema]["enum"]) == known


def test_the_stream_knows_the_words_of_an_order():
    streamed = yaml.safe_load((ROOT / "contracts" / "asyncapi.yaml").read_text())["components"]["schemas"]["Order"]
    for name, schema in (("type", "OrderType"), ("time_in_force", "TimeInForce"), ("status", "OrderStatus")):
        assert streamed["properties"][name]["enum"] == SCHEMAS[schema]["enum"]
