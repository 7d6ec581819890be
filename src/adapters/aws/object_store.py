"""Customers' buckets on S3.

Owns the requests; which attribute has to be restated in a copy stands in `object_attributes`, the
rules for ACLs in `object_acl`, for locks in `object_lock`, copies in parts in `multipart_copy`.
Every request carries the bucket's expected owner, and no write goes to an object whose ETag is not
the one that was read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from adapters.aws.answers import e_tag_of, header_of, optional
from adapters.aws.error_codes import DELETE_MARKER_CODES
from adapters.aws.errors import code_of, map_aws_errors
from adapters.aws.multipart_copy import MultipartCopies
from adapters.aws.object_acl import ObjectAcls
from adapters.aws.object_attributes import (
    needed_beside,
    read_head,
    restated,
    restated_metadata,
)
from adapters.aws.object_lock import ObjectLocks
from adapters.aws.object_reads import read_page, read_tags
from domain.connector import Bucket, BucketInfo
from domain.customer_object import (
    ObjectHead,
    ObjectTags,
    WrittenObject,
    is_archived,
)
from domain.part_copy import CopiedPart, Part
from ports.clock import Clock
from ports.errors import AccessDenied, Archived, NotFound, PortError, Refused, Unavailable
from ports.object_store import ListedPage, ObjectStore

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

# S3 API Reference, "List of error codes": there are no tags.
_NO_TAGS: Final = "NoSuchTagSet"


# What a bare status of HEAD means if S3 does not refuse the same request as a GET, with words: the
# error, its text after the object's name, and its code.
_BARE_HEADS: Final[Mapping[str | None, tuple[type[PortError], str, str]]] = {
    # It may as well be that the request was signed at a wrong time.
    "403": (
        Unavailable,
        ": HEAD was refused (403) and GET, which needs the same right, was not",
        "403",
    ),
    # S3 User Guide, "Using server-side encryption with customer-provided keys": without the key S3
    # does not even answer a HEAD.
    "400": (
        Refused,
        " is encrypted with a key that only its owner has (SSE-C)",
        "CustomerKey",
    ),
}


class S3ObjectStore:
    """Lists, reads and rewrites the objects of S3 buckets.

    Args:
        client: S3; its connection pool bounds what callers do at once.
        clock: To know a retention that has ended; and the time of an answer that tells none.
        unencrypted_as: How an object from before S3 encrypted everything is encrypted from its
            copy on. With S3's own keys nobody loses access, whatever the bucket's default is.
            None for a store that knows no encryption.
    """

    def __init__(
        self,
        client: S3Client,
        *,
        clock: Clock,
        unencrypted_as: str | None = "AES256",
    ) -> None:
        self._client = client
        self._clock = clock
        self._unencrypted_as = unencrypted_as
        self._acls = ObjectAcls(client, clock)
        self._locks = ObjectLocks(client, clock)
        self._uploads = MultipartCopies(client)

    async def inspect(self, bucket: Bucket) -> BucketInfo:
        """See the port."""
        with map_aws_errors("s3", operation="GetBucketVersioning", resource=bucket.name):
            versioning = await self._client.get_bucket_versioning(
                Bucket=bucket.name, **_owner(bucket)
            )
            status = optional(versioning, "Status")
        requester_pays = False
        try:
            with map_aws_errors("s3", operation="GetBucketRequestPayment", resource=bucket.name):
                payment = await self._client.get_bucket_request_payment(
                    Bucket=bucket.name, **_owner(bucket)
                )
                requester_pays = optional(payment, "Payer") == "Requester"
        except Refused as error:
            if error.vendor_code != "NotImplemented":
                raise
        region = await self._region(bucket)
        # Suspended versioning keeps a null version only, which a copy replaces.
        return BucketInfo(
            versioned=status == "Enabled",
            requester_pays=requester_pays,
            other_region=None if region == self._client.meta.region_name else region,
        )

    async def list_objects(
        self, bucket: Bucket, *, prefix: str, start_after: str | None, token: str | None = None
    ) -> AsyncIterator[ListedPage]:
        """See the port.

        The order is S3's own: UTF-8 bytes. The SDK asks for encoded keys and decodes them, which
        is why EncodingType is not set here: with it the caller would get them encoded.
        """
        shown: set[str | None] = {token}
        # A token decides alone where its page begins.
        after = start_after if token is None else None
        while True:
            position: dict[str, Any] = {} if start_after is None else {"StartAfter": start_after}
            if token is not None:
                position = {"ContinuationToken": token}
            with map_aws_errors("s3", operation="ListObjectsV2", resource=bucket.name):
                answer = await self._client.list_objects_v2(
                    Bucket=bucket.name, Prefix=prefix, **position, **_owner(bucket)
                )
                page = read_page(answer, prefix=prefix, after=after, shown=shown)
            yield page
            if page.token is None:
                return
            token = page.token
            if page.entries:
                after = page.entries[-1].key
                shown.clear()
            shown.add(token)

    async def read_tags(self, bucket: Bucket, key: str) -> ObjectTags:
        """See the port.

        S3 answers this with 405 where there is a delete marker, as a head tells for sure.
        """
        try:
            return await self._read_tags(bucket, key)
        except Refused as error:
            if error.vendor_code in DELETE_MARKER_CODES:
                await self.head(bucket, key)
            raise

    async def head(self, bucket: Bucket, key: str) -> ObjectHead:
        """See the port.

        An answer to HEAD has no body, so a missing bucket looks like a missing object: only then
        the bucket is asked for as well.
        """
        where = f"{bucket.name}/{key}"
        try:
            with map_aws_errors("s3", operation="HeadObject", resource=where):
                answer = await self._client.head_object(
                    Bucket=bucket.name, Key=key, **_owner(bucket)
                )
                return read_head(key, answer)
        except NotFound:
            await self._check_bucket(bucket, key)
            raise
        except (AccessDenied, Refused) as error:
            if error.vendor_code not in _BARE_HEADS:
                raise
            await self._explain(bucket, key)
            kind, text, code = _BARE_HEADS[error.vendor_code]
            raise kind(
                where + text, operation="HeadObject", resource=where, vendor_code=code
            ) from error

    async def write_tags(self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]) -> None:
        """See the port.

        The version is named where there is one, so that the tags cannot land on a newer version
        that nobody has looked at. That needs s3:PutObjectVersionTagging.
        """
        version: dict[str, Any] = {} if head.version_id is None else {"VersionId": head.version_id}
        operation = "PutObjectVersionTagging" if version else "PutObjectTagging"
        with map_aws_errors("s3", operation=operation, resource=f"{bucket.name}/{head.key}"):
            await self._client.put_object_tagging(
                Bucket=bucket.name,
                Key=head.key,
                Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]},
                **version,
                **_owner(bucket),
            )

    async def rewrite(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> WrittenObject:
        """See the port.

        The source's ETag guards what is read, the target's what is replaced: a copy may take
        minutes. No version is named: the current one has to be the one that was seen, or the copy
        would bring an old one back.
        """
        attributes = await self._restated(bucket, head, tags)
        e_tag = f'"{head.e_tag}"'
        with map_aws_errors(
            "s3",
            operation="CopyObject",
            resource=f"{bucket.name}/{head.key}",
            needed=needed_beside(attributes),
        ):
            answer = await self._client.copy_object(
                Bucket=bucket.name,
                Key=head.key,
                # The SDK encodes it.
                CopySource={"Bucket": bucket.name, "Key": head.key},
                CopySourceIfMatch=e_tag,
                IfMatch=e_tag,
                MetadataDirective="COPY",
                TaggingDirective="REPLACE",
                **attributes,
                **_owner(bucket),
                **_source_owner(bucket),
            )
            return WrittenObject(
                e_tag=e_tag_of(answer, "CopyObjectResult", "ETag"),
                version_id=optional(answer, "VersionId"),
            )

    async def access(self, bucket: Bucket, head: ObjectHead) -> Mapping[str, object]:
        """See the port."""
        return {
            **await self._locks.restated(bucket, head, _owner(bucket)),
            **await self._acls.restated(bucket, head.key, _owner(bucket)),
        }

    async def create_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> str:
        """See the port."""
        attributes = await self._restated(bucket, head, tags)
        return await self._uploads.begin(
            bucket.name, head, attributes=attributes | restated_metadata(head), owner=_owner(bucket)
        )

    async def copy_part(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, part: Part
    ) -> CopiedPart:
        """See the port."""
        owners = _owner(bucket) | _source_owner(bucket)
        return await self._uploads.copy_part(bucket.name, head, copy_id, part, owners=owners)

    async def complete_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, parts: Sequence[CopiedPart]
    ) -> WrittenObject:
        """See the port."""
        return await self._uploads.finish(bucket.name, head, copy_id, parts, owner=_owner(bucket))

    async def abort_multipart_copy(self, bucket: Bucket, key: str, copy_id: str) -> None:
        """See the port."""
        await self._uploads.abort(bucket.name, key, copy_id, owner=_owner(bucket))

    async def _read_tags(self, bucket: Bucket, key: str) -> ObjectTags:
        with map_aws_errors("s3", operation="GetObjectTagging", resource=f"{bucket.name}/{key}"):
            try:
                answer: Mapping[str, Any] = await self._client.get_object_tagging(
                    Bucket=bucket.name, Key=key, **_owner(bucket)
                )
            except ClientError as error:
                if code_of(error) != _NO_TAGS:
                    raise
                answer = {**error.response, "TagSet": []}
            return read_tags(answer, now=self._clock.now())

    async def _restated(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return what both ways of copying have to be told of the object.

        Raises:
            Archived: it is not to be copied; S3 itself would copy one that is restored.
        """
        if is_archived(head):
            where = f"{bucket.name}/{head.key}"
            raise Archived(f"{where} is archived", operation="CopyObject", resource=where)
        return {
            "Tagging": urlencode(tags),
            **restated(head, unencrypted_as=self._unencrypted_as),
            **await self.access(bucket, head),
        }

    async def _explain(self, bucket: Bucket, key: str) -> None:
        """Raise what S3 says with words where HEAD got a bare code, unless it refuses the object.

        Expired credentials, for one, are a 400 as well.
        """
        where = f"{bucket.name}/{key}"
        with suppress(Refused), map_aws_errors("s3", operation="GetObject", resource=where):
            answer: Any = await self._client.get_object(
                Bucket=bucket.name, Key=key, Range="bytes=0-0", **_owner(bucket)
            )
            if "Body" in answer:
                answer["Body"].close()

    async def _region(self, bucket: Bucket) -> str | None:
        """Return the Region of a bucket that is there, if the store tells it.

        S3 API Reference, "HeadBucket": S3 does so whatever the caller's rights are, so a refusal
        serves as well. It is what a role gets that may list some prefixes only.
        """
        answer: Mapping[str, Any]
        with map_aws_errors("s3", operation="HeadBucket", resource=bucket.name):
            try:
                answer = await self._client.head_bucket(Bucket=bucket.name, **_owner(bucket))
            except ClientError as error:
                answer = error.response
                if answer["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                    raise
            return header_of(answer, "x-amz-bucket-region") or None

    async def _check_bucket(self, bucket: Bucket, key: str) -> None:
        """Raise Misconfigured if there is no such bucket.

        The key is the prefix: a role may be allowed to list some prefixes only, by `s3:prefix`
        (S3 User Guide, "Bucket policy examples using condition keys"); its objects are in those.
        """
        with map_aws_errors("s3", operation="ListObjectsV2", resource=bucket.name):
            await self._client.list_objects_v2(
                Bucket=bucket.name, Prefix=key, MaxKeys=1, **_owner(bucket)
            )


def _owner(bucket: Bucket) -> dict[str, Any]:
    owner = bucket.expected_owner
    return {} if owner is None else {"ExpectedBucketOwner": owner}


def _source_owner(bucket: Bucket) -> dict[str, Any]:
    owner = bucket.expected_owner
    return {} if owner is None else {"ExpectedSourceBucketOwner": owner}


_: type[ObjectStore] = S3ObjectStore
