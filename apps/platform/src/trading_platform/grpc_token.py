"""What callers of gRPC show, also on this machine, where other people may be: a secret in the data folder.

Processes on one data folder find it there; those on another are given it by TRADING_PLATFORM_GRPC_TOKEN.
"""

import os
import tempfile
from pathlib import Path

from kernel.runtime import Runtime
from trading_platform.settings import PlatformSettings

FILE = "grpc.token"
TOKEN_BYTES = 32


def token_of(settings: PlatformSettings, runtime: Runtime) -> str:
    """The one that is set, else the data folder's; it is made when there is none."""
    if settings.grpc_token:
        return settings.grpc_token
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = settings.data / FILE
    if not path.exists():
        _make(path, runtime.random_bytes(TOKEN_BYTES).hex())
    return token_in(settings.data)


def token_in(folder: Path) -> str:
    """The token of a data folder whose platform has started; ValueError if the file is empty."""
    token = (folder / FILE).read_text().strip()
    if not token:
        raise ValueError(f"expected a token in {folder / FILE}, which is empty: remove it, and start everything again")
    return token


def _make(path: Path, token: str) -> None:
    """Whole or not at all, and only for its owner; another process that was first is right."""
    descriptor, written = tempfile.mkstemp(dir=path.parent, prefix=FILE)  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(token + "\n")
        os.link(written, path)
    except FileExistsError:
        pass
    finally:
        Path(written).unlink()
