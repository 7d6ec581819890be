"""Where moto differs from AWS in a way that we depend on, and the difference is small.

Each module mends one thing, cites the AWS page that says how it should be, and has a test. A mend
that upstream makes unnecessary is deleted with its module.
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
    sqs_long_polls,
    transactions,
)
from adapters.local_aws.aws_emulator.request_lock import Gate


def apply(gate: Gate) -> None:
    """Mend moto in this process; call it once, before the first request."""
    costs.mend()
    transactions.mend()
    sqs_long_polls.mend(gate)
    s3_keys.mend()
    s3_acls.mend()
    s3_archived.mend()
    s3_copies.mend()
    s3_encryption.mend()
    s3_events.mend()
    s3_locks.mend()
    s3_multipart.mend()
    s3_ownership.mend()
    s3_subresources.mend()
    s3_tags.mend()
