"""Who is signed in where: the tokens of `trading login`, in a file that only its owner may read.

A refresh token works once. Two commands at a time must not both use it, so the file is locked while one renews.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import typer

FILE = "session.json"
# Renewed this long before it expires, so that it holds for the request that follows.
EARLY_NS = 10_000_000_000


class Session(msgspec.Struct, frozen=True):
    """url: the platform's. token_url: where tokens are renewed. expires_at_ns: of the access token, since 1970."""

    url: str
    user: str
    token_url: str
    access_token: str
    refresh_token: str
    expires_at_ns: int


class NotSignedIn(Exception):
    """There is no session, or it cannot be renewed."""


def session_file() -> Path:
    """In TRADING_CONFIG if that is set, else in the user's folder for settings."""
    return Path(os.environ.get("TRADING_CONFIG") or typer.get_app_dir("trading-platform")) / FILE


def save(path: Path, session: Session) -> None:
    """Write the file whole, readable for its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(path) as descriptor:
        _write(descriptor, session)


def current(path: Path, now_ns: int, renew: Callable[[Session], Session]) -> Session:
    """The session with an access token that holds for now; renewed and kept if it must be."""
    if not path.is_file():
        raise NotSignedIn("nobody is signed in; run `trading login` first")
    with _locked(path) as descriptor:
        session = _read(descriptor)
        if session.expires_at_ns - EARLY_NS <= now_ns:
            session = renew(session)
            _write(descriptor, session)
        return session


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.fchmod(descriptor, 0o600)
        yield descriptor
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> Session:
    raw = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    try:
        return msgspec.json.decode(raw, type=Session)
    except msgspec.DecodeError as error:
        raise NotSignedIn(f"the kept session is not readable ({error}); run `trading login` again") from None


def _write(descriptor: int, session: Session) -> None:
    raw = msgspec.json.encode(session)
    os.pwrite(descriptor, raw, 0)
    os.ftruncate(descriptor, len(raw))
