"""Fills the bucket `media` of a real server with small objects that nothing is known of.

Run by bench/measuring.py if ENDPOINT is given: python bench/fill_bucket.py OBJECTS
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import boto3  # type: ignore[import-untyped]  # it has none, and the stubs are for aioboto3
from botocore.config import Config
from worlds import key_of

_BUCKET = "media"
_BUCKETS = (_BUCKET, "asset-sync-results", "results")
_THREADS = 32


def main() -> None:
    count = int(sys.argv[1])
    s3 = boto3.client(
        "s3",
        config=Config(
            max_pool_connections=_THREADS,
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
        ),
    )
    for name in _BUCKETS:
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=name)
    # Tags do not survive a PUT.
    with ThreadPoolExecutor(_THREADS) as executor:
        list(
            executor.map(
                lambda number: s3.put_object(Bucket=_BUCKET, Key=key_of(number), Body=b"bench"),
                range(count),
            )
        )
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=_BUCKET, StartAfter=key_of(count - 1)
    )
    for page in pages:
        for entry in page.get("Contents", []):
            s3.delete_object(Bucket=_BUCKET, Key=entry["Key"])
    # An object that is read in the second of its last change is ambiguous, and read again.
    time.sleep(1.1)
    print(json.dumps({"objects": count}))


if __name__ == "__main__":
    main()
