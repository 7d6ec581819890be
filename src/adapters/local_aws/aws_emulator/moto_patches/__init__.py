"""Patches for small differences between moto and AWS that the service depends on.

Each module patches one behaviour, cites the AWS page that describes the correct behaviour, and has
a test. Delete a patch when moto no longer needs it.
"""

from adapters.local_aws.aws_emulator.moto_patches import (
    costs,
    s3_acls,
    s3_archived,
    s3_copies,
    s3_encryption,
    s3_events,
    s3_keys,
    s3_locks,
    s3_multipart,
    s3_ownership,
    s3_subresources,
    s3_tags,
    sqs_ages,
    sqs_long_polls,
    transactions,
)
from adapters.local_aws.aws_emulator.request_lock import RequestLock


def apply_all(request_lock: RequestLock) -> None:
    """Patch moto in this process; call it once, before the first request."""
    costs.apply()
    transactions.apply()
    sqs_ages.apply()
    sqs_long_polls.apply(request_lock)
    s3_keys.apply()
    s3_acls.apply()
    s3_archived.apply()
    s3_copies.apply()
    s3_encryption.apply()
    s3_events.apply()
    s3_locks.apply()
    s3_multipart.apply()
    s3_ownership.apply()
    s3_subresources.apply()
    s3_tags.apply()
