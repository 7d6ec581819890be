"""An object's attributes, from the response to HeadObject to the parameters of a copy.

This module owns which attributes a copy keeps automatically and which the request must set. S3 API
Reference, "CopyObject" (read in 2026-11): with MetadataDirective COPY only metadata is copied;
storage class, encryption, object lock and website redirect get their defaults. A multipart copy
keeps nothing ("CreateMultipartUpload").
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.responses import e_tag_of, optional, required
from domain.customer_object import Encryption, ObjectHead, ObjectLock
from ports.errors import Refused

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import HeadObjectOutputTypeDef

_SYSTEM_METADATA: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
)

_KMS: Final = "aws:kms"

# S3 User Guide, "Blocking public access", the meaning of "public".
PUBLIC_GROUPS: Final = (
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
)

CHECKSUMS: Final = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
"""S3's checksum algorithms; a response has a field `Checksum<algorithm>` for each that is set."""


def read_head(key: str, response: HeadObjectOutputTypeDef) -> ObjectHead:
    """Return the object of a HeadObject response; S3 omits what has its default value."""
    algorithms = [name for name in CHECKSUMS if f"Checksum{name}" in response]
    return ObjectHead(
        key=key,
        size_bytes=required(response, "ContentLength", of=int),
        e_tag=e_tag_of(response, "ETag"),
        last_modified=required(response, "LastModified", of=datetime),
        version_id=response.get("VersionId"),
        storage_class=response.get("StorageClass", "STANDARD"),
        archive_status=response.get("ArchiveStatus"),
        restored=_restored(response.get("Restore")),
        encryption=_encryption(response),
        website_redirect=response.get("WebsiteRedirectLocation"),
        lock=_lock(response),
        system_metadata=_system_metadata(response),
        user_metadata=dict(response.get("Metadata", {})),
        checksum_algorithm=algorithms[0] if algorithms else None,
        tag_count=response.get("TagCount"),
    )


def copy_attributes(head: ObjectHead, *, unencrypted_as: str | None) -> dict[str, Any]:
    """Return the parameters that both kinds of copies must set explicitly.

    The object's lock and its ACL are in `object_lock` and `object_acl`. Text may have octets that
    are not UTF-8; `http_octets` sends them.
    """
    parameters: dict[str, Any] = {"StorageClass": head.storage_class}
    encryption = head.encryption
    if encryption is None and unencrypted_as is not None:
        encryption = Encryption(algorithm=unencrypted_as)
    if encryption is not None:
        parameters["ServerSideEncryption"] = encryption.algorithm
        if encryption.kms_key_id is not None:
            parameters["SSEKMSKeyId"] = encryption.kms_key_id
        if encryption.bucket_key_enabled is not None:
            parameters["BucketKeyEnabled"] = encryption.bucket_key_enabled
    if head.website_redirect is not None:
        parameters["WebsiteRedirectLocation"] = head.website_redirect
    return parameters


def multipart_metadata(head: ObjectHead) -> dict[str, Any]:
    """Return the parameters that only a multipart copy must set explicitly.

    Raises:
        Refused: The SDK cannot send one of the values: an Expires that is not a date.
    """
    if isinstance(head.system_metadata.get("Expires"), str):
        raise not_copyable(head.key, "its Expires header is not a date", "Expires")
    return {**head.system_metadata, "Metadata": dict(head.user_metadata)}


def not_copyable(key: str, why: str, vendor_code: str) -> Refused:
    """Return the error for an object whose metadata cannot be sent in a request."""
    return Refused(
        f"{key}: {why} and cannot be kept in a copy; use the connector trigger 'event',"
        " which does not copy",
        operation="CreateMultipartUpload",
        resource=key,
        vendor_code=vendor_code,
    )


def extra_permissions(attributes: Mapping[str, Any]) -> str:
    """Return the permissions, besides those of every copy, that these attributes require.

    S3 API Reference, "CopyObject" and "CreateMultipartUpload", permissions; S3 User Guide,
    "Blocking public access to your Amazon S3 storage": with BlockPublicAcls a request that sets a
    public ACL fails, whatever is granted (read in 2026-11).
    """
    stated = {
        "s3:PutObjectAcl, for its ACL": _states_acl(attributes),
        "s3:PutObjectRetention, for its retention": "ObjectLockMode" in attributes,
        "s3:PutObjectLegalHold, for its legal hold": "ObjectLockLegalHoldStatus" in attributes,
        "kms:Decrypt and kms:GenerateDataKey, for its KMS key": (
            str(attributes.get("ServerSideEncryption", "")).startswith(_KMS)
        ),
    }
    needed = [right for right, is_stated in stated.items() if is_stated]
    text = f"; the copy also needs {'; '.join(needed)}" if needed else ""
    if _states_public_acl(attributes):
        text += (
            "; if the bucket blocks public ACLs (Block Public Access), no permission helps, because"
            " the object's ACL is public: use the connector trigger 'event', which does not copy"
        )
    return text


def _states_acl(attributes: Mapping[str, Any]) -> bool:
    return any(name == "ACL" or name.startswith("Grant") for name in attributes)


def _states_public_acl(attributes: Mapping[str, Any]) -> bool:
    grants = [str(value) for name, value in attributes.items() if name.startswith("Grant")]
    public = any(group in grant for grant in grants for group in PUBLIC_GROUPS)
    return public or str(attributes.get("ACL", "")).startswith("public-")


def _restored(header: str | None) -> bool:
    """Parse the header `x-amz-restore`: `ongoing-request="false", expiry-date="…"` once done."""
    return header is not None and 'ongoing-request="false"' in header


def _encryption(response: HeadObjectOutputTypeDef) -> Encryption | None:
    algorithm = response.get("ServerSideEncryption")
    if algorithm is None:
        return None
    return Encryption(
        algorithm=algorithm,
        kms_key_id=response.get("SSEKMSKeyId"),
        # Absent means no. It is set explicitly so that the bucket's default does not turn it on.
        bucket_key_enabled=response.get("BucketKeyEnabled", False) if algorithm == _KMS else None,
    )


def _lock(response: HeadObjectOutputTypeDef) -> ObjectLock | None:
    lock = ObjectLock(
        mode=response.get("ObjectLockMode"),
        retain_until=optional(response, "ObjectLockRetainUntilDate", of=datetime),
        legal_hold=response.get("ObjectLockLegalHoldStatus"),
    )
    return None if lock == ObjectLock() else lock


def _system_metadata(response: HeadObjectOutputTypeDef) -> dict[str, str | datetime]:
    found: dict[str, str | datetime] = {}
    fields: dict[str, Any] = dict(response)
    for name in _SYSTEM_METADATA:
        if name in fields:
            found[name] = fields[name]
    if "ExpiresString" in fields:
        found["Expires"] = _expires(fields["ExpiresString"])
    return found


def _expires(text: str) -> str | datetime:
    """Return the time that a header names, or its text if it would be written differently."""
    try:
        time = parsedate_to_datetime(text)
    except ValueError:
        return text
    return time if time.tzinfo is not None and _http_date(time) == text else text


def _http_date(time: datetime) -> str:
    """Return the time as the SDK writes it into a header."""
    return format_datetime(time.astimezone(UTC), usegmt=True)
