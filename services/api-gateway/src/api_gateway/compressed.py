"""Files in gzip: compressed once, away from the event loop, and remembered for as long as the file does not change."""

import asyncio
import gzip
from collections import OrderedDict
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.types import Message, Scope

from kernel.runtime import Runtime

LANE = "gateway-files"
KEPT_BYTES_MAX = 32 * 1_048_576
FILE_BYTES_MIN = 1_024  # below this the headers weigh more than what is saved
TEXTS = frozenset({".css", ".html", ".js", ".json", ".map", ".svg", ".txt", ".webmanifest", ".yaml"})

# Of a file: path, time of its last change in nanoseconds, size in bytes.
Version = tuple[str, int, int]


class Compressed:
    """Turns answers that are files into gzip for those who accept it; at most KEPT_BYTES_MAX are remembered."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._kept: OrderedDict[Version, bytes] = OrderedDict()
        self._kept_bytes = 0

    async def answer(self, response: Response, scope: Scope) -> Response:
        """The same answer, in gzip if it is the whole text file and the client accepts that."""
        if not isinstance(response, FileResponse) or Path(response.path).suffix not in TEXTS:
            return response
        response.headers["vary"] = "accept-encoding"
        if not _wants_gzip(dict(scope["headers"])):
            return response
        body = await self._gzip(response, scope)
        if body is None:
            return response
        told = {name: response.headers[name] for name in ("last-modified", "cache-control") if name in response.headers}
        if "etag" in response.headers:
            told["etag"] = "W/" + response.headers["etag"].removeprefix("W/")  # the same file, in other bytes
        return Response(body, 200, told | {"content-encoding": "gzip", "vary": "accept-encoding"}, response.media_type)

    async def _gzip(self, response: FileResponse, scope: Scope) -> bytes | None:
        """None for a file that is too small."""
        found = await self._runtime.in_thread(LANE, Path(response.path).stat)
        response.set_stat_headers(found)  # a file that is remembered is not opened again
        version = (str(response.path), found.st_mtime_ns, found.st_size)
        if found.st_size < FILE_BYTES_MIN:
            return None
        body = self._kept.get(version)
        if body is None:
            body = await self._runtime.in_thread(LANE, _compress, await _whole(response, scope))
            self._keep(version, body)
        return body

    def _keep(self, version: Version, body: bytes) -> None:
        if version in self._kept:  # another request was quicker
            return
        self._kept[version] = body
        self._kept_bytes += len(body)
        while self._kept_bytes > KEPT_BYTES_MAX:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped)


async def _whole(response: FileResponse, scope: Scope) -> bytes:
    """The file, as the answer itself would send it."""
    parts: list[bytes] = []

    async def stays() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async def take(message: Message) -> None:
        parts.append(message.get("body", b""))

    await response({"type": "http", "method": "GET", "headers": [], "path": scope["path"]}, stays, take)
    return b"".join(parts)


def _compress(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def _wants_gzip(headers: dict[bytes, bytes]) -> bool:
    """RFC 9110, 12.5.3, as far as browsers use it; a part of a file is never compressed."""
    if b"range" in headers:
        return False
    for offered in headers.get(b"accept-encoding", b"").lower().split(b","):
        coding, _, weight = offered.partition(b";")
        if coding.strip() == b"gzip":
            return weight.replace(b" ", b"").rstrip(b"0").rstrip(b".") not in (b"q=", b"q=0")
    return False
