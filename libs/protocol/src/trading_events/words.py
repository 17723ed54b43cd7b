"""The words, numbers and ids of the engine's events, with the patterns that their schemas show."""

from typing import Annotated, Literal

import msgspec


def _text(pattern: str, description: str) -> msgspec.Meta:
    """For the schema only: the core proves the form when it writes, and a pattern a field would cost each reader more
    than all the rest of decoding."""
    return msgspec.Meta(extra_json_schema={"pattern": f"^{pattern}$", "description": description})


def _core_id(kind: str, of: str) -> msgspec.Meta:
    return _text(
        f"{kind}-[0-9a-f]{{4}}-8000-8000-[0-9a-f]{{12}}", f"Id of {of}: a UUIDv8 that names its kind and its log."
    )


OrderId = Annotated[str, _core_id("6f726472", "an order")]
TradeId = Annotated[str, _core_id("74726164", "a trade")]
AccountId = Annotated[str, _core_id("61636374", "an account")]
InstrumentId = Annotated[str, _core_id("696e7374", "an instrument")]
Number = Annotated[
    str,
    _text(r"(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", "An exact decimal, zero or more, in its one textual form."),
]
SignedNumber = Annotated[
    str,
    _text(
        r"(0|-?(0\.[0-9]*[1-9]|[1-9][0-9]*(\.[0-9]*[1-9])?))",
        "An exact decimal in its one textual form: no exponent, no plus, no trailing zeros.",
    ),
]
Code = Annotated[str, _text("[a-z][a-z0-9_]*", "A stable code.")]

Side = Literal["BUY", "SELL"]
Status = Literal["PENDING", "PARTIALLY_EXECUTED", "EXECUTED", "CANCELED", "EXPIRED", "REJECTED"]
OrderType = Literal["LIMIT", "MARKET", "MARKET_TO_LIMIT", "STOP", "STOP_LIMIT", "MARKET_IF_TOUCHED", "LIMIT_IF_TOUCHED"]
# The core has them; no service offers them.
PegType = Literal["PRIMARY_PEG", "MARKET_PEG", "MIDPOINT_PEG"]
TimeInForce = Literal["GTC", "DAY", "IOC", "FOK", "GTD"]
Session = Literal[
    "CONTINUOUS",
    "CLOSED",
    "PRE_OPEN",
    "OPENING_CALL",
    "VOLATILITY_CALL",
    "HALT",
    "CLOSING_CALL",
    "CLOSING_PRICE_CROSS",
]
SelfTradePrevention = Literal["CANCEL_NEWEST", "CANCEL_OLDEST", "CANCEL_BOTH", "DECREMENT_AND_CANCEL"]
PostOnly = Literal["REJECT", "SLIDE"]
TriggerBy = Literal["LAST", "BID_ASK", "MARK"]
Allocation = Literal["PRICE_TIME", "PRO_RATA", "LEAD_MARKET_MAKER"]
