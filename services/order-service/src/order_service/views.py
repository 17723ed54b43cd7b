"""The order service's read model: orders, accounts and balances as the log leaves them, and the queries over them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, assert_never

import msgspec

from kernel.event import Event
from kernel.projection import Table
from order_service import order as orders
from order_service.bound import Bound, InstrumentRow, LimitsRow, RefusedChange, Standing, available, bound_of
from order_service.order import AccountRow, BalanceRow, OrderRow
from trading_events import engine as events
from trading_events.sessions import AuctionEvent, SessionChanged

Row = TypeVar("Row")


class AlsoKnownAs(msgspec.Struct, frozen=True):
    """A client order id that a replace added to an order."""

    order_id: str


class Change(msgspec.Struct):
    """What some events in a row changed for one account. Rows stand in the order of their last change, so that the
    same events say the same in one batch and in many."""

    first_seq: int
    seq: int
    orders: dict[str, OrderRow]
    events: list[Event]
    balances: dict[str, BalanceRow]


def merged(changes: Sequence[Change]) -> Change:
    """One change for several of an account that follow each other; there is at least one."""
    first, *later = changes
    whole = Change(first.first_seq, first.seq, dict(first.orders), list(first.events), dict(first.balances))
    for change in later:
        assert change.first_seq == whole.seq + 1, f"seq {change.first_seq} does not follow {whole.seq}"
        whole.seq = change.seq
        whole.events += change.events
        for order_id, order in change.orders.items():
            _set_last(whole.orders, order_id, order)
        for asset, balance in change.balances.items():
            _set_last(whole.balances, asset, balance)
    return whole


def _set_last(rows: dict[str, Row], key: str, row: Row) -> None:
    rows.pop(key, None)
    rows[key] = row


class OrdersView:
    """`apply` is the whole fold; `take_changes` hands a batch's changes to the streams."""

    name = "orders"
    version = 6

    def __init__(self) -> None:
        self.orders = Table(
            "orders",
            OrderRow,
            {
                "account_id": lambda row: row.account_id,
                "symbol": lambda row: row.symbol,
                "open": lambda row: int(row.open),
                "client_order_id": lambda row: row.client_order_id,
            },
        )
        self.aliases = Table("aliases", AlsoKnownAs)
        self.accounts = Table("accounts", AccountRow)
        self.balances = Table("balances", BalanceRow, {"account_id": lambda row: row.account_id})
        self.instruments = Table("instruments", InstrumentRow)
        self.limits = Table("limits", LimitsRow)
        self.refused_changes = Table("refused_changes", RefusedChange)
        self.tables: Sequence[Table[Any]] = (
            *(self.orders, self.aliases, self.accounts, self.balances),
            *(self.instruments, self.limits, self.refused_changes),
        )
        self.indexes: Mapping[str, Sequence[Sequence[str]]] = {
            "orders": (("account_id", "key"), ("account_id", "open", "key"), ("account_id", "client_order_id")),
            "balances": (("account_id", "key"),),
        }
        self.open_orders = 0
        self._changes: dict[str, Change] = {}
        self._accounts_of: dict[str, list[str]] = {}

    def opened(self) -> None:
        self.open_orders = self.orders.count("open = 1")
        for account_id, account in self.accounts.everything():
            self._accounts_of.setdefault(account.user_id, []).append(account_id)

    def apply(self, event: Event) -> None:
        happened = events.decode(event.event_type, event.event_data)
        match happened:
            case events.OrderCreated() | events.OrderRejected():
                owner = self.accounts.get(happened.account_id)
                created = orders.created(happened, event, owner.user_id if owner else "")
                if isinstance(happened, events.OrderRejected):
                    created = msgspec.structs.replace(created, bound=self._bound(happened))
                self._order(created, None, event)
            case events.OrderExecuted():
                row = self._row(happened.order_id, event)
                self._order(orders.executed(row, happened, event), row, event)
            case events.OrderReplaced():
                row = self._row(happened.order_id, event)
                if row.client_order_id and happened.client_order_id not in (None, row.client_order_id):
                    self.aliases.put(f"{row.account_id}/{row.client_order_id}", AlsoKnownAs(row.order_id))
                self._order(orders.replaced(row, happened, event), row, event)
            case events.OrderTriggered():
                row = self._row(happened.order_id, event)
                self._order(orders.triggered(row, happened, event), row, event)
            case events.PegsMoved():
                self._moved(happened, event)
            case events.OrderRestated():
                row = self._row(happened.order_id, event)
                self._order(orders.restated(row, happened, event), row, event)
            case events.OrderCanceled() | events.OrderExpired():
                row = self._row(happened.order_id, event)
                self._order(orders.ended(row, happened, event), row, event)
            case events.AccountOpened():
                self._account_opened(happened)
            case events.OrderCancelRejected():
                self._refused(happened, event)
            case events.OrdersCanceled():
                self._touch(happened.account_id, event)
            case events.CashDeposited() | events.AssetDeposited() | events.CashWithdrawn() | events.AssetWithdrawn():
                pass  # their postings say it all
            case events.LimitsChanged():
                limits = (happened.max_order_notional, happened.max_order_quantity, happened.max_open_orders)
                self.limits.put(happened.account_id, LimitsRow(*limits))
                return
            case events.InstrumentListed():
                terms = (happened.base, happened.quote, happened.max_price, happened.max_quantity)
                self.instruments.put(happened.symbol, InstrumentRow(*terms))
                return
            case events.AccountStateChanged() | events.CommandRefused():
                return  # whether an account may trade is not shown here
            case events.AssetListed() | SessionChanged() | events.TradeExecuted():
                return  # the market's; what a trade does to its two orders has events of its own
            case events.AccountOptionsChanged() | events.DeadMansTimerChanged() | events.InstrumentRulesChanged():
                return  # what they do to an order, the order's events say
            case events.FeesChanged() | events.MassCanceled() | events.KillSwitchChanged():
                return  # so with them: each fill and each end says it
            case events.MarkPriceChanged() | events.TriggersDeferred() | events.TriggersResumed() | AuctionEvent():
                return  # the market's; an order that is triggered or trades says so
            case None:
                return  # another service's
            case _:
                assert_never(happened)
        for posting in getattr(happened, "postings", ()):
            self._post(posting, event)

    def _account_opened(self, happened: events.AccountOpened) -> None:
        account = AccountRow(happened.account_id, happened.user_id, happened.kind, 0)
        self.accounts.put(account.account_id, account)
        self._accounts_of.setdefault(account.user_id, []).append(account.account_id)

    def _moved(self, happened: events.PegsMoved, event: Event) -> None:
        for order_id in happened.orders:
            row = self._row(order_id, event)
            self._order(orders.moved(row, happened, event), row, event)

    @property
    def is_changing(self) -> bool:
        """Whether there are changes that nobody has taken: their rows may not be committed yet."""
        return bool(self._changes)

    def take_changes(self) -> dict[str, Change]:
        """What changed since the last call, by account."""
        taken, self._changes = self._changes, {}
        return taken

    # ---- queries

    def by_client_order_id(self, account_id: str, client_order_id: str) -> OrderRow | None:
        found = self.orders.select("account_id = ? AND client_order_id = ?", (account_id, client_order_id), "LIMIT 1")
        if found:
            return found[0]
        alias = self.aliases.get(f"{account_id}/{client_order_id}")
        return self.orders.get(alias.order_id) if alias else None

    def page(
        self, account_ids: Sequence[str], symbol: str, is_open: bool | None, before: str, limit: int
    ) -> list[OrderRow]:
        """Newest first; order ids of a log sort by time. `before` is the last order id of the page before."""
        where = [f"account_id IN ({', '.join('?' * len(account_ids))})"]
        parameters: list[Any] = [*account_ids]
        if symbol:
            where.append("symbol = ?")
            parameters.append(symbol)
        if is_open is not None:
            where.append("open = ?")
            parameters.append(int(is_open))
        if before:
            where.append("key < ?")
            parameters.append(before)
        return self.orders.select(" AND ".join(where), (*parameters, limit), "ORDER BY key DESC LIMIT ?")

    def accounts_of(self, user_id: str) -> Sequence[str]:
        """Ids of the user's accounts, oldest first."""
        return self._accounts_of.get(user_id, ())

    def balances_of(self, account_id: str) -> list[BalanceRow]:
        return self.balances.select("account_id = ?", (account_id,), "ORDER BY key")

    # ---- the fold's steps

    def _bound(self, refused: events.OrderRejected) -> Bound | None:
        """The numbers of a refusal: the fold stands where it was decided."""
        stood = self._standing(refused.account_id, refused.symbol)
        return stood and bound_of(refused, stood)

    def _refused(self, refused: events.OrderCancelRejected, event: Event) -> None:
        """Keep the numbers of a replace that was refused for a bound, by its place in the log."""
        self._touch(refused.account_id, event)
        row = self.orders.get(refused.order_id) if refused.order_id else None
        stood = self._standing(refused.account_id, row.symbol) if row is not None else None
        if row is None or stood is None:
            return
        if refused.reason == "quantity_below_executed":
            bound: Bound | None = Bound(row.cum_quantity, unit=stood.instrument.base)
        else:
            bound = stood.allowed(refused.reason)
        if bound is not None:
            change = RefusedChange(bound, row.quantity, row.cum_quantity, row.leaves_quantity, row.price)
            self.refused_changes.put(str(event.position), change)

    def _standing(self, account_id: str, symbol: str) -> Standing | None:
        instrument = self.instruments.get(symbol)
        if instrument is None:
            return None
        limits = self.limits.get(account_id) or LimitsRow()
        cash, held = (self._available(account_id, asset) for asset in (instrument.quote, instrument.base))
        return Standing(instrument, limits, cash, held)

    def _available(self, account_id: str, asset: str) -> str:
        row = self.balances.get(f"{account_id}/{asset}")
        return available(row.balance, row.hold) if row else "0"

    def _row(self, order_id: str, event: Event) -> OrderRow:
        row = self.orders.get(order_id)
        assert row is not None, f"{event.event_type} at {event.position} for the unknown order {order_id}"
        return row

    def _order(self, row: OrderRow, before: OrderRow | None, event: Event) -> None:
        self.orders.put(row.order_id, row)
        self.open_orders += int(row.open) - int(before is not None and before.open)
        change = self._touch(row.account_id, event)
        if change is not None:
            _set_last(change.orders, row.order_id, row)

    def _touch(self, account_id: str, event: Event) -> Change | None:
        """Count the event in the account's stream, once however much of it concerns the account; None for an account
        that is nobody's. The count must not depend on which events arrive in one batch."""
        account = self.accounts.get(account_id)
        if account is None or account.kind != "CUSTOMER":
            return None
        change = self._changes.get(account_id)
        if change is not None and change.events[-1].position == event.position:
            return change
        seq = account.seq + 1
        self.accounts.put(account_id, AccountRow(account_id, account.user_id, account.kind, seq))
        if change is None:
            change = self._changes[account_id] = Change(seq, seq, {}, [], {})
        change.seq = seq
        change.events.append(event)
        return change

    def _post(self, posting: events.Posting, event: Event) -> None:
        account = self.accounts.get(posting.account_id)
        if account is None or account.kind != "CUSTOMER":
            return
        key = f"{posting.account_id}/{posting.asset}"
        row = self.balances.get(key) or BalanceRow(posting.account_id, posting.asset, "0", "0")
        if posting.kind == "balance":
            row = BalanceRow(row.account_id, row.asset, posting.after, row.hold)
        else:
            row = BalanceRow(row.account_id, row.asset, row.balance, posting.after)
        self.balances.put(key, row)
        change = self._touch(posting.account_id, event)
        if change is not None:
            _set_last(change.balances, posting.asset, row)
