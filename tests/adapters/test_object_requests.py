"""The requests for customers' objects, where no emulator checks as strictly as S3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from adapters.aws.object_store import S3ObjectStore
from adapters.memory.system import ManualClock
from domain.connector import Bucket
from domain.customer_object import Encryption, ObjectHead, ObjectLock, WrittenObject
from domain.part_copy import plan_parts
from ports.errors import (
    AccessDenied,
    Archived,
    Conflict,
    Misconfigured,
    NotFound,
    PortError,
    Refused,
    Unavailable,
)
from ports.object_store import ListedPage

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
BUCKET = Bucket(name="media", expected_owner="111122223333")
OWNER = {"ExpectedBucketOwner": "111122223333"}
E_TAG = '"abc"'
MIB = 1024**2

HEAD = ObjectHead(
    key="a b.jpg",
    size_bytes=10,
    e_tag="abc",
    last_modified=NOW,
    version_id="v1",
    storage_class="STANDARD_IA",
    encryption=Encryption(algorithm="aws:kms", kms_key_id="key-1", bucket_key_enabled=True),
    website_redirect="/there",
    lock=ObjectLock(mode="GOVERNANCE", retain_until=NOW + timedelta(days=1), legal_hold="ON"),
    system_metadata={"ContentType": "image/jpeg", "Expires": NOW},
    user_metadata={"camera": "x100"},
)
CARRIED_OVER = {
    "StorageClass": "STANDARD_IA",
    "ServerSideEncryption": "aws:kms",
    "SSEKMSKeyId": "key-1",
    "BucketKeyEnabled": True,
    "WebsiteRedirectLocation": "/there",
    "ObjectLockMode": "GOVERNANCE",
    "ObjectLockRetainUntilDate": NOW + timedelta(days=1),
    "ObjectLockLegalHoldStatus": "ON",
}
ENFORCED = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
PREFERRED = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}}


def grant(permission: str, **grantee: str) -> dict[str, Any]:
    return {"Grantee": {"Type": "CanonicalUser", **grantee}, "Permission": permission}


PRIVATE_ACL = {"Owner": {"ID": "me"}, "Grants": [grant("FULL_CONTROL", ID="me")]}


@pytest.fixture
def client(scripted: Callable[[str], Any]) -> Any:
    made = scripted("s3")
    made.answers = {
        "GetBucketOwnershipControls": ENFORCED,
        "CopyObject": {"CopyObjectResult": {"ETag": '"new"'}, "VersionId": "v2"},
        "CreateMultipartUpload": {"UploadId": "u1"},
        "UploadPartCopy": lambda sent: {"CopyPartResult": {"ETag": f'"part-{sent["PartNumber"]}"'}},
        "CompleteMultipartUpload": {"ETag": '"new-3"', "VersionId": "v2"},
        "HeadObject": {},
    }
    return made


def store(client: Any, **options: Any) -> S3ObjectStore:
    return S3ObjectStore(client, clock=ManualClock(NOW), **options)


async def multipart_copy(
    objects: S3ObjectStore, head: ObjectHead, tags: dict[str, str] | None = None
) -> WrittenObject:
    copy_id = await objects.create_multipart_copy(BUCKET, head, tags or {})
    planned = plan_parts(head.size_bytes, part_bytes=5 * MIB)
    parts = [await objects.copy_part(BUCKET, head, copy_id, part) for part in planned]
    return await objects.complete_multipart_copy(BUCKET, head, copy_id, parts)


async def test_a_copy_sets_all_that_it_would_lose(client: Any) -> None:
    written = await store(client).copy_in_place(BUCKET, HEAD, {"a b": "c&d=+ü", "AssetID": "x"})

    sent = client.sent("CopyObject")
    tagging = sent.pop("Tagging")
    assert parse_qsl(tagging, keep_blank_values=True) == [("a b", "c&d=+ü"), ("AssetID", "x")]
    assert sent == {
        "Bucket": "media",
        "Key": "a b.jpg",
        "CopySource": {"Bucket": "media", "Key": "a b.jpg"},
        "CopySourceIfMatch": E_TAG,
        "IfMatch": E_TAG,
        "MetadataDirective": "COPY",
        "TaggingDirective": "REPLACE",
        "ExpectedSourceBucketOwner": "111122223333",
        **OWNER,
        **CARRIED_OVER,
    }
    assert written == WrittenObject(e_tag="new", version_id="v2")


async def test_no_tags_clear_the_tags(client: Any) -> None:
    await store(client).copy_in_place(BUCKET, HEAD, {})

    assert client.sent("CopyObject")["Tagging"] == ""


@pytest.mark.parametrize("until", [NOW, NOW - timedelta(days=1)])
async def test_a_retention_that_has_ended_is_not_set(client: Any, until: datetime) -> None:
    lock = ObjectLock(mode="COMPLIANCE", retain_until=until, legal_hold="OFF")
    client.answers["GetObjectLockConfiguration"] = {
        "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}
    }
    await store(client).copy_in_place(BUCKET, replace(HEAD, lock=lock), {})

    sent = client.sent("CopyObject")
    assert {name for name in sent if name.startswith("ObjectLock")} == {"ObjectLockLegalHoldStatus"}


@pytest.mark.parametrize(
    ("unencrypted_as", "expected"), [("AES256", {"ServerSideEncryption": "AES256"}), (None, {})]
)
async def test_an_object_without_encryption_does_not_get_the_buckets(
    client: Any, unencrypted_as: str | None, expected: dict[str, str]
) -> None:
    head = replace(HEAD, encryption=None)
    await store(client, unencrypted_as=unencrypted_as).copy_in_place(BUCKET, head, {})

    sent = client.sent("CopyObject")
    assert {
        k: v for k, v in sent.items() if k in {"ServerSideEncryption", "SSEKMSKeyId"}
    } == expected


async def test_a_multipart_copy_of_a_large_object_sets_everything(client: Any) -> None:
    client.answers["HeadObject"] = {"ChecksumSHA256": "x", "ChecksumType": "COMPOSITE"}
    client.answers["UploadPartCopy"] = lambda sent: {
        "CopyPartResult": {
            "ETag": f'"part-{sent["PartNumber"]}"',
            "ChecksumSHA256": f"sum-{sent['PartNumber']}",
            "LastModified": NOW,
        }
    }
    head = replace(HEAD, size_bytes=12 * MIB)

    written = await multipart_copy(store(client), head, {"AssetID": "x"})

    assert client.sent("CreateMultipartUpload") == {
        "Bucket": "media",
        "Key": "a b.jpg",
        "Tagging": "AssetID=x",
        "Metadata": {"camera": "x100"},
        "ContentType": "image/jpeg",
        "Expires": NOW,
        "ChecksumAlgorithm": "SHA256",
        "ChecksumType": "COMPOSITE",
        **OWNER,
        **CARRIED_OVER,
    }
    parts = [sent for name, sent in client.calls if name == "UploadPartCopy"]
    assert [part["CopySourceRange"] for part in parts] == [
        f"bytes=0-{5 * MIB - 1}",
        f"bytes={5 * MIB}-{10 * MIB - 1}",
        f"bytes={10 * MIB}-{12 * MIB - 1}",
    ]
    assert {part["CopySourceIfMatch"] for part in parts} == {E_TAG}
    complete = client.sent("CompleteMultipartUpload")
    assert complete["IfMatch"] == E_TAG
    assert complete["MultipartUpload"]["Parts"] == [
        {"PartNumber": n, "ETag": f'"part-{n}"', "ChecksumSHA256": f"sum-{n}"} for n in (1, 2, 3)
    ]
    assert written == WrittenObject(e_tag="new-3", version_id="v2")


@pytest.mark.parametrize(
    ("operation", "code", "status", "expected"),
    [
        ("UploadPartCopy", "PreconditionFailed", 412, Conflict),
        ("UploadPartCopy", "NoSuchUpload", 404, Conflict),
        ("UploadPartCopy", "InvalidObjectState", 403, Archived),
        ("UploadPartCopy", "NoSuchKey", 404, NotFound),
        ("CompleteMultipartUpload", "PreconditionFailed", 412, Conflict),
        ("CompleteMultipartUpload", "NoSuchUpload", 404, Conflict),
        ("CompleteMultipartUpload", "InvalidPart", 400, Conflict),
        ("CompleteMultipartUpload", "NoSuchKey", 404, NotFound),
    ],
)
async def test_errors_of_a_multipart_copy_are_distinguished(
    client: Any,
    error: Callable[..., Exception],
    operation: str,
    code: str,
    status: int,
    expected: type[Exception],
) -> None:
    client.answers[operation] = error(code, status)

    with pytest.raises(expected):
        await multipart_copy(store(client), HEAD)


async def test_aborting_a_missing_multipart_copy_succeeds(
    client: Any, error: Callable[..., Exception]
) -> None:
    client.answers["AbortMultipartUpload"] = error("NoSuchUpload", 404)

    await store(client).abort_multipart_copy(BUCKET, "a b.jpg", "u1")

    assert client.sent("AbortMultipartUpload") == {
        "Bucket": "media",
        "Key": "a b.jpg",
        "UploadId": "u1",
        **OWNER,
    }


async def test_a_failed_abort_of_a_multipart_copy_is_an_error(
    client: Any, error: Callable[..., Exception]
) -> None:
    client.answers["AbortMultipartUpload"] = error("AccessDenied", 403)

    with pytest.raises(AccessDenied, match="grant s3:AbortMultipartUpload"):
        await store(client).abort_multipart_copy(BUCKET, "a b.jpg", "u1")


async def test_an_expires_that_is_not_a_date_survives_a_multipart_copy(client: Any) -> None:
    head = replace(HEAD, system_metadata={"Expires": "0"})
    with pytest.raises(Refused, match="Expires"):
        await store(client).create_multipart_copy(BUCKET, head, {})

    assert "CreateMultipartUpload" not in client.operations()


async def test_without_acls_the_bucket_is_read_once_and_no_acl_of_an_object(client: Any) -> None:
    objects = store(client)
    await objects.copy_in_place(BUCKET, HEAD, {})
    await objects.copy_in_place(BUCKET, HEAD, {})

    assert client.operations() == ["GetBucketOwnershipControls", "CopyObject", "CopyObject"]


async def test_a_private_acl_is_set_because_the_copy_may_get_another_owner(
    client: Any,
) -> None:
    client.answers |= {"GetBucketOwnershipControls": PREFERRED, "GetObjectAcl": PRIVATE_ACL}

    await store(client).copy_in_place(BUCKET, HEAD, {})

    assert client.sent("CopyObject")["GrantFullControl"] == 'id="me"'


@pytest.mark.parametrize("in_parts", [False, True])
async def test_an_acl_is_set_where_acls_are_enabled(
    client: Any, error: Callable[..., Exception], in_parts: bool
) -> None:
    """Also in a bucket older than ownership controls, which has none."""
    client.answers |= {
        "GetBucketOwnershipControls": error("OwnershipControlsNotFoundError", 404),
        "GetObjectAcl": {
            "Owner": {"ID": "me"},
            "Grants": [
                grant("FULL_CONTROL", ID="me"),
                grant("FULL_CONTROL", ID="partner"),
                grant("READ", URI="http://acs.amazonaws.com/groups/global/AllUsers"),
                grant("WRITE_ACP", ID="partner"),
            ],
        },
    }

    copy = store(client).create_multipart_copy if in_parts else store(client).copy_in_place
    await copy(BUCKET, HEAD, {})

    sent = client.sent("CreateMultipartUpload" if in_parts else "CopyObject")
    assert {name: value for name, value in sent.items() if name.startswith("Grant")} == {
        "GrantFullControl": 'id="me", id="partner"',
        "GrantRead": 'uri="http://acs.amazonaws.com/groups/global/AllUsers"',
        "GrantWriteACP": 'id="partner"',
    }


async def test_ownership_that_may_not_be_read_is_not_guessed(
    client: Any, error: Callable[..., Exception]
) -> None:
    client.answers["GetBucketOwnershipControls"] = error("AccessDenied", 403)

    with pytest.raises(AccessDenied, match="grant s3:GetBucketOwnershipControls on media"):
        await store(client).copy_in_place(BUCKET, HEAD, {})

    assert "CopyObject" not in client.operations()


async def test_a_store_without_ownership_controls_has_no_acls(
    client: Any, error: Callable[..., Exception]
) -> None:
    client.answers["GetBucketOwnershipControls"] = error("NotImplemented", 501)

    await store(client).copy_in_place(BUCKET, HEAD, {})

    assert "GetObjectAcl" not in client.operations()


LOCKED_BY_DEFAULT = {
    "ObjectLockConfiguration": {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 3650}},
    }
}


async def test_a_default_retention_does_not_lock_objects_older_than_versioning(
    client: Any, error: Callable[..., Exception]
) -> None:
    """Its version is called "null"; locks may be switched on later, and a copy has an id."""
    client.answers |= {
        "GetObjectLockConfiguration": LOCKED_BY_DEFAULT,
        "GetObjectRetention": error("NoSuchObjectLockConfiguration", 404),
        "GetObjectLegalHold": error("NoSuchObjectLockConfiguration", 404),
    }

    with pytest.raises(Refused, match="default retention"):
        await store(client).copy_in_place(BUCKET, replace(HEAD, version_id="null", lock=None), {})

    assert "CopyObject" not in client.operations()


async def test_without_versioning_no_lock_is_requested(client: Any) -> None:
    await store(client).copy_in_place(BUCKET, replace(HEAD, version_id=None, lock=None), {})

    assert not [name for name in client.operations() if "Lock" in name]


async def test_every_request_carries_the_expected_owner(client: Any) -> None:
    client.answers |= {
        "ListObjectsV2": {"IsTruncated": False},
        "HeadBucket": {"ResponseMetadata": {"HTTPHeaders": {}}},
        "GetObjectTagging": {"TagSet": [], "ResponseMetadata": {"HTTPHeaders": {}}},
        "GetBucketOwnershipControls": PREFERRED,
        "GetObjectAcl": PRIVATE_ACL,
        "HeadObject": {"ContentLength": 1, "ETag": E_TAG, "LastModified": NOW},
    }
    objects = store(client)
    async for _ in objects.list_objects(BUCKET, prefix="", start_after=None):
        pass
    await objects.inspect(BUCKET)
    await objects.read_tags(BUCKET, "a")
    await objects.head(BUCKET, "a")
    await objects.write_tags(BUCKET, HEAD, {})
    await objects.copy_in_place(BUCKET, HEAD, {})
    await multipart_copy(objects, HEAD)
    await objects.abort_multipart_copy(BUCKET, "a", "u1")

    assert len(set(client.operations())) == 14
    for operation, sent in client.calls:
        assert sent["ExpectedBucketOwner"] == "111122223333", operation
        copies = "CopySource" in sent
        assert ("ExpectedSourceBucketOwner" in sent) is copies, operation


async def test_without_an_expected_owner_none_is_sent(client: Any) -> None:
    await store(client).copy_in_place(Bucket(name="media"), HEAD, {})

    assert not [name for _, sent in client.calls for name in sent if name.startswith("Expected")]


async def test_a_short_page_is_not_the_last(client: Any) -> None:
    pages = [
        {"IsTruncated": True, "NextContinuationToken": "t1"},
        {
            "IsTruncated": True,
            "NextContinuationToken": "t2",
            "Contents": [{"Key": "p/b", "Size": 1, "LastModified": NOW}],
        },
        {"IsTruncated": False, "Contents": [{"Key": "p/c", "Size": 1, "LastModified": NOW}]},
    ]
    waiting = iter(pages)
    client.answers["ListObjectsV2"] = lambda _: next(waiting)

    found = [
        [entry.key for entry in page.entries]
        async for page in store(client).list_objects(BUCKET, prefix="p/", start_after="a")
    ]

    assert found == [[], ["p/b"], ["p/c"]]
    sent = [parameters for _, parameters in client.calls]
    assert [p.get("StartAfter") for p in sent] == ["a", None, None]
    assert [p.get("ContinuationToken") for p in sent] == [None, "t1", "t2"]
    assert {p["Prefix"] for p in sent} == {"p/"}
    assert not [p for p in sent if "EncodingType" in p]


async def test_a_listing_continues_from_a_token(client: Any) -> None:
    client.answers["ListObjectsV2"] = {"IsTruncated": True, "NextContinuationToken": "t4"}

    listing = store(client).list_objects(BUCKET, prefix="p/", start_after="a", token="t3")

    assert await anext(listing) == ListedPage([], "t4")
    [(_, sent)] = client.calls
    assert (sent["ContinuationToken"], sent["Prefix"]) == ("t3", "p/")
    assert "StartAfter" not in sent


async def test_a_token_that_s3_rejects_is_refused(
    client: Any, error: Callable[..., Exception]
) -> None:
    client.answers["ListObjectsV2"] = error("InvalidArgument", 400)
    with pytest.raises(Refused):
        await anext(store(client).list_objects(BUCKET, prefix="", start_after=None, token="t"))


async def test_tags_name_the_version_where_there_is_one(client: Any) -> None:
    await store(client).write_tags(BUCKET, HEAD, {"a": "b"})
    await store(client).write_tags(BUCKET, replace(HEAD, version_id=None), {"a": "b"})

    assert [sent.get("VersionId") for _, sent in client.calls] == ["v1", None]


async def test_a_missing_object_and_a_missing_bucket_differ_within_a_prefix(
    client: Any, error: Callable[..., Exception]
) -> None:
    """A role that may list only some prefixes may list this one."""
    client.answers["HeadObject"] = error("404", 404)
    client.answers["ListObjectsV2"] = {"IsTruncated": False}

    with pytest.raises(NotFound):
        await store(client).head(BUCKET, "raw/a.mov")

    assert client.sent("ListObjectsV2")["Prefix"] == "raw/a.mov"


async def test_a_head_is_one_request_and_reads_every_attribute(client: Any) -> None:
    client.answers["HeadObject"] = {
        "ContentLength": 10,
        "ETag": E_TAG,
        "LastModified": NOW,
        "VersionId": "v1",
        "StorageClass": "STANDARD_IA",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "key-1",
        "BucketKeyEnabled": True,
        "WebsiteRedirectLocation": "/there",
        "ObjectLockMode": "GOVERNANCE",
        "ObjectLockRetainUntilDate": NOW + timedelta(days=1),
        "ObjectLockLegalHoldStatus": "ON",
        "ContentType": "image/jpeg",
        "Expires": NOW,
        "Metadata": {"camera": "x100"},
    }

    assert await store(client).head(BUCKET, "a b.jpg") == HEAD
    assert client.operations() == ["HeadObject"]


@pytest.mark.parametrize(
    ("restore", "restored"),
    [
        (None, False),
        ('ongoing-request="true"', False),
        ('ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"', True),
    ],
)
async def test_a_restore_counts_when_it_is_done(
    client: Any, restore: str | None, restored: bool
) -> None:
    answer = {"ContentLength": 1, "ETag": E_TAG, "LastModified": NOW, "StorageClass": "GLACIER"}
    client.answers["HeadObject"] = answer | ({"Restore": restore} if restore else {})

    head = await store(client).head(BUCKET, "a")

    assert (head.storage_class, head.restored) == ("GLACIER", restored)


async def test_an_object_with_the_owners_own_key_is_refused(
    client: Any, error: Callable[..., Exception]
) -> None:
    client.answers["HeadObject"] = error("400", 400, "Bad Request")

    with pytest.raises(Refused, match="SSE-C") as raised:
        await store(client).head(BUCKET, "a")

    assert raised.value.vendor_code == "CustomerKey"


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("RequestTimeTooSkewed", 403, Unavailable),
        ("AccessDenied", 403, AccessDenied),
        ("InvalidAccessKeyId", 403, Misconfigured),
        ("InvalidRange", 416, Unavailable),
        (None, 200, Unavailable),
    ],
)
async def test_a_refused_head_without_a_message_is_followed_by_a_get(
    client: Any,
    error: Callable[..., Exception],
    code: str | None,
    status: int,
    expected: type[PortError],
) -> None:
    """HEAD and GET need the same permission; a GET that succeeds shows that access is back."""
    client.answers["HeadObject"] = error("403", 403, "Forbidden")
    client.answers["GetObject"] = error(code, status) if code else {}

    with pytest.raises(expected) as raised:
        await store(client).head(BUCKET, "a")

    assert type(raised.value) is expected
    assert client.operations() == ["HeadObject", "GetObject"]


@pytest.mark.parametrize("date", ["Sometime, 32 Foo 2026 25:61:61 GMT", "", "0"])
async def test_a_date_that_cannot_be_read_is_none(client: Any, date: str) -> None:
    """A gateway's invalid date does not fail the call; the service's own clock is used."""
    client.answers["GetObjectTagging"] = {
        "TagSet": [],
        "ResponseMetadata": {"HTTPHeaders": {"date": date}},
    }

    tags = await store(client).read_tags(BUCKET, "a")

    assert tags.read_at == NOW


async def test_tags_have_their_version_and_the_time_of_s3(client: Any) -> None:
    headers = {"date": "Sun, 01 Feb 2026 10:11:12 GMT"}
    client.answers["GetObjectTagging"] = {
        "TagSet": [{"Key": "a", "Value": "1"}],
        "VersionId": "v7",
        "ResponseMetadata": {"HTTPHeaders": headers},
    }

    tags = await store(client).read_tags(BUCKET, "a")

    assert tags == {"a": "1"}
    assert (tags.version_id, tags.read_at) == ("v7", datetime(2026, 2, 1, 10, 11, 12, tzinfo=UTC))
