"""Settings of the whole process: what runs here, where its data lies, where the others are."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kernel.settings import Settings


class PlatformSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="TRADING_PLATFORM_")

    services: str = "all"
    """Names of the services that run in this process, separated by commas; `all` for every one."""
    data: Path = Path(".trading")
    """Folder of the event log, the read models and the private stores."""
    log_name: str = "main"
    """Name of the event log."""
    event_log: str = ""
    """host:port of the process that owns the event log; empty: this process owns it, in `data`."""
    http: str = ""
    """host:port of HTTP: the gateway's site, the identity provider, and of every process /health, /ready and /metrics.
    Empty: 127.0.0.1:8080 where people reach one of the first two, else any free port of this machine."""
    grpc: str = ""
    """host:port of the gRPC interface between services; empty: none, unless only some services run here."""
    grpc_token: str = Field(default="", repr=False)
    """What gRPC callers must show, the same in all processes; needed where gRPC is open beyond this machine."""
    peers: str = ""
    """Where the services that do not run here are: name=host:port, separated by commas."""
    public_url: str = ""
    """URL under which browsers reach the gateway; empty: http:// and the address above."""
    web: Path | None = None
    """Folder of the built web terminal; none: the one in the repository, if it is built."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
