"""The S3 requests of the emulator: reading a manifest in ranges, writing report files.

Ranges instead of one long body, because a job may take a long time between two rows, and a server
would close the response.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from adapters.local_aws.s3_batch_operations.errors import ManifestRejected
from adapters.local_aws.s3_batch_operations.job_spec import ManifestSpec, ReportSpec

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

# FailureCodes are guesses: AWS publishes no list of them.
_UNREADABLE = "ManifestNotReadable"
_CHANGED = "ManifestETagMismatch"
_ENCRYPTED = "ManifestEncryptionNotSupported"

StorageError = (BotoCoreError, ClientError)
"""Exceptions of S3 requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestObject:
    """A manifest that exists, is readable, and has the ETag of the job."""

    spec: ManifestSpec
    size_bytes: int


async def open_manifest(s3: "S3Client", spec: ManifestSpec) -> ManifestObject:
    """Check the manifest without reading it.

    Raises:
        ManifestRejected: It cannot be read, has another ETag, or is encrypted in a way
            that Batch Operations does not support.
    """
    try:
        head = await s3.head_object(Bucket=spec.bucket, Key=spec.key, **_version(spec))
    except StorageError as error:
        raise _unreadable(error) from error
    if head["ETag"].strip('"') != spec.etag:
        raise _changed()
    # "Creating an S3 Batch Operations job" (S3 User Guide): a CSV manifest may be
    # encrypted neither with KMS keys nor with customer keys. (With a customer key the
    # HeadObject above has failed already.)
    if head.get("ServerSideEncryption", "").startswith("aws:kms"):
        raise ManifestRejected(_ENCRYPTED, "The manifest must not be encrypted with a KMS key")
    return ManifestObject(spec=spec, size_bytes=head["ContentLength"])


async def manifest_blocks(
    s3: "S3Client", manifest: ManifestObject, block_bytes: int
) -> AsyncIterator[bytes]:
    """Yield the manifest's bytes, one block in memory at a time.

    Raises:
        ManifestRejected: It became unreadable or was replaced while it was read.
    """
    spec = manifest.spec
    for start in range(0, manifest.size_bytes, block_bytes):
        end = min(start + block_bytes, manifest.size_bytes) - 1
        try:
            response = await s3.get_object(
                Bucket=spec.bucket,
                Key=spec.key,
                Range=f"bytes={start}-{end}",
                **_version(spec),
            )
            async with response["Body"] as body:
                block = await body.read()
        except StorageError as error:
            raise _unreadable(error) from error
        if response["ETag"].strip('"') != spec.etag:
            raise _changed()
        yield block


async def put_report_object(
    s3: "S3Client", spec: ReportSpec, key: str, body: bytes | IO[bytes], encryption: str | None
) -> None:
    """Write one object of a report."""
    optional: dict[str, Any] = {}
    if encryption is not None:
        optional["ServerSideEncryption"] = encryption
    if spec.expected_owner is not None:
        optional["ExpectedBucketOwner"] = spec.expected_owner
    await s3.put_object(Bucket=spec.bucket, Key=key, Body=body, **optional)


def _version(spec: ManifestSpec) -> dict[str, Any]:
    return {} if spec.version_id is None else {"VersionId": spec.version_id}


def _unreadable(error: Exception) -> ManifestRejected:
    # The wording is that of "Troubleshooting S3 Batch Operations" (S3 User Guide), which
    # shows it for AccessDenied; for other causes it is a guess.
    cause = error.response["Error"]["Code"] if isinstance(error, ClientError) else str(error)
    return ManifestRejected(_UNREADABLE, f"Reading the manifest is forbidden: {cause}"[:256])


def _changed() -> ManifestRejected:
    return ManifestRejected(_CHANGED, "The manifest's ETag is not the one given with the job")
