"""Orders from a terminal: place them with every word they may have, replace, cancel, list and show them."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from kernel.runtime import SystemRuntime
from trading_events.words import OrderType, PostOnly, SelfTradePrevention, Side, TimeInForce, TriggerBy
from trading_platform.client import placing, tables
from trading_platform.client.report import Json, errors, one_line
from trading_platform.client.report import show as tell
from trading_platform.client.rest import Gateway
from trading_platform.client.terminal import Symbol, canonical, given, platform

Client = Annotated[bool, typer.Option("--client", help="The id is your client order id.")]
Account = Annotated[str | None, typer.Option(help="With --client: the account id; your first one when absent.")]
orders = typer.Typer(no_args_is_help=True)

# Panels of the help.
PRICED, WAITING, ENTRY, SHOWN = "Price and time", "Waiting for a price", "On entry", "What others see"


class Status(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


def _option(told: str, panel: str, *names: str) -> Any:
    """Words are taken in either case."""
    return typer.Option(*names, help=told, rich_help_panel=panel, case_sensitive=False)


Type = Annotated[
    OrderType | None,
    _option("What decides its price; without it, what the prices given say (see above).", PRICED, "--type"),
]
Price = Annotated[str | None, _option("Limit price.", PRICED)]
Protection = Annotated[str | None, _option("The worst price of a market order.", PRICED)]
Budget = Annotated[
    str | None, _option("MARKET: what it may cost, or a sale raises at most. The quantity is then `-`.", PRICED)
]
Tif = Annotated[TimeInForce | None, _option("How long it works.", PRICED, "--time-in-force", "--tif")]
ExpireAt = Annotated[str | None, _option("GTD: until when, such as 2026-12-31T23:59:59Z.", PRICED)]
TriggerPrice = Annotated[str | None, _option("The price it waits for: a stop, or touched.", WAITING)]
Trigger = Annotated[TriggerBy | None, _option("Which price it looks at; LAST when absent.", WAITING, "--trigger-by")]
Touched = Annotated[
    bool, _option("It waits for a price that is better for it, not for a worse one.", WAITING, "--touched")
]
Minimum = Annotated[str | None, _option("Trade at least so much at once, or nothing.", ENTRY)]
AllOrNone = Annotated[bool, _option("Trade the whole at once, or nothing.", ENTRY, "--all-or-none")]
Post = Annotated[
    PostOnly | None, _option("It never takes: refuse it, or slide it to the next price.", ENTRY, "--post-only")
]
Prevention = Annotated[
    SelfTradePrevention | None,
    _option("Where it would trade with your own; the instrument's rule when absent.", ENTRY, "--self-trade-prevention"),
]
Display = Annotated[str | None, _option("Iceberg: show so much at a time.", SHOWN)]
Hidden = Annotated[bool, _option("Show nothing of it.", SHOWN, "--hidden")]
OwnId = Annotated[str | None, typer.Option(help="Your own id: a repeat gets the first answer. Made when absent.")]


@orders.command()
def place(
    side: Annotated[Side, typer.Argument(case_sensitive=False)],
    quantity: Annotated[str, typer.Argument(help="An exact decimal; - with a --budget.")],
    symbol: Symbol,
    order_type: Type = None,
    price: Price = None,
    protection_price: Protection = None,
    budget: Budget = None,
    time_in_force: Tif = None,
    expire_at: ExpireAt = None,
    trigger_price: TriggerPrice = None,
    trigger_by: Trigger = None,
    touched: Touched = False,
    minimum_quantity: Minimum = None,
    all_or_none: AllOrNone = False,
    post_only: Post = None,
    self_trade_prevention: Prevention = None,
    display_quantity: Display = None,
    hidden: Hidden = False,
    client_order_id: OwnId = None,
    account: Annotated[str | None, typer.Option(help="Account id; your first one when absent.")] = None,
    as_json: Json = False,
) -> None:
    """Place an order, such as `trading order place buy 10 AAPL --price 189.50`.

    With a --price it is a limit order, without one a market order; with a --trigger-price it waits first, as a stop or,
    with --touched, for a better price: `trading order place sell 10 AAPL --trigger-price 175` is a stop.

    Without an answer it is sent again under the same client order id, so that it cannot be placed twice."""
    runtime = SystemRuntime()
    body = {
        "symbol": symbol,
        "side": side,
        "type": order_type or _type_by(price, trigger_price, touched),
        "quantity": None if quantity == "-" else quantity,
        "price": price,
        "protection_price": protection_price,
        "budget": budget,
        "time_in_force": time_in_force,
        "expire_at": expire_at,
        "trigger_price": trigger_price,
        "trigger_by": trigger_by,
        "minimum_quantity": minimum_quantity,
        "all_or_none": all_or_none or None,
        "post_only": post_only,
        "self_trade_prevention": self_trade_prevention,
        "display_quantity": display_quantity,
        "hidden": hidden or None,
        "client_order_id": client_order_id or placing.new_client_order_id(runtime),
        "account_id": account,
    }
    with one_line():
        placed = placing.placed(platform(), given(body), runtime)
    tell(placed, as_json, tables.order_line)


def _type_by(price: str | None, trigger_price: str | None, touched: bool) -> str:
    """The type that the prices given mean."""
    if trigger_price is None:
        if touched:
            raise typer.BadParameter("give a --trigger-price, too", param_hint="--touched")
        return "MARKET" if price is None else "LIMIT"
    if touched:
        return "MARKET_IF_TOUCHED" if price is None else "LIMIT_IF_TOUCHED"
    return "STOP" if price is None else "STOP_LIMIT"


@orders.command()
def replace(
    order_id: Annotated[str, typer.Argument(help="The platform's id, or yours with --client.")],
    quantity: Annotated[str | None, typer.Option(help="The whole quantity from now on, with what is executed.")] = None,
    price: Annotated[str | None, typer.Option(help="The limit price from now on.")] = None,
    trigger_price: Annotated[str | None, typer.Option(help="What an order that waits waits for from now on.")] = None,
    client: Client = False,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Change an open order's quantity, price or trigger price. Less quantity alone keeps its place in the queue."""
    body = given({"quantity": quantity, "price": price, "trigger_price": trigger_price})
    if not body:
        raise typer.BadParameter("give a --quantity, a --price or a --trigger-price")
    with one_line():
        gateway = platform()
        if client:
            order_id = _found(gateway, order_id, client, account)["order_id"]
        replaced = gateway.patch(f"/orders/{order_id}", body)
    tell(replaced, as_json, tables.order_line)


@orders.command()
def cancel(
    order_id: Annotated[str | None, typer.Argument(help="The order; or --all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All your open orders.")] = False,
    symbol: Annotated[
        str | None, typer.Option(help="With --all: only those of this symbol.", callback=canonical)
    ] = None,
    side: Annotated[Side | None, typer.Option(help="With --all: only this side.", case_sensitive=False)] = None,
    lowest_price: Annotated[str | None, typer.Option(help="With --symbol: only at this price or above.")] = None,
    highest_price: Annotated[str | None, typer.Option(help="With --symbol: only at this price or below.")] = None,
    as_json: Json = False,
) -> None:
    """Cancel an order, or all of them that the options choose."""
    chosen = {"symbol": symbol, "side": side, "lowest_price": lowest_price, "highest_price": highest_price}
    if every == (order_id is not None) or (given(chosen) and not every):
        raise typer.BadParameter("give an order id, or --all (and then a --symbol, a --side, prices, if you like)")
    with one_line():
        if every:
            canceled = platform().delete("/orders", **chosen)
            tell(canceled, as_json, lambda done: f"{done['count']} orders canceled")
        else:
            canceled = platform().delete(f"/orders/{order_id}")
            tell(canceled, as_json, tables.order_line)


@orders.command("list")
def list_orders(
    status: Annotated[Status, typer.Option(case_sensitive=False)] = Status.OPEN,
    symbol: Annotated[str | None, typer.Option(help="Only those of this symbol.", callback=canonical)] = None,
    limit: Annotated[int | None, typer.Option(help="The newest so many; all when absent.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """List your orders, newest first."""
    with one_line():
        page = platform().pages("/orders", limit, status=status.value, symbol=symbol)
    tell(page, as_json, lambda found: tables.orders(found["items"]))
    if page["next_cursor"] is not None:
        errors.print(f"these are the newest {limit}; there are more", markup=False)


@orders.command()
def show(
    order_id: Annotated[str, typer.Argument(help="The platform's id, or yours with --client.")],
    client: Client = False,
    account: Account = None,
    history: Annotated[bool, typer.Option("--history", help="Its events instead.")] = False,
    executions: Annotated[bool, typer.Option("--executions", help="Its execution reports instead.")] = False,
    as_json: Json = False,
) -> None:
    """Show one order, or what happened to it."""
    with one_line():
        gateway = platform()
        found = _found(gateway, order_id, client, account)
        if not history and not executions:
            tell(found, as_json, tables.order)
            return
        page = gateway.pages(f"/orders/{found['order_id']}/{'executions' if executions else 'history'}")
    rendered = tables.executions if executions else tables.events
    tell(page, as_json, lambda told: rendered(told["items"]))


def _found(gateway: Gateway, order_id: str, by_client_id: bool, account: str | None) -> Any:
    if by_client_id:
        return gateway.get(f"/orders/by-client-order-id/{order_id}", account_id=account)
    return gateway.get(f"/orders/{order_id}")
