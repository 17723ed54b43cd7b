"""Packers of command records: plain integers in, the 128 bytes of one record out.

Prices count price units, quantities lots, amounts ledger units, limits 10^-18; ids are u64, stamps nanoseconds since
1970. The layout is documented to the byte in crates/matching/COMMANDS.md. A number that does not fit its field raises
`struct.error`; what the numbers mean is checked by the engine.
"""

from enum import IntEnum
from struct import Struct
from typing import Final

RECORD_VERSION: Final = 1

# version, kind, three words, presence bits, two more words, stamp, six numbers, two text references, two amounts, tail
_RECORD: Final = Struct("<BBBBBBHQQQQQQQIIII16s16sQ8x")
_TWO_NUMBERS: Final = Struct("<QQ")
_NO_AMOUNT: Final = bytes(16)
_HIDDEN: Final = 1
_ALL_OR_NONE: Final = 1 << 1
_U64: Final = 2**64 - 1


class Side(IntEnum):
    BUY = 0
    SELL = 1


class OrderType(IntEnum):
    LIMIT = 0
    MARKET = 1
    MARKET_TO_LIMIT = 2
    STOP = 3
    STOP_LIMIT = 4
    MARKET_IF_TOUCHED = 5
    LIMIT_IF_TOUCHED = 6
    PRIMARY_PEG = 9
    MARKET_PEG = 10
    MIDPOINT_PEG = 11


class TimeInForce(IntEnum):
    GTC = 0
    DAY = 1
    IOC = 2
    FOK = 3
    GTD = 4


class TriggerBy(IntEnum):
    """Which price a waiting order looks at: trades, the best price it would trade at, or the mark price."""

    LAST = 1
    BID_ASK = 2
    MARK = 3


class SelfTradePrevention(IntEnum):
    """What happens where an order would trade with one of its own account or trade group."""

    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2
    CANCEL_BOTH = 3
    DECREMENT_AND_CANCEL = 4


class Allocation(IntEnum):
    """How an instrument shares what comes in among the orders of a price."""

    PRICE_TIME = 0
    PRO_RATA = 1
    LEAD_MARKET_MAKER = 2


class PostOnly(IntEnum):
    """What becomes of an order that would trade: it is refused, or moves to the best price that does not meet the other
    side. The value is its flag."""

    REJECT = 1 << 2
    SLIDE = 1 << 3


class AssetKind(IntEnum):
    CURRENCY = 0
    SECURITY = 1


class AccountState(IntEnum):
    ACTIVE = 0
    SUSPENDED = 1


class Switch(IntEnum):
    OFF = 0
    ON = 1


class Session(IntEnum):
    """What an instrument does for a time. A call collects orders, and leaving it trades them at one price."""

    CONTINUOUS = 0
    CLOSED = 1
    PRE_OPEN = 2
    OPENING_CALL = 3
    VOLATILITY_CALL = 4
    HALT = 5
    CLOSING_CALL = 6
    CLOSING_PRICE_CROSS = 7


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
    more_words: int = 0,
    numbers: tuple[int, int, int, int, int, int] = (0, 0, 0, 0, 0, 0),
    texts: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0)),
    amounts: tuple[bytes, bytes] = (_NO_AMOUNT, _NO_AMOUNT),
    tail: int = 0,
) -> bytes:
    return _RECORD.pack(
        RECORD_VERSION, kind, *words, presence, more_words, stamp_ns, *numbers, *texts[0], *texts[1], *amounts, tail
    )


def _number(value: int) -> tuple[int, int]:
    """A number of 64 bits in the place of a second text."""
    return value & 0xFFFF_FFFF, value >> 32


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
    """Change what an instrument does; leaving a call trades what it collected, closing expires its day orders."""
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
    post_only: PostOnly | None = None,
    all_or_none: bool = False,
    minimum_quantity: int = 0,
    budget: int = 0,
    expire_at_ms: int = 0,
    trigger_by: TriggerBy | None = None,
    trigger_price: int = 0,
    offset: int = 0,
    display_quantity: int = 0,
    hidden: bool = False,
    self_trade_prevention: SelfTradePrevention | None = None,
) -> bytes:
    """Enter an order; 0 means none.

    A limit order has a price, a market order may have a protection price, and instead of a quantity a budget: what it
    may cost or raise in ledger units of the quote asset. On entry, an all-or-none order trades whole or not at all, one
    with a minimum quantity at least so much or not at all. A GTD order expires at a time, in milliseconds since 1970.
    A pegged order follows its own side, the other side or the middle, at an offset; its price is the one it never
    passes, which a buy needs.
    A stop or touched order waits until the price that `trigger_by` names reaches its trigger price.
    An iceberg order displays `display_quantity` lots at a time, a hidden one nothing.
    """
    return _pack(
        10,
        stamp_ns,
        (side, order_type, time_in_force),
        presence=(post_only or 0) | _ALL_OR_NONE * all_or_none | _HIDDEN * hidden,
        more_words=(trigger_by or 0) | (self_trade_prevention or 0) << 8,
        numbers=(account_id, instrument_id, offset & _U64, quantity, price, protection_price),
        texts=(texts.add(client_order_id), _number(trigger_price)),
        amounts=(_amount(budget), _TWO_NUMBERS.pack(display_quantity, minimum_quantity)),
        tail=expire_at_ms,
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
    trigger_price: int | None = None,
    client_order_id: str | None = None,
) -> bytes:
    """Replace an order's total quantity (executed part included), its price, what it waits for; None keeps it."""
    return _pack(
        12,
        stamp_ns,
        presence=(quantity is not None) | (price is not None) << 1 | (trigger_price is not None) << 2,
        numbers=(account_id, 0, order_id, quantity or 0, price or 0, 0),
        texts=(texts.add(client_order_id), _number(trigger_price or 0)),
    )


def cancel_all(stamp_ns: int, account_id: int, instrument_id: int | None = None) -> bytes:
    """Cancel the account's orders, of one instrument or of all; ask again while the count is
    `CANCELS_PER_COMMAND_MAX`."""
    return _pack(
        13, stamp_ns, presence=int(instrument_id is not None), numbers=(account_id, instrument_id or 0, 0, 0, 0, 0)
    )


def set_mark_price(stamp_ns: int, instrument_id: int, price: int) -> bytes:
    """Set the price that orders with the trigger method MARK look at."""
    return _pack(17, stamp_ns, numbers=(0, instrument_id, 0, 0, price, 0))


def mass_cancel(
    stamp_ns: int,
    *,
    account_id: int | None = None,
    instrument_id: int | None = None,
    side: Side | None = None,
    lowest_price: int | None = None,
    highest_price: int | None = None,
) -> bytes:
    """Cancel the orders that these choose; None does not matter. A price needs an instrument, and leaves out orders
    that have no limit price. Ask again while the count is `CANCELS_PER_COMMAND_MAX`."""
    chosen = (account_id, instrument_id, side, lowest_price, highest_price)
    return _pack(
        18,
        stamp_ns,
        (side or 0, 0, 0),
        presence=sum((by is not None) << bit for bit, by in enumerate(chosen)),
        numbers=(account_id or 0, instrument_id or 0, 0, 0, lowest_price or 0, highest_price or 0),
    )


def change_kill_switch(
    texts: TextArena, stamp_ns: int, state: Switch, account_id: int | None = None, reason: str = ""
) -> bytes:
    """Keep orders out and end what is open, of an account or (None) of the venue; or allow entry again."""
    return _pack(
        19,
        stamp_ns,
        (state, 0, 0),
        presence=int(account_id is not None),
        numbers=(account_id or 0, 0, 0, 0, 0, 0),
        texts=(texts.add(reason), (0, 0)),
    )


def set_dead_mans_timer(stamp_ns: int, account_id: int, due_ms: int) -> bytes:
    """End the account's orders at a time, in milliseconds since 1970, unless it is set anew before; 0 is off."""
    return _pack(20, stamp_ns, numbers=(account_id, 0, 0, 0, 0, 0), tail=due_ms)


def report_disconnect(texts: TextArena, stamp_ns: int, account_id: int, reason: str = "") -> bytes:
    """Say that a connection of the account was lost: its orders end if it chose so. Ask again while the count is
    `CANCELS_PER_COMMAND_MAX`."""
    return _pack(21, stamp_ns, numbers=(account_id, 0, 0, 0, 0, 0), texts=(texts.add(reason), (0, 0)))


def change_account_options(
    stamp_ns: int, account_id: int, *, cancel_on_disconnect: Switch | None = None, trade_group: int | None = None
) -> bytes:
    """Choose for all orders of an account; None stays as it is. Accounts of one trade group never trade with each
    other; group 0 is none."""
    return _pack(
        22,
        stamp_ns,
        (cancel_on_disconnect or 0, 0, 0),
        presence=(cancel_on_disconnect is not None) | (trade_group is not None) << 1,
        numbers=(account_id, 0, trade_group or 0, 0, 0, 0),
    )


def change_fees(stamp_ns: int, instrument_id: int, *, maker_ppm: int, taker_ppm: int, ceiling_ppm: int) -> bytes:
    """Set what an instrument's fills cost, in millionths of their notional. No rate exceeds the ceiling, which orders
    hold; another one is refused while orders are open."""
    rates = maker_ppm | taker_ppm << 32 | ceiling_ppm << 64
    return _pack(25, stamp_ns, numbers=(0, instrument_id, 0, 0, 0, 0), amounts=(_amount(rates), _NO_AMOUNT))


def change_instrument_rules(
    stamp_ns: int,
    instrument_id: int,
    *,
    self_trade_prevention: SelfTradePrevention | None = None,
    allocation: Allocation | None = None,
    least: int = 0,
    lead_account_id: int = 0,
    lead_share_ppm: int = 0,
) -> bytes:
    """Choose how an instrument's orders meet; None stays as it is. `least` lots belong to PRO_RATA: a smaller share is
    none; the lead, and the part of what comes in that is the lead's first, to LEAD_MARKET_MAKER."""
    return _pack(
        23,
        stamp_ns,
        (self_trade_prevention or 0, allocation or 0, 0),
        presence=(self_trade_prevention is not None) | (allocation is not None) << 1,
        numbers=(0, instrument_id, lead_account_id, least, 0, 0),
        amounts=(lead_share_ppm.to_bytes(16, "little"), _NO_AMOUNT),
    )
