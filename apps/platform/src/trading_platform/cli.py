"""The `trading` command.

Exit codes: 0 done, 1 refused or different, 2 wrong usage, 3 the platform failed, 5 the output could not be
written, 130 interrupted at the start; `verify` also has 4.
"""

import traceback
from importlib.metadata import version
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console

from kernel.eventlog.port import LogError
from kernel.projection import ViewFailed
from kernel.refused import Refused
from kernel.settings import SettingsError, load
from kernel.telemetry import configure_logs
from trading_platform import client_commands, conformance_commands, order_commands, replay_commands, verify_command
from trading_platform.bench import commands as bench_commands
from trading_platform.settings import PlatformSettings, WrongUsage

REFUSED, USAGE, FAILED = 1, 2, 3

app = typer.Typer(
    name="trading",
    help="An event-sourced trading platform: venue, brokerage and market data from one log.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
errors = Console(stderr=True, highlight=False)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(version("trading-platform"))
        raise typer.Exit


@app.callback()
def trading(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """An event-sourced trading platform: venue, brokerage and market data from one log."""


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="Open a demo market with simulated makers and takers.")] = False,
    data: Annotated[str | None, typer.Option(help="Folder of the log and everything else.")] = None,
    http: Annotated[str | None, typer.Option(help="host:port of REST, WebSocket and the web terminal.")] = None,
    grpc: Annotated[str | None, typer.Option(help="host:port of the interface between services.")] = None,
    services: Annotated[str | None, typer.Option(help="Run only these services, separated by commas.")] = None,
    peers: Annotated[str | None, typer.Option(help="Where the others are: name=host:port, …")] = None,
    event_log: Annotated[str | None, typer.Option(help="host:port of the process that owns the log.")] = None,
    public_url: Annotated[str | None, typer.Option(help="URL under which browsers reach the gateway.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the demo market.")] = 1,
    while_input: Annotated[
        bool, typer.Option("--while-input", help="Stop too when standard input ends: whoever started it is gone.")
    ] = False,
) -> None:
    """Start the platform, or some of its services, and run until interrupted."""
    from trading_platform import up_command

    given: dict[str, Any] = {
        "data": data,
        "http": http,
        "grpc": grpc,
        "services": services,
        "peers": peers,
        "event_log": event_log,
        "public_url": public_url,
    }
    try:
        settings = load(PlatformSettings, **{name: value for name, value in given.items() if value is not None})
        configure_logs(settings.log_level)
        until = up_command.input_ends if while_input else up_command.interrupted
        uvloop.run(up_command.run(settings, seed if demo else None, until))
    except (SettingsError, WrongUsage) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(USAGE) from None
    except (LogError, OSError, Refused, RuntimeError, ViewFailed) as error:
        errors.print(str(error) or type(error).__name__, style="red", markup=False, soft_wrap=True)
        raise typer.Exit(FAILED) from None
    except Exception:  # a fault of the platform: nobody can find it without its trace
        errors.print(f"the platform failed\n{traceback.format_exc()}", markup=False, soft_wrap=True)
        raise typer.Exit(FAILED) from None


app.add_typer(replay_commands.app, name="replay", help="Send recorded days through a platform of their own.")
app.add_typer(conformance_commands.app, name="conformance", help="Compare the core with what others published.")
app.add_typer(bench_commands.app, name="bench", help="Measure this machine.")
app.command()(verify_command.verify)
app.add_typer(order_commands.orders, name="order", help="Place, cancel and look at your orders.")
client_commands.add_to(app)
