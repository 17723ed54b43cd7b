"""The routing table: every operation of the contract, who may call it, and what answers.

A path is matched by its segments, from the left, and a fixed word wins over a parameter. Parameters are checked here
against the contract's patterns, so that a handler never sees another shape.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from api_gateway import (
    accounts,
    admin,
    control,
    customers_orders,
    executions,
    limit_policies,
    market,
    orders,
    public,
    sse,
    users,
)
from api_gateway.call import Handler
from api_gateway.principal import Role
from api_gateway.problems import field_refused
from api_gateway.wire import SYMBOL, UUID

PAGE = frozenset({"cursor", "limit"})
CHOSEN = frozenset({"symbol", "side", "lowest_price", "highest_price"})
NONE: frozenset[str] = frozenset()

PARAMETERS: dict[str, tuple[re.Pattern[str], str]] = {
    "order_id": (UUID, "must be a UUID"),
    "account_id": (UUID, "must be a UUID"),
    "user_id": (UUID, "must be a UUID"),
    "symbol": (SYMBOL, "must look like AAPL or BTC-USD"),
    "client_order_id": (re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII), "must have 1 to 64 of A-Z a-z 0-9 . _ : -"),
    "key_id": (re.compile(r"[A-Za-z0-9_-]{4,64}", re.ASCII), "must have 4 to 64 of A-Z a-z 0-9 _ -"),
}


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. role: None is open to everyone. query: the names that it knows."""

    method: str
    template: str
    handler: Handler
    role: Role | None
    query: frozenset[str] = NONE

    @property
    def has_body(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH")

    @property
    def is_endless(self) -> bool:
        """Whether its answer has no end, and so no length."""
        return self.handler is sse.follow


U, T, A = Role.USER, Role.TRADER, Role.ADMIN
ROUTES = (
    Route("POST", "/orders", orders.create, T),
    Route("GET", "/orders/{order_id}", orders.get, U),
    Route("GET", "/orders", orders.list_all, U, PAGE | {"status", "symbol", "account_id"}),
    Route("DELETE", "/orders", orders.cancel_all, T, CHOSEN | {"account_id"}),
    Route("POST", "/orders/batch", orders.create_batch, T),
    Route("PATCH", "/orders/{order_id}", orders.replace, T),
    Route("DELETE", "/orders/{order_id}", orders.cancel, T),
    Route("GET", "/orders/{order_id}/history", orders.history, U, PAGE),
    Route("GET", "/orders/{order_id}/executions", executions.executions, U, PAGE),
    Route("GET", "/orders/{order_id}/queue-position", executions.queue_position, U),
    Route(
        "GET",
        "/orders/by-client-order-id/{client_order_id}",
        orders.get_by_client_order_id,
        U,
        frozenset({"account_id"}),
    ),
    Route("GET", "/accounts", accounts.list_all, U, PAGE | {"user_id"}),
    Route("GET", "/accounts/{account_id}", accounts.get, U),
    Route("GET", "/accounts/{account_id}/positions", accounts.positions, U),
    Route("GET", "/accounts/{account_id}/exposure", accounts.exposure, U),
    Route("GET", "/accounts/{account_id}/limits", accounts.limits, U),
    Route("PATCH", "/accounts/{account_id}/options", control.set_options, T),
    Route("PUT", "/accounts/{account_id}/dead-mans-timer", control.set_dead_mans_timer, T),
    Route("DELETE", "/accounts/{account_id}/dead-mans-timer", control.stop_dead_mans_timer, T),
    Route("GET", "/instruments", market.instruments, U, PAGE),
    Route("GET", "/instruments/{symbol}", market.instrument, U),
    Route("GET", "/market-data/{symbol}/quote", market.quote, U),
    Route("GET", "/market-data/{symbol}/book", market.book, U, frozenset({"depth"})),
    Route("GET", "/market-data/{symbol}/trades", market.trades, U, PAGE),
    Route("GET", "/market-data/{symbol}/bars", market.bars, U, frozenset({"interval", "from", "to", "limit"})),
    Route("GET", "/market-data/stream", sse.follow, U, frozenset({"symbols", "channels", "interval", "depth"})),
    Route("GET", "/clock", market.clock, U),
    Route("GET", "/users/me", users.me, U),
    Route("PATCH", "/users/me", users.update_me, U),
    Route("POST", "/users/me/erasure", users.erase_me, U),
    Route("PUT", "/users/me/password", users.change_password, U),
    Route("GET", "/users/me/api-keys", users.api_keys, U),
    Route("POST", "/users/me/api-keys", users.create_api_key, U),
    Route("DELETE", "/users/me/api-keys/{key_id}", users.revoke_api_key, U),
    Route("POST", "/users", users.create, A),
    Route("GET", "/users", users.list_all, A, PAGE | {"email"}),
    Route("GET", "/users/{user_id}", users.get, U),
    Route("DELETE", "/admin/users/{user_id}", users.erase, A),
    Route("DELETE", "/admin/users/{user_id}/password", users.reset_password, A),
    Route("PUT", "/admin/users/{user_id}/roles", users.set_roles, A),
    Route("POST", "/admin/assets", admin.list_asset, A),
    Route("POST", "/admin/instruments", admin.list_instrument, A),
    Route("PUT", "/admin/instruments/{symbol}/session", admin.set_session, A),
    Route("POST", "/admin/accounts/{account_id}/deposits", admin.deposit, A),
    Route("POST", "/admin/accounts/{account_id}/withdrawals", admin.withdraw, A),
    Route("GET", "/admin/accounts/{account_id}/orders", customers_orders.list_all, A, PAGE | {"status", "symbol"}),
    Route("DELETE", "/admin/accounts/{account_id}/orders", customers_orders.cancel_all, A, CHOSEN),
    Route("DELETE", "/admin/orders", customers_orders.cancel_every, A, CHOSEN),
    Route("GET", "/admin/orders/{order_id}", customers_orders.get, A),
    Route("DELETE", "/admin/orders/{order_id}", customers_orders.cancel, A),
    Route("PUT", "/admin/accounts/{account_id}/limits", limit_policies.set_limits, A),
    Route("DELETE", "/admin/accounts/{account_id}/limits", limit_policies.remove_limits, A),
    Route("GET", "/admin/limit-policies", limit_policies.list_all, A, PAGE),
    Route("PUT", "/admin/limit-policies/default", limit_policies.set_default, A),
    Route("PUT", "/admin/accounts/{account_id}/state", admin.set_state, A),
    Route("PATCH", "/admin/accounts/{account_id}/options", control.set_customers_options, A),
    Route("PUT", "/admin/accounts/{account_id}/kill-switch", control.set_account_kill_switch, A),
    Route("GET", "/admin/kill-switch", control.get_kill_switch, A),
    Route("PUT", "/admin/kill-switch", control.set_kill_switch, A),
    Route("PUT", "/admin/instruments/{symbol}/rules", control.set_rules, A),
    Route("PUT", "/admin/instruments/{symbol}/mark-price", control.set_mark_price, A),
    Route("GET", "/admin/events", admin.list_events, A, frozenset({"after", "aggregate_id", "limit"})),
    Route("POST", "/public/register", public.register, None),
    Route("GET", "/public/instruments", market.instruments, None, PAGE),
    Route("GET", "/public/time", public.time, None),
    Route("GET", "/public/config", public.config, None),
)


class Table:
    """Finds the routes of a path (below /v1)."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._fixed: dict[str, dict[str, Route]] = {}
        shapes: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            if "{" in route.template:
                shapes.setdefault(tuple(route.template.split("/")), {})[route.method] = route
            else:
                self._fixed.setdefault(route.template, {})[route.method] = route
        self._by_length: dict[int, list[tuple[tuple[str, ...], dict[str, Route]]]] = {}
        for shape in sorted(shapes, key=lambda shape: [word[:1] == "{" for word in shape]):
            self._by_length.setdefault(len(shape), []).append((shape, shapes[shape]))

    def find(self, path: str) -> tuple[dict[str, Route], dict[str, str]]:
        """The routes of a path by method, and its parameters; empty when there is no such path."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        given = path.split("/")
        for shape, methods in self._by_length.get(len(given), ()):
            params: dict[str, str] = {}
            for expected, word in zip(shape, given, strict=True):
                if expected[:1] == "{" and word:
                    params[expected[1:-1]] = word
                elif expected != word:
                    break
            else:
                return methods, params
        return {}, {}


def checked(params: dict[str, str]) -> dict[str, str]:
    """Refused with the parameter that does not have its shape; UUIDs in lower case."""
    for name, value in params.items():
        pattern, message = PARAMETERS[name]
        if not pattern.fullmatch(value):
            raise field_refused(name, message)
    return {name: value.lower() if PARAMETERS[name][0] is UUID else value for name, value in params.items()}
