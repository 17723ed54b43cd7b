"""The events that risk-management writes (schema_version 1)."""

import msgspec

from risk_management.policy import AGGREGATE_TYPE, LimitPolicyRemoved, LimitPolicySet, PolicyEvent

ROLE = "risk-management"
AGGREGATE_TYPES = (AGGREGATE_TYPE,)
TYPES: tuple[type[PolicyEvent], ...] = (LimitPolicySet, LimitPolicyRemoved)

_DECODERS = {kind.__name__: msgspec.json.Decoder(kind) for kind in TYPES}


def encode(event: PolicyEvent) -> bytes:
    """Compact JSON in the order of the fields."""
    return msgspec.json.encode(event)


def decode(event_type: str, event_data: bytes) -> PolicyEvent | None:
    """The typed event; None if this service does not write the type. msgspec.ValidationError if the data is wrong."""
    decoder = _DECODERS.get(event_type)
    return decoder.decode(event_data) if decoder is not None else None
