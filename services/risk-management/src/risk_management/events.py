"""The events that risk-management writes (schema_version 1)."""

import msgspec

from risk_management.policy import AGGREGATE_TYPE, LimitPolicySet

ROLE = "risk-management"
AGGREGATE_TYPES = (AGGREGATE_TYPE,)
TYPES: tuple[type[LimitPolicySet], ...] = (LimitPolicySet,)

_DECODER = msgspec.json.Decoder(LimitPolicySet)


def encode(event: LimitPolicySet) -> bytes:
    """Compact JSON in the order of the fields."""
    return msgspec.json.encode(event)


def decode(event_type: str, event_data: bytes) -> LimitPolicySet | None:
    """The typed event; None if this service does not write the type. msgspec.ValidationError if the data is wrong."""
    return _DECODER.decode(event_data) if event_type == LimitPolicySet.__name__ else None
