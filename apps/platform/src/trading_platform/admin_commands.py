"""Commands of an administrator about people: find one, give another password, erase.

They talk to the gateway as any client does, and end as those for people do.
"""

from typing import Annotated, Any

import typer

from trading_platform.client import tables
from trading_platform.client.report import Json, errors, one_line, show, shown
from trading_platform.client.rest import REFUSED, Failure, Gateway
from trading_platform.client.session import session_file

app = typer.Typer(no_args_is_help=True)
Person = Annotated[str, typer.Argument(help="E-mail address or user id.")]


@app.command()
def users(
    email: Annotated[str | None, typer.Option(help="The one with this address.")] = None, as_json: Json = False
) -> None:
    """List people with their roles."""
    with one_line():
        page = Gateway(session_file()).pages("/users", email=email)
    show(page, as_json, lambda found: tables.users(found["items"]))


@app.command("reset-password")
def reset_password(person: Person, as_json: Json = False) -> None:
    """Give somebody a password for one sign-in; the old one and every session of theirs end."""
    with one_line():
        asked = Gateway(session_file())
        user = _found(asked, person)
        given = asked.delete(f"/admin/users/{user['user_id']}/password")
    show(given, as_json, lambda told: f"{told['one_time_password']}  for one sign-in until {told['expires_at']}")
    errors.print(f"{user['email']} signs in with it in a browser, and chooses another there", markup=False)


@app.command()
def erase(
    person: Person,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone.")] = False,
) -> None:
    """Erase a person for ever: the key to name and address is destroyed; orders and money stay."""
    with one_line():
        asked = Gateway(session_file())
        user = _found(asked, person)
        if not yes:
            typer.confirm(f"Erase {user['name']} ({user['email']})? It cannot be undone", abort=True, err=True)
        asked.delete(f"/admin/users/{user['user_id']}")
    shown.print(f"erased {user['user_id']}", markup=False)


def _found(asked: Gateway, person: str) -> dict[str, Any]:
    """The one whom an address or an id names; Failure if there is nobody."""
    if "@" not in person:
        user: dict[str, Any] = asked.get(f"/users/{person}")
        return user
    items: list[dict[str, Any]] = asked.get("/users", email=person)["items"]
    if not items:
        raise Failure(f"not_found: Nobody has the address {person}.", REFUSED)
    return items[0]
