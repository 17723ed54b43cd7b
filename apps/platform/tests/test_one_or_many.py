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

# Each service with those that it calls, callees first.
CALLS = {
    "trading-engine": (),
    "market-data": ("trading-engine",),
    "order-service": ("trading-engine", "market-data"),
    "risk-management": ("trading-engine",),
    "user-service": ("trading-engine",),
    "api-gateway": ("trading-engine", "market-data", "order-service", "risk-management", "user-service"),
}

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
}


async def in_one_process(folder: Path) -> Any:
    runtime = SystemRuntime()
    async with child(runtime, folder) as platform, channel_to(platform.grpc, folder) as users:
        return await played(runtime, f"http://{platform.http}", users)


async def in_a_process_each(folder: Path) -> Any:
    """The engine's process owns the log; the others follow it there."""
    runtime = SystemRuntime()
    async with AsyncExitStack() as stack:
        started: dict[str, Any] = {}
        for name, callees in CALLS.items():
            arguments = ["--peers", ",".join(f"{callee}={started[callee].grpc}" for callee in callees)]
            if started:
                arguments += ["--event-log", started["trading-engine"].grpc]
            environment = {}
            if name == "api-gateway":
                issuer = f"http://{started['user-service'].http}/realms/trading-platform"
                environment = {"API_GATEWAY_ISSUER": issuer}
            context = child(runtime, folder, *arguments, services=name, environment=environment)
            started[name] = await stack.enter_async_context(context)
        users = await stack.enter_async_context(channel_to(started["user-service"].grpc, folder))
        return await played(runtime, f"http://{started['api-gateway'].http}", users)


@pytest.mark.parametrize("way", [in_one_process, in_a_process_each], ids=lambda way: way.__name__)
def test_the_same_day_has_the_same_outcome(tmp_path, way):
    assert uvloop.run(way(tmp_path / "data")) == OUTCOME
    done = uvloop.run(
        verify_command.verified(tmp_path / "data", "main", lambda name: lambda at, of: None, lambda checked: None)
    )
    assert (len(done), [checked for checked in done if not checked.ok]) == (8, [])
