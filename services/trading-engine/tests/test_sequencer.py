"""The sequencer: what a caller is told, what the log keeps, and what happens when a commit fails."""

import asyncio
from collections.abc import Sequence

import pytest

from kernel.event import Append, Event, NewEvent
from kernel.eventlog.history import history
from kernel.eventlog.memory import MemoryLog, MemoryStore
from kernel.eventlog.port import Appended, LogFailed, QueueFull, Writer
from kernel.refused import Refused
from kernel.runtime import SystemRuntime
from matching.engine import CANCELS_PER_COMMAND_MAX
from trading.v1 import engine_pb2, types_pb2
from trading_engine.recovery import KIND, SCHEMA, replayed_hash
from trading_engine.sequencer import Sequencer
from trading_engine.settings import TradingEngineSettings

from .venue import ALICE, BOB, OPENING, cancel, command, limit, replace, sequencing

STATUS = types_pb2.OrderStatus.Name


def told(result: engine_pb2.CommandResult) -> str:
    """What the caller learns, in short: a refusal, or the order's status and executed quantity."""
    if result.refused:
        return result.refused
    if not result.order.id:
        return "done"
    return f"{STATUS(result.order.status).removeprefix('ORDER_STATUS_').lower()} {result.order.cum_quantity}"


@pytest.mark.parametrize(
    ("sentence", "commands", "outcome"),
    [
        ("an order that meets nobody rests", [limit("a", ALICE, "BUY", "10", "20")], "pending 0"),
        (
            "an order that crosses trades at the resting price",
            [limit("a", BOB, "SELL", "10", "20"), limit("b", ALICE, "BUY", "4", "21")],
            "executed 4",
        ),
        (
            "a cancel of an order that has traded tells what it got",
            [limit("a", BOB, "SELL", "9", "20"), limit("b", ALICE, "BUY", "4", "20"), cancel("c", BOB, "a")],
            "canceled 4",
        ),
        (
            "what an immediate order cannot get is canceled",
            [limit("a", BOB, "SELL", "3", "20"), limit("b", ALICE, "BUY", "5", "20", "IOC")],
            "canceled 3",
        ),
        (
            "a cancel finds an order placed in the same batch",
            [limit("a", ALICE, "BUY", "10", "20"), cancel("b", ALICE, "a")],
            "canceled 0",
        ),
        (
            "a replace finds an order placed in the same batch",
            [limit("a", ALICE, "BUY", "10", "20"), replace("b", ALICE, "a", quantity="7")],
            "pending 0",
        ),
        ("a cancel of nothing is refused", [cancel("b", ALICE, "never")], "order_not_found"),
        (
            "a price off the tick is refused before the core",
            [limit("a", ALICE, "BUY", "1", "20.001")],
            "price_off_tick",
        ),
        ("half a lot never reaches the core", [limit("a", ALICE, "BUY", "0.5", "20")], "quantity_off_lot"),
        ("more than the account has is refused", [limit("a", ALICE, "BUY", "1000", "20")], "insufficient_funds"),
        ("shares that are not there cannot be sold", [limit("a", ALICE, "SELL", "1", "20")], "insufficient_position"),
        (
            "an id used again with another body is refused",
            [limit("a", ALICE, "BUY", "1", "20"), limit("a", ALICE, "BUY", "2", "20")],
            "command_id_reused",
        ),
        (
            "the same command twice in a batch has one outcome",
            [limit("a", ALICE, "BUY", "1", "20"), limit("a", ALICE, "BUY", "1", "20")],
            "pending 0",
        ),
    ],
)
def test_the_last_command_is_told(sentence, commands, outcome):
    async def scenario() -> str:
        async with sequencing() as sequencer:
            await sequencer.execute(OPENING)
            return told((await sequencer.execute(commands))[-1])

    assert asyncio.run(scenario()) == outcome


def test_a_retry_gets_the_first_answer_for_ever():
    order = limit("a", ALICE, "BUY", "10", "20")

    async def scenario() -> None:
        runtime = SystemRuntime()
        store = MemoryStore()
        async with sequencing(MemoryLog(runtime, store=store)) as sequencer:
            await sequencer.execute(OPENING)
            first = (await sequencer.execute([order]))[0]
            again = (await sequencer.execute([order]))[0]
            head = sequencer.core.position
            await sequencer.execute([limit("b", BOB, "SELL", "10", "20")])
            late = (await sequencer.execute([order]))[0]
        assert (first.first_time, again.first_time, late.first_time) == (True, False, False)
        for answer in (again, late):
            answer.first_time = True
            assert answer == first, "the answer is that of the first time, whatever happened since"
        assert head == first.position.position

    asyncio.run(scenario())


class LoseAndHide:
    """Loses the first commit it is armed for, keeps the second without telling."""

    def __init__(self) -> None:
        self.armed: list[str] = []

    async def before_commit(self, events: Sequence[Event]) -> None:
        if self.armed and self.armed[0] == "lose":
            self.armed.pop(0)
            raise LogFailed("the disk lost it")

    async def after_commit(self, events: Sequence[Event]) -> None:
        if self.armed and self.armed[0] == "hide":
            self.armed.pop(0)
            raise LogFailed("the disk kept it and did not say so")


@pytest.mark.parametrize("faults", [["lose"], ["hide"], ["lose", "hide"], ["lose", "lose", "lose"]])
def test_a_failed_append_rebuilds_and_every_command_happens_once(faults):
    async def scenario() -> None:
        runtime = SystemRuntime()
        disk = LoseAndHide()
        log = MemoryLog(runtime, store=MemoryStore(disk))
        async with sequencing(log) as sequencer:
            await sequencer.execute(OPENING)
            disk.armed = list(faults)
            orders = [limit(f"o{number}", ALICE, "BUY", "1", "20") for number in range(5)]
            results = await sequencer.execute(orders)
            assert [told(result) for result in results] == ["pending 0"] * 5
            events = await log.read(0)
            assert sum(event.event_type == "OrderCreated" for event in events) == 5
            assert sequencer.core.engine.state_hash() == await replayed_hash(runtime, log)

    asyncio.run(scenario())


def test_a_log_that_stays_broken_stops_the_engine_which_acknowledges_nothing():
    async def scenario() -> None:
        disk = LoseAndHide()
        async with sequencing(MemoryLog(SystemRuntime(), store=MemoryStore(disk))) as sequencer:
            await sequencer.execute(OPENING)
            disk.armed = ["lose"] * 50
            with pytest.raises(Refused, match="the disk lost it"):
                await sequencer.execute([limit("a", ALICE, "BUY", "1", "20")])
            with pytest.raises(Refused, match="the disk lost it"):
                await sequencer.execute([limit("b", ALICE, "BUY", "1", "20")])

    with pytest.raises(LogFailed):
        asyncio.run(scenario_that_reports(scenario))


async def scenario_that_reports(scenario) -> None:
    await scenario()
    raise LogFailed("the sequencer's own end, which the test does not look at")


def test_a_full_queue_is_refused_and_nothing_of_it_happens():
    async def scenario() -> None:
        settings = TradingEngineSettings(queue_commands_max=3)
        async with sequencing(settings=settings) as sequencer:
            with pytest.raises(Refused) as refusal:
                await sequencer.execute(OPENING[:4])
            assert refusal.value.code == "engine_busy"
            assert refusal.value.retry_after_s

    asyncio.run(scenario())


def test_a_restart_from_a_snapshot_goes_on_where_the_log_ends():
    async def scenario() -> None:
        runtime = SystemRuntime()
        store = MemoryStore()
        settings = TradingEngineSettings(snapshot_every_events=10)
        async with sequencing(MemoryLog(runtime, store=store), settings) as sequencer:
            await sequencer.execute(OPENING)
            await sequencer.execute([limit(f"o{number}", ALICE, "BUY", "1", "20") for number in range(20)])
            await sequencer.execute([limit("last", BOB, "SELL", "5", "20")])
            before = sequencer.core.engine.state_hash()
        store.owned = False
        async with sequencing(MemoryLog(runtime, store=store), settings) as sequencer:
            assert 0 < sequencer.core.snapshot_position <= sequencer.core.position
            assert sequencer.core.engine.state_hash() == before
            assert told((await sequencer.execute([cancel("c", ALICE, "o19")]))[0]) == "canceled 0"

    asyncio.run(scenario())


def test_a_snapshot_of_another_log_is_not_taken_for_one_of_this():
    async def scenario() -> None:
        runtime = SystemRuntime()
        settings = TradingEngineSettings(snapshot_every_events=10)
        theirs = MemoryLog(runtime)
        async with sequencing(theirs, settings) as sequencer:
            await sequencer.execute(OPENING)
            await sequencer.execute([limit(f"o{number}", ALICE, "BUY", "1", "19") for number in range(20)])
        (snapshot,) = await theirs.load_snapshots(KIND, SCHEMA)
        store = MemoryStore()
        async with sequencing(MemoryLog(runtime, store=store)) as sequencer:
            await sequencer.execute(OPENING)
            await sequencer.execute([limit(f"o{number}", ALICE, "BUY", "1", "20") for number in range(30)])
            before = sequencer.core.engine.state_hash()
        store.owned = False
        ours = MemoryLog(runtime, store=store)
        await ours.save_snapshot(snapshot)
        async with sequencing(ours) as sequencer:
            assert sequencer.core.snapshot_position == 0
            assert sequencer.core.engine.state_hash() == before

    asyncio.run(scenario())


def test_a_log_whose_queue_is_full_is_asked_again_without_a_rebuild():
    class Busy:
        """Refuses the first appends of an engine that has started."""

        def __init__(self, log: MemoryLog) -> None:
            self._append = log.append
            self.refusals = 0

        async def append(self, commands: Sequence[Append], writer: Writer, turn: int | None = None) -> list[Appended]:
            if self.refusals:
                self.refusals -= 1
                raise QueueFull("others append much")
            return await self._append(commands, writer, turn)

    async def scenario() -> None:
        log = MemoryLog(SystemRuntime())
        busy = Busy(log)
        log.append = busy.append  # type: ignore[method-assign]
        async with sequencing(log) as sequencer:
            await sequencer.execute(OPENING)
            core = sequencer.core
            busy.refusals = 2
            assert told((await sequencer.execute([limit("a", ALICE, "BUY", "1", "20")]))[0]) == "pending 0"
            assert sequencer.core is core

    asyncio.run(scenario())


def test_a_caller_that_leaves_does_not_take_its_command_along():
    async def scenario() -> None:
        async with sequencing() as sequencer:
            await sequencer.execute(OPENING)
            impatient = asyncio.ensure_future(sequencer.execute([limit("a", ALICE, "BUY", "1", "20")]))
            await asyncio.sleep(0)
            impatient.cancel()
            assert told((await sequencer.execute([cancel("b", ALICE, "a")]))[0]) == "canceled 0"

    asyncio.run(scenario())


def test_an_unknown_body_for_a_known_id_is_refused_after_a_restart_too():
    async def scenario() -> None:
        runtime = SystemRuntime()
        store = MemoryStore()
        async with sequencing(MemoryLog(runtime, store=store)) as sequencer:
            await sequencer.execute([*OPENING, limit("a", ALICE, "BUY", "1", "20")])
        store.owned = False
        async with sequencing(MemoryLog(runtime, store=store)) as sequencer:
            assert told((await sequencer.execute([limit("a", ALICE, "BUY", "1", "21")]))[0]) == "command_id_reused"
            suspended = engine_pb2.ChangeAccountState(account_id=ALICE, state=engine_pb2.ACCOUNT_STATE_SUSPENDED)
            await sequencer.execute([command("suspend", change_account_state=suspended)])
            assert told((await sequencer.execute([limit("b", ALICE, "BUY", "1", "20")]))[0]) == "account_suspended"

    asyncio.run(scenario())


def test_orders_that_cause_more_events_than_one_append_takes_are_all_decided():
    async def scenario() -> None:
        runtime = SystemRuntime()
        log = MemoryLog(runtime)
        async with sequencing(log) as sequencer:
            await sequencer.execute(OPENING)
            more = engine_pb2.Deposit(account_id=BOB, asset="AAPL", amount="90000")
            await sequencer.execute([command("more shares", deposit=more)])
            many = engine_pb2.ChangeLimits(account_id=BOB, max_open_orders=100_000)
            await sequencer.execute([command("many orders", change_limits=many)])
            for start in range(0, 24_000, 1_000):
                await sequencer.execute([limit(f"s{start + at}", BOB, "SELL", "1", "0.01") for at in range(1_000)])
            sweeps = [limit(f"b{at}", ALICE, "BUY", "240", "0.01", "IOC") for at in range(100)]
            results = await sequencer.execute(sweeps)
            assert [told(result) for result in results] == ["executed 240"] * 100
            assert sequencer.core.engine.state_hash() == await replayed_hash(runtime, log)

    asyncio.run(scenario())


class LoseFrom:
    """Loses every commit from the n-th on, until it is mended."""

    def __init__(self) -> None:
        self.commits_left: int | None = None
        self.lost = asyncio.Event()

    async def before_commit(self, events: Sequence[Event]) -> None:
        if self.commits_left == 0:
            self.lost.set()
            raise LogFailed("the disk lost it")
        if self.commits_left is not None:
            self.commits_left -= 1

    async def after_commit(self, events: Sequence[Event]) -> None: ...


DAY_ORDERS = CANCELS_PER_COMMAND_MAX + 500


async def many_day_orders(sequencer: Sequencer) -> None:
    await sequencer.execute(OPENING)
    more = engine_pb2.Deposit(account_id=BOB, asset="AAPL", amount=str(DAY_ORDERS))
    many = engine_pb2.ChangeLimits(account_id=BOB, max_open_orders=DAY_ORDERS)
    await sequencer.execute([command("more shares", deposit=more), command("many orders", change_limits=many)])
    for start in range(0, DAY_ORDERS, 500):
        await sequencer.execute([limit(f"d{start + at}", BOB, "SELL", "1", "20", "DAY") for at in range(500)])


@pytest.mark.parametrize("mended", ["at once", "by a restart"])
def test_a_close_that_failed_half_way_is_finished(monkeypatch, mended):
    # A close of more orders than one command ends is several commands; here each gets an append of its own.
    monkeypatch.setattr("trading_engine.batch.REQUEST_EVENTS_MAX", CANCELS_PER_COMMAND_MAX + 1)
    close = engine_pb2.ChangeSession(symbol="AAPL", session=engine_pb2.SESSION_CLOSED, reason="close")

    async def expired(log: MemoryLog) -> int:
        everything = [event async for events in history(SystemRuntime(), log, 0, await log.head()) for event in events]
        return sum(event.event_type == "OrderExpired" for event in everything)

    async def scenario() -> None:
        runtime = SystemRuntime()
        disk = LoseFrom()
        store = MemoryStore(disk)
        log = MemoryLog(runtime, store=store)
        async with sequencing(log) as sequencer:
            await many_day_orders(sequencer)
            disk.commits_left = 1
            closing = asyncio.ensure_future(sequencer.execute([command("close", change_session=close)]))
            await disk.lost.wait()
            if mended == "at once":
                disk.commits_left = None
                assert told((await closing)[0]) == "done"
                assert await expired(log) == DAY_ORDERS
                return
            with pytest.raises(Refused):
                await closing
        assert await expired(log) == CANCELS_PER_COMMAND_MAX
        disk.commits_left = None
        store.abandon()
        again = MemoryLog(runtime, store=store)
        async with sequencing(again) as sequencer:
            assert await expired(again) == DAY_ORDERS
            assert not sequencer.core.engine.unfinished_closes()

    asyncio.run(scenario())


def test_a_source_time_that_is_still_to_come_is_refused_as_stamps_never_go_back():
    async def scenario() -> None:
        async with sequencing() as sequencer:
            await sequencer.execute(OPENING)
            order = limit("a", ALICE, "BUY", "1", "20")
            order.source_time_ns = SystemRuntime().now_ns() + 60_000_000_000
            assert told((await sequencer.execute([order]))[0]) == "source_time_ahead"

    asyncio.run(scenario())


def test_time_does_not_go_back_over_a_restart_though_the_clock_does():
    async def scenario() -> None:
        log = MemoryLog(SystemRuntime())
        async with sequencing(log) as sequencer:
            await sequencer.execute(OPENING)
            early = limit("a", ALICE, "BUY", "1", "20")
            early.source_time_ns = SystemRuntime().now_ns() // 1_000_000 * 1_000_000 + 900_999_999
            await sequencer.execute([early])
        async with sequencing(log) as sequencer:
            await sequencer.execute([limit("b", ALICE, "BUY", "1", "20")])
        before, after = [event.occurred_at_ns for event in await log.read(await log.head() - 2)]
        assert after == before == early.source_time_ns

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("field", "value"),
    [("price_unit", "99999999999999999999"), ("lot_unit", "12345678901234567890.123"), ("max_price", "1" * 20)],
)
def test_numbers_beyond_the_core_are_refused_and_the_engine_goes_on(field, value):
    terms = {
        "symbol": "HUGE",
        "base": "AAPL",
        "quote": "USD",
        "price_unit": "0.01",
        "lot_unit": "1",
        "max_price": "100000",
        "max_quantity": "100000",
        "protection": "0.05",
        "calendar": "24x7",
    } | {field: value}

    async def scenario() -> None:
        async with sequencing() as sequencer:
            await sequencer.execute(OPENING)
            listing = command("huge", list_instrument=engine_pb2.ListInstrument(**terms))
            assert (await sequencer.execute([listing]))[0].refused
            assert told((await sequencer.execute([limit("a", ALICE, "BUY", "1", "20")]))[0]) == "pending 0"

    asyncio.run(scenario())


def test_the_venue_opens_also_when_another_writer_was_first():
    async def scenario() -> None:
        runtime = SystemRuntime()
        log = MemoryLog(runtime)
        writer = await log.acquire("somebody-else", ["Note"])
        note = NewEvent("e1", "n1", "Note", "NoteTaken", 1, b"{}", runtime.now_ns())
        await log.append([Append((note,), "c1")], writer)
        async with sequencing(log) as sequencer:
            await sequencer.execute(OPENING)
            assert told((await sequencer.execute([limit("a", ALICE, "BUY", "1", "20")]))[0]) == "pending 0"

    asyncio.run(scenario())


def test_a_query_of_an_engine_that_is_stopped_is_refused():
    async def scenario() -> None:
        disk = LoseAndHide()
        async with sequencing(MemoryLog(SystemRuntime(), store=MemoryStore(disk))) as sequencer:
            await sequencer.execute(OPENING)
            disk.armed = ["lose"] * 50
            with pytest.raises(Refused):
                await sequencer.execute([limit("a", ALICE, "BUY", "1", "20")])
            with pytest.raises(Refused) as refusal:
                async with sequencer.committed():
                    pass
            assert refusal.value.code == "engine_stopped"

    asyncio.run(scenario())


def test_metrics_tell_what_became_of_orders():
    async def scenario() -> str:
        async with sequencing() as sequencer:
            await sequencer.execute(OPENING)
            await sequencer.execute([limit("a", BOB, "SELL", "4", "20"), limit("b", ALICE, "BUY", "4", "20")])
            await sequencer.execute([limit("a", BOB, "SELL", "4", "20"), limit("c", ALICE, "BUY", "1", "19")])
            return sequencer.metrics.exposition().decode()

    exposition = asyncio.run(scenario())
    for line in ("orders_processed_total 3.0", "orders_created_total 3.0", "orders_executed_total 2.0"):
        name, value = line.split()
        assert f'{name}{{service="trading-engine"}} {value}' in exposition
