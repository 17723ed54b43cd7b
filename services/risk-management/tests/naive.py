"""Accounts, positions and exposure again, slowly: from all events at once, with fractions and plain dictionaries."""

from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from trading_events.engine import (
    AssetWithdrawn,
    CashWithdrawn,
    OrderCanceled,
    OrderCreated,
    OrderExecuted,
    OrderReplaced,
    OrderTriggered,
    PegsMoved,
    TradeExecuted,
)

from .ledger import ASSETS, CUSTOMERS, INSTRUMENTS, SCALE, text

VALUED = {"AAPL": ("AAPL", "USD"), "BTC": ("BTC-USD", "USD")}


def rounded(value: Fraction) -> Fraction:
    """Half to even at the ledger unit."""
    return Fraction(round(value * 10**SCALE), 10**SCALE)


def shown(value: Fraction) -> str:
    return text((Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal(10) ** -12, ROUND_HALF_EVEN))


def events_of(commands):
    return [event for command in commands for _, _, event in command]


def sums(commands):
    """(account, asset, kind) -> the sum of all postings, not what they say to be left."""
    total = defaultdict(Fraction)
    for event in events_of(commands):
        for posting in getattr(event, "postings", ()):
            total[posting.account_id, posting.asset, posting.kind] += Fraction(posting.amount)
    return total


def last_prices(commands):
    return {event.symbol: Fraction(event.price) for event in events_of(commands) if isinstance(event, TradeExecuted)}


def open_orders(commands):
    """order id -> (account, symbol, side, price, leaves)"""
    found = {}
    for event in events_of(commands):
        match event:
            case OrderCreated():
                price = Fraction(event.protection_price if event.price is None else event.price)
                leaves = Fraction(event.leaves_quantity)
                found[event.order_id] = [event.account_id, event.symbol, event.side, price, leaves]
            case OrderExecuted():
                found[event.order_id][4] = Fraction(event.leaves_quantity)
            case OrderTriggered():
                found[event.order_id][3] = Fraction(event.price)
            case OrderReplaced():
                found[event.order_id][3:] = Fraction(event.price), Fraction(event.leaves_quantity)
            case PegsMoved():
                for order_id in event.orders:
                    found[order_id][3] = Fraction(event.price)
            case OrderCanceled():
                del found[event.order_id]
    return {order_id: order for order_id, order in found.items() if order[4]}


def positions(commands):
    """(account, asset) -> [quantity of known cost, cost, realized]"""
    found = defaultdict(lambda: [Fraction(0), Fraction(0), Fraction(0)])

    def leave(account, asset, quantity):
        position = found[account, asset]
        known, cost, _ = position
        part = min(quantity, known)
        share = cost if part == known else rounded(cost * part / known)
        position[0] -= part
        position[1] -= share
        return part, share

    for event in events_of(commands):
        match event:
            case OrderExecuted() if event.account_id in CUSTOMERS:
                base, quote = INSTRUMENTS[event.symbol]
                quantity, price = Fraction(event.quantity), Fraction(event.price)
                position = found[event.account_id, base]
                same = quote == VALUED[base][1]
                if event.side == "BUY" and same:
                    position[0] += quantity
                    position[1] += quantity * price
                elif event.side == "SELL":
                    part, share = leave(event.account_id, base, quantity)
                    position[2] += part * price - share if same else 0
                if event.side == "BUY" and quote in VALUED:
                    leave(event.account_id, quote, quantity * price)
            case CashWithdrawn() | AssetWithdrawn() if event.asset in VALUED:
                leave(event.account_id, event.asset, Fraction(event.amount))
    return found


def position_rows(commands, account):
    """What ListPositions shows, by symbol."""
    total, prices, found = sums(commands), last_prices(commands), positions(commands)
    rows = []
    for asset, (symbol, currency) in VALUED.items():
        quantity, hold = total[account, asset, "balance"], total[account, asset, "hold"]
        known, cost, realized = found[account, asset]
        if not quantity and not realized:
            continue
        last = prices.get(symbol)
        rows.append(
            {
                "asset": asset, "symbol": symbol, "currency": currency, "quantity": shown(quantity),
                "hold": shown(hold), "realized_profit": shown(realized),
                "cost": shown(cost) if known else "",
                "average_cost": shown(rounded(cost / known)) if known else "",
                "last_price": shown(last) if last else "",
                "market_value": shown(last * quantity) if last else "",
                "unrealized_profit": shown(last * known - cost) if last and known else "",
            }
        )  # fmt: skip
    return sorted(rows, key=lambda row: row["symbol"])


def exposure_rows(commands, account):
    """By currency: cash, value of what it values, open buys and sells, net liquidation."""
    total, prices = sums(commands), last_prices(commands)
    orders = [order for order in open_orders(commands).values() if order[0] == account]
    rows = {}
    for currency in ASSETS:
        value = sum(
            prices.get(symbol, 0) * total[account, asset, "balance"]
            for asset, (symbol, quote) in VALUED.items()
            if quote == currency
        )
        opened = {
            side: sum(price * leaves for _, symbol, one, price, leaves in orders
                      if one == side and INSTRUMENTS[symbol][1] == currency)
            for side in ("BUY", "SELL")
        }  # fmt: skip
        cash = total[account, currency, "balance"]
        own = 0 if currency in VALUED else cash
        rows[currency] = tuple(
            shown(Fraction(number)) for number in (cash, value, opened["BUY"], opened["SELL"], own + value)
        )
    return rows


def instrument_rows(commands, account):
    """By symbol: quantity, value, open buy quantity and notional, open sell quantity and notional."""
    total, prices = sums(commands), last_prices(commands)
    orders = [order for order in open_orders(commands).values() if order[0] == account]
    rows = {}
    for symbol, (base, _) in INSTRUMENTS.items():
        mine = [order for order in orders if order[1] == symbol]
        quantity = total[account, base, "balance"] if VALUED[base][0] == symbol else Fraction(0)
        if not quantity and not mine:
            continue
        numbers = []
        for side in ("BUY", "SELL"):
            numbers.append(sum(leaves for _, _, one, _, leaves in mine if one == side))
            numbers.append(sum(price * leaves for _, _, one, price, leaves in mine if one == side))
        value = shown(prices[symbol] * quantity) if symbol in prices else ""
        rows[symbol] = (shown(quantity), value, *(shown(Fraction(number)) for number in numbers))
    return rows
