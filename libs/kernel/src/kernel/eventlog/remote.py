"""The log of another process: the port over gRPC.

Errors are those of the port. What the network does to a call is LogFailed: of an append the outcome is then unknown,
and sending the same command ids again is always safe. A subscription reconnects for ever from where it stands.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Sequence
from contextlib import aclosing, contextmanager

from grpc.aio import Channel

from kernel.event import Append, Event
from kernel.eventlog import wire
from kernel.eventlog.facts import Facts, facts_of
from kernel.eventlog.port import (
    READ_EVENTS_MAX,
    Appended,
    Corrupt,
    LogFailed,
    Malformed,
    Snapshot,
    Writer,
)
from kernel.refused import Refused
from kernel.rpc import MESSAGE_BYTES_MAX
from kernel.runtime import Runtime
from trading.v1 import eventlog_pb2 as pb
from trading.v1.eventlog_pb2_grpc import EventLogServiceStub

APPEND_DEADLINE_S = 10.0
READ_DEADLINE_S = 10.0
SNAPSHOT_DEADLINE_S = 60.0
RECONNECT_AFTER_S = 0.1
RECONNECT_AFTER_S_MAX = 2.0
# What a request's own fields may take beside its commands or its snapshot.
MESSAGE_MARGIN_BYTES = 65_536


class RemoteLog:
    """The event log behind a channel, which stays its opener's to close.

    A request and a snapshot must fit one message (16 MiB): Malformed if they do not.
    """

    def __init__(self, runtime: Runtime, channel: Channel, name: str = "main") -> None:
        self._runtime = runtime
        self._name = name
        self._stub = EventLogServiceStub(channel)
        self._closing = asyncio.Event()

    @property
    def name(self) -> str:
        return self._name

    async def acquire(self, role: str, aggregate_types: Sequence[str]) -> Writer:
        request = pb.AcquireWriterRequest(log=self._name, role=role, aggregate_types=aggregate_types)
        with self._calling():
            response = await self._stub.AcquireWriter(request, timeout=APPEND_DEADLINE_S)
        return wire.writer_from(response.writer)

    async def append(self, commands: Sequence[Append], writer: Writer, turn: int | None = None) -> list[Appended]:
        with _rendering():
            messages = [wire.command_message(command) for command in commands]
            request = pb.AppendCommandsRequest(
                log=self._name, writer=wire.writer_message(writer), commands=messages, turn=turn
            )
        _require_fits(request.ByteSize(), "the request")
        with self._calling():
            response = await self._stub.AppendCommands(request, timeout=APPEND_DEADLINE_S)
        return [
            wire.first_append_from(self._name, command, outcome)
            if outcome.first_time
            else await self._appended_before(outcome)
            for command, outcome in zip(commands, response.outcomes, strict=True)
        ]

    async def outcomes(self, command_ids: Sequence[str]) -> dict[str, Appended]:
        with self._calling():
            request = pb.FindOutcomesRequest(log=self._name, command_ids=command_ids)
            response = await self._stub.FindOutcomes(request, timeout=READ_DEADLINE_S)
        return {outcome.command_id: await self._appended_before(outcome) for outcome in response.outcomes}

    async def head(self) -> int:
        with self._calling():
            response = await self._stub.GetHead(pb.GetHeadRequest(log=self._name), timeout=READ_DEADLINE_S)
        return response.position

    async def read(self, after: int, limit: int = READ_EVENTS_MAX) -> list[Event]:
        events: list[Event] = []
        while len(events) < limit:
            more = await self._read_part(after + len(events), min(limit - len(events), READ_EVENTS_MAX))
            events += more
            if not more:
                break
        return events

    async def facts(self, after: int, until: int, aggregate_types: Collection[str]) -> Facts:
        return facts_of(await self.read(after, until - after), aggregate_types)

    async def read_stream(self, aggregate_id: str, after_version: int = 0, limit: int = READ_EVENTS_MAX) -> list[Event]:
        events: list[Event] = []
        while len(events) < limit:
            request = pb.ReadStreamRequest(
                log=self._name,
                aggregate_id=aggregate_id,
                after_version=after_version + len(events),
                limit=min(limit - len(events), READ_EVENTS_MAX),
            )
            with self._calling():
                response = await self._stub.ReadStream(request, timeout=READ_DEADLINE_S)
            if not response.events:
                break
            events += [wire.event_from(self._name, event) for event in response.events]
        return events

    async def subscribe(self, after: int) -> AsyncIterator[list[Event]]:
        position = after
        wait_s = RECONNECT_AFTER_S
        while True:
            try:
                async with aclosing(self._follow(position)) as batches:
                    async for batch in batches:
                        position = batch[-1].position
                        wait_s = RECONNECT_AFTER_S
                        yield batch
            except LogFailed:
                if self._closing.is_set():
                    raise
            await self._runtime.sleep(wait_s)
            wait_s = min(2 * wait_s, RECONNECT_AFTER_S_MAX)

    async def save_checkpoint(self, name: str, position: int) -> None:
        with self._calling():
            request = pb.SaveCheckpointRequest(log=self._name, name=name, position=position)
            await self._stub.SaveCheckpoint(request, timeout=APPEND_DEADLINE_S)

    async def load_checkpoint(self, name: str) -> int:
        with self._calling():
            request = pb.GetCheckpointRequest(log=self._name, name=name)
            response = await self._stub.GetCheckpoint(request, timeout=READ_DEADLINE_S)
        return response.position

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        request = pb.SaveSnapshotRequest(log=self._name, snapshot=wire.snapshot_message(snapshot))
        _require_fits(request.ByteSize(), "the snapshot")
        with self._calling():
            await self._stub.SaveSnapshot(request, timeout=SNAPSHOT_DEADLINE_S)

    async def load_snapshots(self, kind: str, schema: str) -> list[Snapshot]:
        request = pb.ListSnapshotsRequest(log=self._name, kind=kind, schema=schema)
        with self._calling():
            responses = self._stub.ListSnapshots(request, timeout=SNAPSHOT_DEADLINE_S)
            return [wire.snapshot_from(response.snapshot) async for response in responses]

    async def close(self) -> None:
        """Subscriptions end with LogFailed; the log itself goes on in its own process."""
        self._closing.set()

    async def _read_part(self, after: int, limit: int) -> list[Event]:
        with self._calling():
            request = pb.ReadEventsRequest(log=self._name, after=after, limit=limit)
            response = await self._stub.ReadEvents(request, timeout=READ_DEADLINE_S)
        events = [wire.event_from(self._name, event) for event in response.events]
        if events and (events[0].position != after + 1 or events[-1].position != after + len(events)):
            raise Corrupt(f"log {self._name}: positions after {after} are not contiguous")
        return events

    async def _appended_before(self, outcome: pb.LogOutcome) -> Appended:
        events = await self.read(outcome.first - 1, outcome.last - outcome.first + 1)
        return Appended(outcome.first, outcome.last, False, tuple(events))

    async def _follow(self, after: int) -> AsyncGenerator[list[Event], None]:
        """The batches of one connection, each whole to a command's end."""
        position = after
        unfinished: list[Event] = []
        async with aclosing(self._responses(after)) as responses:
            async for response in responses:
                events = [wire.event_from(self._name, event) for event in response.events]
                if [event.position for event in events] != list(range(position + 1, position + 1 + len(events))):
                    raise Corrupt(f"log {self._name}: positions after {position} are not contiguous")
                position += len(events)
                unfinished += events
                if unfinished and unfinished[-1].ends_command:
                    yield unfinished
                    unfinished = []

    async def _responses(self, after: int) -> AsyncGenerator[pb.SubscribeEventsResponse, None]:
        """The responses of one call, until the connection fails or this log is closed (both LogFailed)."""
        request = pb.SubscribeEventsRequest(log=self._name, after=after)
        responses = aiter(self._stub.SubscribeEvents(request))
        closing = self._runtime.spawn(self._closing.wait(), f"close of remote {self._name}")
        arriving: asyncio.Task[pb.SubscribeEventsResponse | None] | None = None
        try:
            while True:
                arriving = self._runtime.spawn(_next(responses), f"follow remote {self._name}")
                await asyncio.wait((arriving, closing), return_when=asyncio.FIRST_COMPLETED)
                with self._calling():
                    response = arriving.result()
                if response is None:
                    return
                yield response
        finally:
            closing.cancel()
            if arriving is not None:
                arriving.cancel()

    @contextmanager
    def _calling(self) -> Iterator[None]:
        if self._closing.is_set():
            raise LogFailed(f"the connection to log {self._name} is closed")
        try:
            yield
        except Refused as refused:
            raise wire.error_from(refused) from refused
        except TimeoutError as error:
            raise LogFailed(f"log {self._name} did not answer in time") from error


async def _next(responses: AsyncIterator[pb.SubscribeEventsResponse]) -> pb.SubscribeEventsResponse | None:
    return await anext(responses, None)


@contextmanager
def _rendering() -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError) as wrong:
        raise Malformed(f"the request cannot be appended: {wrong}") from wrong


def _require_fits(size_bytes: int, what: str) -> None:
    if size_bytes > MESSAGE_BYTES_MAX - MESSAGE_MARGIN_BYTES:
        raise Malformed(f"{what} takes {size_bytes} bytes; over the network at most {MESSAGE_BYTES_MAX} fit")
