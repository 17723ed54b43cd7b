"""Serves a log of this process to the others: parse, call, render."""

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager

from grpc.aio import ServicerContext

from kernel.eventlog import wire
from kernel.eventlog.port import EventLog, LogError
from kernel.refused import Kind, Refused
from trading.v1 import eventlog_pb2 as pb
from trading.v1.eventlog_pb2_grpc import EventLogServiceServicer

Context = ServicerContext[object, object]


class LogServicer(EventLogServiceServicer):
    """`trading.v1.EventLogService` over one log; another log's name is refused.

    held: the roles of services in this process, which no caller from another one may take."""

    def __init__(self, log: EventLog, held: Collection[str] = ()) -> None:
        self._log = log
        self._held = frozenset(held)

    async def AcquireWriter(self, request: pb.AcquireWriterRequest, context: Context) -> pb.AcquireWriterResponse:
        if request.role in self._held:
            told = f"the role {request.role} is held by a service of the process that owns the log"
            raise Refused("role_held", told, Kind.FORBIDDEN)
        with self._asked(request.log):
            writer = await self._log.acquire(request.role, tuple(request.aggregate_types))
        return pb.AcquireWriterResponse(writer=wire.writer_message(writer))

    async def AppendCommands(self, request: pb.AppendCommandsRequest, context: Context) -> pb.AppendCommandsResponse:
        with self._asked(request.log):
            commands = [wire.command_from(command) for command in request.commands]
            turn = request.turn if request.HasField("turn") else None
            outcomes = await self._log.append(commands, wire.writer_from(request.writer), turn)
        return pb.AppendCommandsResponse(outcomes=[wire.outcome_message(outcome) for outcome in outcomes])

    async def FindOutcomes(self, request: pb.FindOutcomesRequest, context: Context) -> pb.FindOutcomesResponse:
        with self._asked(request.log):
            outcomes = await self._log.outcomes(request.command_ids)
        return pb.FindOutcomesResponse(outcomes=[wire.outcome_message(outcome) for outcome in outcomes.values()])

    async def GetHead(self, request: pb.GetHeadRequest, context: Context) -> pb.GetHeadResponse:
        with self._asked(request.log):
            return pb.GetHeadResponse(position=await self._log.head())

    async def ReadEvents(self, request: pb.ReadEventsRequest, context: Context) -> pb.ReadEventsResponse:
        with self._asked(request.log):
            events = await self._log.read(request.after, request.limit)
        return pb.ReadEventsResponse(events=next(wire.parts(events), []))

    async def ReadStream(self, request: pb.ReadStreamRequest, context: Context) -> pb.ReadStreamResponse:
        with self._asked(request.log):
            events = await self._log.read_stream(request.aggregate_id, request.after_version, request.limit)
        return pb.ReadStreamResponse(events=next(wire.parts(events), []))

    async def SubscribeEvents(
        self, request: pb.SubscribeEventsRequest, context: Context
    ) -> AsyncIterator[pb.SubscribeEventsResponse]:
        with self._asked(request.log):
            async for batch in self._log.subscribe(request.after):
                for part in wire.parts(batch):
                    yield pb.SubscribeEventsResponse(events=part)

    async def SaveCheckpoint(self, request: pb.SaveCheckpointRequest, context: Context) -> pb.SaveCheckpointResponse:
        with self._asked(request.log):
            await self._log.save_checkpoint(request.name, request.position)
        return pb.SaveCheckpointResponse()

    async def GetCheckpoint(self, request: pb.GetCheckpointRequest, context: Context) -> pb.GetCheckpointResponse:
        with self._asked(request.log):
            return pb.GetCheckpointResponse(position=await self._log.load_checkpoint(request.name))

    async def SaveSnapshot(self, request: pb.SaveSnapshotRequest, context: Context) -> pb.SaveSnapshotResponse:
        with self._asked(request.log):
            await self._log.save_snapshot(wire.snapshot_from(request.snapshot))
        return pb.SaveSnapshotResponse()

    async def ListSnapshots(
        self, request: pb.ListSnapshotsRequest, context: Context
    ) -> AsyncIterator[pb.ListSnapshotsResponse]:
        with self._asked(request.log):
            for snapshot in await self._log.load_snapshots(request.kind, request.schema):
                yield pb.ListSnapshotsResponse(snapshot=wire.snapshot_message(snapshot))

    @contextmanager
    def _asked(self, log: str) -> Iterator[None]:
        if log != self._log.name:
            raise Refused("log_unknown", f"this process serves log {self._log.name}, not {log}", Kind.NOT_FOUND)
        try:
            yield
        except LogError as error:
            raise wire.refused_from(error) from error
