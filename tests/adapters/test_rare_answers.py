"""Unusual objects and responses of a store: raw HTTP through the real SDK."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
import pytest_asyncio
from adapter_calls import BUCKET, GOOD, HEAD, NOW
from raw_server import RawRequest, RawServer, answer, raw_aws

from adapters.aws.clients import ClientSettings, open_clients
from adapters.aws.object_store import S3ObjectStore
from adapters.memory.system import ManualClock
from domain.part_copy import CopiedPart, Part
from ports.errors import (
    AccessDenied,
    Garbled,
    Misconfigured,
    NotFound,
    PortError,
    Refused,
    TimedOut,
    Unknown,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEADERS: Final = dict(GOOD["HeadObject"].headers)
NO_LOCKS: Final = (404, "ObjectLockConfigurationNotFoundError")


@dataclass
class World:
    """A store over a server whose responses a test sets by operation."""

    server: RawServer
    client: Any
    answers: dict[str, bytes]
    operation: str = ""

    @property
    def store(self) -> S3ObjectStore:
        return S3ObjectStore(self.client, clock=ManualClock(NOW))

    def error(self, operation: str, status: int, code: str, **headers: str) -> None:
        body = f"<Error><Code>{code}</Code><Message>why</Message></Error>".encode()
        self.answers[operation] = answer(status, body, headers=headers)

    def head(self, **changes: bytes | str | None) -> None:
        headers: dict[str, Any] = {
            **HEADERS,
            **{k.replace("_", "-"): v for k, v in changes.items()},
        }
        kept = {name: value for name, value in headers.items() if value is not None}
        self.answers["HeadObject"] = answer(200, headers=kept)

    def sent(self, method: str) -> RawRequest:
        return [request for request in self.server.requests if request.method == method][-1]

    def answer(self, _: RawRequest) -> bytes:
        scripted = self.answers.get(self.operation)
        good = GOOD[self.operation]
        return scripted or answer(good.status, good.body, headers=good.headers)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def served() -> AsyncIterator[World]:
    async with raw_aws() as server:
        made = World(server, None, {})

        def note(_: str, operation: str, __: Mapping[str, Any]) -> None:
            made.operation = operation

        async with open_clients(ClientSettings(attempt_count_max=1), on_request=note) as opened:
            made.client = await opened.s3()
            server.answer = made.answer
            yield made


@pytest.fixture
def world(served: World) -> World:
    served.answers.clear()
    served.server.requests.clear()
    served.error("GetObjectLockConfiguration", *NO_LOCKS)
    return served


# --- writes whose response has no body ------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"<CopyObjectResult/>", b"<CopyObjectResult><ETag/>", b" "])
@pytest.mark.parametrize("operation", ["CopyObject", "UploadPartCopy", "CompleteMultipartUpload"])
async def test_a_success_without_a_body_is_an_unknown_result(
    world: World, operation: str, body: bytes
) -> None:
    world.answers[operation] = answer(200, body.replace(b"CopyObject", operation.encode()))
    parts = [CopiedPart(number=1, e_tag='"p1"', checksums={})]
    part = Part(number=1, first=0, last=9)
    calls = {
        "CopyObject": lambda: world.store.copy_in_place(BUCKET, HEAD, {}),
        "UploadPartCopy": lambda: world.store.copy_part(BUCKET, HEAD, "u1", part),
        "CompleteMultipartUpload": lambda: world.store.complete_multipart_copy(
            BUCKET, HEAD, "u1", parts
        ),
    }
    with pytest.raises(TimedOut) as raised:
        await calls[operation]()
    assert operation in str(raised.value)


# --- listings -------------------------------------------------------------------------------------


def page(*keys: str, token: str | None, truncated: bool = True) -> bytes:
    entries = "".join(
        f"<Contents><Key>{key}</Key><Size>1</Size>"
        "<LastModified>2026-01-31T12:00:00.000Z</LastModified></Contents>"
        for key in keys
    )
    following = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    text = f"<IsTruncated>{str(truncated).lower()}</IsTruncated>{following}{entries}"
    return answer(200, f"<ListBucketResult>{text}</ListBucketResult>".encode())


def changed(text: str, into: str) -> bytes:
    """Return a page that ends the listing, with another text in it."""
    good = GOOD["ListObjectsV2"].body.decode()
    assert text in good
    return answer(200, good.replace(text, into).encode())


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ([page("p/a", token=None)], "NextContinuationToken"),
        ([page("p/a", token="t1"), page("p/b", token="t1")], None),
        ([page("p/a", token="t1"), page("p/a", token="t2")], "twice or out of order"),
        ([page("p/b", token="t1"), page("p/a", token="t2")], "twice or out of order"),
        ([page("p/b", "p/a", token="t1")], "twice or out of order"),
        ([page("p/a", "p/a", token="t1")], "twice or out of order"),
        ([page(token="t1"), page(token="t1")], "an earlier page"),
        ([page(token="t1"), page(token="t2"), page(token="t1")], "an earlier page"),
        ([page("q/a", token="t1")], "outside of its prefix"),
        ([changed("<Size>1<", "<Size>-1<")], "below zero"),
        ([changed(":00.000Z<", ":00.000<")], "time zone"),
        ([changed(">false<", ">maybe<")], "IsTruncated"),
        # The SDK takes each for the end of the listing.
        ([changed(">false<", ">True<")], "IsTruncated"),
        ([changed(">false<", ">1<")], "IsTruncated"),
        ([changed(">false<", "><")], "IsTruncated"),
    ],
)
async def test_an_invalid_listing_is_an_error(
    world: World, pages: list[bytes], message: str | None
) -> None:
    """The last page is repeated forever; an invalid listing must not be read forever."""
    waiting = iter(pages)

    def next_page(_: RawRequest) -> bytes:
        nonlocal last
        last = next(waiting, last)
        return last

    last = pages[0]
    world.server.answer = next_page
    try:
        with pytest.raises(Garbled, match=message):
            async for _ in world.store.list_objects(BUCKET, prefix="p/", start_after=None):
                pass
    finally:
        world.server.answer = world.answer


async def test_a_listing_starts_after_the_requested_key(world: World) -> None:
    world.answers["ListObjectsV2"] = page("p/a", token=None, truncated=False)
    with pytest.raises(Garbled, match="out of order"):
        async for _ in world.store.list_objects(BUCKET, prefix="p/", start_after="p/a"):
            pass


# --- errors that mean "there is none", and others -------------------------------------------------


async def test_no_tag_set_means_no_tags(world: World) -> None:
    world.error("GetObjectTagging", 404, "NoSuchTagSet")
    tags = await world.store.read_tags(BUCKET, "p/a.jpg")
    assert tags == {}
    assert tags.read_at.year == 2026


@pytest.mark.parametrize(
    ("headers", "head_status", "expected"),
    [
        ({}, 200, Refused),
        ({"x-amz-delete-marker": "true"}, 200, NotFound),
        ({}, 404, NotFound),
    ],
)
async def test_a_405_for_tags_is_not_found_only_with_a_delete_marker(
    world: World, headers: dict[str, str], head_status: int, expected: type[PortError]
) -> None:
    world.error("GetObjectTagging", 405, "MethodNotAllowed", **headers)
    if head_status == 404:
        world.answers["HeadObject"] = answer(404, headers={"Content-Length": "0"})
    with pytest.raises(expected):
        await world.store.read_tags(BUCKET, "p/a.jpg")


@pytest.mark.parametrize(
    ("operation", "status", "code", "expected"),
    [
        ("CopyObject", 405, "MethodNotAllowed", Refused),
        ("CopyObject", 400, "KMS.InvalidStateException", Misconfigured),
        ("CopyObject", 400, "KMS.NeverHeardOf", Unknown),
        ("CopyObject", 404, "NoSuchKey", NotFound),
        ("CopyObject", 404, "NoSuchBucket", Misconfigured),
    ],
)
async def test_a_copy_is_not_found_for_the_codes_that_mean_it(
    world: World, operation: str, status: int, code: str, expected: type[PortError]
) -> None:
    world.error(operation, status, code)
    with pytest.raises(expected) as raised:
        await world.store.copy_in_place(BUCKET, HEAD, {})
    assert type(raised.value) is expected
    assert (raised.value.vendor_code, raised.value.request_id) == (code, "R1")


async def test_an_access_point_without_versioning_is_not_a_missing_bucket(world: World) -> None:
    world.error("GetBucketVersioning", 405, "MethodNotAllowed")
    with pytest.raises(Refused, match="MethodNotAllowed"):
        await world.store.inspect(BUCKET)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Last-Modified", "2026-01-31T12:00:00"),
        ("Last-Modified", "yesterday"),
        ("Last-Modified", ""),
        ("x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00"),
        ("x-amz-object-lock-retain-until-date", "never"),
    ],
)
async def test_a_time_without_a_zone_makes_the_response_unreadable(
    world: World, header: str, value: str
) -> None:
    world.head(**{header: value})
    with pytest.raises(Garbled):
        await world.store.head(BUCKET, "p/a.jpg")


# --- headers of any octets ------------------------------------------------------------------------

LATIN_1: Final = "attachment; filename=café.jpg".encode("latin-1")


@pytest.mark.parametrize(
    "header",
    [
        "Content-Disposition",
        "Content-Language",
        "Content-Type",
        "Cache-Control",
        "x-amz-meta-title",
        "x-amz-website-redirect-location",
        "x-amz-version-id",
    ],
)
async def test_a_header_that_is_not_utf_8_is_read_octet_by_octet(world: World, header: str) -> None:
    world.head(**{header: LATIN_1})
    head = await world.store.head(BUCKET, "p/a.jpg")
    texts = [
        *head.system_metadata.values(),
        *head.user_metadata.values(),
        head.website_redirect,
        head.version_id,
    ]
    assert LATIN_1 in [str(text).encode(errors="surrogateescape") for text in texts]


OF_ANY_OCTETS: Final = {
    "Latin-1": LATIN_1,
    "UTF-8": "attachment; filename=café.jpg".encode(),
    "UTF-8 and others": "café ".encode() + b"caf\xe9",
    "every octet": bytes(range(0x80, 0x100)),
    "spaces outside of ASCII": "a\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}b".encode(),
    "spaces": b"a   b\tc",
    "the replacement characters themselves": "\U0010ff80\U0010ffff \U0010ff7f".encode(),
    "half of a surrogate pair": "\ud83d".encode(errors="surrogatepass"),
}


def signature_of(request: RawRequest) -> str:
    """Return a request's signature, computed from the octets received.

    IAM User Guide, "Create a signed AWS API request".
    """
    stated = dict(re.findall(r"(\w+)=([^, ]+)", request.headers["authorization"]))
    path, _, query = request.path.partition("?")
    names = stated["SignedHeaders"].split(";")
    trimmed = {name: re.sub(r"[ \t]+", " ", request.headers[name]) for name in names}
    lines = [f"{name}:{value}".encode("latin-1") for name, value in trimmed.items()]
    query = "&".join(part if "=" in part else f"{part}=" for part in query.split("&") if part)
    canonical = b"\n".join(
        [
            request.method.encode(),
            path.encode(),
            query.encode(),
            *lines,
            b"",
            stated["SignedHeaders"].encode(),
            request.headers["x-amz-content-sha256"].encode(),
        ]
    )
    scope = stated["Credential"].partition("/")[2]
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            request.headers["x-amz-date"],
            scope,
            hashlib.sha256(canonical).hexdigest(),
        ]
    )
    key = b"AWS4S"
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    assert stated["Signature"]
    return key.hex()


@pytest.mark.parametrize("octets", OF_ANY_OCTETS.values(), ids=list(OF_ANY_OCTETS))
@pytest.mark.parametrize("multipart", [False, True])
@pytest.mark.parametrize(
    ("header", "stated_by_each"),
    [
        ("content-disposition", False),
        ("content-language", False),
        ("content-type", False),
        ("cache-control", False),
        ("x-amz-meta-title", False),
        ("x-amz-website-redirect-location", True),
    ],
)
async def test_it_is_kept_octet_by_octet_under_a_signature_of_the_same_octets(
    world: World, header: str, stated_by_each: bool, multipart: bool, octets: bytes
) -> None:
    world.head(**{header: octets})
    head = await world.store.head(BUCKET, "p/a.jpg")
    copy = world.store.create_multipart_copy if multipart else world.store.copy_in_place
    await copy(BUCKET, head, {"a": "b"})
    sent = world.sent("POST" if multipart else "PUT")
    if multipart or stated_by_each:
        assert sent.headers[header].encode("latin-1") == octets
        names = sent.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
        assert header in names.split(";")
    else:
        assert header not in sent.headers
        assert sent.headers["x-amz-metadata-directive"] == "COPY"
    assert f"Signature={signature_of(sent)}" in sent.headers["authorization"]


EXPIRES = [
    "0",
    "-1",
    "20301231",
    "May",
    "Thu, 01 Dec 2033 16:00:00 PST",
    "",
    "café",
    "2033-12-01",
    "Thu, 32 Dec 2033 16:00:00 GMT",
]


@pytest.mark.parametrize("text", [*EXPIRES, "Thu, 1 Dec 2033 16:00:00 GMT"])
async def test_an_expires_that_a_multipart_copy_would_rewrite_is_refused(
    world: World, text: str
) -> None:
    world.head(Expires=text.encode("latin-1"))
    head = await world.store.head(BUCKET, "p/a.jpg")
    with pytest.raises(Refused, match="Expires"):
        await world.store.create_multipart_copy(BUCKET, head, {})
    await world.store.copy_in_place(BUCKET, head, {})
    assert world.sent("PUT").headers["x-amz-metadata-directive"] == "COPY"


@pytest.mark.parametrize("text", ["Thu, 01 Dec 2033 16:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"])
async def test_an_expires_that_is_a_date_is_sent_unchanged(world: World, text: str) -> None:
    world.head(Expires=text)
    head = await world.store.head(BUCKET, "p/a.jpg")
    await world.store.create_multipart_copy(BUCKET, head, {})
    assert world.sent("POST").headers["expires"] == text


# --- the advice in a refusal ----------------------------------------------------------------------

PUBLIC: Final = (
    b"<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList><Grant><Grantee"
    b" xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='Group'>"
    b"<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>"
    b"<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"
)
ENFORCED: Final = (
    b"<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>"
    b"</OwnershipControls>"
)
LOCKED: Final = {
    "x-amz-object-lock-mode": "GOVERNANCE",
    "x-amz-object-lock-retain-until-date": "2030-01-01T00:00:00Z",
    "x-amz-object-lock-legal-hold": "ON",
}
KMS: Final = {
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": "k",
}
RIGHTS: Final = (
    "s3:PutObjectAcl",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
    "kms:Decrypt and kms:GenerateDataKey, for its",
)


@pytest.mark.parametrize("multipart", [False, True])
@pytest.mark.parametrize(
    ("headers", "acl", "advised", "public"),
    [
        ({}, None, (), False),
        ({}, GOOD["GetObjectAcl"].body, RIGHTS[:1], False),
        ({}, PUBLIC, RIGHTS[:1], True),
        (LOCKED, None, RIGHTS[1:3], False),
        (KMS, None, RIGHTS[3:], False),
        ({**LOCKED, **KMS}, PUBLIC, RIGHTS, True),
    ],
)
async def test_a_refused_copy_names_each_right_that_it_may_lack(
    world: World,
    headers: dict[str, str],
    acl: bytes | None,
    advised: tuple[str, ...],
    public: bool,
    multipart: bool,
) -> None:
    world.head(**headers)
    head = replace(await world.store.head(BUCKET, "p/a.jpg"), key="p/a.jpg")
    if acl is None:
        world.answers["GetBucketOwnershipControls"] = answer(200, ENFORCED)
    else:
        world.answers["GetObjectAcl"] = answer(200, acl)
    operation = "CreateMultipartUpload" if multipart else "CopyObject"
    world.error(operation, 403, "AccessDenied")
    copy = world.store.create_multipart_copy if multipart else world.store.copy_in_place
    with pytest.raises(AccessDenied) as raised:
        await copy(BUCKET, head, {})
    message = str(raised.value)
    assert "s3:PutObject and s3:PutObjectTagging" in message
    assert [right in message for right in RIGHTS] == [right in advised for right in RIGHTS]
    assert ("Block Public Access" in message) is public
    assert ("connector trigger 'event'" in message) is public
