"""Between the rows of risk and the messages of the contract: one function a message and direction."""

from decimal import Decimal

from kernel.money import add, canonical, multiply, parse
from risk_management.policy import Limits, SetLimitPolicy
from risk_management.position import average_cost
from risk_management.process import LimitsDue
from risk_management.rows import AccountRow, BalanceRow, ExposureRow, InstrumentRow, PolicyRow
from risk_management.views import RiskView
from trading.v1 import engine_pb2, risk_pb2, trading_pb2

ZERO = Decimal(0)


def account_message(view: RiskView, row: AccountRow) -> risk_pb2.Account:
    return risk_pb2.Account(
        id=row.account_id,
        user_id=row.user_id,
        kind=row.kind,
        state=row.state,
        version=row.version,
        opened_at_ns=row.opened_at_ns,
        balances=[balance_message(asset, view.balance(row.account_id, asset)) for asset in sorted(row.assets)],
        limits=limits_message(row.limits),
        open_orders=open_orders(view, row),
        kill_switch=row.kill_switch,
        cancel_on_disconnect=row.cancel_on_disconnect,
        trade_group=row.trade_group,
        dead_mans_timer_ms=row.dead_mans_timer_ms,
    )


def balance_message(asset: str, row: BalanceRow) -> trading_pb2.Balance:
    available = add(parse(row.balance), -parse(row.hold))
    return trading_pb2.Balance(asset=asset, balance=row.balance, hold=row.hold, available=canonical(available))


def open_orders(view: RiskView, row: AccountRow) -> int:
    return sum(view.exposure(row.account_id, symbol).orders for symbol in row.symbols)


def limits_message(limits: Limits) -> risk_pb2.Limits:
    return risk_pb2.Limits(
        max_order_notional=limits.max_order_notional or "",
        max_order_quantity=limits.max_order_quantity or "",
        max_open_orders=limits.max_open_orders or 0,
    )


def limits_of(message: risk_pb2.Limits) -> Limits:
    """Empty and 0 mean that the limit is not set."""
    return Limits(
        max_order_notional=_limit(message.max_order_notional),
        max_order_quantity=_limit(message.max_order_quantity),
        max_open_orders=message.max_open_orders or None,
    )


def policy_command(request: risk_pb2.SetLimitPolicyRequest) -> SetLimitPolicy:
    return SetLimitPolicy(request.policy, request.account_id or None, limits_of(request.limits), request.user_id)


def policy_message(row: PolicyRow) -> risk_pb2.LimitPolicy:
    return risk_pb2.LimitPolicy(policy=row.policy, account_id=row.account_id or "", limits=limits_message(row.limits))


def limits_command(due: LimitsDue) -> engine_pb2.Command:
    limits = due.limits
    return engine_pb2.Command(
        command_id=due.command_id,
        correlation_id=due.cause,
        causation_id=due.cause,
        change_limits=engine_pb2.ChangeLimits(
            account_id=due.account_id,
            max_order_notional=limits.max_order_notional or "",
            max_order_quantity=limits.max_order_quantity or "",
            max_open_orders=limits.max_open_orders or 0,
        ),
    )


def position_messages(view: RiskView, row: AccountRow) -> list[risk_pb2.Position]:
    """Assets that an instrument values: held, on hold, or once traded for profit. By symbol."""
    found = []
    for asset in row.assets:
        instrument = view.valuing(asset)
        if instrument is not None and row.kind == "CUSTOMER":
            found.append(position_message(view, row.account_id, instrument))
    shown = [one for one in found if (one.quantity, one.realized_profit) != ("0", "0")]
    return sorted(shown, key=lambda one: one.symbol)


def position_message(view: RiskView, account_id: str, instrument: InstrumentRow) -> risk_pb2.Position:
    held = view.balance(account_id, instrument.base)
    position = view.position_of(account_id, instrument.base)
    message = risk_pb2.Position(
        asset=instrument.base,
        symbol=instrument.symbol,
        currency=instrument.quote,
        quantity=held.balance,
        hold=held.hold,
        realized_profit=canonical(position.realized),
    )
    average = average_cost(position, view.scale(instrument.quote))
    if average is not None:
        message.cost = canonical(position.cost)
        message.average_cost = canonical(average)
    if instrument.last_price:
        last = parse(instrument.last_price)
        message.last_price = instrument.last_price
        message.market_value = canonical(multiply(last, parse(held.balance)))
        if average is not None:
            message.unrealized_profit = canonical(add(multiply(last, position.known), -position.cost))
    return message


def exposure_messages(view: RiskView, row: AccountRow) -> list[risk_pb2.Exposure]:
    """By currency: every asset that nothing values, and every currency of the account's instruments."""
    instruments = _instruments_of(view, row)
    currencies = {asset for asset in row.assets if view.valuing(asset) is None}
    return [
        exposure_message(view, row, currency, [one for one in instruments if one.quote == currency])
        for currency in sorted(currencies | {instrument.quote for instrument in instruments})
    ]


def exposure_message(
    view: RiskView, row: AccountRow, currency: str, instruments: list[InstrumentRow]
) -> risk_pb2.Exposure:
    """Net liquidation counts each asset once: a currency that is itself a position counts there."""
    cash = parse(view.balance(row.account_id, currency).balance)
    open_orders = [view.exposure(row.account_id, instrument.symbol) for instrument in instruments]
    held = [value for value in (_value(view, row, instrument) for instrument in instruments) if value is not None]
    own = cash if view.valuing(currency) is None else ZERO
    return risk_pb2.Exposure(
        currency=currency,
        cash=canonical(cash),
        long_market_value=canonical(add(*held)),
        open_buy_notional=canonical(add(*(one.buy_notional for one in open_orders))),
        open_sell_notional=canonical(add(*(one.sell_notional for one in open_orders))),
        net_liquidation=canonical(add(own, *held)),
    )


def instrument_exposure_messages(view: RiskView, row: AccountRow) -> list[risk_pb2.InstrumentExposure]:
    """By symbol: instruments of which something is held, or has open orders."""
    found = []
    for instrument in _instruments_of(view, row):
        orders = view.exposure(row.account_id, instrument.symbol)
        quantity = _quantity(view, row, instrument)
        if quantity or orders.orders:
            found.append(_instrument_exposure(instrument, orders, quantity, _value(view, row, instrument)))
    return found


def _instrument_exposure(
    instrument: InstrumentRow, orders: ExposureRow, quantity: Decimal, value: Decimal | None
) -> risk_pb2.InstrumentExposure:
    return risk_pb2.InstrumentExposure(
        symbol=instrument.symbol,
        currency=instrument.quote,
        quantity=canonical(quantity),
        mark_price=instrument.last_price,
        position_value="" if value is None else canonical(value),
        open_buy_quantity=canonical(orders.buy_quantity),
        open_buy_notional=canonical(orders.buy_notional),
        open_sell_quantity=canonical(orders.sell_quantity),
        open_sell_notional=canonical(orders.sell_notional),
    )


def _instruments_of(view: RiskView, row: AccountRow) -> list[InstrumentRow]:
    """Where the account has or had orders, and what values its assets; by symbol."""
    valuing = [view.valuing(asset) for asset in row.assets]
    symbols = set(row.symbols) | {instrument.symbol for instrument in valuing if instrument is not None}
    return [view.by_symbol[symbol] for symbol in sorted(symbols)]


def _quantity(view: RiskView, row: AccountRow, instrument: InstrumentRow) -> Decimal:
    """What is held, shown at the instrument that values the asset and at no other."""
    if view.valuing(instrument.base) is not instrument:
        return ZERO
    return parse(view.balance(row.account_id, instrument.base).balance)


def _value(view: RiskView, row: AccountRow, instrument: InstrumentRow) -> Decimal | None:
    quantity = _quantity(view, row, instrument)
    return multiply(parse(instrument.last_price), quantity) if instrument.last_price else None


def _limit(text: str) -> str | None:
    value = canonical(parse(text)) if text else "0"
    return None if value == "0" else value
