"""An S3 server of fixed responses, in a process of its own: what it costs is not the client's.

It parses no more of a request than it must, so that it is faster than any client. Prints its port.
"""

from __future__ import annotations

import asyncio
from typing import Final

_TAGS: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-'
    b'01/"><TagSet><Tag><Key>AssetID</Key><Value>asset:img:3c23397b-a5b4-5666-96f1-737c4154d7ae'
    b"</Value></Tag><Tag><Key>InventoryID</Key><Value>asset:uuid:9c8b305d-9d8c-5a08-87ce-"
    b"323d4b3646d3</Value></Tag></TagSet></Tagging>"
)
_COPIED: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/'
    b'2006-03-01/"><LastModified>2026-01-31T12:00:00.000Z</LastModified><ETag>&quot;'
    b"9b2cf535f27731c974343645a3985328&quot;</ETag></CopyObjectResult>"
)
_COMMON: Final = (
    b"x-amz-id-2: 1lOqvFYuPqJWRSWLSuhFzvCCT4jpXg8xJZGxRCxA6nHc9VcaTQYDMZwPJkbdEOxgwjK4gzPwbGA=\r\n"
    b"x-amz-request-id: 3XKHHG8YZ6S8Q5Y1\r\n"
    b"Date: Sat, 31 Jan 2026 12:00:00 GMT\r\n"
    b"Server: AmazonS3\r\n"
)
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\n"
    + _COMMON
    + b"Last-Modified: Sat, 31 Jan 2026 12:00:00 GMT\r\n"
    + b'ETag: "9b2cf535f27731c974343645a3985328"\r\n'
    + b"x-amz-server-side-encryption: AES256\r\nx-amz-tagging-count: 2\r\n"
    + b"Accept-Ranges: bytes\r\nContent-Type: image/jpeg\r\nContent-Length: 5000000\r\n\r\n"
)


def _with_body(body: bytes) -> bytes:
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    return b"HTTP/1.1 200 OK\r\n" + _COMMON + b"Content-Type: application/xml\r\n" + length + body


_OWNERSHIP: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<OwnershipControls xmlns="http://s3.amazonaws.com/doc/'
    b'2006-03-01/"><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>'
    b"</OwnershipControls>"
)
_PAGE: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/'
    b'2006-03-01/"><Name>media</Name><Prefix></Prefix><KeyCount>1000</KeyCount><MaxKeys>1000'
    b"</MaxKeys><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
    + b"".join(
        b"<Contents><Key>archive/2026/spring+campaign/clip-%07d.mov</Key><LastModified>2026-01-31T"
        b"12:00:00.000Z</LastModified><ETag>&quot;9b2cf535f27731c974343645a3985328&quot;</ETag>"
        b"<Size>5000000</Size><StorageClass>STANDARD</StorageClass></Contents>" % number
        for number in range(1_000)
    )
    + b"</ListBucketResult>"
)
_RESPONSES: Final = {
    b"GET": _with_body(_TAGS),
    b"HEAD": _HEAD,
    b"PUT": _with_body(_COPIED),
    b"ownership": _with_body(_OWNERSHIP),
    b"page": _with_body(_PAGE),
}


def _response(request: bytes) -> bytes:
    line, _, _ = request.partition(b"\r\n")
    if b"?ownershipControls" in line:
        return _RESPONSES[b"ownership"]
    return _RESPONSES[b"page" if b"list-type=2" in line else line.split(b" ", 1)[0]]


class _Connection(asyncio.Protocol):
    _transport: asyncio.Transport
    _received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        self._transport.write(b"".join(map(_response, requests)))


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
