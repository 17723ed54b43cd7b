"""What must never stand in the log: a SQLite file of secrets that only this service reads (mode 0600).

Password hashes, the keys that open a person's sealed texts, the fingerprint key of e-mail addresses, signing keys,
sessions and refresh tokens (both as hashes). Every commit is flushed. Methods block: call them on the lane `LANE`.
Losing this file erases every person; back it up apart from the log.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

from user_service.grants import Grant, Rotation

LANE = "user-private"
ENDED_KEPT_NS = 86_400 * 1_000_000_000  # no access token holds for longer
SCHEMA = """
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS person_keys (user_id TEXT PRIMARY KEY, key BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS passwords (user_id TEXT PRIMARY KEY, hash TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS one_time_passwords (user_id TEXT PRIMARY KEY, expires_at_ns INT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS signing_keys (
    kid TEXT PRIMARY KEY, pem TEXT NOT NULL, created_at_ns INT NOT NULL, retired_at_ns INT) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    session_hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, signed_in_at_ns INT NOT NULL,
    expires_at_ns INT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS ended_families (family TEXT PRIMARY KEY, ended_at_ns INT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS refresh_tokens (
    token_hash TEXT PRIMARY KEY, family TEXT NOT NULL, session TEXT NOT NULL, user_id TEXT NOT NULL,
    client_id TEXT NOT NULL, scope TEXT NOT NULL, signed_in_at_ns INT NOT NULL, ends_at_ns INT NOT NULL,
    expires_at_ns INT NOT NULL, used INT NOT NULL DEFAULT 0) STRICT;
CREATE INDEX IF NOT EXISTS refresh_tokens_by_family ON refresh_tokens (family);
CREATE INDEX IF NOT EXISTS refresh_tokens_by_session ON refresh_tokens (session);
"""
_GRANT = "family, session, user_id, client_id, scope, signed_in_at_ns, ends_at_ns"


class PrivateStore:
    """One connection; in memory without a path."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.is_new = path is None or not path.exists()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Made with the right mode before SQLite opens it: there is no moment in which others can read it.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            path.chmod(0o600)
        self._db = sqlite3.connect(str(path) if path else ":memory:", isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")  # a destroyed key must not survive in a free page
            self._db.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise OSError(f"{path} cannot be read ({error}): restore it from its backup") from error

    def close(self) -> None:
        self._db.close()

    # ---- secrets of the service

    def secret(self, name: str, fresh: bytes) -> bytes:
        """The secret of that name; `fresh` becomes it if there is none."""
        self._db.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?)", (name, fresh))
        value: bytes = self._db.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()[0]
        return value

    def has_secret(self, name: str) -> bool:
        return self._db.execute("SELECT 1 FROM secrets WHERE name = ?", (name,)).fetchone() is not None

    def signing_keys(self) -> list[tuple[str, str, int, int | None]]:
        """(kid, PEM, created_at_ns, retired_at_ns or None), newest first."""
        return self._db.execute(
            "SELECT kid, pem, created_at_ns, retired_at_ns FROM signing_keys ORDER BY created_at_ns DESC, kid"
        ).fetchall()

    def replace_signing_key(self, kid: str, pem: str, now_ns: int) -> None:
        """Make this the signing key; the one before is retired."""

        def replace() -> None:
            self._db.execute("UPDATE signing_keys SET retired_at_ns = ? WHERE retired_at_ns IS NULL", (now_ns,))
            self._db.execute("INSERT INTO signing_keys VALUES (?, ?, ?, NULL)", (kid, pem, now_ns))

        self._atomically(replace)

    def drop_signing_keys(self, retired_before_ns: int) -> None:
        self._db.execute("DELETE FROM signing_keys WHERE retired_at_ns < ?", (retired_before_ns,))

    # ---- persons

    def add_person(self, user_id: str, key: bytes, password_hash: str) -> None:
        def add() -> None:
            self._db.execute("INSERT INTO person_keys VALUES (?, ?)", (user_id, key))
            self._db.execute("INSERT INTO passwords VALUES (?, ?)", (user_id, password_hash))

        self._atomically(add)

    def forget_person(self, user_id: str, now_ns: int) -> None:
        """Destroy the person's key, password, sessions and tokens: what the log holds of the person stays sealed."""

        def forget() -> None:
            self._end_sessions_of(user_id, "", now_ns)
            for table in ("person_keys", "passwords", "one_time_passwords"):
                self._db.execute(f"DELETE FROM {table} WHERE user_id = ?", (user_id,))

        self._atomically(forget)

    def person_keys(self, user_ids: Iterable[str]) -> dict[str, bytes]:
        """The keys of those persons who were not erased."""
        found: dict[str, bytes] = {}
        for user_id in user_ids:
            row = self._db.execute("SELECT key FROM person_keys WHERE user_id = ?", (user_id,)).fetchone()
            if row is not None:
                found[user_id] = row[0]
        return found

    def count_persons(self) -> int:
        """How many persons have a key."""
        return int(self._db.execute("SELECT count(*) FROM person_keys").fetchone()[0])

    def password_hash(self, user_id: str) -> str | None:
        row = self._db.execute("SELECT hash FROM passwords WHERE user_id = ?", (user_id,)).fetchone()
        return row[0] if row else None

    def one_time_until_ns(self, user_id: str) -> int | None:
        """When the password expires, which is good for one sign-in; None of one that its owner chose."""
        row = self._db.execute("SELECT expires_at_ns FROM one_time_passwords WHERE user_id = ?", (user_id,)).fetchone()
        return row[0] if row else None

    def set_password(
        self, user_id: str, password_hash: str, one_time_until_ns: int | None, kept_family: str, now_ns: int
    ) -> None:
        """Replace it, and end what signed in with the old one: all sessions and families of tokens but those of the
        browser, or else of the client, that holds `kept_family`."""

        def replace() -> None:
            self._db.execute("UPDATE passwords SET hash = ? WHERE user_id = ?", (password_hash, user_id))
            self._db.execute("DELETE FROM one_time_passwords WHERE user_id = ?", (user_id,))
            if one_time_until_ns is not None:
                self._db.execute("INSERT INTO one_time_passwords VALUES (?, ?)", (user_id, one_time_until_ns))
            self._end_sessions_of(user_id, kept_family, now_ns)

        self._atomically(replace)

    def replace_password_hash(self, user_id: str, old: str, new: str) -> None:
        """Store `new` unless the hash is not `old` any more."""
        self._db.execute("UPDATE passwords SET hash = ? WHERE user_id = ? AND hash = ?", (new, user_id, old))

    # ---- sessions and refresh tokens

    def add_session(self, session_hash: str, user_id: str, signed_in_at_ns: int, expires_at_ns: int) -> None:
        row = (session_hash, user_id, signed_in_at_ns, expires_at_ns)
        self._db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", row)

    def session(self, session_hash: str, now_ns: int) -> tuple[str, int] | None:
        """(user_id, signed_in_at_ns) of a session that has not expired."""
        row: tuple[str, int] | None = self._db.execute(
            "SELECT user_id, signed_in_at_ns FROM sessions WHERE session_hash = ? AND expires_at_ns > ?",
            (session_hash, now_ns),
        ).fetchone()
        return row

    def end_session(self, session_hash: str, now_ns: int) -> None:
        """End it with every family of tokens that it gave."""

        def end() -> None:
            given = "SELECT DISTINCT family FROM refresh_tokens WHERE session = ?"
            for (family,) in self._db.execute(given, (session_hash,)).fetchall():
                self._end_family(family, now_ns)
            self._db.execute("DELETE FROM sessions WHERE session_hash = ?", (session_hash,))

        self._atomically(end)

    def end_family(self, family: str, now_ns: int) -> None:
        """Nothing happens if there is none of this name, or if it has ended."""
        self._atomically(lambda: self._end_family(family, now_ns))

    def family_of(self, token_hash: str, client_id: str) -> tuple[str, str] | None:
        """(family, session) of a refresh token of this client, spent or not."""
        row: tuple[str, str] | None = self._db.execute(
            "SELECT family, session FROM refresh_tokens WHERE token_hash = ? AND client_id = ?", (token_hash, client_id)
        ).fetchone()
        return row

    def ended_families(self, since_ns: int) -> list[str]:
        """Those whose access tokens may still hold, oldest first."""
        found = self._db.execute(
            "SELECT family FROM ended_families WHERE ended_at_ns >= ? ORDER BY ended_at_ns, family", (since_ns,)
        )
        return [family for (family,) in found]

    def has_ended(self, family: str) -> bool:
        return self._db.execute("SELECT 1 FROM ended_families WHERE family = ?", (family,)).fetchone() is not None

    def add_refresh_token(self, token_hash: str, grant: Grant, expires_at_ns: int) -> bool:
        """The first of its family; False if the session that granted it has ended meanwhile, and nothing is added."""
        added = False

        def add() -> None:
            nonlocal added
            known = "SELECT 1 FROM sessions WHERE session_hash = ?"
            added = not grant.session or self._db.execute(known, (grant.session,)).fetchone() is not None
            if added:
                self._insert_refresh_token(token_hash, grant, expires_at_ns)

        self._atomically(add)
        return added

    def grant_of(self, token_hash: str, client_id: str, now_ns: int) -> Grant | None:
        """Of a refresh token of this client that is neither spent nor expired."""
        row = self._db.execute(
            f"SELECT {_GRANT} FROM refresh_tokens WHERE token_hash = ? AND client_id = ? AND used = 0 "
            "AND min(expires_at_ns, ends_at_ns) > ?",
            (token_hash, client_id, now_ns),
        ).fetchone()
        return Grant(*row) if row is not None else None

    def rotate_refresh_token(
        self, token_hash: str, client_id: str, new_hash: str, now_ns: int, idle_ns: int
    ) -> Rotation:
        """Spend a token for the next one of its family. A token spent before ends the family: someone copied it."""
        rotation = Rotation("unknown")

        def rotate() -> None:
            nonlocal rotation
            row = self._db.execute(
                f"SELECT used, expires_at_ns, {_GRANT} FROM refresh_tokens WHERE token_hash = ?", (token_hash,)
            ).fetchone()
            if row is None or row[5] != client_id:
                return
            grant = Grant(*row[2:])
            if row[0]:
                self._end_family(grant.family, now_ns)
                rotation = Rotation("reused", grant)
            elif min(row[1], grant.ends_at_ns) <= now_ns:
                rotation = Rotation("expired", grant)
            else:
                self._db.execute("UPDATE refresh_tokens SET used = 1 WHERE token_hash = ?", (token_hash,))
                self._insert_refresh_token(new_hash, grant, min(now_ns + idle_ns, grant.ends_at_ns))
                rotation = Rotation("rotated", grant)

        self._atomically(rotate)
        return rotation

    def purge(self, now_ns: int) -> None:
        """Drop what has expired. A spent token stays until its family ends, so that its reuse is noticed; and any token
        while an access token of its family may hold, so that this can be ended."""
        self._db.execute("DELETE FROM sessions WHERE expires_at_ns <= ?", (now_ns,))
        kept_ns = now_ns - ENDED_KEPT_NS
        self._db.execute("DELETE FROM ended_families WHERE ended_at_ns <= ?", (kept_ns,))
        self._db.execute(
            "DELETE FROM refresh_tokens WHERE ends_at_ns <= ? OR (used = 0 AND expires_at_ns <= ?)", (kept_ns, kept_ns)
        )

    def _end_sessions_of(self, user_id: str, kept_family: str, now_ns: int) -> None:
        given = "SELECT DISTINCT family, session FROM refresh_tokens WHERE user_id = ?"
        families: list[tuple[str, str]] = self._db.execute(given, (user_id,)).fetchall()
        kept_session = dict(families).get(kept_family, "")
        for family, session in families:
            if family != kept_family and (not session or session != kept_session):
                self._end_family(family, now_ns)
        self._db.execute("DELETE FROM sessions WHERE user_id = ? AND session_hash <> ?", (user_id, kept_session))

    def _end_family(self, family: str, now_ns: int) -> None:
        # Its access tokens still hold for a while, so that it ended is remembered for that long.
        known = "SELECT DISTINCT family, ? FROM refresh_tokens WHERE family = ?"
        self._db.execute(f"INSERT OR REPLACE INTO ended_families {known}", (now_ns, family))
        self._db.execute("DELETE FROM refresh_tokens WHERE family = ?", (family,))

    def _insert_refresh_token(self, token_hash: str, grant: Grant, expires_at_ns: int) -> None:
        self._db.execute(
            f"INSERT INTO refresh_tokens (token_hash, {_GRANT}, expires_at_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (token_hash, *grant, expires_at_ns),
        )

    def _atomically(self, work: Callable[[], None]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            work()
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
