"""Events of an instrument's sessions: what it does for a time, and the auctions at the end of calls."""

import msgspec
from msgspec import UNSET, UnsetType

from trading_events.words import InstrumentId, Number, Session, Side


class SessionChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    instrument_id: InstrumentId
    symbol: str
    session: Session
    reason: str


class AuctionEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every event of an auction names. It changes no order and no account: events of their own do."""

    instrument_id: InstrumentId
    symbol: str


class IndicativeChanged(AuctionEvent, frozen=True, forbid_unknown_fields=True):
    """What an auction call would trade at its end, were nothing to change. price: None if nothing would trade. surplus:
    what could trade at the price and finds nobody, on surplus_side."""

    price: Number | None
    volume: Number
    surplus: Number
    surplus_side: Side | UnsetType = UNSET


class AuctionUncrossed(AuctionEvent, frozen=True, forbid_unknown_fields=True):
    """The orders of a call have traded `volume`, all at one price; the trades come before. surplus: what could trade at
    the price and found nobody."""

    price: Number
    volume: Number
    surplus: Number
    surplus_side: Side | UnsetType = UNSET


class AuctionDeferred(AuctionEvent, frozen=True, forbid_unknown_fields=True):
    """A change of session asks more than one command does: the rest goes on at once. price: of the auction whose trades
    go on; volume: what it has traded."""

    volume: Number
    price: Number | UnsetType = UNSET


class AuctionResumed(AuctionEvent, frozen=True, forbid_unknown_fields=True):
    """What a change of session has left goes on."""
