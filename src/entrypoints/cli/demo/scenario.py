"""The scenario of `asset-sync demo`: fills a bucket, syncs it twice, and checks the result."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from domain.discovery import Discovery
from domain.outcome import COUNT_NAMES, OutcomeKind
from domain.shown import shown
from domain.views import Json
from entrypoints.cli.demo.bucket import BucketContents, DemoBucket, open_demo_bucket
from entrypoints.cli.demo.checks import (
    CheckResult,
    ReceivedEvents,
    Snapshot,
    SyncRun,
    check_first,
    check_second,
)
from entrypoints.cli.demo.media_files import DemoObject, demo_objects, folder_objects
from entrypoints.cli.demo.object_kinds import kind_of_file, kinds_of, profile_of
from entrypoints.cli.local.local_service import run_local_service
from entrypoints.cli.local.request_counter import RequestCounter
from entrypoints.cli.remote.api_client import ApiClient, connector_path, job_path
from entrypoints.cli.remote.follow_job import follow_job
from entrypoints.cli.terminal.output import ERR, printable, warn
from entrypoints.wiring.asset_systems import AssetSystem
from entrypoints.wiring.aws import Observers
from entrypoints.wiring.local import IngestSource, LocalStack, StackSettings

_BUCKET = "demo-archive"
_CONNECTOR = "demo"
_INGEST_WAIT_S = 600

# Discovery of thousands of objects does not change the job; on a slow machine it takes minutes.
_STALLED_AFTER_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """The contents of the bucket, both syncs, and the checks."""

    contents: BucketContents
    runs: tuple[SyncRun, SyncRun]
    checks: list[CheckResult]


async def run_demo(
    folder: Path | None, count: int, discovery: Discovery, system: AssetSystem, log_path: Path
) -> DemoResult:
    """Run the demo.

    Raises:
        ApiProblem: a request failed, or a job made no progress.
        TimeoutError: the asset system did not finish.
    """
    requests = RequestCounter()
    ERR.print(
        "Starting S3, DynamoDB, SQS, SNS, EventBridge, S3 Batch Operations, an asset system and the"
        " functions ..."
    )
    settings = StackSettings(asset_system=system, subscribes_to_connectors=True)
    async with (
        run_local_service(
            settings, log_path=log_path, observers=Observers(on_request=requests)
        ) as stack,
        open_demo_bucket(_BUCKET, os.environ["ASSETS_TABLE_NAME"], profile_of(system)) as bucket,
    ):
        ERR.print(f"Filling bucket {_BUCKET} with {printable(folder or 'files')} ...")
        contents = await bucket.fill(
            _objects(folder, count, system),
            stack.asset_system.accept,
            with_marker=folder is None,
        )
        before = await bucket.stored()
        client = ApiClient(stack.api_url)
        # From here on, the asset system receives the events of the bucket.
        connector = {"connectorId": _CONNECTOR, "bucketName": _BUCKET}
        await asyncio.to_thread(client.post, "/connectors", connector)
        await stack.wait_idle(timeout_s=_INGEST_WAIT_S)
        received = await _received_events(stack, system)

        ERR.print(f"First sync of {len(contents.kinds):,} objects, discovery '{discovery}' ...")
        first = await _sync(stack, client, discovery, requests)
        snapshot = await _snapshot(bucket)
        received = await _received_events(stack, system) - received
        checks = check_first(_BUCKET, contents, first, received, before, snapshot)

        ERR.print("Second sync of the same bucket ...")
        second = await _sync(stack, client, discovery, requests)
        checks += check_second(_BUCKET, contents, second, snapshot, await _snapshot(bucket))
        dropped = (await stack.status()).dropped
        checks.append(CheckResult("no invocation failed", not dropped, f"{len(dropped)} failed"))
        return DemoResult(contents=contents, runs=(first, second), checks=checks)


def _objects(folder: Path | None, count: int, system: AssetSystem) -> Iterator[DemoObject]:
    if folder is None:
        return demo_objects(count, kinds_of(system))
    return folder_objects(folder, partial(kind_of_file, system), _skip)


def _skip(path: Path, cause: str) -> None:
    warn("skipped:", f"{shown(str(path))}: {cause}")


async def _sync(
    stack: LocalStack, client: ApiClient, discovery: Discovery, requests: RequestCounter
) -> SyncRun:
    path = connector_path(_CONNECTOR, "sync")
    requests.take()
    started = await asyncio.to_thread(client.post, path, {"discovery": discovery.value})
    job = await asyncio.to_thread(
        follow_job, client, started, poll_s=0.5, stalled_after_s=_STALLED_AFTER_S
    )
    calls = requests.take()
    await stack.wait_idle(timeout_s=_INGEST_WAIT_S)
    outcomes = await asyncio.to_thread(_outcomes, client, job)
    return SyncRun(job=job, outcomes=outcomes, calls=calls)


def _outcomes(client: ApiClient, job: Json) -> dict[str, Json]:
    """Return the outcome of every object of a job by its key."""
    path = job_path(job["jobId"], None, "outcomes")
    return {
        outcome["objectKey"]: outcome
        for kind in OutcomeKind
        if job["statistics"][COUNT_NAMES[kind.lower()]]
        for outcome in client.pages(path, {"outcome": kind.value, "limit": 100})
    }


async def _snapshot(bucket: DemoBucket) -> Snapshot:
    return Snapshot(stored=await bucket.stored(), records=await bucket.records())


async def _received_events(stack: LocalStack, system: AssetSystem) -> ReceivedEvents:
    """Return the events that the asset system has received; a Media Lake ignores the ingest bus."""
    counts = (await stack.status()).ingested
    if system is AssetSystem.MEDIALAKE:
        by_notification = sum(counts.outcomes.values()) + counts.locked
        return ReceivedEvents(notifications=by_notification, bus_events=counts.ignored)

    def by(source: IngestSource) -> int:
        return counts.ingested.get(source, 0) + counts.duplicates.get(source, 0)

    return ReceivedEvents(
        notifications=by(IngestSource.NOTIFICATION), bus_events=by(IngestSource.EVENT)
    )
