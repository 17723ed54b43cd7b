"""A client that trades, doubts and looks: it asks again until it knows, and compares what it was told."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Protocol

from kernel.refused import Kind, Refused
from kernel.simulation.runtime import Simulation
from tests.simulation.intents import Intent, Promise, Seen, Told, Unknown

SYMBOLS = ("BTC-USD", "ETH-USD", "ETH-BTC")
MIDDLES = {"BTC-USD": 10_000, "ETH-USD": 5_000, "ETH-BTC": 50_000}  # in price units
UNITS = {"BTC-USD": 2, "ETH-USD": 2, "ETH-BTC": 5}  # decimals of the price unit
SPREAD = 6
LOTS_MAX = 50
RETRY_S = 0.5


class Venue(Protocol):
    """One way into the platform."""

    async def send(self, intent: Intent) -> Told: ...

    async def find(self, user_id: str, account_id: str, order_id: str, client_order_id: str, at_least: int) -> Seen: ...

    async def list_all(self, user_id: str, at_least: int) -> Sequence[Seen]: ...


class Trader:
    """One user's program. `wrong` lists what it noticed on the way, `promises` what it was told."""

    def __init__(self, simulation: Simulation, venue: Venue, user_id: str, account_id: str, rest: bool) -> None:
        """rest: the venue is REST, which names orders by id and makes a replace idempotent by a new client order id."""
        self.promises: list[Promise] = []
        self.wrong: list[str] = []
        self._simulation = simulation
        self._venue = venue
        self._rest = rest
        self._user_id = user_id
        self._account_id = account_id
        self._random: Random = simulation.random(f"trader {user_id}")
        self._placed: list[Promise] = []
        self._sent = 0

    async def trade(self, steps: int) -> None:
        for _ in range(steps):
            await asyncio.sleep(self._random.random() * 0.3)
            drawn = self._random.random()
            if drawn < 0.55 or not self._placed:
                await self._place()
            elif drawn < 0.8:
                await self._change()
            elif drawn < 0.95:
                await self._look()
            else:
                await self._list()

    async def _place(self) -> None:
        random = self._random
        symbol = random.choice(SYMBOLS)
        side = random.choice(("BUY", "SELL"))
        market = random.random() < 0.1
        away = random.randint(-SPREAD, SPREAD)
        intent = Intent(
            "place",
            self._user_id,
            self._account_id,
            self._key("order"),
            symbol,
            side,
            "MARKET" if market else "LIMIT",
            "IOC" if market or random.random() < 0.1 else random.choice(("GTC", "DAY")),
            _decimal(random.randint(1, LOTS_MAX), 3),
            "" if market else _decimal(MIDDLES[symbol] + away, UNITS[symbol]),
        )
        if random.random() < 0.1:  # the same order twice at once: two of its requests race
            first, second = await asyncio.gather(self._settle(intent), self._settle(intent))
            self._compare(intent, first, second)
        else:
            await self._settle(intent)

    async def _change(self) -> None:
        random = self._random
        placed = random.choice(self._placed[-12:])
        by_id = random.random() < 0.5 or self._rest
        names = {"order_id": placed.told.order_id} if by_id else {"client_order_id": placed.intent.key}
        symbol = placed.intent.symbol
        if random.random() < 0.6:
            intent = Intent("cancel", self._user_id, self._account_id, self._key("cancel"), symbol, **names)
        else:
            away = random.randint(-SPREAD, SPREAD)
            intent = Intent(
                "replace",
                self._user_id,
                self._account_id,
                self._key("replace"),
                symbol,
                quantity=_decimal(random.randint(1, LOTS_MAX), 3) if random.random() < 0.8 else "",
                price=_decimal(MIDDLES[symbol] + away, UNITS[symbol]),
                renamed=random.random() < 0.3 or self._rest,
                **names,
            )
        await self._settle(intent)

    async def _settle(self, intent: Intent) -> Told:
        """Ask until there is an answer; now and then ask once more, and get the same."""
        told = await self._until_told(intent)
        self.promises.append(Promise(intent, told))
        self._simulation.loop.note("told", intent.key, *told)
        if intent.kind == "place" and told.order_id:
            self._placed.append(Promise(intent, told))
        if told.position > 0 and self._random.random() < 0.15:
            self._compare(intent, told, await self._until_told(intent))
        if told.order_id and not told.refused and self._random.random() < 0.5:
            await self._read_back(intent, told)
        return told

    async def _until_told(self, intent: Intent) -> Told:
        while True:
            try:
                return await self._venue.send(intent)
            except Unknown:
                await asyncio.sleep(RETRY_S * self._random.random())

    def _compare(self, intent: Intent, first: Told, again: Told) -> None:
        if first != again:
            self.wrong.append(f"{intent.kind} {intent.key} was answered {first}, and then {again}")

    async def _look(self) -> None:
        placed = self._random.choice(self._placed)
        await self._read_back(placed.intent, placed.told)

    async def _read_back(self, intent: Intent, told: Told) -> None:
        """What was acknowledged is found, by id or client order id, and never older than it was told."""
        by_id = self._random.random() < 0.5 or intent.kind != "place"
        names = (told.order_id, "") if by_id else ("", intent.key)
        at_least = max(told.position, 0) if self._random.random() < 0.7 else 0
        while True:
            try:
                seen = await self._venue.find(self._user_id, self._account_id, *names, at_least)
                break
            except Unknown:
                await asyncio.sleep(RETRY_S * self._random.random())
            except Refused as refused:
                if refused.kind is not Kind.NOT_FOUND:
                    raise
                self.wrong.append(f"{names} was acknowledged at {told.position} and is not found (at {at_least})")
                return
        if seen.order_id != told.order_id or (at_least and seen.version < told.version):
            self.wrong.append(f"{names} was told as {told}, and then read as {seen}")

    async def _list(self) -> None:
        known = [promise.told for promise in self._placed if promise.told.position > 0]
        at_least = max((told.position for told in known), default=0)
        try:
            found = {seen.order_id for seen in await self._venue.list_all(self._user_id, at_least)}
        except Unknown:
            return
        missing = {told.order_id for told in known} - found
        if missing:
            self.wrong.append(f"the list at {at_least} lacks {sorted(missing)}")

    def _key(self, kind: str) -> str:
        self._sent += 1
        return f"{self._user_id}-{kind}-{self._sent}"


def _decimal(units: int, decimals: int) -> str:
    """A canonical decimal."""
    text = f"{units:0{decimals + 1}d}"
    return f"{text[:-decimals]}.{text[-decimals:]}".rstrip("0").rstrip(".")
