"""A bucket, a catalog, a queue and a bus in a process of their own: what they cost is not ours.

    python bench/aws_server.py OBJECTS [--synced]

Prints its port. It is one process of plain asyncio, without TLS and latency, faster than the
clients that it is for. The bucket `media` has as many objects as the argument says; an object is
its number, and what was written to it. Other buckets keep files in memory. The catalog answers by
BatchGetItem, GetItem and Query; it has no records until `POST /bench/ingest`, and then one for each
object whose tags have both ids, as a system has that ingested them. `--synced` starts with objects
that are tagged, and ingested. Counters of a job, messages and events are answered, and not kept.

`GET /bench/state` returns the number of requests by operation since the last such request, and how
many objects are tagged.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Final
from urllib.parse import unquote

from canned_bucket import BUCKET, CannedBucket, Refused
from canned_catalog import CannedCatalog

_COMMON: Final = (
    b"x-amz-id-2: 1lOqvFYuPqJWRSWLSuhFzvCCT4jpXg8xJZGxRCxA6nHc9VcaTQYDMZwPJkbdEOxgwjK4gzPwbGA=\r\n"
    b"x-amz-request-id: 3XKHHG8YZ6S8Q5Y1\r\nServer: AmazonS3\r\nDate: %s\r\n"
)
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CONTINUE: Final = re.compile(rb"\r\nexpect: *100-continue", re.IGNORECASE)
_TARGET: Final = re.compile(rb"\r\nx-amz-target: *[\w.]+\.(\w+)", re.IGNORECASE)
_RANGE: Final = re.compile(rb"\r\nrange: *bytes=(\d+)-(\d+)", re.IGNORECASE)
_XML: Final = b"application/xml"
_JSON: Final = b"application/x-amz-json-1.0"
_UPLOAD: Final = (
    b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
)


class Files:
    """The objects of all other buckets."""

    def __init__(self) -> None:
        self._files: dict[bytes, bytes] = {}
        self._parts: dict[bytes, dict[int, bytes]] = {}

    def answer(self, method: bytes, target: bytes, head: bytes, body: bytes) -> tuple[str, Answer]:
        path, _, query = target.partition(b"?")
        if method == b"POST" and query == b"uploads":
            self._parts[path] = {}
            return "CreateMultipartUpload", Answer(_UPLOAD)
        if method == b"POST":
            parts = self._parts.pop(path)
            self._files[path] = b"".join(parts[number] for number in sorted(parts))
            tag = b"<CompleteMultipartUploadResult><ETag>%s</ETag></CompleteMultipartUploadResult>"
            return "CompleteMultipartUpload", Answer(tag % _e_tag(self._files[path]).encode())
        if method == b"PUT" and (found := re.search(rb"partNumber=(\d+)", query)):
            self._parts[path][int(found[1])] = body
            return "UploadPart", Answer(b"", headers=b"ETag: %s\r\n" % _e_tag(body).encode())
        if method == b"PUT":
            self._files[path] = body
            return "PutObject", Answer(b"", headers=b"ETag: %s\r\n" % _e_tag(body).encode())
        operation = "HeadObject" if method == b"HEAD" else "GetObject"
        if path not in self._files:
            return operation, Answer.error(404, "NoSuchKey")
        return operation, self._read(self._files[path], head)

    def _read(self, content: bytes, head: bytes) -> Answer:
        headers = b"ETag: %s\r\n" % _e_tag(content).encode()
        found = _RANGE.search(head)
        if found is None:
            return Answer(content, headers=headers)
        first, last = int(found[1]), min(int(found[2]), len(content) - 1)
        if first >= len(content):
            return Answer.error(416, "InvalidRange")
        headers += b"Content-Range: bytes %d-%d/%d\r\n" % (first, last, len(content))
        return Answer(content[first : last + 1], status=206, headers=headers)


class Answer:
    """A response; `headers` are whole lines."""

    __slots__ = ("body", "headers", "kind", "status")

    def __init__(
        self, body: bytes, *, status: int = 200, headers: bytes = b"", kind: bytes = _XML
    ) -> None:
        self.body, self.status, self.headers, self.kind = body, status, headers, kind

    @classmethod
    def error(cls, status: int, code: str) -> Answer:
        return cls(
            f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode(), status=status
        )

    def encoded(self, *, with_body: bool, date: bytes) -> bytes:
        # The length in `headers` is that of an object of which only the head was requested.
        length = (
            b"" if b"Content-Length" in self.headers else b"Content-Length: %d\r\n" % len(self.body)
        )
        lines = (
            b"HTTP/1.1 %d OK\r\n" % self.status,
            _COMMON % date,
            b"" if b"Content-Type" in self.headers else b"Content-Type: %s\r\n" % self.kind,
            self.headers,
            length,
            b"\r\n",
            self.body if with_body else b"",
        )
        return b"".join(lines)


class AwsServer:
    """Routes requests, and counts them by operation."""

    def __init__(self, object_count: int, *, synced: bool) -> None:
        self._bucket = CannedBucket(object_count)
        self._catalog = CannedCatalog(self._bucket)
        self._files = Files()
        self._requests: Counter[str] = Counter()
        self._second, self._date = 0, b""
        if synced:
            self._bucket.tag_all()
            self._catalog.ingest()

    def respond(self, head: bytes, body: bytes) -> bytes:
        method, target, _ = head.split(b" ", 2)
        if target.startswith(b"/bench/"):
            return self._control(target).encoded(with_body=True, date=self._now())
        try:
            operation, answer = self._route(method, target, head, body)
        except Refused as error:
            operation, answer = error.operation, Answer.error(error.status, error.code)
        self._requests[operation] += 1
        return answer.encoded(with_body=method != b"HEAD", date=self._now())

    def _route(self, method: bytes, target: bytes, head: bytes, body: bytes) -> tuple[str, Answer]:
        if method == b"POST" and (found := _TARGET.search(head)):
            return found[1].decode(), self._post(found[1].decode(), json.loads(body))
        name = target[1:].partition(b"?")[0].partition(b"/")[0].decode()
        if name != BUCKET:
            return self._files.answer(method, target, head, body)
        operation, content, headers = self._bucket.answer(
            method,
            unquote(target.decode()) if b"%" in target else target.decode(),
            target,
            head,
            body,
        )
        return operation, Answer(content, headers=headers)

    def _post(self, operation: str, request: dict[str, object]) -> Answer:
        content: object
        if operation in {"BatchGetItem", "GetItem", "Query"}:
            content = self._catalog.answer(operation, request)
        elif operation == "UpdateItem":
            content = {}
        elif operation == "SendMessage":
            text = str(request["MessageBody"]).encode()
            digest = hashlib.md5(text, usedforsecurity=False).hexdigest()
            content = {"MessageId": "m", "MD5OfMessageBody": digest}
        elif operation == "SendMessageBatch":
            content = {"Successful": [_sent(entry) for entry in _entries(request)], "Failed": []}
        elif operation == "GetQueueAttributes":
            content = {"Attributes": dict.fromkeys(_names(request), "0")}
        elif operation == "PutEvents":
            content = {"Entries": [{"EventId": "e"} for _ in _entries(request)]}
        else:
            raise Refused(operation, 400, "UnknownOperationException")
        return Answer(json.dumps(content, separators=(",", ":")).encode(), kind=_JSON)

    def _control(self, target: bytes) -> Answer:
        if target == b"/bench/ingest":
            self._catalog.ingest()
        state = {"requests": dict(self._requests), "tagged": self._bucket.tagged_count}
        self._requests.clear()
        return Answer(json.dumps(state).encode(), kind=_JSON)

    def _now(self) -> bytes:
        now = datetime.now(UTC)
        if int(now.timestamp()) != self._second:
            self._second = int(now.timestamp())
            self._date = format_datetime(now, usegmt=True).encode()
        return self._date


def _entries(request: dict[str, object]) -> list[dict[str, str]]:
    entries = request["Entries"]
    assert isinstance(entries, list)
    return entries


def _names(request: dict[str, object]) -> list[str]:
    names = request["AttributeNames"]
    assert isinstance(names, list)
    return names


def _sent(entry: dict[str, str]) -> dict[str, str]:
    digest = hashlib.md5(entry["MessageBody"].encode(), usedforsecurity=False).hexdigest()
    return {"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": digest}


def _e_tag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


class _Connection(asyncio.Protocol):
    _transport: asyncio.Transport

    def __init__(self, server: AwsServer) -> None:
        self._server = server
        self._received = b""
        self._continued = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        for head, body in self._requests():
            self._transport.write(self._server.respond(head, body))

    def _requests(self) -> Iterator[tuple[bytes, bytes]]:
        while True:
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            found = _LENGTH.search(head)
            length = int(found[1]) if found else 0
            if len(rest) < length:
                if not rest and not self._continued and _CONTINUE.search(head):
                    self._continued = True
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            self._received, self._continued = rest[length:], False
            yield head, rest[:length]


async def _serve(object_count: int, *, synced: bool) -> None:
    aws = AwsServer(object_count, synced=synced)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(_Connection, aws), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("objects", type=int)
    parser.add_argument("--synced", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.objects, synced=arguments.synced))
