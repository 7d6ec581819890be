"""An HTTP server that responds with exactly the given bytes, well-formed or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest

NOTHING: Final = b""


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request of the SDK."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Answering = Callable[[RawRequest], bytes]


class RawServer:
    """Sends what `answer` returns for each request; for no bytes it closes the connection."""

    def __init__(self) -> None:
        self.answer: Answering = lambda _: NOTHING
        self.requests: list[RawRequest] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while request := await read_request(reader, writer):
                self.requests.append(request)
                answer = self.answer(request)
                writer.write(answer)
                await writer.drain()
                if b"onnection: close" in answer or answer == NOTHING:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def raw_aws() -> AsyncIterator[RawServer]:
    """Run a server on a free port; AWS clients that are opened inside send it all requests."""
    raw = RawServer()
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AWS_ACCESS_KEY_ID", "K")
            environment.setenv("AWS_SECRET_ACCESS_KEY", "S")
            environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
            port = server.sockets[0].getsockname()[1]
            environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            yield raw
    finally:
        server.close()


def answer(
    status: int,
    body: bytes = b"",
    *,
    headers: Mapping[str, bytes | str] | None = None,
    content_type: str = "application/xml",
    cut: int = 0,
) -> bytes:
    """Return a response; `cut` bytes of its body are missing, and then the connection ends."""
    lines = [
        f"HTTP/1.1 {status} Said".encode(),
        f"Content-Type: {content_type}".encode(),
        b"x-amzn-RequestId: R1",
        b"x-amz-request-id: R1",
        b"Date: Sun, 01 Feb 2026 10:11:12 GMT",
    ]
    for name, value in (headers or {}).items():
        octets = value if isinstance(value, bytes) else value.encode()
        lines.append(name.encode() + b": " + octets)
    if not any(line.lower().startswith(b"content-length") for line in lines):
        lines.append(f"Content-Length: {len(body)}".encode())
    if cut:
        lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body[: len(body) - cut]


async def read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> RawRequest | None:
    """Read one request, None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *rest = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip(" \t")  # Latin-1, whose other octets are content
        for name, _, value in (line.partition(":") for line in rest if line)
    }
    if headers.get("expect") == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "") == "chunked":
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return RawRequest(method, path, headers, body)
