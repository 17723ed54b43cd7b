"""Commands for people: sign in, look at a book, at instruments and at one's accounts, and choose for these.

They talk to the gateway as any client does. Exit codes: 0 done, 1 refused, 2 the request was wrong, 3 the platform
failed or is not there, 4 not signed in.
"""

import json
from typing import Annotated, Any

import typer
import uvloop
from rich.console import RenderableType
from rich.live import Live

from trading_platform import admin_commands
from trading_platform.client import browser, live, tables
from trading_platform.client.report import Json, errors, one_line, shown
from trading_platform.client.report import show as tell
from trading_platform.client.rest import Gateway, signed_in
from trading_platform.client.session import Session, save, session_file
from trading_platform.client.terminal import Symbol, platform

URL_DEFAULT = "http://127.0.0.1:8080"

Account = Annotated[str | None, typer.Option(help="Account id; your first one when absent.")]

accounts = typer.Typer(no_args_is_help=True)
instruments = typer.Typer(no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the client commands to the root command."""
    app.command()(login)
    app.command()(password)
    app.command()(book)
    app.add_typer(accounts, name="account", help="Look at your accounts.")
    app.add_typer(instruments, name="instrument", help="Look at what is traded.")
    app.add_typer(admin_commands.app, name="admin", help="What administrators do about people.")


def login(
    url: Annotated[str, typer.Option(help="Where the platform is.")] = URL_DEFAULT,
    user: Annotated[str | None, typer.Option(help="E-mail address: asks for the password here (demo only).")] = None,
) -> None:
    """Sign in with a browser; the session is kept in a file that only you may read, and renews itself."""
    url = url.rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"expected http(s)://host[:port], got {url}", param_hint="--url")
    with one_line():
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
    with one_line():
        platform().put("/users/me/password", {"current_password": current, "new_password": new})
    errors.print("your password was changed", markup=False)


def _invite(address: str) -> None:
    errors.print(f"sign in with your browser:\n{address}", markup=False, soft_wrap=True)


def book(
    symbol: Symbol,
    depth: Annotated[int, typer.Option(help="Levels of each side.", min=1, max=100)] = 10,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until ctrl-c.")] = False,
    as_json: Json = False,
) -> None:
    """Show the book of an instrument."""
    with one_line():
        gateway = platform()
        if watch:
            _watched(gateway.session(), symbol, depth, as_json)
            return
        found = gateway.get(f"/market-data/{symbol}/book", depth=depth)
    tell(found, as_json, _ladder)


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
    with one_line():
        gateway = platform()
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


@accounts.command()
def timer(
    seconds: Annotated[int, typer.Argument(help="Cancel everything in so many seconds; 0 switches it off.", min=0)],
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Set the dead-man's timer: unless you set it again in time, the venue cancels all open orders of the account."""
    with one_line():
        gateway = platform()
        path = f"/accounts/{_account_id(gateway, account)}/dead-mans-timer"
        done = gateway.put(path, {"seconds": seconds}) if seconds else gateway.delete(path)
    tell(done, as_json, lambda set_to: f"orders end at {set_to['due_at']}" if set_to else "the timer is off")


@accounts.command()
def options(
    cancel_on_disconnect: Annotated[
        bool, typer.Option(help="Cancel the account's orders when the last stream of its orders ends.")
    ],
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Choose what holds for all orders of an account."""
    with one_line():
        gateway = platform()
        path = f"/accounts/{_account_id(gateway, account)}/options"
        changed = gateway.patch(path, {"cancel_on_disconnect": cancel_on_disconnect})
    tell(changed, as_json, tables.balances)


def _account_id(gateway: Gateway, named: str | None) -> str:
    """The first account when none is named."""
    return named or str(gateway.get("/accounts", limit=1)["items"][0]["account_id"])


@instruments.command("list")
def list_instruments(as_json: Json = False) -> None:
    """List what is traded."""
    with one_line():
        page = platform().pages("/instruments")
    tell(page, as_json, lambda found: tables.instruments(found["items"]))
