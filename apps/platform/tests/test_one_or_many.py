"""The platform in one process and as a process a service, over gRPC: the same day has the same outcome."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import uvloop

from kernel.runtime import SystemRuntime
from trading_platform import verify_command
from trading_platform.bench.child import child
from trading_platform.bench.market import channel_to

from .scenario import played
from .worded import worded

# Each service with those that it calls, callees first.
CALLS = {
    "trading-engine": (),
    "market-data": ("trading-engine",),
    "order-service": ("trading-engine", "market-data"),
    "risk-management": ("trading-engine",),
    "user-service": ("trading-engine",),
    "api-gateway": ("trading-engine", "market-data", "order-service", "risk-management", "user-service"),
}

# The day asks more in a minute than one person usually may.
UNHURRIED = {"API_GATEWAY_RATE_LIMIT_TOKENS": "10000"}

OUTCOME = {
    "order": ["PENDING", "EXECUTED", "PENDING", "CANCELED"],
    "repeat": (201, True),
    "read back": (200, "PARTIALLY_EXECUTED", "4", "101"),
    "by client order id": ("2", "2"),
    # What happened, and whether it tells the owner who sent the command: the other's execution does not.
    "history": [("OrderCreated", True), ("OrderExecuted", False)],
    "book": [[("99", "2")], [("101", "6")]],
    "trades": [("101", "4", "BUY")],
    "orders": [("other", "CANCELED"), ("fills", "EXECUTED"), ("bid", "PENDING")],
    "balances": {
        "buyer": {"AAPL": ("4", "0"), "USD": ("596", "198")},
        "seller": {"AAPL": ("6", "6"), "USD": ("404", "0")},
    },
    "positions": {"buyer": {"AAPL": "4"}, "seller": {"AAPL": "6"}},
    "registered": 202,
    "newcomer": [],
    "refusals": {
        "too expensive": (422, "insufficient_funds"),
        "off the tick": (422, "price_off_tick"),
        "unknown symbol": (422, "unknown_instrument"),
        "another's order": (404, "order_not_found"),
        "another's cancel": (404, "order_not_found"),
        "not a trader": (403, "forbidden"),
        "not signed in": (401, "unauthenticated"),
    },
    "words": {
        "parts": {
            "asked": ("10", True),
            "shown": [("50", "10")],
            "bought": ("EXECUTED", "33"),
            "after": (("EXECUTED", "30", None), ("PARTIALLY_EXECUTED", "3", None), []),
            "canceled": 1,
        },
        "waiting": {
            "asked": ("PENDING", "53.55", "LAST", False),
            "exposure": ("5", "290.1"),  # 2 at the protection of the stop, 3 at the limit
            "moved": ("59", "61"),
            "stop": ("EXECUTED", "2", True),
            "marked": ("EXECUTED", "3", None),
            "canceled": 1,
        },
        "on entry": {
            "fok": ("CANCELED", "0", "fill_or_kill"),
            "all or none": ("CANCELED", "0", "all_or_none"),
            "minimum": ("CANCELED", "0", "minimum_quantity"),
            "slide": ("PENDING", "0", None),
            "budget": ("EXECUTED", "2", None),
            "market to limit": ("PARTIALLY_EXECUTED", "2", None),
            "slid": ("49.99", "50"),
            "rests at": "50",
            "refused": (422, "post_only_would_trade"),
            "canceled": 2,
        },
        "against oneself": {
            "shrunk": ("PENDING", "1", "1", "self_trade"),
            "newest": ("CANCELED", "self_trade"),
            "oldest": ("PENDING", ("CANCELED", "0", "self_trade")),
        },
        "many at once": (2, 0, 2),
        "time": (("EXPIRED", "0", "expire_time"), ("CANCELED", "0", "dead_mans_timer"), None),
        "switches": {
            "account": ("ON", "kill_switch", ("CANCELED", "0", "kill_switch")),
            "venue": ("ON", "drill", "kill_switch"),
            "options": (True, None, 7),
            "rules": {
                "allocation": "PRO_RATA",
                "least_allocation": "2",
                "self_trade_prevention": "CANCEL_BOTH",
                "mark_price": "59.5",
            },
        },
        "reports": ["CANCELED", "EXPIRED", "NEW", "REJECTED", "REPLACED", "RESTATED", "TRADE", "TRIGGERED"],
    },
}


async def in_one_process(folder: Path) -> Any:
    runtime = SystemRuntime()
    async with child(runtime, folder, environment=UNHURRIED) as platform, channel_to(platform.grpc, folder) as users:
        return await played(runtime, f"http://{platform.http}", users, worded)


async def in_a_process_each(folder: Path) -> Any:
    """The engine's process owns the log; the others follow it there."""
    runtime = SystemRuntime()
    async with AsyncExitStack() as stack:
        started: dict[str, Any] = {}
        for name, callees in CALLS.items():
            arguments = ["--peers", ",".join(f"{callee}={started[callee].grpc}" for callee in callees)]
            if started:
                arguments += ["--event-log", started["trading-engine"].grpc]
            environment = UNHURRIED
            if name == "api-gateway":
                issuer = f"http://{started['user-service'].http}/realms/trading-platform"
                environment = UNHURRIED | {"API_GATEWAY_ISSUER": issuer}
            context = child(runtime, folder, *arguments, services=name, environment=environment)
            started[name] = await stack.enter_async_context(context)
        users = await stack.enter_async_context(channel_to(started["user-service"].grpc, folder))
        return await played(runtime, f"http://{started['api-gateway'].http}", users, worded)


@pytest.mark.parametrize("way", [in_one_process, in_a_process_each], ids=lambda way: way.__name__)
def test_the_same_day_has_the_same_outcome(tmp_path, way):
    assert uvloop.run(way(tmp_path / "data")) == OUTCOME
    done = uvloop.run(
        verify_command.verified(tmp_path / "data", "main", lambda name: lambda at, of: None, lambda checked: None)
    )
    assert (len(done), [checked for checked in done if not checked.ok]) == (8, [])
