"""The facts about S3 that the service relies on, each with its source and a probe.

A probe returns if its fact holds and raises AssertionError if it does not. It depends on no other
fact, creates its own objects, and works on any endpoint that speaks S3's API. `DIFFERENCES` says
which facts do not hold on a server that is not AWS, and what holds there instead.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from botocore.exceptions import BotoCoreError, ClientError

MIB: Final = 1024**2


class Bench:
    """A client, and buckets that are created on first use."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._suffix = uuid.uuid4().hex[:10]
        self._buckets: dict[str, str] = {}

    def __getattr__(self, operation: str) -> Any:
        return getattr(self.client, operation)

    def bucket(self, kind: str = "plain") -> str:
        """A bucket: `plain`, `versioned`, `locks` or `acls`."""
        if kind not in self._buckets:
            name = f"conformance-{kind}-{self._suffix}"
            more: dict[str, Any] = {}
            if kind == "locks":
                more["ObjectLockEnabledForBucket"] = True
            if kind == "acls":
                more["ObjectOwnership"] = "ObjectWriter"
            region = self.client.meta.region_name
            if region != "us-east-1":
                more["CreateBucketConfiguration"] = {"LocationConstraint": region}
            self.client.create_bucket(Bucket=name, **more)
            self._buckets[kind] = name
            if kind == "versioned":
                self.client.put_bucket_versioning(
                    Bucket=name, VersioningConfiguration={"Status": "Enabled"}
                )
        return self._buckets[kind]

    def put(self, kind: str = "plain", *, key: str = "", **parameters: Any) -> dict[str, Any]:
        """Put an object under a unique key; return its bucket and key."""
        where = {"Bucket": self.bucket(kind), "Key": key or f"key-{uuid.uuid4().hex}"}
        self.client.put_object(**where, **{"Body": b"content", **parameters})
        return where

    def copy(self, where: Mapping[str, Any], **parameters: Any) -> Any:
        """Copy the object onto itself, with these parameters only."""
        return self.client.copy_object(**where, CopySource=dict(where), **parameters)

    def legal_copy(self, where: Mapping[str, Any], **parameters: Any) -> Any:
        """Copy the object onto itself, legally: with its class, or new tags."""
        legal = {"TaggingDirective": "REPLACE", "Tagging": "probe=1", "StorageClass": "STANDARD"}
        return self.copy(where, **{**legal, **parameters})

    def tags(self, where: Mapping[str, Any]) -> dict[str, str]:
        answer = self.client.get_object_tagging(**where)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def tag(self, where: Mapping[str, Any], tags: Mapping[str, str]) -> Any:
        tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
        return self.client.put_object_tagging(**where, Tagging={"TagSet": tag_set})

    def body(self, where: Mapping[str, Any]) -> bytes:
        content: bytes = self.client.get_object(**where)["Body"].read()
        return content

    def multipart_copy(
        self,
        where: Mapping[str, Any],
        ranges: list[tuple[int, int]],
        *,
        part: Mapping[str, Any] | None = None,
        end: Mapping[str, Any] | None = None,
        **begin: Any,
    ) -> Any:
        """Copy the object onto itself by a multipart copy."""
        upload = {
            **where,
            "UploadId": self.client.create_multipart_upload(**where, **begin)["UploadId"],
        }
        try:
            parts = []
            for number, (first, last) in enumerate(ranges, 1):
                answer = self.client.upload_part_copy(
                    **upload,
                    PartNumber=number,
                    CopySource=dict(where),
                    CopySourceRange=f"bytes={first}-{last}",
                    **(part or {}),
                )
                parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
            return self.client.complete_multipart_upload(
                **upload, MultipartUpload={"Parts": parts}, **(end or {})
            )
        except ClientError:
            with contextlib.suppress(ClientError):
                self.client.abort_multipart_upload(**upload)
            raise

    def clean_up(self) -> None:
        """Delete what was created, as far as the server allows."""
        for name in self._buckets.values():
            with contextlib.suppress(ClientError, BotoCoreError, KeyError):
                self._empty(name)
                self.client.delete_bucket(Bucket=name)

    def _empty(self, name: str) -> None:
        for page in self.client.get_paginator("list_object_versions").paginate(Bucket=name):
            for found in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                where = {"Bucket": name, "Key": found["Key"], "VersionId": found["VersionId"]}
                with contextlib.suppress(ClientError):
                    self.client.put_object_legal_hold(**where, LegalHold={"Status": "OFF"})
                with contextlib.suppress(ClientError):
                    bypass = {"BypassGovernanceRetention": True} if "-locks-" in name else {}
                    self.client.delete_object(**where, **bypass)


Probe = Callable[[Bench], None]


@dataclass(frozen=True)
class Fact:
    """One sentence about S3; `source` is a page of AWS by title, or who recorded it there."""

    name: str
    sentence: str
    source: str
    probe: Probe


FACTS: Final[dict[str, Fact]] = {}


def fact(sentence: str, source: str) -> Callable[[Probe], Probe]:
    def register(probe: Probe) -> Probe:
        name = probe.__name__.replace("_", "-")
        FACTS[name] = Fact(name, sentence, source, probe)
        return probe

    return register


@contextlib.contextmanager
def refused(*codes: str) -> Iterator[None]:
    """The block is refused with one of these codes."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        assert code in codes, f"refused with {code}"
    else:
        raise AssertionError("not refused")


COPY: Final = "S3 API Reference, CopyObject"
COPYING: Final = "S3 User Guide, Copying, moving, and renaming objects"
TAGS: Final = "S3 User Guide, Categorizing your objects using tags"
PARTS: Final = "S3 API Reference, CreateMultipartUpload"
LISTING: Final = "S3 API Reference, ListObjectsV2"
KEYS: Final = "S3 User Guide, Naming Amazon S3 objects"
LOCKS: Final = "S3 User Guide, Locking objects with Object Lock"
RECORDED: Final = "recorded on AWS by LocalStack's tests of S3 (test_s3.py)"


# --- copying an object onto itself --------------------------------------------------------------


@fact("A copy of an object onto itself that changes nothing is refused with InvalidRequest.", COPY)
def copy_of_nothing(s3: Bench) -> None:
    where = s3.put()
    with refused("InvalidRequest"):
        s3.copy(where)


@fact("Naming a storage class, even the one it has, makes the copy legal.", RECORDED)
def copy_with_same_class(s3: Bench) -> None:
    s3.copy(s3.put(), StorageClass="STANDARD")


@fact("Naming the encryption, even the one it has, makes the copy legal.", RECORDED)
def copy_with_same_encryption(s3: Bench) -> None:
    s3.copy(s3.put(ServerSideEncryption="AES256"), ServerSideEncryption="AES256")


@fact(
    "Our request is legal: same class, directive COPY, new tags, ETag guards on both sides.", COPY
)
def copy_as_we_do(s3: Bench) -> None:
    where = s3.put()
    e_tag = s3.head_object(**where)["ETag"]
    s3.copy(
        where,
        StorageClass="STANDARD",
        ServerSideEncryption="AES256",
        MetadataDirective="COPY",
        TaggingDirective="REPLACE",
        Tagging="AssetID=asset%3Aimg%3A1",
        CopySourceIfMatch=e_tag,
        IfMatch=e_tag,
    )
    assert s3.tags(where) == {"AssetID": "asset:img:1"}


@fact("With directive COPY user metadata and the six system headers come along.", COPYING)
def copy_keeps_metadata(s3: Bench) -> None:
    said = {
        "Metadata": {"camera": "x100"},
        "ContentType": "image/png",
        "CacheControl": "max-age=60",
        "ContentDisposition": "inline",
        "ContentEncoding": "br",
        "ContentLanguage": "de",
        "Expires": datetime(2037, 1, 1, tzinfo=UTC),
    }
    where = s3.put(**said)
    s3.legal_copy(where, StorageClass="STANDARD")
    head = s3.head_object(**where)
    assert {name: head.get(name) for name in said} == said


@fact("With directive COPY metadata in the request is ignored.", COPY)
def copy_ignores_metadata(s3: Bench) -> None:
    where = s3.put(Metadata={"camera": "x100"})
    s3.legal_copy(where, StorageClass="STANDARD", MetadataDirective="COPY", Metadata={"other": "1"})
    assert s3.head_object(**where)["Metadata"] == {"camera": "x100"}


@fact("A copy that names no storage class becomes STANDARD.", COPY)
def copy_loses_class(s3: Bench) -> None:
    where = s3.put(StorageClass="STANDARD_IA")
    assert s3.head_object(**where).get("StorageClass") == "STANDARD_IA"
    s3.copy(where, MetadataDirective="REPLACE", TaggingDirective="REPLACE", Tagging="probe=1")
    assert s3.head_object(**where).get("StorageClass", "STANDARD") == "STANDARD"


@fact("A copy that names the storage class keeps it.", COPY)
def copy_keeps_named_class(s3: Bench) -> None:
    where = s3.put(StorageClass="STANDARD_IA")
    s3.legal_copy(where, StorageClass="STANDARD_IA")
    assert s3.head_object(**where).get("StorageClass") == "STANDARD_IA"


@fact("A copy does not keep the website redirect.", COPY)
def copy_loses_redirect(s3: Bench) -> None:
    where = s3.put(WebsiteRedirectLocation="/there")
    assert s3.head_object(**where)["WebsiteRedirectLocation"] == "/there"
    s3.legal_copy(where, StorageClass="STANDARD")
    assert "WebsiteRedirectLocation" not in s3.head_object(**where)


@fact("A copy has neither retention nor legal hold unless the request sets them.", LOCKS)
def copy_loses_lock(s3: Bench) -> None:
    where = s3.put("locks")
    s3.put_object_legal_hold(**where, LegalHold={"Status": "ON"})
    assert s3.head_object(**where)["ObjectLockLegalHoldStatus"] == "ON"
    s3.legal_copy(where, StorageClass="STANDARD")
    assert s3.head_object(**where).get("ObjectLockLegalHoldStatus", "OFF") == "OFF"


@fact("A copy request can set retention and legal hold.", COPY)
def copy_takes_lock(s3: Bench) -> None:
    where = s3.put("locks")
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    s3.legal_copy(
        where,
        StorageClass="STANDARD",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=until,
        ObjectLockLegalHoldStatus="ON",
    )
    head = s3.head_object(**where)
    assert (head.get("ObjectLockMode"), head.get("ObjectLockLegalHoldStatus")) == (
        "GOVERNANCE",
        "ON",
    )
    assert head["ObjectLockRetainUntilDate"] == until


@fact("TaggingDirective REPLACE sets the tags of the copy in the same request.", COPY)
def copy_replaces_tags(s3: Bench) -> None:
    where = s3.put(Tagging="old=1")
    s3.legal_copy(where, StorageClass="STANDARD", TaggingDirective="REPLACE", Tagging="new=2&more=")
    assert s3.tags(where) == {"new": "2", "more": ""}


@fact("Without a tagging directive the copy keeps the tags.", COPY)
def copy_keeps_tags(s3: Bench) -> None:
    where = s3.put(Tagging="old=1")
    s3.copy(where, StorageClass="STANDARD", MetadataDirective="REPLACE")
    assert s3.tags(where) == {"old": "1"}


@fact("Tags in a header are a form: a plus is a space, %2B a plus, octets are UTF-8.", TAGS)
def copy_tags_are_a_form(s3: Bench) -> None:
    tags = {"a b+c": "é=漢 + /:@_-.", " edge ": " x "}
    where = s3.put()
    s3.legal_copy(
        where, StorageClass="STANDARD", TaggingDirective="REPLACE", Tagging=urlencode(tags)
    )
    assert s3.tags(where) == tags


@fact("CopySourceIfMatch with another ETag is 412 and copies nothing.", COPY)
def copy_source_guard(s3: Bench) -> None:
    where = s3.put(Tagging="old=1")
    with refused("PreconditionFailed"):
        s3.legal_copy(
            where,
            StorageClass="STANDARD",
            CopySourceIfMatch='"0"',
            TaggingDirective="REPLACE",
            Tagging="new=1",
        )
    assert s3.tags(where) == {"old": "1"}


@fact(
    "IfMatch with another ETag than the target's is 412 and copies nothing.",
    "S3 User Guide, How to prevent object overwrites with conditional writes",
)
def copy_target_guard(s3: Bench) -> None:
    where = s3.put(Tagging="old=1")
    with refused("PreconditionFailed"):
        s3.legal_copy(
            where,
            StorageClass="STANDARD",
            IfMatch='"0"',
            TaggingDirective="REPLACE",
            Tagging="new=1",
        )
    assert s3.tags(where) == {"old": "1"}


@fact("A copy of a missing object is NoSuchKey.", COPY)
def copy_of_missing(s3: Bench) -> None:
    with refused("NoSuchKey"):
        s3.legal_copy({"Bucket": s3.bucket(), "Key": "missing"}, StorageClass="STANDARD")


@fact("In a versioned bucket a copy is a new version; the old one stays with its tags.", COPY)
def copy_is_a_version(s3: Bench) -> None:
    where = s3.put("versioned", Tagging="old=1")
    before = s3.head_object(**where)["VersionId"]
    answer = s3.legal_copy(
        where, StorageClass="STANDARD", TaggingDirective="REPLACE", Tagging="new=1"
    )
    after = s3.head_object(**where)["VersionId"]
    assert answer["VersionId"] == after != before
    assert s3.tags({**where, "VersionId": before}) == {"old": "1"}
    assert s3.tags(where) == {"new": "1"}


@fact("The ETag of an object in one part under SSE-S3 stays the same.", COPY)
def copy_keeps_e_tag(s3: Bench) -> None:
    where = s3.put()
    before = s3.head_object(**where)["ETag"]
    assert s3.legal_copy(where, StorageClass="STANDARD")["CopyObjectResult"]["ETag"] == before


@fact("A copy has a new modification time.", COPYING)
def copy_moves_time(s3: Bench) -> None:
    where = s3.put()
    before = s3.head_object(**where)["LastModified"]
    time.sleep(1.1)
    s3.legal_copy(where, StorageClass="STANDARD")
    assert s3.head_object(**where)["LastModified"] > before


@fact("More than ten tags are refused, and nothing is copied.", TAGS)
def copy_with_eleven_tags(s3: Bench) -> None:
    where = s3.put(Tagging="old=1")
    eleven = urlencode({f"tag{number}": "x" for number in range(11)})
    with refused("BadRequest", "InvalidTag"):
        s3.legal_copy(where, StorageClass="STANDARD", TaggingDirective="REPLACE", Tagging=eleven)
    assert s3.tags(where) == {"old": "1"}


@fact("An archived object is not copied: 403 InvalidObjectState.", "S3 API Reference, GetObject")
def copy_of_archived(s3: Bench) -> None:
    where = s3.put(StorageClass="GLACIER")
    with refused("InvalidObjectState"):
        s3.legal_copy(where, StorageClass="GLACIER")


@fact("An empty object and a folder marker are copied like any other.", RECORDED)
def copy_of_empty(s3: Bench) -> None:
    for key in ("empty", "folder/"):
        where = s3.put(key=key, Body=b"")
        s3.legal_copy(where, StorageClass="STANDARD", TaggingDirective="REPLACE", Tagging="a=1")
        assert s3.tags(where) == {"a": "1"}
        assert s3.head_object(**where)["ContentLength"] == 0


@fact("A copy has a private ACL unless the request sets another.", COPY)
def copy_loses_acl(s3: Bench) -> None:
    where = s3.put("acls")
    group = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
    owner = s3.get_object_acl(**where)["Owner"]["ID"]
    s3.put_object_acl(**where, GrantFullControl=f'id="{owner}"', GrantReadACP=f'uri="{group}"')
    assert len(s3.get_object_acl(**where)["Grants"]) == 2
    s3.legal_copy(where, StorageClass="STANDARD")
    [grant] = s3.get_object_acl(**where)["Grants"]
    assert (grant["Grantee"]["ID"], grant["Permission"]) == (owner, "FULL_CONTROL")


@fact("A copy request can set grants.", COPY)
def copy_takes_grants(s3: Bench) -> None:
    where = s3.put("acls")
    group = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
    owner = s3.get_object_acl(**where)["Owner"]["ID"]
    s3.legal_copy(
        where,
        StorageClass="STANDARD",
        GrantFullControl=f'id="{owner}"',
        GrantReadACP=f'uri="{group}"',
    )
    grants = s3.get_object_acl(**where)["Grants"]
    assert {grant["Permission"] for grant in grants} == {"FULL_CONTROL", "READ_ACP"}


@fact(
    "A copy keeps the checksum's algorithm.",
    "S3 User Guide, Checking object integrity in Amazon S3",
)
def copy_keeps_checksum(s3: Bench) -> None:
    where = s3.put(ChecksumAlgorithm="SHA256")
    before = s3.head_object(**where, ChecksumMode="ENABLED")["ChecksumSHA256"]
    s3.legal_copy(where, StorageClass="STANDARD")
    assert s3.head_object(**where, ChecksumMode="ENABLED")["ChecksumSHA256"] == before


# --- multipart copies ---------------------------------------------------------------------------


@fact("A multipart copy inherits nothing.", PARTS)
def parts_inherit_nothing(s3: Bench) -> None:
    where = s3.put(Metadata={"camera": "x"}, ContentType="image/png", Tagging="old=1")
    s3.multipart_copy(where, [(0, 6)])
    head = s3.head_object(**where)
    assert head["Metadata"] == {}
    assert head["ContentType"] != "image/png"
    assert s3.tags(where) == {}


@fact("Metadata, headers and tags of CreateMultipartUpload are the finished object's.", PARTS)
def parts_take_attributes(s3: Bench) -> None:
    where = s3.put()
    s3.multipart_copy(
        where,
        [(0, 6)],
        Metadata={"camera": "x"},
        ContentType="image/png",
        CacheControl="max-age=60",
        Tagging="AssetID=asset%3A1&theirs=a+b",
    )
    head = s3.head_object(**where)
    assert (head["Metadata"], head["ContentType"]) == ({"camera": "x"}, "image/png")
    assert head["CacheControl"] == "max-age=60"
    assert s3.tags(where) == {"AssetID": "asset:1", "theirs": "a b"}
    assert s3.body(where) == b"content"


@fact("Class and website redirect of CreateMultipartUpload are the finished object's.", PARTS)
def parts_take_class_and_redirect(s3: Bench) -> None:
    where = s3.put()
    s3.multipart_copy(where, [(0, 6)], StorageClass="STANDARD_IA", WebsiteRedirectLocation="/there")
    head = s3.head_object(**where)
    assert (head.get("StorageClass"), head.get("WebsiteRedirectLocation")) == (
        "STANDARD_IA",
        "/there",
    )


@fact("A lock set by CreateMultipartUpload is the finished object's.", PARTS)
def parts_take_lock(s3: Bench) -> None:
    where = s3.put("locks")
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    s3.multipart_copy(
        where,
        [(0, 6)],
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=until,
        ObjectLockLegalHoldStatus="ON",
    )
    head = s3.head_object(**where)
    assert head.get("ObjectLockRetainUntilDate") == until
    assert head.get("ObjectLockLegalHoldStatus") == "ON"


@fact("A part is guarded by CopySourceIfMatch: 412.", "S3 API Reference, UploadPartCopy")
def parts_source_guard(s3: Bench) -> None:
    where = s3.put()
    with refused("PreconditionFailed"):
        s3.multipart_copy(where, [(0, 6)], part={"CopySourceIfMatch": '"0"'})


@fact(
    "CompleteMultipartUpload is guarded by IfMatch: 412, and the object stays.",
    "S3 API Reference, CompleteMultipartUpload",
)
def parts_target_guard(s3: Bench) -> None:
    where = s3.put(Tagging="old=1")
    with refused("PreconditionFailed"):
        s3.multipart_copy(where, [(0, 6)], end={"IfMatch": '"0"'}, Tagging="new=1")
    assert s3.tags(where) == {"old": "1"}


@fact(
    "Parts of 5 MiB and a last one of any size make the object whole; its ETag ends in -N.",
    "S3 User Guide, Amazon S3 multipart upload limits",
)
def parts_at_boundaries(s3: Bench) -> None:
    content = bytes(range(256)) * (20 * 1024) + b"!"
    where = s3.put(Body=content)
    size = 5 * MIB
    answer = s3.multipart_copy(where, [(0, size - 1), (size, size)])
    assert answer["ETag"].strip('"').endswith("-2")
    assert s3.body(where) == content


@fact(
    "A part that is not the last and smaller than 5 MiB is refused: EntityTooSmall.",
    "S3 User Guide, Amazon S3 multipart upload limits",
)
def parts_have_a_least_size(s3: Bench) -> None:
    where = s3.put()
    with refused("EntityTooSmall"):
        s3.multipart_copy(where, [(0, 2), (3, 6)])


@fact(
    "An aborted upload no longer exists, for its parts and for its completion: NoSuchUpload.",
    "S3 API Reference, AbortMultipartUpload",
)
def parts_abort(s3: Bench) -> None:
    where = s3.put()
    upload = {**where, "UploadId": s3.create_multipart_upload(**where)["UploadId"]}
    s3.abort_multipart_upload(**upload)
    with refused("NoSuchUpload"):
        s3.upload_part_copy(**upload, PartNumber=1, CopySource=where)
    with refused("NoSuchUpload"):
        s3.complete_multipart_upload(
            **upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}
        )


# --- tags ---------------------------------------------------------------------------------------


@fact("PutObjectTagging replaces the whole set.", "S3 API Reference, PutObjectTagging")
def tags_replace(s3: Bench) -> None:
    where = s3.put(Tagging="old=1&kept=2")
    s3.tag(where, {"new": "1"})
    assert s3.tags(where) == {"new": "1"}


@fact("An object has ten tags at most.", TAGS)
def tags_are_ten(s3: Bench) -> None:
    where = s3.put()
    s3.tag(where, {f"tag{number}": "x" for number in range(10)})
    with refused("BadRequest", "InvalidTag"):
        s3.tag(where, {f"tag{number}": "x" for number in range(11)})
    assert len(s3.tags(where)) == 10


@fact("Keys have 128 characters at most and values 256.", TAGS)
def tags_have_lengths(s3: Bench) -> None:
    where = s3.put()
    longest = {"k" * 128: "v" * 256}
    s3.tag(where, longest)
    for tags in ({"k" * 129: "v"}, {"k": "v" * 257}):
        with refused("InvalidTag"):
            s3.tag(where, tags)
    assert s3.tags(where) == longest


@fact("Letters, digits and spaces of any script and + - = . _ : / @ are allowed.", TAGS)
def tags_allow_characters(s3: Bench) -> None:
    where = s3.put()
    tags = {"Ünï 漢字+-=._:/@": "٣Ⅷ +-=._:/@", "empty": "", " edge ": " x "}
    s3.tag(where, tags)
    assert s3.tags(where) == tags


@fact("Other characters are refused: InvalidTag.", TAGS)
def tags_reject_characters(s3: Bench) -> None:
    where = s3.put()
    for sign in "#&,;\"'<>!?*|\\":
        with refused("InvalidTag"):
            s3.tag(where, {f"a{sign}b": "x"})


@fact("Keys that begin with aws: are refused: InvalidTag.", TAGS)
def tags_reserve_a_prefix(s3: Bench) -> None:
    with refused("InvalidTag"):
        s3.tag(s3.put(), {"aws:mine": "x"})


@fact("Writing tags changes neither ETag nor modification time nor version.", TAGS)
def tags_change_nothing_else(s3: Bench) -> None:
    where = s3.put("versioned", Metadata={"a": "b"})
    before = s3.head_object(**where)
    time.sleep(1.1)
    s3.tag(where, {"a": "b"})
    after = s3.head_object(**where)
    for name in ("ETag", "LastModified", "VersionId", "Metadata"):
        assert after[name] == before[name]


@fact("A head shows how many tags there are.", "S3 API Reference, HeadObject")
def tags_are_counted(s3: Bench) -> None:
    answer = s3.head_object(**s3.put(Tagging="a=1&b=2"))
    assert answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-tagging-count") == "2"


@fact("Tags go to the version that is named.", "S3 API Reference, PutObjectTagging")
def tags_of_a_version(s3: Bench) -> None:
    where = s3.put("versioned")
    first = s3.head_object(**where)["VersionId"]
    s3.put("versioned", key=where["Key"], Tagging="new=1")
    s3.tag({**where, "VersionId": first}, {"old": "1"})
    assert s3.tags(where) == {"new": "1"}
    assert s3.tags({**where, "VersionId": first}) == {"old": "1"}


@fact("Tags of an archived object are read and written.", "our reading of TAGS; no page says so")
def tags_of_archived(s3: Bench) -> None:
    where = s3.put(StorageClass="GLACIER")
    s3.tag(where, {"a": "1"})
    assert s3.tags(where) == {"a": "1"}


# --- listing and keys ---------------------------------------------------------------------------


@fact("A listing is in the order of the keys' UTF-8 bytes.", LISTING)
def listing_order(s3: Bench) -> None:
    prefix = f"order-{uuid.uuid4().hex}/"
    keys = ["a", "a b", "a-", "a.b", "a/b", "a0", "A", "ä", "\uffee", "\U00010348", "b/", "b/c"]
    for key in keys:
        s3.put(key=prefix + key)
    answer = s3.list_objects_v2(Bucket=s3.bucket(), Prefix=prefix)
    found = [entry["Key"] for entry in answer["Contents"]]
    assert found == sorted((prefix + key for key in keys), key=str.encode)


@fact("StartAfter is exclusive and need not exist.", LISTING)
def listing_start_after(s3: Bench) -> None:
    prefix = f"after-{uuid.uuid4().hex}/"
    for key in ("a", "b", "c"):
        s3.put(key=prefix + key)
    for start, expected in (("a", ["b", "c"]), ("aa", ["b", "c"]), ("c", [])):
        answer = s3.list_objects_v2(Bucket=s3.bucket(), Prefix=prefix, StartAfter=prefix + start)
        assert [e["Key"] for e in answer.get("Contents", [])] == [prefix + k for k in expected]


@fact("A truncated page names the token of the next page.", LISTING)
def listing_pages(s3: Bench) -> None:
    prefix = f"pages-{uuid.uuid4().hex}/"
    keys = [f"{prefix}{number} +%" for number in range(5)]
    for key in keys:
        s3.put(key=key)
    found: list[str] = []
    position: dict[str, str] = {}
    while True:
        page = s3.list_objects_v2(Bucket=s3.bucket(), Prefix=prefix, MaxKeys=2, **position)
        found += [entry["Key"] for entry in page["Contents"]]
        if not page["IsTruncated"]:
            break
        position = {"ContinuationToken": page["NextContinuationToken"]}
    assert found == keys


def _round_trip(s3: Bench, names: list[str]) -> None:
    prefix = f"odd-{uuid.uuid4().hex}/"
    lost = []
    for number, name in enumerate(names):
        key = f"{prefix}{number}{name}"
        try:
            where = s3.put(key=key, Body=key.encode())
            listed = s3.list_objects_v2(Bucket=s3.bucket(), Prefix=f"{prefix}{number}")
            s3.legal_copy(where, StorageClass="STANDARD", TaggingDirective="REPLACE", Tagging="a=1")
            whole = s3.body(where) == key.encode() and s3.tags(where) == {"a": "1"}
            if not whole or [entry["Key"] for entry in listed.get("Contents", [])] != [key]:
                lost.append(name)
        except (ClientError, BotoCoreError):
            lost.append(name)
    assert not lost, f"not carried: {lost!r}"


@fact("Keys with spaces, plus, percent, quotes, commas and emoji come back as they are.", KEYS)
def keys_with_special_characters(s3: Bench) -> None:
    _round_trip(
        s3, [" a b", "+", "%", "%2F", "100%25", "\"',;", "&<>", "?x=1#y", "=1+1", "😀", "e\u0301"]
    )


@fact("Keys with line ends and tabs come back as they are.", KEYS)
def keys_with_line_ends(s3: Bench) -> None:
    _round_trip(s3, ["a\nb", "a\r\nb", "\t"])


@fact("Keys with control characters come back as they are.", KEYS)
def keys_with_controls(s3: Bench) -> None:
    _round_trip(s3, ["\x01", "\x1b", "\x7f", "\ufffe"])


@fact("Slashes, dots and backslashes are ordinary characters.", KEYS)
def keys_are_no_paths(s3: Bench) -> None:
    _round_trip(s3, ["a//b", "a/../b", "/./a", "a/", "back\\slash"])


@fact("A key and another that it is a folder of are two objects.", KEYS)
def keys_are_flat(s3: Bench) -> None:
    stem = f"flat-{uuid.uuid4().hex}"
    for key in (stem, f"{stem}/", f"{stem}/a"):
        s3.put(key=key, Body=key.encode())
    for key in (stem, f"{stem}/", f"{stem}/a"):
        assert s3.body({"Bucket": s3.bucket(), "Key": key}) == key.encode()


@fact("A key has 1,024 bytes at most: KeyTooLongError.", KEYS)
def keys_have_a_length(s3: Bench) -> None:
    s3.put(key="é" * 512)
    with refused("KeyTooLongError"):
        s3.put(key="é" * 512 + "x")


# --- what else a sync depends on ------------------------------------------------------------------


@fact(
    "A new object is encrypted, with SSE-S3 by default.",
    "S3 User Guide, Setting default server-side encryption behavior",
)
def objects_are_encrypted(s3: Bench) -> None:
    assert s3.head_object(**s3.put()).get("ServerSideEncryption") == "AES256"


@fact("A head leaves out the class STANDARD.", "S3 API Reference, HeadObject")
def head_without_standard(s3: Bench) -> None:
    assert "StorageClass" not in s3.head_object(**s3.put())


@fact(
    "Behind a delete marker there is no object: its head is 404.",
    "S3 User Guide, Working with delete markers",
)
def marker_hides(s3: Bench) -> None:
    where = s3.put("versioned")
    s3.delete_object(**where)
    with refused("404"):
        s3.head_object(**where)
    with refused("NoSuchKey", "MethodNotAllowed"):
        s3.get_object_tagging(**where)


@fact(
    "A request that expects another owner is 403 AccessDenied.",
    "S3 User Guide, Verifying bucket ownership with bucket owner condition",
)
def owner_is_checked(s3: Bench) -> None:
    where = s3.put()
    other = {"ExpectedBucketOwner": "999999999999"}
    with refused("403"):
        s3.head_object(**where, **other)
    with refused("AccessDenied"):
        s3.legal_copy(where, StorageClass="STANDARD", **other)
    with refused("AccessDenied"):
        s3.get_object_tagging(**where, **other)


@fact(
    "A new bucket enforces its owner; ACLs are not supported there.",
    "S3 User Guide, Controlling ownership of objects and disabling ACLs for your bucket",
)
def acls_are_disabled(s3: Bench) -> None:
    answer = s3.get_bucket_ownership_controls(Bucket=s3.bucket())
    [rule] = answer["OwnershipControls"]["Rules"]
    assert rule["ObjectOwnership"] == "BucketOwnerEnforced"
    with refused("AccessControlListNotSupported"):
        s3.put(ACL="public-read")


@fact(
    "A bucket without object lock returns ObjectLockConfigurationNotFoundError.",
    "S3 API Reference, GetObjectLockConfiguration",
)
def locks_are_off(s3: Bench) -> None:
    with refused("ObjectLockConfigurationNotFoundError"):
        s3.get_object_lock_configuration(Bucket=s3.bucket())
    answer = s3.get_object_lock_configuration(Bucket=s3.bucket("locks"))
    assert answer["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"


@fact(
    "A version without retention or hold returns NoSuchObjectLockConfiguration.",
    "S3 API Reference, List of error codes",
)
def locks_are_absent(s3: Bench) -> None:
    where = s3.put("locks")
    with refused("NoSuchObjectLockConfiguration"):
        s3.get_object_retention(**where)
    with refused("NoSuchObjectLockConfiguration"):
        s3.get_object_legal_hold(**where)


@fact("A retention reads back as it was set.", "S3 API Reference, GetObjectRetention")
def locks_read_back(s3: Bench) -> None:
    where = s3.put("locks")
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    s3.put_object_retention(**where, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until})
    retention = s3.get_object_retention(**where)["Retention"]
    assert retention == {"Mode": "GOVERNANCE", "RetainUntilDate": until}


# --- where other servers differ -----------------------------------------------------------------

LOCAL: Final = "local"
SEAWEEDFS: Final = "seaweedfs"
AWS: Final = "aws"

SERVERS: Final = {
    LOCAL: "the local cloud of `asset-sync up` (moto 5.2 with patches)",
    SEAWEEDFS: "SeaweedFS 4.48 (`weed mini`)",
    AWS: "AWS: the pack has not been run there yet",
}

DIFFERENCES: Final[Mapping[str, Mapping[str, str]]] = {
    LOCAL: {
        "keys-have-a-length": "longer keys are taken",
    },
    SEAWEEDFS: {
        "copy-with-same-class": "refused; new tags or new metadata make it legal",
        "copy-with-same-encryption": "refused",
        "copy-loses-class": "the class stays",
        "copy-loses-redirect": "there is no website redirect",
        "copy-loses-lock": "the legal hold stays",
        "copy-takes-lock": "the lock is dropped",
        "copy-of-archived": "classes are names only: the copy succeeds",
        "copy-of-empty": "a key that ends in a slash is a directory and cannot be copied",
        "copy-loses-acl": "ACLs cannot be written without credentials",
        "copy-takes-grants": "the grants are dropped",
        "parts-take-class-and-redirect": "the redirect is dropped",
        "tags-reserve-a-prefix": "such keys are taken",
        "listing-order": "in order of a tree of directories",
        "keys-are-no-paths": "keys are paths: slashes are merged, dots are refused",
        "keys-are-flat": "an object and a directory of one name exclude each other",
        "keys-have-a-length": "refused already where one segment has more than 255 bytes",
        "objects-are-encrypted": "objects are plain",
        "owner-is-checked": "the expected owner is ignored",
        "acls-are-disabled": "ownership controls cannot be read without credentials",
        "locks-are-absent": "the code is ObjectLockConfigurationNotFoundError, as for a bucket",
    },
    AWS: {},
}
