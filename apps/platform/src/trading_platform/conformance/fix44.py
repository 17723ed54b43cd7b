"""FIX 4.4's order state change matrices through the engine: each is a case, and passes if every step tells the same."""

from collections.abc import Sequence
from pathlib import Path

from matching import ids
from matching.command import AssetKind, OrderType, SelfTradePrevention, Session, Side, TimeInForce
from trading_platform.conformance import order_states
from trading_platform.conformance.order_states import Case, Told
from trading_platform.conformance.suite import Outcome
from trading_platform.conformance.venue import IMMEDIATE, Happened, Terms, Venue, order_id_of

CASH = 250_000
SHARES = 1_000_000
UNKNOWN = 99
ONLY_V1 = "asks what the services answer: client order ids and status requests; the tests run it through /v1"


def run(table: Path = order_states.TABLE) -> Outcome:
    outcome = Outcome("fix-4.4-appendix-d")
    for case in order_states.read(table):
        if case.none or case.only == "v1":
            outcome.leave_out(case.title, case.none or ONLY_V1)
            continue
        expected = [told for _, told in case.steps]
        found = list(_told(case))
        if case.differs and found == expected:
            outcome.leave_out(case.title, case.differs)
        else:
            outcome.compare(case.title, expected, found)
    return outcome


def _told(case: Case) -> Sequence[str]:
    exchange = Exchange()
    return ["; ".join(exchange.step(step)) for step, _ in case.steps]


class Exchange:
    """The owner of one order, everybody else, and what the owner is told."""

    def __init__(self) -> None:
        self._venue = Venue()
        self._venue.list_asset("USD", AssetKind.CURRENCY)
        self._venue.list_asset("GOOG", AssetKind.SECURITY)
        self._listing = self._venue.list_instrument("GOOG", "GOOG", "USD")
        self._owner, self._other = self._venue.open_account("owner"), self._venue.open_account("other")
        self._venue.deposit(self._owner, "USD", CASH)
        self._venue.deposit(self._owner, "GOOG", SHARES)
        self._venue.deposit(self._other, "GOOG", SHARES)
        self._told = Told()
        self._order_id = ids.entity_id(1, UNKNOWN)
        self._price = 0

    def step(self, words: Sequence[str]) -> list[str]:
        return [report for event in self._do(words) if (report := self._hear(event))]

    def _do(self, words: Sequence[str]) -> list[Happened]:
        match words:
            case ["place", quantity, price, time_in_force]:
                self._price = int(price)
                return self._enter(int(quantity), Terms(time_in_force=TimeInForce[time_in_force]))
            case ["spend", amount]:
                return self._enter(0, Terms(order_type=OrderType.MARKET, budget=int(amount)))
            case ["offer", quantity, price]:
                return self._sell(self._other, int(quantity), int(price))
            case ["fill", quantity]:
                return self._sell(self._other, int(quantity), self._price, IMMEDIATE)
            case ["own-sell", quantity]:
                terms = Terms(self_trade_prevention=SelfTradePrevention.DECREMENT_AND_CANCEL)
                return self._sell(self._owner, int(quantity), self._price, terms)
            case ["replace", quantity, *price]:
                self._price = int(price[0]) if price else self._price
                changed = {"quantity": int(quantity)} | ({"price": self._price} if price else {})
                return self._venue.replace(self._owner, self._order_id, **changed)
            case ["cancel" | "cancel-unknown"]:
                return self._venue.cancel(self._owner, self._order_id)
            case ["close"]:
                return self._venue.change_session(self._listing, Session.CLOSED)
            case ["open"]:
                return self._venue.change_session(self._listing, Session.CONTINUOUS)
            case ["venue-cancels"]:
                return self._venue.cancel_all(self._owner)
            case _:
                raise ValueError(f"unknown step {' '.join(words)}")

    def _enter(self, quantity: int, terms: Terms) -> list[Happened]:
        events = self._venue.place(self._listing, self._owner, Side.BUY, quantity, self._price, terms)
        self._order_id = order_id_of(events)
        return events

    def _sell(self, account: int, quantity: int, price: int, terms: Terms | None = None) -> list[Happened]:
        return self._venue.place(self._listing, account, Side.SELL, quantity, price, terms or Terms())

    def _hear(self, event: Happened) -> str | None:
        if event.kind == "OrderCancelRejected":
            return self._told.refused("CancelReject", event.data["reason"])
        own = event.kind in order_states.EXEC_TYPES and ids.parse(event.data["order_id"])[1] == self._order_id
        return self._told.hear(event.kind, event.data) if own else None
