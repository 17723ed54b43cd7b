"""The read model of risk: accounts, balances, open orders, positions and policies as a fold of the log.

Balances and holds are what the last posting says. `get` of a table sees the fold's last command, so answers are made
from one position; lists use committed rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, assert_never, cast

import msgspec
from msgspec import UNSET

from kernel.event import Event
from kernel.money import add, multiply, parse
from kernel.projection import Table
from risk_management import events
from risk_management.policy import NO_LIMITS, Limits, PolicyEvent, evolve
from risk_management.position import FLAT, Position, bought, reduced, sold
from risk_management.process import DEFAULT_SCOPE, covering, react
from risk_management.rows import (
    AccountRow,
    AssetRow,
    BalanceRow,
    ExposureRow,
    InstrumentRow,
    KillSwitchRow,
    OrderRow,
    PolicyRow,
)
from trading_events import engine
from trading_events.engine import (
    AccountOpened,
    AccountOptionsChanged,
    AccountStateChanged,
    AssetDeposited,
    AssetListed,
    AssetWithdrawn,
    CashDeposited,
    CashWithdrawn,
    CommandRefused,
    DeadMansTimerChanged,
    FeesChanged,
    InstrumentListed,
    InstrumentRulesChanged,
    KillSwitchChanged,
    LimitsChanged,
    MarkPriceChanged,
    MassCanceled,
    OrderCanceled,
    OrderCancelRejected,
    OrderCreated,
    OrderExecuted,
    OrderExpired,
    OrderRejected,
    OrderReplaced,
    OrderRestated,
    OrdersCanceled,
    OrderTriggered,
    PegsMoved,
    Posting,
    TradeExecuted,
    TriggersDeferred,
    TriggersResumed,
)
from trading_events.sessions import (
    AuctionDeferred,
    AuctionResumed,
    AuctionUncrossed,
    IndicativeChanged,
    SessionChanged,
)

# What an account is, and what is listed.
ControlEvent = AccountStateChanged | LimitsChanged | KillSwitchChanged | AccountOptionsChanged | DeadMansTimerChanged
TermsEvent = AccountOpened | AssetListed | InstrumentListed | ControlEvent
RiskEvent = (
    OrderCreated
    | OrderExecuted
    | OrderReplaced
    | OrderTriggered
    | PegsMoved
    | OrderRestated
    | OrderCanceled
    | OrderExpired
    | TradeExecuted
    | CashDeposited
    | CashWithdrawn
    | AssetDeposited
    | AssetWithdrawn
    | TermsEvent
)
RISK_EVENTS = frozenset(kind.__name__ for kind in RiskEvent.__args__)
# They change nothing that an account has at stake.
SKIPPED_EVENTS = frozenset(
    kind.__name__
    for kind in (
        *(OrderRejected, OrderCancelRejected, OrdersCanceled, CommandRefused, SessionChanged),
        *(TriggersDeferred, TriggersResumed, MarkPriceChanged, MassCanceled, InstrumentRulesChanged, FeesChanged),
        *(IndicativeChanged, AuctionUncrossed, AuctionDeferred, AuctionResumed),
    )
)
VENUE = "venue"  # key of the venue's kill switch
ENGINE_AGGREGATES = frozenset(["Order", "Account", "Instrument", "Asset"])


def pair_key(account_id: str, name: str) -> str:
    """Key of what belongs to an account and an asset or symbol."""
    return f"{account_id}|{name}"


class RiskView:
    """position: of the last event; it ends a command when anyone else looks.

    uncovered: customers' accounts that may not have the limits of their policy yet.
    """

    name = "risk"
    version = 3

    def __init__(self) -> None:
        self.assets = Table("assets", AssetRow)
        self.instruments = Table("instruments", InstrumentRow)
        self.accounts = Table("accounts", AccountRow, {"user_id": lambda row: row.user_id})
        self.balances = Table("balances", BalanceRow)
        self.orders = Table("orders", OrderRow)
        self.exposures = Table("exposures", ExposureRow)
        self.positions = Table("positions", Position)
        self.policies = Table("policies", PolicyRow)
        self.kill_switch = Table("kill_switch", KillSwitchRow)
        self.position = 0
        self.by_symbol: dict[str, InstrumentRow] = {}
        self.by_scope: dict[str, PolicyRow] = {}
        self.uncovered: dict[str, None] = {}
        self._valued_by: dict[str, str] = {}  # asset -> symbol of the first instrument of it
        self._scales: dict[str, int] = {}
        self._customers: dict[str, None] = {}

    @property
    def tables(self) -> Sequence[Table[Any]]:
        return (
            *(self.assets, self.instruments, self.accounts, self.balances),
            *(self.orders, self.exposures, self.positions, self.policies, self.kill_switch),
        )

    @property
    def indexes(self) -> Mapping[str, Sequence[Sequence[str]]]:
        return {"accounts": [("user_id",)]}

    def opened(self) -> None:
        self._scales = {asset: row.scale for asset, row in self.assets.everything()}
        for row in sorted((row for _, row in self.instruments.everything()), key=lambda row: row.number):
            self._instrument(row)
        self.by_scope = dict(self.policies.everything())
        for account_id, account in self.accounts.everything():
            if account.kind == "CUSTOMER":
                self._customers[account_id] = None
                self._check_cover(account)

    # ---- the fold

    def apply(self, event: Event) -> None:
        if event.event_type in RISK_EVENTS:
            self._fold(event, cast(RiskEvent, engine.decode(event.event_type, event.event_data)))
        elif event.aggregate_type in ENGINE_AGGREGATES and event.event_type not in SKIPPED_EVENTS:
            raise ValueError(f"{event.event_type} at {event.log}:{event.position} is unknown to the risk view")
        elif event.aggregate_type in events.AGGREGATE_TYPES:
            happened = events.decode(event.event_type, event.event_data)
            if happened is None:
                raise ValueError(f"{event.event_type} is no event of a {event.aggregate_type}")
            self._set_policy(event, happened)
        if event.aggregate_type == "Account":
            account = self._account(event.aggregate_id)
            account.version = event.event_version
            self.accounts.put(account.account_id, account)
        self.position = event.position

    def _fold(self, event: Event, data: RiskEvent) -> None:
        match data:
            case OrderCreated():
                self._post(data.postings)
                price, leaves = parse(data.price or data.protection_price or "0"), parse(data.leaves_quantity)
                self._open(data.order_id, OrderRow(data.account_id, data.symbol, data.side, price, leaves))
            case OrderExecuted():
                self._post(data.postings)
                self._trade(data)
                before = self._close(data.order_id)
                if data.leaves_quantity != "0":
                    self._open(data.order_id, msgspec.structs.replace(before, leaves=parse(data.leaves_quantity)))
            case OrderReplaced():
                self._post(data.postings)
                price, leaves = parse(data.price), parse(data.leaves_quantity)
                self._open(
                    data.order_id, msgspec.structs.replace(self._close(data.order_id), price=price, leaves=leaves)
                )
            case OrderTriggered():
                self._open(data.order_id, msgspec.structs.replace(self._close(data.order_id), price=parse(data.price)))
            case PegsMoved():
                for order_id in data.orders:
                    before = self._close(order_id)
                    self._open(order_id, msgspec.structs.replace(before, price=parse(data.price)))
            case OrderRestated():
                self._post(data.postings)
                leaves = parse(data.leaves_quantity)
                self._open(data.order_id, msgspec.structs.replace(self._close(data.order_id), leaves=leaves))
            case OrderCanceled() | OrderExpired():
                self._post(data.postings)
                self._close(data.order_id)
            case TradeExecuted():
                row = msgspec.structs.replace(self.by_symbol[data.symbol], last_price=data.price)
                self._instrument(row)
                self.instruments.put(row.symbol, row)
            case CashDeposited() | AssetDeposited():
                self._post(data.postings)
            case CashWithdrawn() | AssetWithdrawn():
                self._post(data.postings)
                self._leave(data.account_id, data.asset, parse(data.amount))
            case AccountOpened() | AssetListed() | InstrumentListed():
                self._fold_terms(event, data)
            case _:
                self._fold_control(event, data)

    def _fold_terms(self, event: Event, data: AccountOpened | AssetListed | InstrumentListed) -> None:
        match data:
            case AccountOpened():
                opened = AccountRow(data.account_id, data.user_id, data.kind, event.occurred_at_ns)
                self.accounts.put(data.account_id, opened)
                if data.kind == "CUSTOMER":
                    self._customers[data.account_id] = None
                    self._check_cover(opened)
            case AssetListed():
                self._scales[data.asset] = data.scale
                self.assets.put(data.asset, AssetRow(data.asset, data.scale, data.kind))
            case InstrumentListed():
                row = InstrumentRow(data.symbol, data.base, data.quote, len(self.by_symbol))
                self._instrument(row)
                self.instruments.put(data.symbol, row)
            case _:
                assert_never(data)

    def _fold_control(self, event: Event, data: ControlEvent) -> None:
        if isinstance(data, LimitsChanged):
            self._change_limits(event, data)
            return
        if data.account_id is UNSET:
            row = KillSwitchRow(data.state == "ON", data.reason, event.occurred_at_ns)
            self.kill_switch.put(VENUE, row)
            return
        account = self._account(data.account_id)
        match data:
            case AccountStateChanged():
                account.state = data.state
            case KillSwitchChanged():
                account.kill_switch = data.state == "ON"
            case AccountOptionsChanged():
                account.cancel_on_disconnect = bool(data.cancel_on_disconnect)
                account.trade_group = data.trade_group or 0
            case DeadMansTimerChanged():
                account.dead_mans_timer_ms = data.due_ms or 0
            case _:
                assert_never(data)
        self.accounts.put(account.account_id, account)

    def _post(self, postings: Iterable[Posting]) -> None:
        balances = self.balances
        for posting in postings:
            key = pair_key(posting.account_id, posting.asset)
            row = balances.get(key)
            if row is None:
                row = BalanceRow()
                account = self._account(posting.account_id)
                account.assets.append(posting.asset)
                self.accounts.put(posting.account_id, account)
            if posting.kind == "balance":
                row.balance = posting.after
            else:
                row.hold = posting.after
            balances.put(key, row)

    def _open(self, order_id: str, order: OrderRow) -> None:
        key = pair_key(order.account_id, order.symbol)
        exposure = self.exposures.get(key)
        if exposure is None:
            exposure = ExposureRow()
            account = self._account(order.account_id)
            account.symbols.append(order.symbol)
            self.accounts.put(order.account_id, account)
        _count(exposure, order, 1)
        self.exposures.put(key, exposure)
        self.orders.put(order_id, order)

    def _close(self, order_id: str) -> OrderRow:
        """The order as it was; it counts no more."""
        order = self.orders.get(order_id)
        if order is None:
            raise ValueError(f"order {order_id} was never created, or has ended")
        self.orders.delete(order_id)
        key = pair_key(order.account_id, order.symbol)
        exposure = self.exposures.get(key)
        assert exposure is not None, f"order {order_id} was open, but nothing at {key} is"
        _count(exposure, order, -1)
        self.exposures.put(key, exposure)
        return order

    def _trade(self, data: OrderExecuted) -> None:
        """Both assets of a customer's fill: the base is bought or sold; the quote may be a position itself."""
        if data.account_id not in self._customers:
            return
        instrument = self.by_symbol[data.symbol]
        quantity, price = parse(data.quantity), parse(data.price)
        currency = self.by_symbol[self._valued_by[instrument.base]].quote
        if instrument.quote != currency:
            if data.side == "SELL":
                self._leave(data.account_id, instrument.base, quantity)
        else:
            key = pair_key(data.account_id, instrument.base)
            position = self.positions.get(key) or FLAT
            if data.side == "BUY":
                self.positions.put(key, bought(position, quantity, price))
            else:
                self.positions.put(key, sold(position, quantity, price, self._scales[currency]))
        if data.side == "BUY" and instrument.quote in self._valued_by:
            self._leave(data.account_id, instrument.quote, multiply(price, quantity))
        if data.fee is not UNSET and instrument.quote in self._valued_by:
            self._leave(data.account_id, instrument.quote, parse(data.fee))

    def _leave(self, account_id: str, asset: str, quantity: Decimal) -> None:
        key = pair_key(account_id, asset)
        position = self.positions.get(key)
        if position is not None and position.known:
            currency = self.by_symbol[self._valued_by[asset]].quote
            self.positions.put(key, reduced(position, quantity, self._scales[currency]))

    def _change_limits(self, event: Event, data: LimitsChanged) -> None:
        account = self._account(data.account_id)
        account.limits = Limits(data.max_order_notional, data.max_order_quantity, data.max_open_orders)
        due = covering(account, self.by_scope)
        if due is not None and event.command_id == due.command_id:
            account.told_of = due.setting
            self.uncovered.pop(data.account_id, None)
        self.accounts.put(data.account_id, account)

    def _set_policy(self, event: Event, data: PolicyEvent) -> None:
        scope = data.account_id or DEFAULT_SCOPE
        policy = evolve(None, data)
        name, limits = (policy.policy, policy.limits) if policy else ("", NO_LIMITS)
        row = PolicyRow(name, data.account_id, limits, event.event_id, event.event_version, event.occurred_at_ns)
        self.by_scope[scope] = row
        self.policies.put(scope, row)
        for account_id in (data.account_id,) if data.account_id else tuple(self._customers):
            self._check_cover(self._account(account_id))

    def _check_cover(self, account: AccountRow) -> None:
        if react(account, self.by_scope) is not None:
            self.uncovered[account.account_id] = None

    def _instrument(self, row: InstrumentRow) -> None:
        self.by_symbol[row.symbol] = row
        self._valued_by.setdefault(row.base, row.symbol)

    def _account(self, account_id: str) -> AccountRow:
        account = self.accounts.get(account_id)
        if account is None:
            raise ValueError(f"account {account_id} was never opened")
        return account

    # ---- queries

    def policies_after(self, scope: str | None, limit: int) -> list[PolicyRow]:
        """The policies that are set, the default first, then by account; from the one after `scope`, if it is given."""
        found = (self.by_scope[one] for one in sorted(self.by_scope) if scope is None or one > scope)
        return list(islice((row for row in found if row.policy), limit))

    def scale(self, asset: str) -> int:
        """Decimals of the asset's ledger unit."""
        return self._scales[asset]

    def valuing(self, asset: str) -> InstrumentRow | None:
        """The instrument that values an asset: the first that was listed with it as base."""
        symbol = self._valued_by.get(asset)
        return None if symbol is None else self.by_symbol[symbol]

    def accounts_after(self, user_id: str, after: str, limit: int) -> list[AccountRow]:
        """By id, from the one after `after`; only customers' accounts of a user, every account without one."""
        if user_id:
            found = self.accounts.select("user_id = ? AND key > ?", (user_id, after, limit), "ORDER BY key LIMIT ?")
        else:
            found = self.accounts.select("key > ?", (after, limit), "ORDER BY key LIMIT ?")
        return [self._account(row.account_id) for row in found]

    def balance(self, account_id: str, asset: str) -> BalanceRow:
        return self.balances.get(pair_key(account_id, asset)) or BalanceRow()

    def position_of(self, account_id: str, asset: str) -> Position:
        return self.positions.get(pair_key(account_id, asset)) or FLAT

    def exposure(self, account_id: str, symbol: str) -> ExposureRow:
        return self.exposures.get(pair_key(account_id, symbol)) or ExposureRow()


def _count(exposure: ExposureRow, order: OrderRow, sign: int) -> None:
    quantity = order.leaves * sign
    notional = multiply(order.price, quantity)
    exposure.orders += sign
    if order.side == "BUY":
        exposure.buy_quantity = add(exposure.buy_quantity, quantity)
        exposure.buy_notional = add(exposure.buy_notional, notional)
    else:
        exposure.sell_quantity = add(exposure.sell_quantity, quantity)
        exposure.sell_notional = add(exposure.sell_notional, notional)
