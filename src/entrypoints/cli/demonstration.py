"""What `asset-sync demo` does: fills a bucket, syncs it twice, and looks at what became of it."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.identity import ASSET_ID_TAG, INVENTORY_ID_TAG
from domain.job import Discovery, JobStatus
from entrypoints.cli.api_client import ApiClient, part
from entrypoints.cli.demo_bucket import DemoBucket, Expected, open_demo_bucket
from entrypoints.cli.demo_media import demo_objects, folder_objects
from entrypoints.cli.job_commands import follow
from entrypoints.cli.laptop import laptop
from entrypoints.cli.output import ERR
from entrypoints.cli.requests import Call, RequestLog, writes_to
from entrypoints.wiring.local import LocalStack, StackSettings

Json = dict[str, Any]

_BUCKET = "demo-archive"
_CONNECTOR = "demo"
_INGEST_WAIT_S = 600

# Discovery of thousands of objects moves no count of the job; on a slow machine it takes minutes.
_STALLED_AFTER_S = 900


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, and whether it was kept."""

    name: str
    kept: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Run:
    """One sync: its job at the end, and the requests that it made."""

    job: Json
    calls: Counter[Call]


async def demonstrate(
    folder: Path | None, count: int, discovery: Discovery, log_path: Path
) -> tuple[list[Run], list[Check]]:
    """Run the demonstration; returns both syncs, and what was promised of them.

    Raises:
        ApiProblem: the API refused, or a job stands still.
        TimeoutError: the asset system did not catch up.
    """
    requests = RequestLog()
    ERR.print(
        "Starting S3, DynamoDB, SQS, SNS, EventBridge, S3 Batch Operations and the functions ..."
    )
    async with (
        laptop(StackSettings(), log_path=log_path, requests=requests) as stack,
        open_demo_bucket(_BUCKET, os.environ["ASSETS_TABLE_NAME"]) as bucket,
    ):
        source = folder_objects(folder) if folder else demo_objects(count)
        ERR.print(f"Filling bucket {_BUCKET} with {folder or 'media files'} ...")
        expected = await bucket.fill(source, with_known=folder is None)
        await stack.asset_management.watch(_BUCKET)
        client = ApiClient(stack.api_url)
        connector = {"connectorId": _CONNECTOR, "bucketName": _BUCKET}
        await asyncio.to_thread(client.post, "/connectors", connector)
        ERR.print(f"First sync of {expected.object_count:,} objects, discovery '{discovery}' ...")
        first = await _sync(stack, client, discovery, requests)
        checks = await _check_first(stack, bucket, expected, first)
        ERR.print("Second sync of the same bucket ...")
        second = await _sync(stack, client, discovery, requests)
        checks += _check_second(expected, second)
        dropped = (await stack.status()).dropped
        checks.append(Check("no invocation was lost", not dropped, f"{len(dropped)} lost"))
        return [first, second], checks


async def _sync(
    stack: LocalStack, client: ApiClient, discovery: Discovery, requests: RequestLog
) -> Run:
    path = f"/connectors/{part(_CONNECTOR)}/sync"
    requests.take()
    started = await asyncio.to_thread(client.post, path, {"discovery": discovery.value})
    job = await asyncio.to_thread(
        follow, client, started, poll_s=0.5, stalled_after_s=_STALLED_AFTER_S
    )
    calls = requests.take()
    await stack.wait_idle(timeout_s=_INGEST_WAIT_S)
    return Run(job, calls)


async def _check_first(
    stack: LocalStack, bucket: DemoBucket, expected: Expected, run: Run
) -> list[Check]:
    statistics = run.job["statistics"]
    tags = await bucket.tags()
    catalog = await bucket.catalog()
    tagged = sum(ASSET_ID_TAG in found and INVENTORY_ID_TAG in found for found in tags.values())
    foreign_kept = sum(
        found.items() >= expected.tags_by_key.get(key, {}).items() for key, found in tags.items()
    )
    known = sum(
        catalog.get(found.get(INVENTORY_ID_TAG, "")) == found.get(ASSET_ID_TAG, "-")
        for found in tags.values()
    )
    count = expected.object_count
    put_count = count - expected.skip_count - expected.copy_count
    decided = (statistics["skipped"], statistics["copied"], statistics["put"])
    triggered = statistics["copied"] + statistics["put"]
    counts = (await stack.status()).ingested
    handled = (*counts.ingested.items(), *counts.duplicates.items())
    events = sum(count for source, count in handled if source == "event")
    return [
        Check("the job completed", run.job["status"] == JobStatus.COMPLETED, run.job["status"]),
        Check("each object was listed", statistics["objectsListed"] == count, f"{count:,}"),
        Check(
            "each was decided by the rules",
            decided == (expected.skip_count, expected.copy_count, put_count),
            "SKIP {:,}, COPY {:,}, PUT {:,}".format(*decided),
        ),
        Check("each carries AssetID and InventoryID", tagged == count, f"{tagged:,} of {count:,}"),
        Check(
            "its owner's tags are all there",
            foreign_kept == count,
            f"{foreign_kept:,} of {count:,}",
        ),
        Check("each is in the catalog now", known == count, f"{known:,} of {count:,}"),
        Check(
            "each ingestion was announced",
            events == triggered,
            f"{events:,} events for {triggered:,}",
        ),
    ]


def _check_second(expected: Expected, run: Run) -> list[Check]:
    statistics = run.job["statistics"]
    skipped = statistics["skipped"]
    writes = writes_to(run.calls, _BUCKET)
    events = run.calls["events", "PutEvents", ""]
    return [
        Check(
            "the second job completed", run.job["status"] == JobStatus.COMPLETED, run.job["status"]
        ),
        Check(
            "it skipped each object",
            skipped == expected.object_count,
            f"{skipped:,} of {expected.object_count:,}",
        ),
        Check("it wrote nothing to the bucket", writes == 0, f"{writes:,} writes"),
        Check("it announced nothing", events == 0, f"{events:,} requests to the ingest bus"),
    ]
