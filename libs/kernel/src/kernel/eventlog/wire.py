"""The event log's messages: the only mapping between `trading.v1.EventLogService` and the port's values."""

from collections.abc import Iterator, Sequence

from kernel.event import Append, Event, NewEvent
from kernel.eventlog.port import (
    Appended,
    CommandReused,
    Conflict,
    Corrupt,
    Fenced,
    LogError,
    LogFailed,
    LogLocked,
    Malformed,
    OutOfTurn,
    QueueFull,
    Snapshot,
    Writer,
)
from kernel.refused import Kind, Refused
from trading.v1 import eventlog_pb2 as pb

HASH_BYTES = 32
# A message carries at most about so many bytes of events; transports refuse messages of 16 MiB.
PART_BYTES_MAX = 4 << 20
# What an event's envelope takes beside its data, roughly.
ENVELOPE_BYTES = 512

CODES: dict[type[LogError], tuple[str, Kind]] = {
    Malformed: ("log_malformed", Kind.INVALID),
    Conflict: ("log_conflict", Kind.CONFLICT),
    CommandReused: ("log_command_reused", Kind.CONFLICT),
    Fenced: ("log_fenced", Kind.FORBIDDEN),
    OutOfTurn: ("log_out_of_turn", Kind.CONFLICT),
    QueueFull: ("log_queue_full", Kind.RATE_LIMITED),
    LogFailed: ("log_failed", Kind.UNAVAILABLE),
    LogLocked: ("log_locked", Kind.UNAVAILABLE),
    Corrupt: ("log_corrupt", Kind.UNPROCESSABLE),
}
_ERRORS = {code: error for error, (code, _) in CODES.items()}


def refused_from(error: LogError) -> Refused:
    code, kind = CODES[type(error)]
    return Refused(code, str(error), kind, retry_after_s=1 if kind is Kind.RATE_LIMITED else None)


def error_from(refused: Refused) -> LogError:
    """The log's own error, or what a transport's refusal amounts to for the caller of a log.

    Only what may pass by itself is LogFailed; a request that the other side cannot take is Malformed.
    """
    error = _ERRORS.get(refused.code)
    if error is None:
        error = LogFailed if refused.kind is Kind.UNAVAILABLE else Malformed
    return error(refused.message)


def new_event_message(event: NewEvent | Event) -> pb.NewLogEvent:
    return pb.NewLogEvent(
        event_id=event.event_id,
        aggregate_id=event.aggregate_id,
        aggregate_type=event.aggregate_type,
        event_type=event.event_type,
        event_version=event.event_version,
        schema_version=event.schema_version,
        event_data=event.event_data,
        occurred_at_ns=event.occurred_at_ns,
        account_id=event.account_id,
        instrument_id=event.instrument_id,
        user_id=event.user_id,
    )


def command_message(command: Append) -> pb.LogCommand:
    return pb.LogCommand(
        events=[new_event_message(event) for event in command.events],
        correlation_id=command.correlation_id,
        command_id=command.command_id,
        request_hash=command.request_hash,
        causation_id=command.causation_id,
        traceparent=command.traceparent,
    )


def command_from(message: pb.LogCommand) -> Append:
    return Append(
        events=tuple([_new_event_from(event) for event in message.events]),
        correlation_id=message.correlation_id,
        command_id=message.command_id if message.HasField("command_id") else None,
        request_hash=message.request_hash if message.HasField("request_hash") else None,
        causation_id=message.causation_id if message.HasField("causation_id") else None,
        traceparent=message.traceparent if message.HasField("traceparent") else None,
    )


def _new_event_from(message: pb.NewLogEvent) -> NewEvent:
    return NewEvent(
        event_id=message.event_id,
        aggregate_id=message.aggregate_id,
        aggregate_type=message.aggregate_type,
        event_type=message.event_type,
        event_version=message.event_version,
        event_data=message.event_data,
        occurred_at_ns=message.occurred_at_ns,
        account_id=message.account_id if message.HasField("account_id") else None,
        instrument_id=message.instrument_id if message.HasField("instrument_id") else None,
        user_id=message.user_id if message.HasField("user_id") else None,
        schema_version=message.schema_version,
    )


def event_message(event: Event) -> pb.LogEvent:
    return pb.LogEvent(
        event=new_event_message(event),
        position=event.position,
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
        command_id=event.command_id,
        command_index=event.command_index,
        command_count=event.command_count,
        request_hash=event.request_hash,
        traceparent=event.traceparent,
        recorded_at_ns=event.recorded_at_ns,
        hash_version=event.hash_version,
        hash=event.hash,
    )


def event_from(log: str, message: pb.LogEvent) -> Event:
    new = _new_event_from(message.event)
    return Event(
        log=log,
        position=message.position,
        event_id=new.event_id,
        aggregate_id=new.aggregate_id,
        aggregate_type=new.aggregate_type,
        event_type=new.event_type,
        event_version=new.event_version,
        schema_version=new.schema_version,
        event_data=new.event_data,
        account_id=new.account_id,
        instrument_id=new.instrument_id,
        user_id=new.user_id,
        correlation_id=message.correlation_id,
        causation_id=message.causation_id if message.HasField("causation_id") else None,
        command_id=message.command_id if message.HasField("command_id") else None,
        command_index=message.command_index,
        command_count=message.command_count,
        request_hash=message.request_hash if message.HasField("request_hash") else None,
        traceparent=message.traceparent if message.HasField("traceparent") else None,
        occurred_at_ns=new.occurred_at_ns,
        recorded_at_ns=message.recorded_at_ns,
        hash_version=message.hash_version,
        hash=message.hash,
    )


def outcome_message(outcome: Appended) -> pb.LogOutcome:
    """Of a first append the caller has the events already: only what the log added is sent."""
    message = pb.LogOutcome(
        command_id=outcome.events[0].command_id or "",
        first=outcome.first,
        last=outcome.last,
        first_time=outcome.first_time,
    )
    if outcome.first_time:
        message.recorded_at_ns = outcome.events[0].recorded_at_ns
        message.hash_version = outcome.events[0].hash_version
        message.hashes = b"".join([event.hash for event in outcome.events])
    return message


def first_append_from(log: str, command: Append, message: pb.LogOutcome) -> Appended:
    """The outcome of a command that was appended for the first time, from what was sent and what the log added."""
    count = len(command.events)
    events = tuple(
        [
            Event(
                log=log,
                position=message.first + index,
                event_id=new.event_id,
                aggregate_id=new.aggregate_id,
                aggregate_type=new.aggregate_type,
                event_type=new.event_type,
                event_version=new.event_version,
                schema_version=new.schema_version,
                event_data=new.event_data,
                account_id=new.account_id,
                instrument_id=new.instrument_id,
                user_id=new.user_id,
                correlation_id=command.correlation_id,
                causation_id=command.causation_id,
                command_id=command.command_id,
                command_index=index,
                command_count=count,
                request_hash=command.request_hash,
                traceparent=command.traceparent,
                occurred_at_ns=new.occurred_at_ns,
                recorded_at_ns=message.recorded_at_ns,
                hash_version=message.hash_version,
                hash=message.hashes[index * HASH_BYTES : (index + 1) * HASH_BYTES],
            )
            for index, new in enumerate(command.events)
        ]
    )
    return Appended(message.first, message.last, True, events)


def parts(events: Sequence[Event]) -> Iterator[list[pb.LogEvent]]:
    """The events as messages, in runs that fit a response."""
    part: list[pb.LogEvent] = []
    size_bytes = 0
    for event in events:
        part.append(event_message(event))
        size_bytes += len(event.event_data) + ENVELOPE_BYTES
        if size_bytes >= PART_BYTES_MAX:
            yield part
            part, size_bytes = [], 0
    if part:
        yield part


def writer_message(writer: Writer) -> pb.LogWriter:
    return pb.LogWriter(role=writer.role, epoch=writer.epoch, aggregate_types=writer.aggregate_types)


def writer_from(message: pb.LogWriter) -> Writer:
    return Writer(message.role, message.epoch, tuple(message.aggregate_types))


def snapshot_message(snapshot: Snapshot) -> pb.LogSnapshot:
    return pb.LogSnapshot(
        kind=snapshot.kind,
        schema=snapshot.schema,
        position=snapshot.position,
        state_hash=snapshot.state_hash,
        data=snapshot.data,
    )


def snapshot_from(message: pb.LogSnapshot) -> Snapshot:
    return Snapshot(message.kind, message.schema, message.position, message.state_hash, message.data)
