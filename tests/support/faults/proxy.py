"""A proxy between the SDK and a server of the local stack, which may inject faults.

`modes` has the faults, `plans` decides which requests they hit.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http.client import parse_headers
from io import BytesIO
from typing import Self

import aiohttp
from faults.exchange import Exchange, Request

LOOPBACK = "127.0.0.1"

Fault = Callable[[Exchange], Awaitable[None]]
Decide = Callable[[Request], Fault | None]


async def pass_on(exchange: Exchange) -> None:
    """Forward a request that no fault hits."""
    await exchange.send(await exchange.carry_out())


class FaultProxy:
    """Listens on loopback inside the context; `url` is the endpoint for the SDK."""

    def __init__(self, upstream: str, decide: Decide) -> None:
        self._upstream = upstream.rstrip("/")
        self._decide = decide
        self._connections: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            connector=aiohttp.TCPConnector(limit=0),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.url = f"http://{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)
        await self._session.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader, writer)) is not None:
                exchange = Exchange(
                    request,
                    session=self._session,
                    upstream=self._upstream,
                    reader=reader,
                    writer=writer,
                )
                fault = self._decide(request) or pass_on
                await fault(exchange)
                if exchange.over:
                    return
        except (ConnectionError, aiohttp.ClientError):
            pass  # one of the two ends is closed, so close the other one too
        finally:
            writer.close()


async def _read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Request | None:
    """Read the next request of a connection; None at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, _, rest = head.partition(b"\r\n")
    method, target, _version = line.decode("ascii").split(" ")
    headers = {name.lower(): value for name, value in parse_headers(BytesIO(rest)).items()}
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    except asyncio.IncompleteReadError:
        return None
    if "transfer-encoding" in headers:
        raise NotImplementedError(
            f"{method} {target} has a chunked body, which no client here sends"
        )
    return Request(method=method, target=target, headers=headers, body=body)
