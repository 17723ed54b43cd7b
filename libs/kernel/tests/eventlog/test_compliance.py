"""What every adapter of the event log does: one suite, each test on each adapter."""

import asyncio
import random

import pytest

from kernel.event import GENESIS_HASH, TEXT_CHARACTERS_MAX, chain_hash
from kernel.eventlog.admission import RECENT_COMMANDS_MAX
from kernel.eventlog.facts import facts_of
from kernel.eventlog.port import (
    QUEUE_EVENTS_MAX,
    SNAPSHOTS_KEPT,
    CommandReused,
    Conflict,
    Corrupt,
    Fenced,
    LogError,
    LogFailed,
    Malformed,
    QueueFull,
    Snapshot,
    Writer,
)
from kernel.eventlog.verify import verify
from kernel.runtime import SystemRuntime

from .makers import ADAPTERS, LOCAL_ADAPTERS, TYPES, command, event, opened, single, take


@pytest.fixture(params=ADAPTERS)
def on(request, tmp_path):
    """Runs a scenario `async (log, writer)` on a fresh log of the adapter."""
    return runner(request.param, tmp_path)


@pytest.fixture(params=LOCAL_ADAPTERS)
def on_local(request, tmp_path):
    return runner(request.param, tmp_path)


def runner(adapter, folder):
    async def scenario_on_a_log(scenario):
        async with opened(adapter, folder) as log:
            await scenario(log, await log.acquire("engine", TYPES))

    return lambda scenario: asyncio.run(scenario_on_a_log(scenario))


async def positions(log):
    return [each.position for each in await log.read(0)]


def test_a_request_of_several_commands_over_several_streams_is_one_commit(on):
    async def scenario(log, writer):
        account = event("account-1", 1, "Account", account_id="account-1", user_id="user-1")
        outcomes = await log.append(
            [
                command("a", event("order-1", 1), account, causation_id="cause", traceparent="00-ab-cd-01"),
                command("b", event("order-1", 2), event("order-2", 1, instrument_id="instrument-1")),
            ],
            writer,
        )
        assert [(each.first, each.last, each.first_time) for each in outcomes] == [(1, 2, True), (3, 4, True)]
        stored = await log.read(0)
        assert stored == [each for outcome in outcomes for each in outcome.events]
        assert [(each.command_index, each.command_count) for each in stored] == [(0, 2), (1, 2), (0, 2), (1, 2)]
        assert stored[1].account_id == "account-1" and stored[1].user_id == "user-1" and stored[1].log == "main"
        assert stored[0].causation_id == "cause" and stored[0].traceparent == "00-ab-cd-01"
        assert stored[0].recorded_at_ns == stored[3].recorded_at_ns > stored[0].occurred_at_ns
        assert [each.event_version for each in await log.read_stream("order-1")] == [1, 2]
        assert [each.event_version for each in await log.read_stream("order-1", 1)] == [2]
        assert await log.read_stream("order-1", 2) == await log.read_stream("nobody") == []
        assert await log.head() == 4 and [each.position for each in await log.read(1, 2)] == [2, 3]

    on(scenario)


@pytest.mark.parametrize(
    ("sentence", "versions"),
    [
        ("a gap after the last version", [4]),
        ("a version that exists", [2]),
        ("the first version of a stream that exists", [1]),
        ("a gap within the request", [3, 5]),
        ("the same version twice in the request", [3, 3]),
    ],
)
def test_a_wrong_version_is_a_conflict_and_nothing_of_its_request_is_kept(on, sentence, versions):
    async def scenario(log, writer):
        await log.append([command("past", event("order-1", 1), event("order-1", 2))], writer)
        with pytest.raises(Conflict, match="order-1 is at version"):
            await log.append(
                [command("fine", event("order-2", 1))]
                + [command(f"wrong-{n}", event("order-1", version)) for n, version in enumerate(versions)],
                writer,
            )
        assert await log.head() == 2 and await log.outcomes(["fine"]) == {}
        [outcome] = await log.append(single("right", "order-1", 3), writer)
        assert outcome.first == 3

    on(scenario)


def test_the_same_command_gets_its_first_outcome_and_is_appended_once(on):
    async def scenario(log, writer):
        request = [command("a", event("order-1", 1), event("order-1", 2)), *single("b")]
        first = await log.append(request, writer)
        again = await log.append(request, writer)
        assert [each.events for each in again] == [each.events for each in first]
        assert [each.first_time for each in first + again] == [True, True, False, False]
        # Not the whole request, but a known command: also the first outcome.
        [alone] = await log.append(request[:1], writer)
        assert (alone.first, alone.last, alone.first_time) == (1, 2, False)
        assert await log.head() == 3
        found = await log.outcomes(["a", "nobody", "b", "a"])
        assert {key: each.events for key, each in found.items()} == {"a": first[0].events, "b": first[1].events}

    on(scenario)


def test_a_command_sent_twice_at_once_is_appended_once(on):
    async def scenario(log, writer):
        outcomes = await asyncio.gather(*(log.append(single("a"), writer) for _ in range(8)))
        assert sorted(each.first_time for [each] in outcomes) == [False] * 7 + [True]
        assert {each.events for [each] in outcomes} == {outcomes[0][0].events}
        assert await log.head() == 1

    on(scenario)


def test_a_command_is_remembered_beyond_the_window_in_memory(on):
    async def scenario(log, writer):
        [first] = await log.append(single("first"), writer)
        size = 4_096
        for start in range(0, RECENT_COMMANDS_MAX + size, size):
            many = [command(f"c{start + n}", event(f"order-{start + n}", 1)) for n in range(size)]
            await log.append(many, writer)
        head = await log.head()
        # In one commit with a new one and with a conflict: each gets its own answer.
        again, new, wrong = await asyncio.gather(
            log.append(single("first"), writer),
            log.append(single("new"), writer),
            log.append(single("wrong", "order-first"), writer),
            return_exceptions=True,
        )
        assert (again[0].first_time, again[0].events) == (False, first.events)
        assert isinstance(wrong, Conflict) and new[0].first == head + 1 == await log.head()
        with pytest.raises(CommandReused):
            await log.append([command("c7", event("order-other", 1), body="other")], writer)

    on(scenario)


def test_a_known_command_with_another_body_is_refused(on):
    async def scenario(log, writer):
        await log.append([command("a", event("order-1", 1), body="one")], writer)
        with pytest.raises(CommandReused, match="position 1"):
            await log.append([command("a", event("order-1", 1), body="two")], writer)
        with pytest.raises(CommandReused):
            await log.append([command("a", event("order-2", 1), body="two")], writer)
        assert await log.head() == 1

    on(scenario)


def test_a_request_of_which_only_a_part_is_known_is_a_conflict(on):
    async def scenario(log, writer):
        await log.append(single("a"), writer)
        with pytest.raises(Conflict, match="1 of the 2 commands"):
            await log.append(single("a") + single("b"), writer)
        with pytest.raises(Conflict):
            await log.append([*single("a"), command(None, event("order-2", 1))], writer)
        assert await log.head() == 1

    on(scenario)


def test_commands_without_an_id_are_appended_each_time(on):
    async def scenario(log, writer):
        for version in (1, 2):
            [outcome] = await log.append([command(None, event("order-1", version))], writer)
            assert outcome.first_time and outcome.events[0].command_id is None
        assert await positions(log) == [1, 2]

    on(scenario)


def test_64_concurrent_writers_get_positions_without_gaps_and_fail_alone(on):
    async def scenario(log, writer):
        chance = random.Random(64)

        async def write(caller):
            kept = refused = version = 0
            for n in range(30):
                wrong = chance.random() < 0.3
                events = [event(f"order-{caller}", version + 1 + each + wrong) for each in range(chance.randint(1, 3))]
                try:
                    [outcome] = await log.append([command(f"{caller}-{n}", *events)], writer)
                    assert not wrong and [each.event_id for each in outcome.events] == [e.event_id for e in events]
                    version += len(events)
                    kept += 1
                except Conflict:
                    assert wrong
                    refused += 1
            return kept, refused, version

        told = await asyncio.gather(*(write(caller) for caller in range(64)))
        stored = await log.read(0)
        assert [each.position for each in stored] == list(range(1, 1 + sum(version for _, _, version in told)))
        assert sum(each.command_index == 0 for each in stored) == sum(kept for kept, _, _ in told)
        assert sum(refused for _, refused, _ in told) > 300
        verified = await verify(SystemRuntime(), log, lambda done, of: None)
        assert (verified.events, verified.hash) == (len(stored), stored[-1].hash)

    on(scenario)


BAD = [
    ("no command", [], Malformed),
    ("a command without events", [command("bad")], Malformed),
    ("a version of 0", [command("bad", event("order-bad", 0))], Malformed),
    ("a version beyond 63 bits", [command("bad", event("order-bad", 1 << 63))], Malformed),
    ("an empty aggregate id", [command("bad", event("", 1))], Malformed),
    ("an id that is too long", [command("bad", event("x" * (TEXT_CHARACTERS_MAX + 1), 1))], Malformed),
    ("a text that is no Unicode", [command("bad", event("order-\ud800", 1))], Malformed),
    ("data that is text", [command("bad", event("order-bad", 1, data="text"))], Malformed),
    ("data of no bytes", [command("bad", event("order-bad", 1, data=b""))], Malformed),
    ("a user id that is a number", [command("bad", event("order-bad", 1, user_id=7))], Malformed),
    ("a command id twice", [command("bad", event("o", 1)), command("bad", event("o", 2))], Malformed),
    ("a wrong version", [command("bad", event("order-bad", 2))], Conflict),
    ("a stream that another request of the commit begins", [command("bad", event("order-good", 1))], Conflict),
    ("a type that the role does not write", [command("bad", event("user-1", 1, "User"))], Fenced),
    ("a known id with another body", [command("past", event("order-bad", 1), body="other")], CommandReused),
]


@pytest.mark.parametrize(("sentence", "bad", "error"), BAD, ids=[sentence for sentence, _, _ in BAD])
def test_a_bad_request_fails_alone_within_a_shared_commit(on, sentence, bad, error):
    async def scenario(log, writer):
        await log.append(single("past"), writer)
        good, refused, also_good = await asyncio.gather(
            log.append(single("good"), writer),
            log.append(bad, writer),
            log.append(single("also good"), writer),
            return_exceptions=True,
        )
        assert type(refused) is error and str(refused)
        assert {good[0].first, also_good[0].first} == {2, 3}
        assert await positions(log) == [1, 2, 3]

    on(scenario)


def test_texts_and_bytes_come_back_as_they_were(on):
    async def scenario(log, writer):
        texts = [
            "plain",
            'quote " and \\ back',
            "tab\tline\nnul\x00unit\x1f",
            "żółć 🜚 \u202e",
            "x" * (TEXT_CHARACTERS_MAX - 20),
        ]
        data = [b"{}", bytes(range(256)), '{"a":"\\u0000ż"}'.encode(), b"\x00\x00", b"[" + b"1," * 50_000 + b"1]"]
        for text, each in zip(texts, data, strict=True):
            new = event(text, 1, data=each, user_id=text, account_id=text)
            [outcome] = await log.append([command(text, new, body=text)], writer)
            [stored] = await log.read_stream(text)
            assert stored == outcome.events[0] and stored.event_data == each and stored.user_id == text
            assert (await log.outcomes([text]))[text].events == outcome.events
        assert [each.aggregate_id for each in await log.read(0)] == texts

    on(scenario)


def test_each_hash_covers_its_event_and_the_hash_before(on):
    async def scenario(log, writer):
        await asyncio.gather(*(log.append(single(f"{n}"), writer) for n in range(20)))
        previous = GENESIS_HASH
        for stored in await log.read(0):
            assert stored.hash == chain_hash(previous, stored)
            previous = stored.hash

    on(scenario)


def test_more_than_the_queue_takes_is_refused_and_later_taken(on_local):
    async def scenario(log, writer):
        size = QUEUE_EVENTS_MAX // 8
        requests = [
            [command(f"{n}", *(event(f"order-{n}", version) for version in range(1, size + 1)))] for n in range(10)
        ]
        told = await asyncio.gather(*(log.append(each, writer) for each in requests), return_exceptions=True)
        assert [type(each) for each in told] == [list] * 8 + [QueueFull] * 2
        [outcome] = await log.append(requests[9], writer)
        assert outcome.last == 9 * size == await log.head()

    on_local(scenario)


def test_a_request_outlives_its_caller(on_local):
    async def scenario(log, writer):
        caller = asyncio.create_task(log.append(single("a"), writer))
        await asyncio.sleep(0)
        caller.cancel()
        [outcome] = await log.append(single("b"), writer)
        assert outcome.first == 2 and (await log.outcomes(["a"]))["a"].first == 1

    on_local(scenario)


@pytest.mark.parametrize("after", [0, 1, 57, 300])
def test_a_subscription_goes_from_history_to_live_and_loses_and_repeats_nothing(on, after):
    async def scenario(log, writer):
        async def write(caller):
            for n in range(25):
                events = [event(f"order-{caller}", 4 * n + each) for each in range(1, 5)]
                await log.append([command(f"{caller}-{n}", *events)], writer)

        for caller in range(4):
            await write(caller)
        followers = [asyncio.create_task(take(log, after, 2_000 - after)) for _ in range(3)]
        await asyncio.gather(*(write(caller) for caller in range(4, 20)))
        for batches in await asyncio.gather(*followers):
            assert [each.position for batch in batches for each in batch] == list(range(after + 1, 2_001))
            assert all(batch[-1].ends_command for batch in batches)

    on(scenario)


def test_a_slow_subscriber_misses_nothing_and_slows_nobody(on_local):
    async def scenario(log, writer):
        subscription = log.subscribe(0)
        seen = []
        appended = asyncio.Event()

        async def follow_slowly():
            async for batch in subscription:
                seen.extend(each.position for each in batch)
                await appended.wait()
                if seen[-1] == 30_000:
                    return

        follower = asyncio.create_task(follow_slowly())
        for start in range(0, 30_000, 1_000):
            await log.append([command(f"{start}", *(event(f"o-{start}", n) for n in range(1, 1_001)))], writer)
        assert not seen or seen[-1] < 30_000
        appended.set()
        await follower
        assert seen == list(range(1, 30_001))
        await subscription.aclose()

    on_local(scenario)


def test_a_command_longer_than_a_batch_reaches_followers_whole(on):
    async def scenario(log, writer):
        long = command("long", *(event("order-long", n) for n in range(1, 12_001)))
        await log.append([*single("before"), long, *single("after")], writer)
        batches = await take(log, 0, 12_002)
        assert all(batch[-1].ends_command for batch in batches)
        assert [each.position for batch in batches for each in batch] == list(range(1, 12_003))

    on(scenario)


def test_a_follower_that_has_seen_more_than_the_log_holds_is_stopped(on):
    async def scenario(log, writer):
        await log.append(single("a"), writer)
        with pytest.raises(Corrupt, match="ends at 1"):
            await take(log, 2, 1)

    on(scenario)


def test_checkpoints_are_kept_by_name_and_never_move_backwards(on):
    async def scenario(log, writer):
        assert await log.load_checkpoint("view") == 0
        await log.append([command(f"{number}", event(f"o{number}", 1)) for number in range(7)], writer)
        for position, kept in [(3, 3), (7, 7), (5, 7)]:
            await log.save_checkpoint("view", position)
            assert await log.load_checkpoint("view") == kept
        assert await log.load_checkpoint("other") == 0
        with pytest.raises(Malformed, match="ends at 7: nobody has followed it to 8"):
            await log.save_checkpoint("view", 8)
        assert await log.load_checkpoint("view") == 7

    on(scenario)


def test_the_newest_snapshots_of_a_kind_and_schema_are_kept(on):
    async def scenario(log, writer):
        snapshots = [Snapshot("engine", "1", position, f"hash-{position}", bytes(position)) for position in range(1, 7)]
        for snapshot in [
            *snapshots,
            Snapshot("engine", "2", 9, "other schema", b""),
            Snapshot("view", "1", 9, "h", b""),
        ]:
            await log.save_snapshot(snapshot)
        assert await log.load_snapshots("engine", "1") == snapshots[::-1][:SNAPSHOTS_KEPT]
        assert [each.state_hash for each in await log.load_snapshots("engine", "2")] == ["other schema"]
        replaced = Snapshot("engine", "1", 6, "again", b"data")
        await log.save_snapshot(replaced)
        assert (await log.load_snapshots("engine", "1"))[0] == replaced
        assert await log.load_snapshots("nobody", "1") == []

    on(scenario)


def test_a_deposed_writer_is_fenced(on):
    async def scenario(log, writer):
        await log.append(single("a"), writer)
        successor = await log.acquire("engine", TYPES)
        assert successor.epoch == writer.epoch + 1
        with pytest.raises(Fenced, match="epoch"):
            await log.append(single("b"), writer)
        with pytest.raises(Fenced):  # not even what it had appended before
            await log.append(single("a"), writer)
        await log.append(single("b"), successor)
        assert await log.head() == 2

    on(scenario)


def test_an_aggregate_type_has_one_writer_role(on):
    async def scenario(log, writer):
        with pytest.raises(Fenced, match="role engine writes Order"):
            await log.acquire("order-service", ["Algo", "Order"])
        users = await log.acquire("user-service", ["User"])
        await log.append([command("a", event("user-1", 1, "User"))], users)
        with pytest.raises(Fenced):
            await log.append(single("b"), users)
        with pytest.raises(Fenced, match="never acquired"):
            await log.append(single("c"), Writer("nobody", 1, ("Order",)))
        await log.acquire("engine", ["Order"])  # gives up the others
        await log.acquire("market-data", ["Instrument"])
        assert await log.head() == 1

    on(scenario)


def test_acquire_waits_for_what_the_deposed_writer_has_in_flight(on_local):
    async def scenario(log, writer):
        callers = [asyncio.create_task(log.append(single(f"{n}"), writer)) for n in range(100)]
        await asyncio.sleep(0)
        await log.acquire("engine", TYPES)
        head = await log.head()
        told = await asyncio.gather(*callers, return_exceptions=True)
        assert all(isinstance(each, Fenced) or each[0].last <= head for each in told)
        assert await log.head() == head

    on_local(scenario)


def test_a_closed_log_finishes_what_is_queued_then_refuses_everything(on_local):
    async def scenario(log, writer):
        follower = asyncio.create_task(take(log, 0, 1_000))
        callers = [asyncio.create_task(log.append(single(f"{n}"), writer)) for n in range(100)]
        await asyncio.sleep(0)
        await log.close()
        assert sorted(each.first for [each] in await asyncio.gather(*callers)) == list(range(1, 101))
        with pytest.raises(LogFailed, match="closed"):
            await log.append(single("late"), writer)
        with pytest.raises(LogFailed, match="closed"):
            await follower

    on_local(scenario)


def test_every_error_of_the_log_travels_unchanged():
    from kernel.eventlog import wire

    assert {*wire.CODES} == set(LogError.__subclasses__())
    for error in wire.CODES:
        told = wire.error_from(wire.refused_from(error("what and where")))
        assert type(told) is error and str(told) == "what and where"


def test_facts_are_as_little_of_the_events_as_a_fold_needs(on):
    async def scenario(log, writer):
        note = event("note-1", 1, "Account", data=b'{"text":"two\\nlines"}')
        await log.append([command("a", event("order-1", 1), note), command("b", event("order-1", 2))], writer)
        everything = await log.read(0)
        for after, until, types in (
            (0, 3, ["Order", "Account"]),
            (0, 3, ["Order"]),
            (1, 2, ["Account"]),
            (1, 2, ["Asset"]),
        ):
            facts = await log.facts(after, until, types)
            assert facts == facts_of(everything[after:until], types)
            assert (facts.first, facts.last) == (after + 1, until)
        facts = await log.facts(1, 3, TYPES)
        order = everything[2]
        assert facts.heads.splitlines()[1].decode() == f"{order.event_type} {order.event_id} 2 {len(order.event_data)}"
        assert facts.data == note.event_data + order.event_data

    on(scenario)
