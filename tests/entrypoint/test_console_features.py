"""Pages for what a stage has or not: pauses, schedules, removals, the history of an object.

The API is a table of answers here, so that both kinds of stages are tested.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from console_site import Browser

from domain.outcome import COUNT_NAMES
from entrypoints.console.api import ApiError
from entrypoints.console.app import console_application
from entrypoints.console.features import (
    CAUSES,
    OBJECT_HISTORY,
    REMOVALS,
    SCHEDULES,
    STAGE_PAUSE,
)

Json = dict[str, Any]
NOW = "2026-11-27T12:00:00Z"
LATER = "2026-11-27T18:00:00Z"
ALL = (CAUSES, OBJECT_HISTORY, REMOVALS, SCHEDULES, STAGE_PAUSE)


@dataclass
class Table:
    """An API with these answers; keeps what it was asked to do."""

    answers: dict[str, Json]
    sent: list[tuple[str, str, Json | None]] = field(default_factory=list)
    label: str = "prod"

    async def get(self, path: str, query: Mapping[str, Any] | None = None) -> Json:
        key = query["key"] if query and "key" in query else None
        found = self.answers.get(path if key is None else f"{path}?key={key}")
        if found is None:
            problem = {"type": "/problems/not-found", "title": "no", "status": 404}
            raise ApiError(f"{path}: there is none", problem)
        return found

    async def get_with_tag(self, path: str) -> tuple[Json, str | None]:
        return await self.get(path), '"tag-1"'

    async def post(
        self, path: str, body: Json | None = None, *, idempotency_key: str | None = None
    ) -> Json:
        self.sent.append(("POST", path, body))
        return {}

    async def patch(self, path: str, body: Json, *, if_match: str | None) -> Json:
        self.sent.append((f"PATCH {if_match}", path, body))
        return {**self.answers["/connectors/films"], "check": None}

    async def put(self, path: str, body: Json, *, if_match: str | None) -> Json:
        self.sent.append((f"PUT {if_match}", path, body))
        return {}

    async def delete(self, path: str, *, if_match: str | None) -> None:
        self.sent.append((f"DELETE {if_match}", path, None))

    def close(self) -> None:
        """Nothing is open."""


def job(**more: Any) -> Json:
    counts = dict.fromkeys(COUNT_NAMES.values(), 0)
    return {
        "jobId": "job-1",
        "connectorId": "films",
        "connectorCreatedAt": NOW,
        "bucketName": "films",
        "prefixes": [],
        "status": "PROCESSING",
        "statusReason": None,
        "warnings": [],
        "discovery": "direct",
        "verify": "tags",
        "lookup": None,
        "dryRun": False,
        "source": None,
        "createdAt": NOW,
        "updatedAt": NOW,
        "batchJobId": None,
        "statistics": {
            **counts,
            "objectsListed": 10,
            "objectsFiltered": 0,
            "objectsNotMedia": 0,
            "bytesListed": 10,
        },
        "chunks": {"total": 1, "completed": 0, "failed": 0, "cancelled": 0},
        "progress": {"percent": 0.0, "objectsPerSecond": None, "etaSeconds": None},
        "estimate": None,
        "actual": None,
        **more,
    }


def connector(**more: Any) -> Json:
    return {
        "connectorId": "films",
        "bucketName": "films",
        "prefixes": ["2026/"],
        "status": "ENABLED",
        "trigger": "copy",
        "ids": "minted",
        "verify": "tags",
        "restoreTags": True,
        "ingestQueueUrl": None,
        "ingestQueueEmptyAt": None,
        "fileFilter": None,
        "filters": None,
        "expectedBucketOwner": None,
        "roleArn": None,
        "createdAt": NOW,
        **more,
    }


def listed(*items: Json) -> Json:
    return {"items": list(items), "nextCursor": None}


def stage(a_job: Json, a_connector: Json, *features: str, **more: Json) -> Table:
    return Table(
        {
            "/openapi.json": {"paths": {path: {} for path in features}},
            "/jobs": listed(a_job),
            "/jobs/job-1": a_job,
            "/jobs/job-1/chunks": listed(),
            "/connectors": listed(a_connector),
            "/connectors/films": a_connector,
            "/connectors/films/jobs": listed(a_job),
            **more,
        }
    )


@asynccontextmanager
async def browsing(api: Table) -> AsyncIterator[Browser]:
    server = TestServer(console_application(api))
    async with server, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Browser(f"http://{server.host}:{server.port}", session)


PAGES = ["/", "/jobs/job-1", "/connectors/films", "/connectors/films/edit", "/explain", "/jobs"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_stage_without_a_feature_has_pages_without_it(path: str) -> None:
    async with browsing(stage(job(), connector())) as browser:
        page = await browser.get(path)
        assert page.status == 200, page.words
        for word in ("Pause", "Resume", "Schedule", "Removed objects", "gone since", "s3://"):
            assert word not in page.words


async def test_a_failing_job_of_a_stage_that_groups_nothing_links_its_failures() -> None:
    a_job = job(status="COMPLETED_WITH_ERRORS")
    a_job["statistics"]["failed"] = 3
    async with browsing(stage(a_job, connector())) as browser:
        page = await browser.get("/jobs/job-1")
        assert 'href="/jobs/job-1/errors"' in page.text
        assert "3 objects of 10 failed" in page.words


async def test_what_the_stage_has_is_asked_once() -> None:
    api = stage(job(hold=None), connector(), STAGE_PAUSE, **{"/stage": {"pause": None}})
    async with browsing(api) as browser:
        assert "Pause all jobs" in (await browser.get("/")).words
        del api.answers["/openapi.json"]
        assert "Pause all jobs" in (await browser.get("/live")).words


async def test_a_stage_that_cannot_be_asked_is_a_problem() -> None:
    api = stage(job(), connector())
    del api.answers["/openapi.json"]
    async with browsing(api) as browser:
        assert (await browser.get("/")).status == 404


# --- pauses


async def test_a_job_is_paused_with_a_reason_and_resumed() -> None:
    api = stage(job(hold=None), connector(), STAGE_PAUSE, **{"/stage": {"pause": None}})
    async with browsing(api) as browser:
        assert 'href="/jobs/job-1/pause"' in (await browser.get("/jobs/job-1")).text
        done = await browser.submit("/jobs/job-1/pause", reason="DAM migration")
        assert done.headers["Location"] == "/jobs/job-1"
        hold = {"cause": "PAUSED", "since": NOW, "reason": "<DAM>", "by": "arn:me"}
        api.answers["/jobs/job-1"] = job(hold=hold)
        page = await browser.get("/jobs/job-1")
        assert "Paused since 2026-11-27 12:00:00 UTC, by arn:me: <DAM>." in page.words
        assert "/pause" not in page.text
        await browser.submit("/jobs/job-1/resume")
    assert api.sent == [
        ("POST", "/jobs/job-1/pause", {"reason": "DAM migration"}),
        ("POST", "/jobs/job-1/resume", None),
    ]


async def test_all_jobs_are_paused_and_resumed() -> None:
    api = stage(job(hold=None), connector(), STAGE_PAUSE, **{"/stage": {"pause": None}})
    async with browsing(api) as browser:
        await browser.submit("/stage/pause", reason="")
        api.answers["/stage"] = {"pause": {"since": NOW, "reason": None, "by": None}}
        page = await browser.get("/")
        assert "All jobs are paused since 2026-11-27 12:00:00 UTC." in page.words
        await browser.submit("/stage/resume", page)
        held = {"cause": "STAGE_PAUSED", "since": NOW, "reason": None, "by": None}
        api.answers["/jobs/job-1"] = job(hold=held)
        page = await browser.get("/jobs/job-1")
        assert "Resume all jobs from the overview" in page.words
        assert "/jobs/job-1/resume" not in page.text
    assert api.sent == [("POST", "/stage/pause", None), ("POST", "/stage/resume", None)]


async def test_a_job_that_waits_for_ingest_says_so() -> None:
    held = {"cause": "INGEST_BEHIND", "since": NOW, "reason": "900 messages", "by": None}
    api = stage(job(hold=held), connector(), STAGE_PAUSE, **{"/stage": {"pause": None}})
    async with browsing(api) as browser:
        page = await browser.get("/jobs/job-1")
        assert "Waiting for ingest since 2026-11-27 12:00:00 UTC: 900 messages." in page.words
        assert 'href="/jobs/job-1/pause"' in page.text
        assert "ingest behind" in (await browser.get("/jobs")).words


WAITING = {"reason": "NO_FREE_SLOT", "since": None, "until": None, "text": "a <free> slot"}


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (
            WAITING,
            "Waits for a <free> slot . Then the job continues on its own. Change the limits",
        ),
        (
            {**WAITING, "reason": "OUTSIDE_WINDOW", "since": NOW, "until": LATER},
            "Waits for a <free> slot since 2026-11-27 12:00:00 UTC, until 2026-11-27 18:00:00 UTC.",
        ),
        ({**WAITING, "reason": "A_NEW_ONE"}, "Waits for a <free> slot . Then the job continues"),
    ],
)
async def test_what_a_job_waits_for_is_shown_as_the_api_says_it(waiting: Json, words: str) -> None:
    a_job = job(hold=None, limits=None, waitingFor=waiting)
    api = stage(a_job, connector(), STAGE_PAUSE, **{"/stage": {"pause": None}})
    async with browsing(api) as browser:
        assert words in (await browser.get("/jobs/job-1")).words


async def test_a_pause_is_shown_with_who_and_why_and_how_it_ends() -> None:
    held = {"cause": "PAUSED", "since": NOW, "reason": "quiet", "by": "me"}
    a_job = job(hold=held, waitingFor={**WAITING, "reason": "PAUSED", "text": "a command"})
    api = stage(a_job, connector(), STAGE_PAUSE, **{"/stage": {"pause": None}})
    async with browsing(api) as browser:
        page = await browser.get("/jobs/job-1")
        assert "Paused since 2026-11-27 12:00:00 UTC, by me: quiet." in page.words
        assert 'href="/jobs/job-1/resume"' in page.text


async def test_the_limits_of_the_ingest_queue_are_edited() -> None:
    limited = connector(ingestQueueMaxDepth=1000, ingestQueueMaxAgeSeconds=3600)
    api = stage(job(), limited, STAGE_PAUSE, **{"/stage": {"pause": None}})
    kept = {"etag": '"tag-1"', "prefixes": "2026/", "trigger": "copy", "ids": "minted"}
    kept |= {"verify": "tags", "restoreTags": "on"}
    path = "/connectors/films/edit"
    async with browsing(api) as browser:
        words = (await browser.get("/connectors/films")).words
        assert "above 1,000 messages" in words
        assert "Waits for old messages above 60 min" in words
        page = await browser.get(path)
        assert page.field("ingestQueueMaxDepth") == "1000"
        assert page.field("ingestQueueMaxAgeSeconds") == "3600"
        kept["ingestQueueMaxAgeSeconds"] = "3600"
        await browser.submit(path, page, **kept, ingestQueueMaxDepth="1000")
        assert api.sent == []
        older = kept | {"ingestQueueMaxAgeSeconds": "7200"}
        await browser.submit(path, page, **older, ingestQueueMaxDepth="1000")
        await browser.submit(path, page, **kept, ingestQueueMaxDepth="50")
        await browser.submit(path, page, **kept, ingestQueueMaxDepth="")
    bodies = [body for *_, body in api.sent]
    assert bodies == [
        {"ingestQueueMaxAgeSeconds": 7200},
        {"ingestQueueMaxDepth": 50},
        {"ingestQueueMaxDepth": None},
    ]


# --- schedules


RUN = {
    "scheduledAt": NOW,
    "handledAt": NOW,
    "state": "SKIPPED",
    "mode": "full",
    "modifiedSince": None,
    "reason": "a job is active",
    "jobId": "job-1",
}
SETTINGS = {
    "expression": "rate(6 hours)",
    "timeZone": "UTC",
    "jitterMinutes": 0,
    "mode": "incremental",
    "fullEvery": 7,
    "enabled": True,
    "discovery": "direct",
    "maxCost": None,
}
SCHEDULE = {
    **SETTINGS,
    "connectorId": "films",
    "setAt": NOW,
    "nextRunAt": "2026-11-27T18:00:00Z",
    "lastCompleteAt": None,
    "runs": [RUN],
}


async def test_a_schedule_is_shown_changed_and_removed() -> None:
    scheduled = connector(schedule=SETTINGS, nextRunAt="2026-11-27T18:00:00Z")
    api = stage(job(), scheduled, SCHEDULES, **{"/connectors/films/schedule": SCHEDULE})
    path = "/connectors/films/schedule"
    async with browsing(api) as browser:
        assert "Next run 2026-11-27 18:00:00 UTC." in (await browser.get("/connectors/films")).words
        page = await browser.get(path)
        assert '<option value="direct" selected>' in page.text
        assert page.field("maxCost") == ""
        assert "Skipped full job-1 a job is active" in page.words
        fields = {"expression": "cron(0 2 * * ? *)", "timeZone": "Europe/Berlin", "mode": "full"}
        fields |= {"discovery": "batch", "maxCost": "12.50"}
        etag = page.field("etag")
        saved = await browser.submit(
            path, page, action="save", etag=etag, fullEvery="", jitterMinutes="15", **fields
        )
        assert saved.headers["Location"] == path
        await browser.submit(path, page, action="remove", etag=etag)
    assert api.sent == [
        ('PUT "tag-1"', path, {**fields, "jitterMinutes": 15, "enabled": False}),
        ('DELETE "tag-1"', path, None),
    ]


async def test_a_connector_without_a_schedule_has_the_form_of_one() -> None:
    api = stage(job(), connector(schedule=None, nextRunAt=None), SCHEDULES)
    async with browsing(api) as browser:
        assert "Add a schedule" in (await browser.get("/connectors/films")).words
        page = await browser.get("/connectors/films/schedule")
        assert page.field("expression") == "cron(0 2 * * ? *)"
        assert "Remove the schedule" not in page.words


# --- removals


GONE = {
    "status": "STOPPED",
    "reason": "too many",
    "baselineJobId": "job-0",
    "seenBefore": 100,
    "seenNow": 60,
    "missing": 40,
    "removed": 0,
    "moved": 0,
    "returned": 0,
    "outOfScope": 0,
    "announced": 0,
    "confirmedAt": None,
}
MOVED = {
    "objectKey": "a\n.mov",
    "state": "MOVED",
    "eTag": "e",
    "size": 5,
    "assetId": "asset-1",
    "inventoryId": None,
    "lastSeenJobId": "job-0",
    "newObjectKey": "b.mov",
    "eventId": None,
}


async def test_what_the_guard_has_stopped_is_confirmed_by_its_number() -> None:
    a_job = job(status="COMPLETED", removals=GONE)
    api = stage(a_job, connector(), REMOVALS, **{"/jobs/job-1/removals": listed(MOVED)})
    async with browsing(api) as browser:
        page = await browser.get("/jobs/job-1")
        assert "40 of 100 objects are missing" in page.words
        overview = (await browser.get("/")).words
        assert "The guard stopped a comparison: films 40 objects missing" in overview
        rows = await browser.get("/jobs/job-1/removals")
        assert "a\\n.mov Moved b.mov" in rows.words
        assert 'href="/explain?connector=films&amp;key=a%0A.mov"' in rows.text
        confirm = await browser.get("/jobs/job-1/removals/confirm")
        done = await browser.submit(
            "/jobs/job-1/removals/confirm", confirm, missing=confirm.field("missing")
        )
        assert done.headers["Location"] == "/jobs/job-1"
        file = await browser.get("/jobs/job-1/removals/file.csv?state=MOVED")
        assert file.text.splitlines()[0].startswith("objectKey,state,eTag")
        assert "b.mov" in file.text
    assert api.sent == [("POST", "/jobs/job-1/removals/confirm", {"missing": 40})]


async def test_a_comparison_that_is_done_needs_no_confirmation() -> None:
    api = stage(job(status="COMPLETED", removals={**GONE, "status": "DONE"}), connector(), REMOVALS)
    async with browsing(api) as browser:
        assert "Confirm that" not in (await browser.get("/jobs/job-1")).words
        page = await browser.get("/jobs/job-1/removals/confirm")
        assert "There is nothing to confirm." in page.words


async def test_the_settings_of_removals_are_edited_and_left_as_they_are() -> None:
    settings = {"announce": True, "maxShare": 0.05, "maxCount": 10_000, "minCount": 10}
    api = stage(job(), connector(removals=settings), REMOVALS)
    kept = {
        "etag": '"tag-1"',
        "prefixes": "2026/",
        "trigger": "copy",
        "ids": "minted",
        "verify": "tags",
        "restoreTags": "on",
        "removals": "on",
        "announce": "on",
        "maxShare": "0.05",
        "maxCount": "10000",
        "minCount": "10",
    }
    path = "/connectors/films/edit"
    async with browsing(api) as browser:
        page = await browser.get(path)
        assert page.field("maxShare") == "0.05"
        await browser.submit(path, page, **kept)
        assert api.sent == []
        await browser.submit(path, page, **{**kept, "maxShare": "0.5"})
        await browser.submit(path, page, **{n: v for n, v in kept.items() if n != "removals"})
    changed = {**settings, "maxShare": 0.5}
    assert [body for *_, body in api.sent] == [{"removals": changed}, {"removals": None}]


# --- the history of an object


HISTORY = {
    "connectorId": "films",
    "bucketName": "films",
    "objectKey": "2026/a.mov",
    "now": {
        "exists": True,
        "object": {
            "size": 5,
            "eTag": "e",
            "lastModified": NOW,
            "versionId": None,
            "storageClass": "STANDARD",
            "contentType": None,
        },
        "tags": {"owner": "<b>"},
        "catalogRecords": [],
        "nextSync": None,
        "notRead": [{"what": "catalog", "reason": "denied"}],
    },
    "nowNotRead": None,
    "jobs": [
        {
            "jobId": "job-1",
            "status": "COMPLETED",
            "dryRun": False,
            "createdAt": NOW,
            "sighting": "NOT_IN_JOB",
            "reason": None,
            "listed": None,
            "outcome": None,
            "eventId": None,
            "chunks": [],
        }
    ],
    "moreJobs": False,
}


@pytest.mark.parametrize(
    "query", ["where=connector:films&key=2026/a.mov", "key=s3%3A%2F%2Ffilms%2F2026%2Fa.mov"]
)
async def test_a_file_is_found_by_its_connector_or_its_uri(query: str) -> None:
    more = {"/connectors/films/objects?key=2026/a.mov": HISTORY}
    async with browsing(stage(job(), connector(), OBJECT_HISTORY, **more)) as browser:
        page = await browser.get(f"/explain?{query}")
        assert page.status == 200, page.words
        assert "It exists." in page.words
        assert "owner <b>" in page.words
        assert "Catalog could not be read: denied" in page.words
        assert "Not in job" in page.words


@pytest.mark.parametrize("uri", ["s3://other/2026/a.mov", "s3://films/2025/a.mov", "s3://"])
async def test_an_object_of_no_connector_is_a_problem(uri: str) -> None:
    async with browsing(stage(job(), connector(), OBJECT_HISTORY)) as browser:
        page = await browser.get(f"/explain?key={uri}")
        assert page.status == 404
        assert "No connector is about this object" in page.words
