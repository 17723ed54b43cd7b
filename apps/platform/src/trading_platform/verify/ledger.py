"""Cash and assets, folded naively: from nothing but the postings in the events, with no rule of the engine.

After each event every posting must have moved its account to what it says, and the balance postings must sum to zero
for each asset. After each command clearing accounts are empty, and no customer's hold is negative or above its balance.
"""

from collections import defaultdict
from decimal import Decimal

import msgspec

from kernel.event import Event
from kernel.money import add, canonical, parse
from trading_platform.verify.difference import Differences

ZERO = Decimal(0)


class _Opened(msgspec.Struct):
    account_id: str
    kind: str


class _Posted(msgspec.Struct):
    # account, asset, balance or hold, amount, after
    postings: list[tuple[str, str, str, str, str]] = []


_opened = msgspec.json.Decoder(_Opened)
_posted = msgspec.json.Decoder(_Posted)


class Ledger:
    """`follow` takes the events in order; `finish` looks at the totals."""

    def __init__(self) -> None:
        self.differences = Differences()
        self.postings = 0
        self._kinds: dict[str, str] = {}
        self._balances: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._holds: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._touched: set[tuple[str, str]] = set()

    def follow(self, event: Event) -> None:
        if event.event_type == "AccountOpened":
            opened = _opened.decode(event.event_data)
            self._kinds[opened.account_id] = opened.kind
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for posting in _posted.decode(event.event_data).postings:
            account_id, asset, kind, amount, after = posting
            self.postings += 1
            self._post(event, account_id, asset, kind, parse(amount), parse(after))
            if kind == "balance":
                sums[asset] = add(sums[asset], parse(amount))
        for asset, total in sums.items():
            if total:
                self._differ(event, f"balance postings of {asset} sum to {canonical(total)}, expected 0")
        if event.ends_command:
            self._end_command(event)

    def finish(self) -> Differences:
        """All balances of an asset, the external account's included, must sum to zero."""
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for (_, asset), balance in self._balances.items():
            totals[asset] = add(totals[asset], balance)
        for asset, total in sorted(totals.items()):
            if total:
                self.differences.add(asset, f"all balances sum to {canonical(total)}, expected 0")
        return self.differences

    def _post(self, event: Event, account_id: str, asset: str, kind: str, amount: Decimal, after: Decimal) -> None:
        if account_id not in self._kinds:
            self._differ(event, f"posts to account {account_id}, which was never opened")
        held = {"balance": self._balances, "hold": self._holds}.get(kind)
        if held is None:
            self._differ(event, f"posts to {kind!r} of {account_id}, expected balance or hold")
            return
        key = (account_id, asset)
        expected = add(held[key], amount)
        if expected != after:
            told = (
                f"{canonical(held[key])} {_signed(amount)} is {canonical(expected)}, the event says {canonical(after)}"
            )
            self._differ(event, f"{kind} of {account_id} in {asset}: {told}")
        held[key] = after  # go on from what the log says: one forgery is one difference
        self._touched.add(key)

    def _end_command(self, event: Event) -> None:
        for key in self._touched:
            account_id, asset = key
            balance, hold = self._balances[key], self._holds[key]
            kind = self._kinds.get(account_id)
            if kind == "CLEARING" and (balance or hold):
                told = f"clearing account {account_id} keeps {canonical(balance)} {asset} after the command, expected 0"
                self._differ(event, told)
            if kind == "CUSTOMER" and not ZERO <= hold <= balance:
                told = f"{account_id} holds {canonical(hold)} {asset} of {canonical(balance)}"
                self._differ(event, f"{told}, expected a hold from 0 to the balance")
        self._touched.clear()

    def _differ(self, event: Event, what: str) -> None:
        self.differences.add(f"position {event.position} ({event.event_type})", what)


def _signed(amount: Decimal) -> str:
    return f"- {canonical(-amount)}" if amount < 0 else f"+ {canonical(amount)}"
