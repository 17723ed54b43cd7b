"""An e-mail address belongs to one user: a stream per address, so that the log itself keeps it unique.

The stream's id is a keyed fingerprint of the normalised address. The key is a secret, so nobody who reads the log can
try addresses. The claim and the registration are one append over two streams: both happen, or neither.
"""

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass
from typing import assert_never

import msgspec

from kernel.ids import UserId
from kernel.refused import Kind, Refused
from user_service.fields import EmailIdText, UserIdText

ADDRESS_CHARACTERS_MAX = 254


def normalised(address: str) -> str:
    """The form in which addresses are compared: no outer space, NFKC, case folded.

    The part before the @ may be case-sensitive by RFC 5321, 2.4; no mail provider makes use of it, people do not expect
    it, and two users whose addresses differ by case would be a trap.
    """
    return unicodedata.normalize("NFKC", address.strip()).casefold()


def is_address(text: str) -> bool:
    """Whether `text` could be an address: one @, something before it, a dotted or local name after it."""
    before, at, after = text.strip().rpartition("@")
    plain = not any(character.isspace() or not character.isprintable() for character in text.strip())
    return bool(
        at and before and after.strip(".") and "@" not in before and plain and len(text) <= ADDRESS_CHARACTERS_MAX
    )


def email_id(key: bytes, address: str) -> str:
    """HMAC-SHA256 of the normalised address under `key`, in hex."""
    return hmac.new(key, normalised(address).encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class ClaimEmail:
    email_id: str
    user_id: UserId


@dataclass(frozen=True, slots=True)
class ReleaseEmail:
    """Its owner is erased: the address is free again."""

    email_id: str
    user_id: str


Command = ClaimEmail | ReleaseEmail


class EmailClaimed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email_id: EmailIdText
    user_id: UserIdText


class EmailReleased(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email_id: EmailIdText
    user_id: UserIdText


Event = EmailClaimed | EmailReleased


@dataclass(frozen=True, slots=True)
class Free:
    pass


@dataclass(frozen=True, slots=True)
class Claimed:
    user_id: str


State = Free | Claimed
initial: State = Free()


def decide(state: State, command: Command) -> list[Event]:
    """Return the events that `command` causes; raise Refused if the address is taken, by whomever."""
    match command:
        case ClaimEmail():
            if isinstance(state, Claimed):
                raise Refused("email_taken", "another user has this e-mail address", Kind.CONFLICT)
            return [EmailClaimed(command.email_id, command.user_id)]
        case ReleaseEmail():
            if state != Claimed(command.user_id):
                return []
            return [EmailReleased(command.email_id, command.user_id)]
        case _:
            assert_never(command)


def evolve(state: State, event: Event) -> State:
    match event:
        case EmailClaimed():
            assert isinstance(state, Free), f"{event} after {state}"
            return Claimed(event.user_id)
        case EmailReleased():
            assert state == Claimed(event.user_id), f"{event} after {state}"
            return Free()
        case _:
            assert_never(event)
