"""Passwords are kept as argon2id hashes and checked on a thread of their own.

An unknown user's password is checked too, against a hash that fits nothing, so that the answer takes as long.
"""

import unicodedata
from collections.abc import Callable
from typing import TypeVar

from argon2 import Parameters, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import hash_secret, verify_secret

from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from user_service.settings import UserServiceSettings

T = TypeVar("T")

LANE = "passwords"
CHARACTERS_MIN = 12
CHARACTERS_MAX = 128
DIFFERENT_CHARACTERS_MIN = 5
SALT_BYTES = 16
HASH_BYTES = 32
LANES = 1  # of argon2: more would need more cores a sign-in


def check_strength(password: str, address: str) -> None:
    """Raise Refused if the password is too short, too long or too plain (NIST SP 800-63B, 5.1.1.2)."""
    if not CHARACTERS_MIN <= len(password) <= CHARACTERS_MAX:
        told = f"a password has {CHARACTERS_MIN} to {CHARACTERS_MAX} characters, this one has {len(password)}"
        raise Refused("weak_password", told, Kind.INVALID)
    if len(set(password)) < DIFFERENT_CHARACTERS_MIN:
        told = f"a password has at least {DIFFERENT_CHARACTERS_MIN} different characters"
        raise Refused("weak_password", told, Kind.INVALID)
    if password.strip().casefold() == address.strip().casefold():
        raise Refused("weak_password", "a password is not the e-mail address", Kind.INVALID)


class Passwords:
    """hash and verify; both wait for the thread, at most `password_queue_max` callers at a time."""

    def __init__(self, runtime: Runtime, settings: UserServiceSettings) -> None:
        self._runtime = runtime
        self._passes = settings.argon2_passes
        self._memory_kib = settings.argon2_memory_kib
        self._queue_max = settings.password_queue_max
        self._waiting = 0
        self._fits_nothing = self._hash(runtime.random_bytes(SALT_BYTES).hex(), runtime.random_bytes(SALT_BYTES))

    async def hash(self, password: str) -> str:
        salt = self._runtime.random_bytes(SALT_BYTES)
        return await self._queued(self._hash, password, salt)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; None is the hash of someone who does not exist, and takes as long."""
        fits = await self._queued(_verify, password_hash or self._fits_nothing, password)
        return fits and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        made: Parameters = extract_parameters(password_hash)
        return (made.time_cost, made.memory_cost, made.type) != (self._passes, self._memory_kib, Type.ID)

    def _hash(self, password: str, salt: bytes) -> str:
        return hash_secret(_bytes(password), salt, self._passes, self._memory_kib, LANES, HASH_BYTES, Type.ID).decode()

    async def _queued(self, call: Callable[..., T], *arguments: object) -> T:
        if self._waiting >= self._queue_max:
            raise Refused("busy", "too many passwords are being checked; try again", Kind.UNAVAILABLE, retry_after_s=1)
        self._waiting += 1
        try:
            return await self._runtime.in_thread(LANE, call, *arguments)
        finally:
            self._waiting -= 1


def _verify(password_hash: str, password: str) -> bool:
    try:
        return verify_secret(password_hash.encode(), _bytes(password), Type.ID)
    except (VerificationError, InvalidHashError):
        return False


def _bytes(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password).encode()
