"""A small HTTP proxy that goes wrong: it stands between the SDK and a store, in a thread.

A rule sees each request and names a fault for it, or none. The request is passed on, and its answer
returned, with exactly the bytes of the other side.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from raw_server import RawRequest, answer, read_request

_PIECE_COUNT: Final = 8


class Fault(Enum):
    """How a request goes wrong."""

    RESET = "the connection is reset before the request is passed on"
    RESET_AFTER = "the connection is reset after the request was carried out"
    STALL = "the answer comes after a while"
    SLOW_BODY = "the answer comes in pieces"
    HALF = "half of the answer comes"
    DONE_500 = "the request is carried out, and the answer is a 500"
    SLOW_DOWN = "the answer is a 503"
    WRONG_CLOCK = "the answer is of another day"
    UNKNOWN = "the answer is a code that nobody knows"


Rule = Callable[[RawRequest], Fault | None]


class FaultProxy:
    """Passes requests on to `target`; `rule` says which go wrong, `counts` how many did."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self.rule: Rule = lambda _: None
        self.counts: Counter[Fault] = Counter()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while request := await read_request(reader, writer):
                if not await self._answer(request, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: RawRequest, writer: asyncio.StreamWriter) -> bool:
        """Answer; tells whether the connection may go on."""
        fault = self.rule(request)
        if fault is not None:
            self.counts[fault] += 1
        if fault in _INSTEAD:
            writer.write(_error(request, *_INSTEAD[fault]))
            return True
        if fault is Fault.RESET:
            writer.transport.abort()
            return False
        octets = await self._passed_on(request)
        match fault:
            case Fault.RESET_AFTER:
                writer.transport.abort()
                return False
            case Fault.HALF:
                writer.write(octets[: len(octets) // 2])
                return False
            case Fault.DONE_500:
                octets = _error(request, 500, "InternalError")
            case Fault.WRONG_CLOCK:
                octets = _with_date(octets)
            case Fault.STALL:
                await asyncio.sleep(0.3)
            case Fault.SLOW_BODY:
                step = max(len(octets) // _PIECE_COUNT, 1)
                for start in range(0, len(octets), step):
                    writer.write(octets[start : start + step])
                    await writer.drain()
                    await asyncio.sleep(0.01)
                return False
        writer.write(octets)
        return False

    async def _passed_on(self, request: RawRequest) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        kept = {
            name: value
            for name, value in request.headers.items()
            if name not in ("connection", "expect", "transfer-encoding", "content-length")
        }
        lines = [f"{request.method} {request.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in kept.items()]
        lines += ["Connection: close", f"Content-Length: {len(request.body)}"]
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body)
        try:
            return await reader.read()
        finally:
            writer.close()


_INSTEAD: Final = {Fault.SLOW_DOWN: (503, "SlowDown"), Fault.UNKNOWN: (418, "NeverHeardOf")}


def _error(request: RawRequest, status: int, code: str) -> bytes:
    if "x-amz-target" in request.headers:
        body = f'{{"__type": "{code}", "message": "by the proxy"}}'.encode()
        return answer(status, body, content_type="application/x-amz-json-1.0")
    body = f"<Error><Code>{code}</Code><Message>by the proxy</Message></Error>".encode()
    return answer(status, b"" if request.method == "HEAD" else body)


def _with_date(octets: bytes) -> bytes:
    head, _, body = octets.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"date:")]
    return b"\r\n".join([*lines, b"Date: Thu, 01 Jan 2026 00:00:00 GMT"]) + b"\r\n\r\n" + body


@contextmanager
def fault_proxy(target: str) -> Iterator[FaultProxy]:
    """Run a proxy in a thread until the context is left."""
    proxy = FaultProxy(target)
    ready = threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def live() -> None:
        stop = asyncio.Event()
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        loops.append((asyncio.get_running_loop(), stop))
        ready.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(live()), name="fault proxy")
    thread.start()
    assert ready.wait(10)
    try:
        yield proxy
    finally:
        [(loop, stop)] = loops
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
