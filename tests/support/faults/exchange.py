"""One request at the proxy, and the actions on it and on its response."""

import asyncio
import json
import re
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

import aiohttp
from yarl import URL

# They are of one connection, and there are two here (RFC 9110, section 7.6.1).
_HOP_BY_HOP: Final = {"connection", "expect", "keep-alive", "transfer-encoding"}

_SCOPE: Final = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as the SDK sent it, with the call and the service of which it is an attempt.

    Attributes:
        call_id: The SDK's own id of a call, the same in all of its attempts.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def call_id(self) -> str:
        return self.headers.get("amz-sdk-invocation-id", "")

    @property
    def service(self) -> str:
        """The service, as boto names it."""
        if self.target.startswith("/v20180820/"):
            return "s3control"
        scope = _SCOPE.search(self.headers.get("authorization", ""))
        return scope[1] if scope else "unsigned"

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def operation(self) -> str:
        """The operation's name where the protocol has one; else method, resource and question."""
        if "x-amz-target" in self.headers:
            return self.headers["x-amz-target"].rpartition(".")[2]
        if self.service == "sns":
            return parse_qs(self.body.decode())["Action"][0]
        if self.service == "lambda":
            return "Invoke"
        if self.service == "s3control":
            return f"{self.method} job{'' if self.path.count('/') > 2 else 's'}"
        query = dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))
        asked = sorted(set(query) & _S3_QUESTIONS)
        copied = ["copy"] if "x-amz-copy-source" in self.headers else []
        resource = "object" if self.path.strip("/").count("/") else "bucket"
        return " ".join([self.method, resource, *asked, *copied])


_S3_QUESTIONS: Final = {
    "acl",
    "legal-hold",
    "list-type",
    "partNumber",
    "requestPayment",
    "retention",
    "tagging",
    "uploadId",
    "uploads",
    "versioning",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A server's response, header by header."""

    status: int
    reason: str
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def head(self) -> bytes:
        lines = [b"HTTP/1.1 %d %s" % (self.status, self.reason.encode())]
        lines += [name + b": " + value for name, value in self.headers]
        return b"\r\n".join([*lines, b"", b""])

    def with_header(self, name: str, value: str) -> "Answer":
        """Return the response with the header's value replaced."""
        kept = [each for each in self.headers if each[0].lower() != name.lower().encode()]
        return Answer(
            status=self.status,
            reason=self.reason,
            headers=[*kept, (name.encode(), value.encode())],
            body=self.body,
        )


class Exchange:
    """A request, and the connection of its response."""

    def __init__(
        self,
        request: Request,
        *,
        session: aiohttp.ClientSession,
        upstream: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.request = request
        self._session = session
        self._upstream = upstream
        self._reader = reader
        self._writer = writer
        self.over = False
        """Whether the connection cannot be used for another request."""

    async def carry_out(self) -> Answer:
        """Forward the request, and return the response without sending it."""
        request = self.request
        sent = {k: v for k, v in request.headers.items() if k not in _HOP_BY_HOP}
        async with self._session.request(
            request.method,
            URL(self._upstream + request.target, encoded=True),
            headers=sent,
            data=request.body,
            allow_redirects=False,
        ) as response:
            body = await response.read()
            headers = [
                (name, value)
                for name, value in response.raw_headers
                if name.decode().lower() not in _HOP_BY_HOP
            ]
            if response.headers.get("Transfer-Encoding"):
                headers.append((b"Content-Length", b"%d" % len(body)))
            return Answer(
                status=response.status, reason=response.reason or "", headers=headers, body=body
            )

    async def send(self, answer: Answer, *, piece_bytes: int = 0, pause_s: float = 0) -> None:
        """Send the response; with `piece_bytes` in such pieces, with a pause before each."""
        self._writer.write(answer.head())
        size = piece_bytes or max(1, len(answer.body))
        for start in range(0, len(answer.body), size):
            await self._writer.drain()
            await asyncio.sleep(pause_s)
            self._writer.write(answer.body[start : start + size])
        await self._writer.drain()

    async def send_half(self, answer: Answer) -> None:
        """Send half of the body, or of the headers without a body, and close the connection."""
        head = answer.head()
        half = (
            head + answer.body[: len(answer.body) // 2] if answer.body else head[: -len(head) // 2]
        )
        self._writer.write(half)
        await self._writer.drain()
        self.over = True

    async def refuse(self, status: int, reason: str, code: str, message: str) -> None:
        """Send an error in the format of the request's service."""
        json_spoken = "x-amz-target" in self.request.headers or self.request.service == "lambda"
        headers = [(b"Content-Type", b"application/json" if json_spoken else b"application/xml")]
        if json_spoken:
            body = json.dumps({"__type": code, "message": message}).encode()
            headers.append((b"x-amzn-ErrorType", code.encode()))
        else:
            error = f"<Code>{code}</Code><Message>{message}</Message>"
            if self.request.service == "s3":
                # As S3 does, in the document and in a header: the SDK reads the header.
                text = f"<Error>{error}<RequestId>R</RequestId></Error>"
                headers.append((b"x-amz-request-id", b"R"))
            else:
                text = (
                    f"<ErrorResponse><Error>{error}</Error><RequestId>R</RequestId></ErrorResponse>"
                )
            body = f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()
        headers.append((b"Content-Length", b"%d" % len(body)))
        sent = b"" if self.request.method == "HEAD" else body
        await self.send(Answer(status=status, reason=reason, headers=headers, body=sent))

    def reset(self) -> None:
        """Reset the connection, instead of closing it."""
        lingering = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, lingering
        )
        self._writer.transport.abort()
        self.over = True

    async def stall(self) -> None:
        """Send nothing until the peer closes the connection."""
        await self._reader.read()
        self.over = True
