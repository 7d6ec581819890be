"""Customers' buckets on S3.

This module owns the requests. Which attributes a copy must set is in `object_attributes`, the rules
for ACLs are in `object_acl`, for locks in `object_lock`, and multipart copies in `multipart_copy`.
Every request has the bucket's expected owner, and no write replaces an object whose ETag differs
from the one that was read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from adapters.aws.bucket_settings import read_setting
from adapters.aws.error_codes import DELETE_MARKER_CODES
from adapters.aws.errors import code_of, map_aws_errors
from adapters.aws.multipart_copy import MultipartCopies
from adapters.aws.object_acl import ObjectAcls
from adapters.aws.object_attributes import (
    copy_attributes,
    extra_permissions,
    multipart_metadata,
    read_head,
)
from adapters.aws.object_lock import ObjectLocks
from adapters.aws.object_reads import read_page, read_tags
from adapters.aws.responses import e_tag_of, header_of, optional
from domain.bucket_report import Setting
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


# What a status without a message means, of a HEAD, if S3 does not reject the same request as a GET:
# the error, its text after the object's name, and its code.
_BARE_HEADS: Final[Mapping[str | None, tuple[type[PortError], str, str]]] = {
    # Without a message, the cause may also be a request signed at a wrong time.
    "403": (
        Unavailable,
        ": HEAD was denied (403), but GET with the same permission was not",
        "403",
    ),
    # S3 User Guide, "Using server-side encryption with customer-provided keys": without the key S3
    # rejects even a HEAD.
    "400": (
        Refused,
        " is encrypted with a key that only its owner has (SSE-C)",
        "CustomerKey",
    ),
}


class S3ObjectStore:
    """Lists, reads and writes the objects of S3 buckets.

    Args:
        client: The S3 client; its connection pool bounds the callers' concurrency.
        clock: For retentions that have ended, and for responses without a date.
        unencrypted_as: The encryption of copies of objects from before S3 encrypted everything.
            SSE-S3 needs no KMS permission, so no reader loses access, whatever the bucket's
            default is. None for a store without encryption.
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
        # Suspended versioning keeps only a null version, which a copy replaces.
        return BucketInfo(
            versioned=status == "Enabled",
            requester_pays=requester_pays,
            other_region=None if region == self._client.meta.region_name else region,
        )

    async def setting(self, bucket: Bucket, setting: Setting) -> str:
        if setting is Setting.REGION:
            return await self._region(bucket) or ""
        return await read_setting(self._client, bucket.name, setting, _owner(bucket))

    async def list_objects(
        self, bucket: Bucket, *, prefix: str, start_after: str | None, token: str | None = None
    ) -> AsyncIterator[ListedPage]:
        """See the port.

        The order is S3's own: UTF-8 bytes. The SDK requests encoded keys and decodes them, so
        EncodingType is not set here; with it the caller would get encoded keys.
        """
        shown: set[str | None] = {token}
        # A token alone determines where its page begins.
        after = start_after if token is None else None
        while True:
            position: dict[str, Any] = {} if start_after is None else {"StartAfter": start_after}
            if token is not None:
                position = {"ContinuationToken": token}
            with map_aws_errors("s3", operation="ListObjectsV2", resource=bucket.name):
                response = await self._client.list_objects_v2(
                    Bucket=bucket.name, Prefix=prefix, **position, **_owner(bucket)
                )
                page = read_page(response, prefix=prefix, after=after, shown=shown)
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

        S3 returns 405 for a delete marker; a head confirms it.
        """
        try:
            return await self._read_tags(bucket, key)
        except Refused as error:
            if error.vendor_code in DELETE_MARKER_CODES:
                await self.head(bucket, key)
            raise

    async def head(self, bucket: Bucket, key: str) -> ObjectHead:
        """See the port.

        A response to HEAD has no body, so a missing bucket looks like a missing object. Only then
        the bucket is checked too.
        """
        where = f"{bucket.name}/{key}"
        try:
            with map_aws_errors("s3", operation="HeadObject", resource=where):
                response = await self._client.head_object(
                    Bucket=bucket.name, Key=key, **_owner(bucket)
                )
                return read_head(key, response)
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

        The version is named if there is one, so that the tags cannot be written to a newer version
        that was never read. That needs s3:PutObjectVersionTagging.
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

    async def copy_in_place(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> WrittenObject:
        """See the port.

        The source's ETag guards what is read, the target's what is replaced, because a copy may
        take minutes. No version is named: the current version must be the known one, or the copy
        would bring back an old one.
        """
        attributes = await self._copy_attributes(bucket, head, tags)
        e_tag = f'"{head.e_tag}"'
        with map_aws_errors(
            "s3",
            operation="CopyObject",
            resource=f"{bucket.name}/{head.key}",
            needed=extra_permissions(attributes),
        ):
            response = await self._client.copy_object(
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
                e_tag=e_tag_of(response, "CopyObjectResult", "ETag"),
                version_id=optional(response, "VersionId"),
            )

    async def access(self, bucket: Bucket, head: ObjectHead) -> Mapping[str, object]:
        return {
            **await self._locks.copy_parameters(bucket, head, _owner(bucket)),
            **await self._acls.copy_parameters(bucket, head.key, _owner(bucket)),
        }

    async def create_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> str:
        attributes = await self._copy_attributes(bucket, head, tags)
        return await self._uploads.create(
            bucket.name,
            head,
            attributes=attributes | multipart_metadata(head),
            owner=_owner(bucket),
        )

    async def copy_part(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, part: Part
    ) -> CopiedPart:
        owners = _owner(bucket) | _source_owner(bucket)
        return await self._uploads.copy_part(bucket.name, head, copy_id, part, owners=owners)

    async def complete_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, parts: Sequence[CopiedPart]
    ) -> WrittenObject:
        return await self._uploads.complete(bucket.name, head, copy_id, parts, owner=_owner(bucket))

    async def abort_multipart_copy(self, bucket: Bucket, key: str, copy_id: str) -> None:
        await self._uploads.abort(bucket.name, key, copy_id, owner=_owner(bucket))

    async def _read_tags(self, bucket: Bucket, key: str) -> ObjectTags:
        with map_aws_errors("s3", operation="GetObjectTagging", resource=f"{bucket.name}/{key}"):
            try:
                response: Mapping[str, Any] = await self._client.get_object_tagging(
                    Bucket=bucket.name, Key=key, **_owner(bucket)
                )
            except ClientError as error:
                if code_of(error) != _NO_TAGS:
                    raise
                response = {**error.response, "TagSet": []}
            return read_tags(response, now=self._clock.now())

    async def _copy_attributes(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return what both kinds of copies must set explicitly for the object.

        Raises:
            Archived: It must not be copied; S3 itself would copy a restored one.
        """
        if is_archived(head):
            where = f"{bucket.name}/{head.key}"
            raise Archived(f"{where} is archived", operation="CopyObject", resource=where)
        return {
            "Tagging": urlencode(tags),
            **copy_attributes(head, unencrypted_as=self._unencrypted_as),
            **await self.access(bucket, head),
        }

    async def _explain(self, bucket: Bucket, key: str) -> None:
        """Raise S3's error with a message if HEAD got only a status, unless it denies the object.

        Expired credentials, for one, are a 400 as well.
        """
        where = f"{bucket.name}/{key}"
        with suppress(Refused), map_aws_errors("s3", operation="GetObject", resource=where):
            response: Any = await self._client.get_object(
                Bucket=bucket.name, Key=key, Range="bytes=0-0", **_owner(bucket)
            )
            if "Body" in response:
                response["Body"].close()

    async def _region(self, bucket: Bucket) -> str | None:
        """Return the Region of an existing bucket, if the store returns it.

        S3 API Reference, "HeadBucket": S3 returns it whatever the caller's permissions are, so a
        denial has it too. A role that may list only some prefixes gets one.
        """
        response: Mapping[str, Any]
        with map_aws_errors("s3", operation="HeadBucket", resource=bucket.name):
            try:
                response = await self._client.head_bucket(Bucket=bucket.name, **_owner(bucket))
            except ClientError as error:
                response = error.response
                if response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                    raise
            return header_of(response, "x-amz-bucket-region") or None

    async def _check_bucket(self, bucket: Bucket, key: str) -> None:
        """Raise Misconfigured if there is no such bucket.

        The key is used as the prefix: `s3:prefix` may restrict a role to some prefixes (S3 User
        Guide, "Bucket policy examples using condition keys"), which contain its objects.
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
