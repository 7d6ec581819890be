"""Counts the service's AWS requests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

Call = tuple[str, str, str]
"""Service, operation, and for S3 the bucket ("" otherwise)."""

S3_WRITES = frozenset(
    {
        "CopyObject",
        "CreateMultipartUpload",
        "CompleteMultipartUpload",
        "DeleteObject",
        "DeleteObjectTagging",
        "PutObject",
        "PutObjectAcl",
        "PutObjectTagging",
        "UploadPartCopy",
    }
)


class RequestCounter:
    """Counts requests; thread-safe, because handlers run in several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[Call] = Counter()

    def __call__(self, service: str, operation: str, params: Mapping[str, Any]) -> None:
        """Count one request."""
        bucket = str(params.get("Bucket", "")) if service == "s3" else ""
        with self._lock:
            self._calls[service, operation, bucket] += 1

    def take(self) -> Counter[Call]:
        """Return the requests since the last call of this method."""
        with self._lock:
            calls, self._calls = self._calls, Counter()
        return calls


def writes_to(calls: Counter[Call], bucket: str) -> int:
    """Return how many of the requests wrote to the bucket."""
    return sum(
        count
        for (service, operation, name), count in calls.items()
        if service == "s3" and name == bucket and operation in S3_WRITES
    )
