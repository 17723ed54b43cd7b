"""An event's terms of an order as the message that shows them: one mapping, for every service that answers."""

from msgspec import UNSET

from trading.v1 import types_pb2
from trading_events.engine import Terms
from trading_events.messages import POST_ONLY, SELF_TRADE_PREVENTIONS, TRIGGER_METHODS


def terms_message(terms: Terms) -> types_pb2.OrderTerms:
    """What the order has; `asked_price` is the order's own field."""
    message = types_pb2.OrderTerms(
        minimum_quantity=terms.minimum_quantity or "",
        all_or_none=bool(terms.all_or_none),
        budget=terms.budget or "",
        expire_at_ms=terms.expire_at_ms or 0,
        trigger_price=terms.trigger_price or "",
        display_quantity=terms.display_quantity or "",
        hidden=bool(terms.hidden),
    )
    if terms.post_only is not UNSET:
        message.post_only = POST_ONLY[terms.post_only]
    if terms.trigger_by is not UNSET:
        message.trigger_by = TRIGGER_METHODS[terms.trigger_by]
    if terms.self_trade_prevention is not UNSET:
        message.self_trade_prevention = SELF_TRADE_PREVENTIONS[terms.self_trade_prevention]
    return message
