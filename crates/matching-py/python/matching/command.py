"""Packers of command records: plain integers in, the 128 bytes of one record out.

Prices count price units, quantities lots, amounts ledger units, limits 10^-18; ids are u64, stamps nanoseconds since
1970. The layout is documented to the byte in crates/matching/COMMANDS.md. A number that does not fit its field raises
`struct.error`; what the numbers mean is checked by the engine.
"""

from enum import IntEnum
from struct import Struct
from typing import Final

RECORD_VERSION: Final = 1

# version, kind, three words, presence bits, reserved, stamp, six numbers, two text references, two amounts, tail
_RECORD: Final = Struct("<BBBBBBHQQQQQQQIIII16s16sI12x")
_NO_AMOUNT: Final = bytes(16)


class Side(IntEnum):
    BUY = 0
    SELL = 1


class OrderType(IntEnum):
    LIMIT = 0
    MARKET = 1


class TimeInForce(IntEnum):
    GTC = 0
    DAY = 1
    IOC = 2


class AssetKind(IntEnum):
    CURRENCY = 0
    SECURITY = 1


class AccountState(IntEnum):
    ACTIVE = 0
    SUSPENDED = 1


class Session(IntEnum):
    CONTINUOUS = 0
    CLOSED = 1


class TextArena:
    """The texts of a batch, one after another; pass `bytes(arena)` to `Engine.execute`."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def __bytes__(self) -> bytes:
        return bytes(self._bytes)

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, text: str | None) -> tuple[int, int]:
        """Offset and length of a text, (0, 0) for none."""
        if not text:
            return 0, 0
        encoded = text.encode()
        offset = len(self._bytes)
        self._bytes += encoded
        return offset, len(encoded)


def _pack(
    kind: int,
    stamp_ns: int,
    words: tuple[int, int, int] = (0, 0, 0),
    presence: int = 0,
    numbers: tuple[int, int, int, int, int, int] = (0, 0, 0, 0, 0, 0),
    texts: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0)),
    amounts: tuple[bytes, bytes] = (_NO_AMOUNT, _NO_AMOUNT),
    tail: int = 0,
) -> bytes:
    return _RECORD.pack(
        RECORD_VERSION, kind, *words, presence, 0, stamp_ns, *numbers, *texts[0], *texts[1], *amounts, tail
    )


def _amount(value: int) -> bytes:
    return value.to_bytes(16, "little")


def open_venue(stamp_ns: int) -> bytes:
    """Open the external and the house account of a fresh log."""
    return _pack(1, stamp_ns)


def list_asset(texts: TextArena, stamp_ns: int, symbol: str, scale: int, kind: AssetKind) -> bytes:
    """List an asset; its id is the log's next asset number."""
    return _pack(2, stamp_ns, (kind, scale, 0), texts=(texts.add(symbol), (0, 0)))


def list_instrument(
    texts: TextArena,
    stamp_ns: int,
    *,
    symbol: str,
    base: int,
    quote: int,
    price_unit: tuple[int, int],
    lot_unit: tuple[int, int],
    max_price: int,
    max_quantity: int,
    protection_ppm: int,
    calendar: str = "",
) -> bytes:
    """List an instrument of two asset ids; units are (mantissa, decimal places) without trailing zeros."""
    tail = protection_ppm.to_bytes(4, "little") + bytes((price_unit[1], lot_unit[1])) + bytes(10)
    return _pack(
        3,
        stamp_ns,
        numbers=(base, quote, price_unit[0], lot_unit[0], max_price, max_quantity),
        texts=(texts.add(symbol), texts.add(calendar)),
        amounts=(tail, _NO_AMOUNT),
    )


def open_account(texts: TextArena, stamp_ns: int, user_id: str) -> bytes:
    """Open a customer's account; its id is the log's next account number."""
    return _pack(4, stamp_ns, texts=(texts.add(user_id), (0, 0)))


def deposit(stamp_ns: int, account_id: int, asset_id: int, amount: int) -> bytes:
    """Bring ledger units of an asset into an account."""
    return _pack(5, stamp_ns, numbers=(account_id, asset_id, 0, 0, 0, 0), amounts=(_amount(amount), _NO_AMOUNT))


def withdraw(stamp_ns: int, account_id: int, asset_id: int, amount: int) -> bytes:
    """Take ledger units of an asset out of an account."""
    return _pack(6, stamp_ns, numbers=(account_id, asset_id, 0, 0, 0, 0), amounts=(_amount(amount), _NO_AMOUNT))


def change_limits(
    stamp_ns: int,
    account_id: int,
    *,
    max_order_notional: int | None = None,
    max_order_quantity: int | None = None,
    max_open_orders: int | None = None,
) -> bytes:
    """Set all limits of an account; None is no limit (open orders: 10,000). Notional and quantity count 10^-18."""
    given = (max_order_notional is not None, max_order_quantity is not None, max_open_orders is not None)
    return _pack(
        7,
        stamp_ns,
        presence=given[0] | given[1] << 1 | given[2] << 2,
        numbers=(account_id, 0, 0, 0, 0, 0),
        amounts=(_amount(max_order_notional or 0), _amount(max_order_quantity or 0)),
        tail=max_open_orders or 0,
    )


def change_account_state(
    texts: TextArena, stamp_ns: int, account_id: int, state: AccountState, reason: str = ""
) -> bytes:
    """Suspend or reactivate an account."""
    return _pack(8, stamp_ns, (state, 0, 0), numbers=(account_id, 0, 0, 0, 0, 0), texts=(texts.add(reason), (0, 0)))


def change_session(texts: TextArena, stamp_ns: int, instrument_id: int, session: Session, reason: str = "") -> bytes:
    """Open or close an instrument; closing expires its day orders."""
    return _pack(
        9, stamp_ns, (session, 0, 0), numbers=(0, instrument_id, 0, 0, 0, 0), texts=(texts.add(reason), (0, 0))
    )


def place_order(
    texts: TextArena,
    stamp_ns: int,
    *,
    account_id: int,
    instrument_id: int,
    side: Side,
    order_type: OrderType,
    time_in_force: TimeInForce,
    quantity: int,
    price: int = 0,
    protection_price: int = 0,
    client_order_id: str | None = None,
) -> bytes:
    """Enter an order. A limit order has a price, a market order may have a protection price; 0 means none."""
    return _pack(
        10,
        stamp_ns,
        (side, order_type, time_in_force),
        numbers=(account_id, instrument_id, 0, quantity, price, protection_price),
        texts=(texts.add(client_order_id), (0, 0)),
    )


def cancel_order(stamp_ns: int, account_id: int, order_id: int) -> bytes:
    """Cancel an order of the account."""
    return _pack(11, stamp_ns, numbers=(account_id, 0, order_id, 0, 0, 0))


def replace_order(
    texts: TextArena,
    stamp_ns: int,
    *,
    account_id: int,
    order_id: int,
    quantity: int | None = None,
    price: int | None = None,
    client_order_id: str | None = None,
) -> bytes:
    """Replace an order's total quantity (executed part included), its price, or both; None keeps it."""
    return _pack(
        12,
        stamp_ns,
        presence=(quantity is not None) | (price is not None) << 1,
        numbers=(account_id, 0, order_id, quantity or 0, price or 0, 0),
        texts=(texts.add(client_order_id), (0, 0)),
    )


def cancel_all(stamp_ns: int, account_id: int, instrument_id: int | None = None) -> bytes:
    """Cancel the account's orders, of one instrument or of all; ask again while the count is
    `CANCELS_PER_COMMAND_MAX`."""
    return _pack(
        13, stamp_ns, presence=int(instrument_id is not None), numbers=(account_id, instrument_id or 0, 0, 0, 0, 0)
    )
