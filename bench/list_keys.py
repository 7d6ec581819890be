"""One listing of the bucket in a process of its own: prints CPU time and memory as JSON.

Run by bench/listings.py: python bench/list_keys.py KIND KEYS

`service` is the step of a job, which writes the manifest, in up to eight ranges of keys; `adapter`
only reads the pages, from the first to the last, as `boto3` does.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import boto3  # type: ignore[import-untyped]  # it has none, and the stubs are for aioboto3
from measuring import Stopwatch, Usage, report
from stages import run_stage

import entrypoints.collector  # noqa: F401 - as in a function
from adapters.aws.clients import ClientSettings, open_clients
from adapters.aws.object_store import S3ObjectStore
from adapters.aws.results_store import S3ResultsStore
from adapters.aws.system import SystemClock
from domain.connector import Bucket

_BUCKET = "media"


async def _by_service(count: int) -> Usage:
    async with open_clients(ClientSettings()) as clients:
        s3 = await clients.s3()
        stores = {
            "objects": S3ObjectStore(s3, clock=SystemClock()),
            "results": S3ResultsStore(s3, bucket_name="results"),
        }
        return await run_stage("manifest", count, Path(), stores=stores)


async def _by_adapter(count: int) -> Usage:
    async with open_clients(ClientSettings()) as clients:
        store = S3ObjectStore(await clients.s3(), clock=SystemClock())
        watch, found = Stopwatch(), 0
        async for page in store.list_objects(Bucket(name=_BUCKET), prefix="", start_after=None):
            found += len(page.entries)
        assert found == count
        return watch.usage()


async def _by_boto3(count: int) -> Usage:
    s3 = boto3.client("s3")
    watch, found = Stopwatch(), 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=_BUCKET):
        found += len(page["Contents"])
    assert found == count
    return watch.usage()


_KINDS = {
    "service": _by_service,
    "adapter": _by_adapter,
    "boto3": _by_boto3,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=_KINDS)
    parser.add_argument("keys", type=int)
    args = parser.parse_args()
    report({}, asyncio.run(_KINDS[args.kind](args.keys)))


if __name__ == "__main__":
    main()
