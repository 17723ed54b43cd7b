"""Commands for people: place, cancel and list orders, look at a book and at one's accounts."""

import typer


def add_to(app: typer.Typer) -> None:
    """Add the client commands to the root command."""
