"""The user service's events in the log: names, JSON, and which aggregate writes them (schema_version 1).

`contracts/events/user` holds a JSON schema and golden samples of each; the types are tested against them.
"""

import msgspec

from user_service import address, user

ROLE = "user-service"
USER = "User"
EMAIL = "UserEmail"
AGGREGATE_TYPES = (USER, EMAIL)

UserServiceEvent = user.Event | address.Event

TYPES: tuple[type[UserServiceEvent], ...] = (
    user.UserRegistered,
    user.ProfileUpdated,
    user.RolesChanged,
    user.ApiKeyCreated,
    user.ApiKeyRevoked,
    user.UserErased,
    address.EmailClaimed,
    address.EmailReleased,
)

_DECODERS: dict[str, msgspec.json.Decoder[UserServiceEvent]] = {
    kind.__name__: msgspec.json.Decoder(kind, strict=True) for kind in TYPES
}


def encode(event: UserServiceEvent) -> bytes:
    """Compact JSON in the order of the fields."""
    return msgspec.json.encode(event)


def decode(event_type: str, event_data: bytes) -> UserServiceEvent | None:
    """The typed event; None if this service does not write the type. msgspec.ValidationError if the data is wrong."""
    decoder = _DECODERS.get(event_type)
    return None if decoder is None else decoder.decode(event_data)
