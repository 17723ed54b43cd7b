"""`python -m trading_platform` is the `trading` command."""

from trading_platform.cli import app

app()
