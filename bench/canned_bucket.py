"""The bucket of bench/aws_server.py: as many objects as wanted, of which only changes are kept.

An object is its number. It takes 8 bytes for its time, and if it was tagged also its tags, as they
were sent. Self-copies are refused as S3 refuses them: without another change than of the tags.
"""

from __future__ import annotations

import re
import time
from array import array
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode
from xml.etree import ElementTree

from worlds import key_of

from domain.identity import mint_inventory_id

BUCKET: Final = "media"
SIZE_BYTES: Final = 5_000_000
E_TAG: Final = "9b2cf535f27731c974343645a3985328"
_MODIFIED: Final = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp())
_XMLNS: Final = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_NUMBER: Final = re.compile(rf"/{BUCKET}/{key_of(0)[:-14]}(\d{{10}})\.mov")
_PAGE_KEY_COUNT: Final = 1_000
_CHANGES: Final = re.compile(
    rb"\r\nx-amz-(?:metadata-directive: *REPLACE|storage-class:|server-side-encryption:"
    rb"|website-redirect-location:)",
    re.IGNORECASE,
)
_TAGGING: Final = re.compile(rb"\r\nx-amz-tagging: *([^\r]*)", re.IGNORECASE)
_COPY_SOURCE: Final = re.compile(rb"\r\nx-amz-copy-source: */?([^\r]*)", re.IGNORECASE)
_IF_MATCH: Final = re.compile(rb'\r\n(?:x-amz-copy-source-)?if-match: *"?([^"\r]*)', re.IGNORECASE)
_EMPTY: Final = f'<?xml version="1.0" encoding="UTF-8"?>\n<Answer {_XMLNS}/>'.encode()
_SETTINGS: Final = {
    "location": "GetBucketLocation",
    "versioning": "GetBucketVersioning",
    "requestPayment": "GetBucketRequestPayment",
    "ownershipControls": "GetBucketOwnershipControls",
    "object-lock": "GetObjectLockConfiguration",
}
_OWNERSHIP: Final = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<OwnershipControls {_XMLNS}><Rule><ObjectOwnership>'
    "BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>"
).encode()


class Refused(Exception):
    """A request that S3 refuses too, or that this server does not know."""

    def __init__(self, operation: str, status: int, code: str) -> None:
        super().__init__(f"{operation}: {code}")
        self.operation, self.status, self.code = operation, status, code


class CannedBucket:
    """The objects; `tags` are those of tagged objects, form-encoded."""

    def __init__(self, object_count: int) -> None:
        self.object_count = object_count
        self.tags: dict[int, bytes] = {}
        self._modified = array("q", [_MODIFIED]) * object_count

    @property
    def tagged_count(self) -> int:
        return len(self.tags)

    def tag_all(self) -> None:
        """Tag each object with its minted inventory id, and an asset id."""
        for number in range(self.object_count):
            inventory_id = mint_inventory_id(BUCKET, key_of(number))
            tags = {"InventoryID": inventory_id, "AssetID": f"asset of {inventory_id}"}
            self.tags[number] = urlencode(tags).encode()

    def modified(self, number: int) -> str:
        """Return the object's time in ISO 8601, to the second."""
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._modified[number]))

    def answer(
        self, method: bytes, decoded: str, target: bytes, head: bytes, body: bytes
    ) -> tuple[str, bytes, bytes]:
        """Return operation, body and headers of the response to a request for this bucket.

        Raises:
            Refused: it is not one of the requests that the benchmarks make, or S3 refuses it.
        """
        path, _, query = decoded.partition("?")
        if path in (f"/{BUCKET}", f"/{BUCKET}/"):
            return self._of_bucket(method, target)
        found = _NUMBER.fullmatch(path)
        operation = _operation(method, query, head)
        if found is None or int(found[1]) >= self.object_count:
            raise Refused(operation, 404, "NoSuchKey")
        number = int(found[1])
        if operation == "GetObjectTagging":
            return operation, self._tag_set(number), b""
        if operation == "HeadObject":
            return operation, b"", self._head(number)
        if operation == "PutObjectTagging":
            self._tag(number, _form(body))
            return operation, b"", b""
        if operation == "CopyObject":
            return operation, self._copy(number, path, head), b""
        raise Refused(operation, 501, "NotImplemented")

    def _of_bucket(self, method: bytes, target: bytes) -> tuple[str, bytes, bytes]:
        if method == b"HEAD":
            return "HeadBucket", b"", b"x-amz-bucket-region: us-east-1\r\n"
        # The name of a setting has no value; an empty prefix has none either.
        query = dict(parse_qsl(target.partition(b"?")[2].decode(), keep_blank_values=True))
        for name, operation in _SETTINGS.items():
            if name in query:
                if name == "object-lock":
                    raise Refused(operation, 404, "ObjectLockConfigurationNotFoundError")
                return operation, _OWNERSHIP if name == "ownershipControls" else _EMPTY, b""
        if query.get("list-type") != "2" or query.get("delimiter"):
            raise Refused("ListObjects", 501, "NotImplemented")
        return "ListObjectsV2", self._page(query), b""

    def _page(self, query: dict[str, str]) -> bytes:
        every = range(self.object_count)
        prefix = query.get("prefix", "")
        start = bisect_left(every, prefix, key=key_of)
        end = bisect_right(every, prefix, key=lambda number: key_of(number)[: len(prefix)])
        if "continuation-token" in query:
            start = int(query["continuation-token"])
        elif query.get("start-after"):
            start = max(start, bisect_right(every, query["start-after"], key=key_of))
        stop = min(start + min(int(query.get("max-keys", _PAGE_KEY_COUNT)), _PAGE_KEY_COUNT), end)
        encoded = query.get("encoding-type") == "url"
        token = f"<NextContinuationToken>{stop}</NextContinuationToken>" if stop < end else ""
        shown = _encoded if encoded else str
        entries = "".join(
            f"<Contents><Key>{shown(key_of(number))}</Key>"
            f"<LastModified>{self.modified(number)}.000Z</LastModified><ETag>&quot;{E_TAG}&quot;"
            f"</ETag><Size>{SIZE_BYTES}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for number in range(start, stop)
        )
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult {_XMLNS}><Name>{BUCKET}'
            f"</Name><Prefix></Prefix><KeyCount>{max(stop - start, 0)}</KeyCount><MaxKeys>1000"
            f"</MaxKeys>{'<EncodingType>url</EncodingType>' if encoded else ''}<IsTruncated>"
            f"{str(stop < end).lower()}</IsTruncated>{token}{entries}</ListBucketResult>"
        ).encode()

    def _tag_set(self, number: int) -> bytes:
        pairs = parse_qsl(self.tags.get(number, b"").decode())
        tags = "".join(f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>" for key, value in pairs)
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Tagging {_XMLNS}><TagSet>{tags}</TagSet>'
            "</Tagging>"
        ).encode()

    def _head(self, number: int) -> bytes:
        tag_count = self.tags[number].count(b"=") if number in self.tags else 0
        tags = b"x-amz-tagging-count: %d\r\n" % tag_count if tag_count else b""
        return (
            b'Last-Modified: %s\r\nETag: "%s"\r\nx-amz-server-side-encryption: AES256\r\n%s'
            b"Accept-Ranges: bytes\r\nContent-Type: video/quicktime\r\nContent-Length: %d\r\n"
        ) % (
            formatdate(self._modified[number], usegmt=True).encode(),
            E_TAG.encode(),
            tags,
            SIZE_BYTES,
        )

    def _copy(self, number: int, path: str, head: bytes) -> bytes:
        source = _COPY_SOURCE.search(head)
        if source is None or f"/{unquote(source[1].decode())}" != path:
            raise Refused("CopyObject", 501, "NotImplemented")
        if not _CHANGES.search(head):
            raise Refused("CopyObject", 400, "InvalidRequest")
        if any(found.decode() != E_TAG for found in _IF_MATCH.findall(head)):
            raise Refused("CopyObject", 412, "PreconditionFailed")
        tagging = _TAGGING.search(head)
        if tagging is not None:
            self._tag(number, tagging[1])
        self._modified[number] = int(time.time())
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<CopyObjectResult {_XMLNS}><LastModified>'
            f"{self.modified(number)}.000Z</LastModified><ETag>&quot;{E_TAG}&quot;</ETag>"
            "</CopyObjectResult>"
        ).encode()

    def _tag(self, number: int, form: bytes) -> None:
        if form:
            self.tags[number] = form
        else:
            self.tags.pop(number, None)


def _encoded(key: str) -> str:
    """Return the key as S3 encodes it in a page: it has no other character to encode."""
    return key.replace(" ", "+")


def _operation(method: bytes, query: str, head: bytes) -> str:
    if query.startswith("tagging"):
        return "PutObjectTagging" if method == b"PUT" else "GetObjectTagging"
    if method == b"PUT":
        return "CopyObject" if _COPY_SOURCE.search(head) else "PutObject"
    return "HeadObject" if method == b"HEAD" else "GetObject"


def _form(body: bytes) -> bytes:
    """Return the tags of a PutObjectTagging, form-encoded."""
    texts = [
        tuple(each.text or "" for each in tag)
        for tag in ElementTree.fromstring(body).iter()  # noqa: S314 - a client's of this run
        if tag.tag.rpartition("}")[2] == "Tag"
    ]
    return urlencode([(key, value) for key, value in texts]).encode()
