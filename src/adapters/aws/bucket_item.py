"""A bucket, and how it is reached, as attributes of connectors and jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.aws.attributes import Value
from domain.connector import Bucket


def bucket_values(bucket: Bucket) -> dict[str, Value | None]:
    """Return the attributes; they are at the top level of the item."""
    return {
        "bucketName": bucket.name,
        "expectedBucketOwner": bucket.expected_owner,
        "roleArn": bucket.role_arn,
    }


def to_bucket(values: Mapping[str, Any]) -> Bucket:
    """Return the bucket of the attributes."""
    return Bucket(
        name=values["bucketName"],
        expected_owner=values.get("expectedBucketOwner"),
        role_arn=values.get("roleArn"),
    )
