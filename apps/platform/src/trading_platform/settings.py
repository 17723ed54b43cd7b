"""Settings of the whole process: what runs here, where its data lies, where the others are."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import SettingsConfigDict

from kernel.settings import Settings

ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+):([0-9]{1,5})", re.ASCII)
PORT_MAX = 65_535


class WrongUsage(ValueError):
    """What was asked for cannot be run; the message says what was expected. Anything else that fails is no usage."""


def address_in(text: str) -> str:
    """`host:port`, or empty; WrongUsage says what was expected."""
    found = ADDRESS.fullmatch(text)
    if text and (found is None or int(found[2]) > PORT_MAX):
        raise WrongUsage("expected host:port, such as 127.0.0.1:8080")
    return text


def url_in(text: str) -> str:
    """A URL without a path, or empty; ValueError says what was expected."""
    if text and not re.fullmatch(r"https?://[^/\s]+", text):
        raise ValueError("expected http(s)://host[:port] without a slash at the end")
    return text


def folder_in(given: object) -> object:
    """A folder that is there or can be made; ValueError for nothing, and for what is no folder."""
    if not str(given):
        raise ValueError("expected a folder")
    if Path(str(given)).exists() and not Path(str(given)).is_dir():
        raise ValueError("expected a folder, and this is a file")
    return given


def _capitals(given: object) -> object:
    return given.upper() if isinstance(given, str) else given


Address = Annotated[str, AfterValidator(address_in)]


class PlatformSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="TRADING_PLATFORM_")

    services: str = "all"
    """Names of the services that run in this process, separated by commas; `all` for every one."""
    data: Annotated[Path, BeforeValidator(folder_in)] = Path(".trading")
    """Folder of the event log, the read models and the private stores."""
    log_name: str = "main"
    """Name of the event log."""
    event_log: Address = ""
    """host:port of the process that owns the event log; empty: this process owns it, in `data`."""
    http: Address = ""
    """host:port of HTTP: the gateway's site, the identity provider, and of every process /health, /ready and /metrics.
    Empty: 127.0.0.1:8080 where people reach one of the first two, else any free port of this machine."""
    grpc: Address = ""
    """host:port of the gRPC interface between services; empty: none, unless only some services run here."""
    grpc_token: str = Field(default="", repr=False)
    """What gRPC callers must show, the same in all processes; needed where gRPC is open beyond this machine. Empty: a
    token that is made and kept in `data`, where processes on the same folder find it."""
    peers: str = ""
    """Where the services that do not run here are: name=host:port, separated by commas."""
    public_url: Annotated[str, AfterValidator(url_in)] = ""
    """URL under which browsers reach the gateway; empty: http:// and the address above."""
    web: Path | None = None
    """Folder of the built web terminal; none: the one in the repository, if it is built."""
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_capitals)] = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
