"""Commands for people: sign in, place, cancel and look at orders, look at a book and at one's accounts.

They talk to the gateway as any client does. Exit codes: 0 done, 1 refused, 2 the request was wrong, 3 the platform
failed or is not there, 4 not signed in.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer
import uvloop
from rich.console import RenderableType
from rich.live import Live

from kernel.runtime import SystemRuntime
from trading_platform import admin_commands
from trading_platform.client import browser, live, placing, tables
from trading_platform.client.report import Json, errors, shown
from trading_platform.client.report import one_line as _one_line
from trading_platform.client.report import show as _show
from trading_platform.client.rest import Gateway, signed_in
from trading_platform.client.session import Session, save, session_file

URL_DEFAULT = "http://127.0.0.1:8080"


def _canonical(symbol: str | None) -> str | None:
    """As the platform writes it: people may type btc/usd."""
    return None if symbol is None else symbol.replace("/", "-").upper()


Client = Annotated[bool, typer.Option("--client", help="The id is your client order id.")]
Account = Annotated[str | None, typer.Option(help="With --client: the account id; your first one when absent.")]
Symbol = Annotated[str, typer.Argument(help="Such as AAPL or BTC-USD.", callback=_canonical)]

orders = typer.Typer(no_args_is_help=True)
accounts = typer.Typer(no_args_is_help=True)
instruments = typer.Typer(no_args_is_help=True)


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class TimeInForce(StrEnum):
    GTC = "GTC"
    DAY = "DAY"
    IOC = "IOC"


class Status(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


def add_to(app: typer.Typer) -> None:
    """Add the client commands to the root command."""
    app.command()(login)
    app.command()(password)
    app.command()(book)
    app.add_typer(orders, name="order", help="Place, cancel and look at your orders.")
    app.add_typer(accounts, name="account", help="Look at your accounts.")
    app.add_typer(instruments, name="instrument", help="Look at what is traded.")
    app.add_typer(admin_commands.app, name="admin", help="What administrators do about people.")


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of a request."""
    return {name: value for name, value in body.items() if value is not None}


def login(
    url: Annotated[str, typer.Option(help="Where the platform is.")] = URL_DEFAULT,
    user: Annotated[str | None, typer.Option(help="E-mail address: asks for the password here (demo only).")] = None,
) -> None:
    """Sign in with a browser; the session is kept in a file that only you may read, and renews itself."""
    url = url.rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"expected http(s)://host[:port], got {url}", param_hint="--url")
    with _one_line():
        if user is None:
            session = uvloop.run(browser.signed_in(url, _invite))
        else:
            session = signed_in(url, user, typer.prompt("Password", hide_input=True, err=True))
    save(session_file(), session)
    errors.print(f"signed in to {session.url} as {session.user}", markup=False, soft_wrap=True)


def password() -> None:
    """Change your password; every session but this one ends."""
    current = typer.prompt("Current password", hide_input=True, err=True)
    new = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    with _one_line():
        _gateway().put("/users/me/password", {"current_password": current, "new_password": new})
    errors.print("your password was changed", markup=False)


def _invite(address: str) -> None:
    errors.print(f"sign in with your browser:\n{address}", markup=False, soft_wrap=True)


@orders.command()
def place(
    side: Annotated[Side, typer.Argument(case_sensitive=False)],
    quantity: Annotated[str, typer.Argument(help="An exact decimal.")],
    symbol: Symbol,
    price: Annotated[str | None, typer.Option(help="Limit price; without it the order is a market order.")] = None,
    time_in_force: Annotated[TimeInForce | None, typer.Option("--time-in-force", "--tif", case_sensitive=False)] = None,
    protection_price: Annotated[str | None, typer.Option(help="The worst price of a market order.")] = None,
    client_order_id: Annotated[
        str | None, typer.Option(help="Your own id: a repeat gets the first answer. Made when absent.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Account id; your first one when absent.")] = None,
    as_json: Json = False,
) -> None:
    """Place an order, such as `trading order place buy 10 AAPL --price 189.50`.

    Without an answer it is sent again under the same client order id, so that it cannot be placed twice."""
    runtime = SystemRuntime()
    body = {
        "symbol": symbol,
        "side": side.value,
        "type": "MARKET" if price is None else "LIMIT",
        "quantity": quantity,
        "price": price,
        "time_in_force": time_in_force.value if time_in_force else None,
        "protection_price": protection_price,
        "client_order_id": client_order_id or placing.new_client_order_id(runtime),
        "account_id": account,
    }
    with _one_line():
        placed = placing.placed(_gateway(), _given(body), runtime)
    _show(placed, as_json, tables.order_line)


@orders.command()
def replace(
    order_id: Annotated[str, typer.Argument(help="The platform's id, or yours with --client.")],
    quantity: Annotated[str | None, typer.Option(help="The whole quantity from now on, with what is executed.")] = None,
    price: Annotated[str | None, typer.Option(help="The limit price from now on.")] = None,
    client: Client = False,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Change an open order's quantity, price or both. Less quantity alone keeps its place in the queue."""
    if quantity is None and price is None:
        raise typer.BadParameter("give a --quantity, a --price or both")
    with _one_line():
        gateway = _gateway()
        if client:
            order_id = _found(gateway, order_id, client, account)["order_id"]
        replaced = gateway.patch(f"/orders/{order_id}", _given({"quantity": quantity, "price": price}))
    _show(replaced, as_json, tables.order_line)


@orders.command()
def cancel(
    order_id: Annotated[str | None, typer.Argument(help="The order; or --all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All your open orders.")] = False,
    symbol: Annotated[
        str | None, typer.Option(help="With --all: only those of this symbol.", callback=_canonical)
    ] = None,
    as_json: Json = False,
) -> None:
    """Cancel an order, or all of them."""
    if every == (order_id is not None) or (symbol is not None and not every):
        raise typer.BadParameter("give an order id, or --all (and then a --symbol, if you like)")
    with _one_line():
        if every:
            canceled = _gateway().delete("/orders", symbol=symbol)
            _show(canceled, as_json, lambda done: f"{done['count']} orders canceled")
        else:
            canceled = _gateway().delete(f"/orders/{order_id}")
            _show(canceled, as_json, tables.order_line)


@orders.command("list")
def list_orders(
    status: Annotated[Status, typer.Option(case_sensitive=False)] = Status.OPEN,
    symbol: Annotated[str | None, typer.Option(help="Only those of this symbol.", callback=_canonical)] = None,
    limit: Annotated[int | None, typer.Option(help="The newest so many; all when absent.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """List your orders, newest first."""
    with _one_line():
        page = _gateway().pages("/orders", limit, status=status.value, symbol=symbol)
    _show(page, as_json, lambda found: tables.orders(found["items"]))
    if page["next_cursor"] is not None:
        errors.print(f"these are the newest {limit}; there are more", markup=False)


@orders.command()
def show(
    order_id: Annotated[str, typer.Argument(help="The platform's id, or yours with --client.")],
    client: Client = False,
    account: Account = None,
    history: Annotated[bool, typer.Option("--history", help="Its events instead.")] = False,
    as_json: Json = False,
) -> None:
    """Show one order, or what happened to it."""
    with _one_line():
        gateway = _gateway()
        found = _found(gateway, order_id, client, account)
        if not history:
            _show(found, as_json, tables.order)
            return
        page = gateway.pages(f"/orders/{found['order_id']}/history")
    _show(page, as_json, lambda told: tables.events(told["items"]))


def _found(gateway: Gateway, order_id: str, by_client_id: bool, account: str | None) -> Any:
    if by_client_id:
        return gateway.get(f"/orders/by-client-order-id/{order_id}", account_id=account)
    return gateway.get(f"/orders/{order_id}")


def book(
    symbol: Symbol,
    depth: Annotated[int, typer.Option(help="Levels of each side.", min=1, max=100)] = 10,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until ctrl-c.")] = False,
    as_json: Json = False,
) -> None:
    """Show the book of an instrument."""
    with _one_line():
        gateway = _gateway()
        if watch:
            _watched(gateway.session(), symbol, depth, as_json)
            return
        found = gateway.get(f"/market-data/{symbol}/book", depth=depth)
    _show(found, as_json, _ladder)


def _ladder(found: Any) -> RenderableType:
    bids, asks = ([(level["price"], level["quantity"]) for level in found[side]] for side in ("bids", "asks"))
    return tables.ladder(found["symbol"], bids, asks, found["position"])


def _levels(levels: list[tables.Level]) -> list[dict[str, str]]:
    """As the platform's own documents have them."""
    return [{"price": price, "quantity": quantity} for price, quantity in levels]


def _watched(session: Session, symbol: str, depth: int, as_json: bool) -> None:
    """Until interrupted; with as_json a line a change."""

    async def follow() -> None:
        with Live(console=shown, auto_refresh=False, screen=not as_json and shown.is_terminal) as screen:
            async for now, at in live.follow(session, symbol, depth):
                bids, asks = now.best("bids", depth), now.best("asks", depth)
                if as_json:
                    told = {"symbol": symbol, "seq": now.seq, "time": at, "bids": _levels(bids), "asks": _levels(asks)}
                    typer.echo(json.dumps(told))
                else:
                    screen.update(tables.ladder(symbol, bids, asks, at), refresh=True)

    try:
        uvloop.run(follow())
    except KeyboardInterrupt:
        return


@accounts.command("show")
def show_accounts(as_json: Json = False) -> None:
    """Show your accounts: balances, what open orders hold, and positions."""
    with _one_line():
        gateway = _gateway()
        found = gateway.pages("/accounts")["items"]
        documents = [
            account | {"positions": gateway.get(f"/accounts/{account['account_id']}/positions")["items"]}
            for account in found
        ]
    if as_json:
        typer.echo(json.dumps({"items": documents}))
        return
    for account in documents:
        shown.print(tables.balances(account), soft_wrap=True)
        if account["positions"]:
            shown.print(tables.positions(account["positions"]), soft_wrap=True)


@instruments.command("list")
def list_instruments(as_json: Json = False) -> None:
    """List what is traded."""
    with _one_line():
        page = _gateway().pages("/instruments")
    _show(page, as_json, lambda found: tables.instruments(found["items"]))


def _gateway() -> Gateway:
    return Gateway(session_file())
