"""A bucket of synced objects and its catalog, in a process of its own.

It answers ListObjectsV2, GetObjectTagging and BatchGetItem for as many objects as its argument
says; the record of each object describes it as it is listed. Prints its port.

    python bench/canned_catalog.py 100000
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any, Final
from urllib.parse import quote_plus, unquote

from worlds import key_of

from domain.catalog import storage_path
from domain.identity import mint_inventory_id

BUCKET: Final = "media"
_PAGE_KEY_COUNT: Final = 1_000
_E_TAG: Final = "9b2cf535f27731c974343645a3985328"
_MODIFIED: Final = "2026-01-31T12:00:00"
_COMMON: Final = (
    b"x-amz-id-2: 1lOqvFYuPqJWRSWLSuhFzvCCT4jpXg8xJZGxRCxA6nHc9VcaTQYDMZwPJkbdEOxgwjK4gzPwbGA=\r\n"
    b"x-amz-request-id: 3XKHHG8YZ6S8Q5Y1\r\n"
    b"Date: Sat, 31 Jan 2026 12:00:00 GMT\r\n"
)
_XMLNS: Final = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_TOKEN: Final = re.compile(rb"continuation-token=(\d+)")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Bucket:
    """The responses, made of the number of objects alone."""

    def __init__(self, object_count: int) -> None:
        self._object_count = object_count
        self._number_of = {
            mint_inventory_id(BUCKET, key_of(number)): number for number in range(object_count)
        }
        self._ids = list(self._number_of)

    def page(self, start: int) -> bytes:
        stop = min(start + _PAGE_KEY_COUNT, self._object_count)
        more = stop < self._object_count
        token = f"<NextContinuationToken>{stop}</NextContinuationToken>" if more else ""
        entries = "".join(
            f"<Contents><Key>{quote_plus(key_of(number), safe='/')}</Key><LastModified>{_MODIFIED}"
            f".000Z</LastModified><ETag>&quot;{_E_TAG}&quot;</ETag><Size>5000000</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
            for number in range(start, stop)
        )
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult {_XMLNS}><Name>{BUCKET}'
            f"</Name><Prefix></Prefix><KeyCount>{stop - start}</KeyCount><MaxKeys>1000</MaxKeys>"
            f"<EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>{token}"
            f"{entries}</ListBucketResult>"
        ).encode()

    def tags(self, target: bytes) -> bytes:
        key = unquote(target.split(b"?")[0].decode()).split("/", 2)[2]
        inventory_id = self._ids[int(key[-14:-4])]
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Tagging {_XMLNS}><TagSet><Tag><Key>AssetID'
            f"</Key><Value>asset of {inventory_id}</Value></Tag><Tag><Key>InventoryID</Key><Value>"
            f"{inventory_id}</Value></Tag></TagSet></Tagging>"
        ).encode()

    def records(self, body: bytes) -> bytes:
        ((table, wanted),) = json.loads(body)["RequestItems"].items()
        items = [self._item(key["InventoryID"]["S"]) for key in wanted["Keys"]]
        answer = {"Responses": {table: items}, "UnprocessedKeys": {}}
        return json.dumps(answer, separators=(",", ":")).encode()

    def _item(self, inventory_id: str) -> dict[str, Any]:
        path = storage_path(BUCKET, key_of(self._number_of[inventory_id]))
        file_info = {"Hash": {"M": {"Value": {"S": _E_TAG}}}, "Size": {"N": "5000000"}}
        location = {"M": {"FileInfo": {"M": file_info}}}
        main = {"M": {"StorageInfo": {"M": {"PrimaryLocation": location}}}}
        return {
            "InventoryID": {"S": inventory_id},
            "StoragePath": {"S": path},
            "DigitalSourceAsset": {
                "M": {
                    "ID": {"S": f"asset of {inventory_id}"},
                    "lastModifiedDate": {"S": f"{_MODIFIED}+00:00"},
                    "MainRepresentation": main,
                }
            },
        }

    def response(self, head: bytes, body: bytes) -> bytes:
        target = head.split(b" ", 2)[1]
        kind = b"application/xml"
        if head.startswith(b"POST"):
            content, kind = self.records(body), b"application/x-amz-json-1.0"
        elif b"list-type=2" in target:
            token = _TOKEN.search(target)
            content = self.page(int(token[1]) if token else 0)
        elif b"?tagging" in target:
            content = self.tags(target)
        else:
            content = f'<?xml version="1.0" encoding="UTF-8"?>\n<Answer {_XMLNS}/>'.encode()
        length = b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(content))
        if head.startswith(b"HEAD"):
            content = b""
        return b"HTTP/1.1 200 OK\r\n" + _COMMON + length + content


class _Connection(asyncio.Protocol):
    _transport: asyncio.Transport

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        for head, body in self._requests():
            self._transport.write(self._bucket.response(head, body))

    def _requests(self) -> Iterator[tuple[bytes, bytes]]:
        while True:
            head, end, rest = self._received.partition(b"\r\n\r\n")
            found = _LENGTH.search(head)
            length = int(found[1]) if found else 0
            if not end or len(rest) < length:
                return
            self._received = rest[length:]
            yield head, rest[:length]


async def _serve(object_count: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(_Connection, Bucket(object_count)), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
