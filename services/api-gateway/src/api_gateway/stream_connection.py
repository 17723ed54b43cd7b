"""A WebSocket with limits that uvicorn does not have: on frames of every kind, and on peers that do not read."""

from typing import Any, NamedTuple

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from api_gateway.server_answers import NO_HANDSHAKE, raw
from kernel.runtime import Runtime

NS = 1_000_000_000
CLOSING_SWEEPS_MAX = 3
# Frames are parsed and counted in pieces, so that many small ones do not hold up everybody else.
PIECE_BYTES = 4_096
PONGS_BYTES_MAX = 262_144
TOO_MANY_FRAMES = "websocket.too_many_frames"
"""Type of the message that the application gets in place of further ones."""


class FrameLimits(NamedTuple):
    at_once: int
    per_second: int


class StreamConnection(WebSocketsSansIOProtocol):
    """Every frame of the peer costs a token of this connection, control frames too."""

    runtime: Runtime
    limits: FrameLimits

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._closing_sweeps = 0
        self._full_at_ns = 0  # when all tokens will be there again
        self._is_over = False

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE_BYTES):
            if self._is_over or self.transport.is_closing():
                return
            super().data_received(data[start : start + PIECE_BYTES])
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(raw(NO_HANDSHAKE, self.runtime.uuid7()))
            self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        if self._counted():
            super().handle_cont(event)

    def handle_text(self, event: Frame) -> None:
        if self._counted():
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        if self._counted():
            super().handle_bytes(event)

    def handle_pong(self, event: Frame) -> None:
        if self._counted():
            super().handle_pong(event)

    def handle_ping(self) -> None:
        if not self._counted():
            return
        super().handle_ping()
        if self.transport.get_write_buffer_size() > PONGS_BYTES_MAX:
            self.transport.abort()  # it asks, and does not read the answers

    def _counted(self) -> bool:
        """Whether the frame may go on; the first one too many ends the connection by way of the application."""
        if self._is_over:
            return False
        now_ns, step_ns = self.runtime.monotonic_ns(), NS // self.limits.per_second
        self._full_at_ns = max(self._full_at_ns, now_ns) + step_ns
        if self._full_at_ns - now_ns <= self.limits.at_once * step_ns:
            return True
        self._is_over = True
        self.frames = []
        told: Any = {"type": TOO_MANY_FRAMES}
        self.queue.put_nowait(told)
        return False

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_text(self.frames):
            self.frames = []
            if not self.close_sent:
                self.conn.fail(CloseCode.INVALID_DATA, "not UTF-8")
                self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            self.writable.set()  # a close frame does not wait for a reader that stopped
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # it was refused: uvicorn would tell that as a fault of ours

    def sweep(self) -> None:
        """Once a second: a peer that does not read keeps a closing transport, and its buffer, alive."""
        if self.transport.is_closing() or self.close_sent:
            self._closing_sweeps += 1
            if self._closing_sweeps > CLOSING_SWEEPS_MAX:
                self.transport.abort()


def _is_text(frames: list[bytes]) -> bool:
    try:
        b"".join(frames).decode()
    except UnicodeDecodeError:
        return False
    return True
