"""The contract of the job table."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from invalid_cursors import invalid_cursors

from domain.connector import Bucket, IdSource, Ingest, Trigger, Verify
from domain.cost_estimate import CostEstimate
from domain.discovery import Discovery
from domain.engine_work import Attempts, EngineWork
from domain.file_types import FileFilter, FilterMode
from domain.filters import Filters, MediaType, StorageClass
from domain.job import (
    DiscoveryWork,
    Ending,
    EndingKind,
    Findings,
    Job,
    JobCancelled,
    JobCompletedWithErrors,
    JobStatus,
    JobTimes,
    ManifestFile,
    ManifestWritten,
    Redrive,
    Splitting,
    StatusNotice,
    StatusNotices,
    evolve,
)
from domain.job_control import redrive
from domain.key_ranges import KeyRange
from domain.key_source import KeySource, SourceCounts, SourceKind
from domain.lease import Lease
from domain.listing import Listing, RowUpload, Sharing
from domain.orphan_work import OrphanCounts, OrphanStatus, OrphanWork
from domain.outcome import Statistics
from domain.outcome_index import IndexStatus, JobIndex
from domain.pause import Backlog, Pause, Resumes
from domain.queue_limit import QueueLimit, WatchedQueue
from domain.removal_settings import Removals
from domain.removal_work import (
    WANTED,
    ComparedFiles,
    RemovalCounts,
    RemovalStatus,
    RemovalWork,
)
from domain.snapshot import Lookup, Segment, Snapshot, Way
from domain.sorted_run import Run
from domain.sync_request import SyncOptions, SyncRequest
from domain.tally import Tally
from domain.trigger_mark import QueueView
from domain.work_limits import TimeWindow, Weekday, WorkLimits
from ports.errors import AlreadyExists, Conflict, NotFound
from ports.job_store import JobStore, OverlappingJob
from ports.paging import InvalidCursor

MakeJob = Callable[..., Job]

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
FULL = Job(
    job_id="job-full",
    request=SyncRequest(
        connector_id="con-full",
        bucket=Bucket(
            name="media",
            expected_owner="123456789012",
            role_arn="arn:aws:iam::123456789012:role/teams/media",
        ),
        ingest=Ingest(
            trigger=Trigger.QUEUE,
            ids=IdSource.ASSIGNED,
            restore_tags=False,
            queue_url="https://sqs.eu-west-1.amazonaws.com/123456789012/ingest.fifo",
            file_filter=FileFilter(
                mode=FilterMode.DENY, extensions=("mov", "ü"), mime_types=("image/*",)
            ),
        ),
        options=SyncOptions(
            prefixes=("a/", "ü b/"),
            discovery=Discovery.DIRECT,
            dry_run=True,
            modified_since=datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            include=("*.jpg", ""),
            exclude=("**/tmp/*",),
            retrigger=True,
            verify=Verify.CATALOG,
            source=KeySource(
                kind=SourceKind.INVENTORY, bucket_name="reports", key="manifest.json", e_tag="e"
            ),
            filters=Filters(age_min_s=60, storage_classes=(StorageClass.GLACIER,)),
        ),
        fingerprint="f" * 64,
        connector_created_at=NOW,
        removals=Removals(announce=True, max_share=Decimal("0.125"), max_count=7, min_count=3),
        filters=Filters(size_min=1, media_types=(MediaType.VIDEO,), modified_before=NOW),
        estimate=CostEstimate(
            dollars=Decimal("1.2345678901234567890"),
            dollars_low=Decimal("4E-7"),
            dollars_high=Decimal(30),
            dollars_max=Decimal("30.00"),
            requests=2**40,
            seconds=0.1,
            region="us-east-1",
            prices_of="2026-11-22",
        ),
    ),
    findings=Findings(
        queue=QueueView(known=True, empty_at=NOW - timedelta(days=1)),
        warnings=("the bucket is versioned", ""),
    ),
    status=JobStatus.PROCESSING,
    times=JobTimes(
        created_at=NOW,
        updated_at=NOW + timedelta(microseconds=1),
        processing_at=NOW + timedelta(minutes=1),
        ended_at=NOW + timedelta(minutes=2),
    ),
    status_reason="because",
    listing=Listing(
        objects_listed=2**53 + 1,
        objects_filtered=3,
        objects_not_media=4,
        bytes_listed=10**30 + 7,
        prefix_index=2,
        ranges=(
            KeyRange(after="a/\U0001f600\n", token="1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM="),
        ),
        objects_known=5,
        manifest=RowUpload(
            upload_id="upload",
            part_e_tags=("e1", "e2"),
            rest_key="jobs/job-full/progress/manifest-t-1-3.csv",
        ),
        known=RowUpload(
            upload_id="upload-2",
            part_e_tags=("e3",),
            rest_key="jobs/job-full/progress/known-t-1-3.csv",
        ),
        key_sum=2**120 - 1,
        source=SourceCounts(outside=1, not_current=2, repeated=3),
        sharing=Sharing(share_count=8, first_chunk=40),
        e_tags=True,
    ),
    lookup=Lookup(
        way=Way.SNAPSHOT,
        reason="it costs less",
        lookups_dollars=Decimal("1.5"),
        snapshot_dollars=Decimal("1E-7"),
        catalog_bytes=7,
        warning="the table grows",
        snapshot=Snapshot(
            began_at=NOW,
            segments=(Segment(cursor='{"id": "ü"}'), Segment(done=True)),
            runs=("jobs/job-full/progress/run-1",),
            bounds_key="jobs/job-full/progress/bounds",
            partition_count=8,
            partitions_done=3,
            ready=True,
            record_count=2**40,
        ),
    ),
    discovery=DiscoveryWork(
        manifest=ManifestFile(key="jobs/job-full/manifest.csv", e_tag="tag", row_e_tags=True),
        batch_job_id="batch-1",
    ),
    splitting=Splitting(
        file_index=1, position=12345, object_count=99, key_sum=2**120 - 2, done=True
    ),
    ending=Ending(kind=EndingKind.CANCELLED, reason="an operator"),
    pause=Pause(since=NOW, reason="the DAM is full", by="arn:aws:iam::123456789012:user/ü"),
    backlog=Backlog(since=NOW, depth=12, age_s=7, cause="AccessDenied", unread_since=NOW),
    resumes=Resumes(number=3, requeued=2, at=NOW, held_s=86_400),
    redrive=Redrive(number=3, active=True),
    index=JobIndex(
        number=2,
        status=IndexStatus.FAILED,
        reason="the results were removed",
        attempt_count=4,
        lease=Lease(token="of-the-index", expires_at=NOW),
    ),
    work=EngineWork(
        lease=Lease(token="t-1", expires_at=NOW + timedelta(minutes=3)),
        attempts=Attempts(count=3, unknown_count=2, cause="s3 ListObjectsV2: 503"),
        place="p-1",
    ),
    notices=StatusNotices(
        pending=(
            StatusNotice(
                number=1, status=JobStatus.INITIALIZING, previous_status=None, occurred_at=NOW
            ),
            StatusNotice(
                number=2,
                status=JobStatus.DISCOVERING,
                previous_status=JobStatus.INITIALIZING,
                occurred_at=NOW + timedelta(seconds=1),
            ),
        ),
        count=2,
    ),
    watched_queue=WatchedQueue(
        url="https://sqs.eu-west-1.amazonaws.com/123456789012/other",
        limit=QueueLimit(depth_max=2**40, age_max_s=900),
    ),
    limits=WorkLimits(
        concurrency=3,
        objects_per_second=0.1,
        windows=(TimeWindow(days=(Weekday.MON, Weekday.SUN), start=time(22, 5), end=time(0)),),
        time_zone="Europe/Berlin",
    ),
    removals=RemovalWork(
        status=RemovalStatus.CHECKING,
        reason="because",
        baseline_job_id="job-before",
        index_number=3,
        after="a/\U0001f600\n",
        position=2**40,
        counts=RemovalCounts(
            seen_before=1,
            seen_now=2,
            missing=3,
            added=4,
            removed=5,
            moved=6,
            returned=7,
            out_of_scope=8,
            announced=9,
        ),
        files=ComparedFiles(
            missing=RowUpload(upload_id="u1", part_e_tags=("e1",), rest_key="r1"),
            added=RowUpload(upload_id="u2", part_e_tags=("e2",), rest_key="r2"),
            report=RowUpload(upload_id="u3", part_e_tags=("e3",), rest_key="r3"),
            carried=RowUpload(upload_id="u4", part_e_tags=("e4", "e5"), rest_key="r4"),
        ),
        added_kept=False,
        confirmed_at=NOW,
        lease=Lease(token="of-the-comparison", expires_at=NOW),
        attempts=Attempts(count=3, unknown_count=1, cause="s3 ListObjectsV2: 503"),
    ),
    orphans=OrphanWork(
        requested_at=NOW,
        number=2,
        status=OrphanStatus.COMPARING,
        reason="because",
        index_number=4,
        segments=(Segment(cursor="place", done=False), Segment(cursor=None, done=True)),
        runs=(Run(name="t-0", size_bytes=2**40, merged_bytes=7), Run(name="t-1", size_bytes=1)),
        after="a/\U0001f600\n",
        position=2**41,
        counts=OrphanCounts(
            scanned=1, without_path=2, in_scope=3, unlisted=4, existing=5, orphans=6
        ),
        unlisted=RowUpload(upload_id="u5", part_e_tags=("e6",), rest_key="r5"),
        report=RowUpload(upload_id="u6", part_e_tags=("e7", "e8"), rest_key="r6"),
        lease=Lease(token="of-the-search", expires_at=NOW),
        attempts=Attempts(count=4, unknown_count=2, cause="dynamodb Scan: 400"),
    ),
    tally=Tally(
        statistics=Statistics(
            skipped=1,
            copied=2,
            put=3,
            archived=4,
            gone=5,
            failed=6,
            ingesting=7,
            not_taken=8,
            not_media=9,
            tags_restored=10,
        ),
        chunks_total=10,
        chunks_completed=7,
        chunks_failed=1,
        chunks_cancelled=2,
        failed_in_discovery=3,
    ),
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
COUNT = st.integers(0, 10**37)
DOLLARS = st.decimals(min_value=0, max_value=10**12, allow_nan=False)
ESTIMATES = st.builds(
    CostEstimate,
    dollars=DOLLARS,
    dollars_low=DOLLARS,
    dollars_high=DOLLARS,
    dollars_max=st.none() | DOLLARS,
    requests=COUNT,
    seconds=st.floats(0, 1e12),
    region=TEXT,
    prices_of=TEXT,
)
KEYS = st.builds(KeyRange, after=st.none() | TEXT, up_to=st.none() | TEXT, token=st.none() | TEXT)
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))


PAUSES = st.builds(Pause, since=st.just(NOW), reason=st.none() | TEXT, by=st.none() | TEXT)


def any_job() -> st.SearchStrategy[Job]:
    counts = st.builds(Statistics, **{f.name: COUNT for f in fields(Statistics)})
    tally = {f.name: COUNT for f in fields(Tally)} | {"statistics": counts}
    texts = st.lists(TEXT, max_size=3).map(tuple)
    uploads = st.builds(
        RowUpload,
        upload_id=st.none() | TEXT,
        part_e_tags=texts,
        rest_key=st.none() | TEXT,
    )
    listing: dict[str, Any] = {
        "objects_listed": COUNT,
        "objects_known": COUNT,
        "ranges": st.lists(KEYS, min_size=1, max_size=4).map(tuple),
        "manifest": uploads,
        "known": uploads,
    }
    return st.builds(
        Job,
        job_id=st.builds(lambda: f"job-{uuid.uuid4()}"),
        request=st.builds(
            SyncRequest,
            connector_id=st.builds(lambda: f"con-{uuid.uuid4()}"),
            # A separate bucket, because any two lists of prefixes may overlap.
            bucket=st.builds(lambda: Bucket(name=f"media-{uuid.uuid4()}")),
            options=st.builds(SyncOptions, prefixes=texts, include=texts, exclude=texts),
            fingerprint=st.none() | TEXT,
            estimate=st.none() | ESTIMATES,
        ),
        version=st.just(0),
        status_reason=st.none() | TEXT,
        pause=st.none() | PAUSES,
        listing=st.builds(Listing, **listing),
        tally=st.builds(Tally, **tally),
    )


@pytest.fixture
def jobs(state: Any) -> JobStore:
    store: JobStore = state.jobs
    return store


def ended(job: Job) -> Job:
    return evolve(job, JobCancelled(reason="enough"), NOW)


def ended_with_errors(job: Job) -> Job:
    listed = evolve(job, ManifestWritten(manifest=ManifestFile(key="m", e_tag="e")), NOW)
    return evolve(listed, JobCompletedWithErrors(reason="1 of 2"), NOW)


async def listed_ids(jobs: JobStore, limit: int, **query: Any) -> list[str]:
    """Return the ids of a whole list, read page by page."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await jobs.list_page(**query, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        ids += [job.job_id for job in page.items]
        cursor = page.cursor
        if cursor is None:
            return ids


class TestCreateAndGet:
    async def test_every_field_is_read_back(self, jobs: JobStore) -> None:
        created = await jobs.create(FULL)
        assert created == replace(FULL, version=1)
        assert await jobs.get(FULL.job_id) == created

    async def test_the_full_value_differs_from_the_defaults_in_every_field(self) -> None:
        """Otherwise the test above would not find a missing field."""
        for value in (
            FULL,
            FULL.request,
            FULL.request.options,
            FULL.times,
            FULL.findings,
            FULL.listing,
            FULL.discovery,
            FULL.splitting,
            FULL.pause,
            FULL.backlog,
            FULL.limits,
            FULL.resumes,
            FULL.tally,
        ):
            left_out = [
                field.name
                for field in fields(value)
                if getattr(value, field.name) == field.default
                and field.name not in ("version", "stage_pause")
            ]
            assert left_out == []

    @settings(
        max_examples=10,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(job=any_job())
    async def test_any_value_is_read_back(self, jobs: JobStore, job: Job) -> None:
        created = await jobs.create(job)
        assert await jobs.get(job.job_id) == created == replace(job, version=1)
        saved = await jobs.save(created)
        assert await jobs.get(job.job_id) == saved == replace(job, version=2)

    async def test_there_is_none(self, jobs: JobStore, make_job: MakeJob) -> None:
        await jobs.create(make_job())
        for job_id in ("job-2", "bucket#media", "connector#con-1", "con-1"):
            with pytest.raises(NotFound):
                await jobs.get(job_id)

    async def test_a_job_has_this_id(self, jobs: JobStore, make_job: MakeJob) -> None:
        first = await jobs.create(make_job("job-1", "a/"))
        with pytest.raises(AlreadyExists):
            await jobs.create(make_job("job-1", "b/"))
        assert await jobs.get("job-1") == first

    async def test_an_existing_id_is_reported_before_an_overlap(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        await jobs.create(make_job("job-1", "a/"))
        await jobs.create(make_job("job-2", "b/"))
        with pytest.raises(AlreadyExists):
            await jobs.create(make_job("job-2", "a/"))
        with pytest.raises(AlreadyExists):
            await jobs.create(make_job("job-1", "a/"))

    async def test_an_ended_job_with_this_id_exists_too(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        await jobs.save(ended(await jobs.create(make_job("job-1", "a/"))))
        await jobs.create(make_job("job-2", "a/"))
        with pytest.raises(AlreadyExists):
            await jobs.create(make_job("job-1", "a/"))


class TestPrefixes:
    @pytest.mark.parametrize(
        ("taken", "wanted"),
        [((), ()), ((), ("a/",)), (("a/",), ()), (("a/",), ("a/b/",)), (("x/", "a/b/"), ("a/",))],
    )
    async def test_an_active_job_overlaps(
        self, jobs: JobStore, make_job: MakeJob, taken: tuple[str, ...], wanted: tuple[str, ...]
    ) -> None:
        await jobs.create(make_job("job-1", *taken))
        with pytest.raises(OverlappingJob) as caught:
            await jobs.create(make_job("job-2", *wanted))
        assert caught.value.job_id == "job-1"
        with pytest.raises(NotFound):
            await jobs.get("job-2")

    async def test_others_do_not(self, jobs: JobStore, make_job: MakeJob) -> None:
        await jobs.create(make_job("job-1", "a/"))
        await jobs.create(make_job("job-2", "b/"))
        await jobs.create(make_job("job-3", "a/", bucket_name="media-2", connector_id="con-2"))

    async def test_a_job_of_another_connector_of_the_bucket_overlaps(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        job = await jobs.create(make_job("job-1", "a/"))
        await jobs.create(make_job("job-2", "b/", connector_id="con-2"))
        for prefixes in (("a/b/",), (), ("b/", "z/")):
            with pytest.raises(OverlappingJob):
                await jobs.create(make_job("job-3", *prefixes, connector_id="con-3"))
        await jobs.save(ended(job))
        await jobs.create(make_job("job-3", "a/b/", connector_id="con-3"))
        with pytest.raises(OverlappingJob) as caught:
            await jobs.create(make_job("job-4", "a/"))
        assert caught.value.job_id == "job-3"

    async def test_a_plain_save_keeps_them(self, jobs: JobStore, make_job: MakeJob) -> None:
        job = await jobs.create(make_job("job-1", "a/"))
        await jobs.save(replace(job, status_reason="listing"))
        with pytest.raises(OverlappingJob):
            await jobs.create(make_job("job-2", "a/"))

    async def test_the_save_that_ends_a_job_releases_them(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        await jobs.create(make_job("job-2", "b/"))
        await jobs.save(ended(await jobs.create(make_job("job-1", "a/"))))
        await jobs.create(make_job("job-3", "a/"))
        with pytest.raises(OverlappingJob) as caught:
            await jobs.create(make_job("job-4", "b/"))
        assert caught.value.job_id == "job-2"

    async def test_a_later_save_of_an_ended_job_releases_no_other_job(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        job = await jobs.save(ended(await jobs.create(make_job("job-1", "a/"))))
        await jobs.create(make_job("job-2", "a/"))
        await jobs.save(replace(job, notices=StatusNotices()))
        with pytest.raises(OverlappingJob) as caught:
            await jobs.create(make_job("job-3", "a/"))
        assert caught.value.job_id == "job-2"

    async def test_a_stale_save_releases_nothing(self, jobs: JobStore, make_job: MakeJob) -> None:
        stale = await jobs.create(make_job("job-1", "a/"))
        await jobs.save(stale)
        with pytest.raises(Conflict):
            await jobs.save(ended(stale))
        with pytest.raises(OverlappingJob):
            await jobs.create(make_job("job-2", "a/"))

    async def test_an_ended_job_reserves_none(self, jobs: JobStore, make_job: MakeJob) -> None:
        await jobs.create(ended(make_job("job-1", "a/")))
        await jobs.create(make_job("job-2", "a/"))
        with pytest.raises(OverlappingJob):
            await jobs.create(make_job("job-3", "a/"))

    async def test_of_two_racing_calls_one_succeeds(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        await jobs.create(make_job("job-other", "z/"))
        results = await asyncio.gather(
            *(jobs.create(make_job(f"job-{n}", "a/", f"b{n}/")) for n in range(5)),
            return_exceptions=True,
        )
        winners = [result for result in results if isinstance(result, Job)]
        losers = [result for result in results if isinstance(result, OverlappingJob)]
        assert (len(winners), len(losers)) == (1, 4)
        assert {loser.job_id for loser in losers} == {winners[0].job_id}

    async def test_racing_calls_that_do_not_overlap_all_win(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        await asyncio.gather(*(jobs.create(make_job(f"job-{n}", f"{n}/")) for n in range(5)))
        for n in range(5):
            with pytest.raises(OverlappingJob) as caught:
                await jobs.create(make_job("job-late", f"{n}/"))
            assert caught.value.job_id == f"job-{n}"

    async def test_racing_calls_with_one_id(self, jobs: JobStore, make_job: MakeJob) -> None:
        results = await asyncio.gather(
            *(jobs.create(make_job("job-1", "a/")) for _ in range(4)), return_exceptions=True
        )
        assert sum(isinstance(result, Job) for result in results) == 1
        assert sum(isinstance(result, AlreadyExists) for result in results) == 3

    async def test_an_end_and_a_start_at_once(self, jobs: JobStore, make_job: MakeJob) -> None:
        job = await jobs.create(make_job("job-1", "a/"))
        await asyncio.gather(
            jobs.save(ended(job)),
            *(jobs.create(make_job(f"job-{n}", f"{n}/")) for n in range(2, 5)),
        )
        await jobs.create(make_job("job-new", "a/"))
        for n in range(2, 5):
            with pytest.raises(OverlappingJob):
                await jobs.create(make_job("job-late", f"{n}/"))


class TestSave:
    async def test_returns_the_next_version(self, jobs: JobStore, make_job: MakeJob) -> None:
        job = await jobs.create(make_job())
        saved = await jobs.save(replace(job, status_reason="listing"))
        assert saved == replace(job, status_reason="listing", version=2)
        assert await jobs.get(job.job_id) == saved

    async def test_every_field_is_written_but_the_tally(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        small = await jobs.create(make_job(FULL.job_id, connector_id=FULL.request.connector_id))
        saved = await jobs.save(replace(FULL, version=small.version))
        assert saved == replace(FULL, version=2, tally=small.tally)
        assert await jobs.get(FULL.job_id) == saved

    async def test_a_field_set_to_none_is_removed(self, jobs: JobStore, make_job: MakeJob) -> None:
        full = await jobs.create(FULL)
        small = make_job(FULL.job_id, connector_id=FULL.request.connector_id)
        saved = await jobs.save(replace(small, version=full.version))
        assert saved == replace(small, version=2, tally=FULL.tally)
        assert await jobs.get(FULL.job_id) == saved

    async def test_the_save_that_ends_a_job_writes_no_tally_either(self, jobs: JobStore) -> None:
        job = await jobs.create(FULL)
        saved = await jobs.save(replace(ended(job), tally=Tally()))
        assert saved.tally == FULL.tally
        assert await jobs.get(FULL.job_id) == saved == replace(ended(job), version=2)

    async def test_a_stale_version(self, jobs: JobStore, make_job: MakeJob) -> None:
        job = await jobs.create(make_job())
        current = await jobs.save(replace(job, status_reason="new"))
        for version in (0, 1, 3):
            with pytest.raises(Conflict):
                await jobs.save(replace(job, version=version))
            with pytest.raises(Conflict):
                await jobs.save(replace(ended(job), version=version))
        assert await jobs.get(job.job_id) == current

    async def test_there_is_no_such_job(self, jobs: JobStore, make_job: MakeJob) -> None:
        for job in (make_job(), ended(make_job())):
            with pytest.raises(Conflict):
                await jobs.save(job)
            with pytest.raises(Conflict):
                await jobs.save(replace(job, version=1))
        with pytest.raises(NotFound):
            await jobs.get("job-1")

    async def test_two_racing_writers(self, jobs: JobStore, make_job: MakeJob) -> None:
        job = await jobs.create(make_job())
        results = await asyncio.gather(
            *(jobs.save(replace(job, status_reason="same")) for _ in range(5)),
            return_exceptions=True,
        )
        assert sum(isinstance(result, Job) for result in results) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 4
        assert (await jobs.get(job.job_id)).version == 2


class TestReopen:
    async def test_reserves_the_prefixes_again(self, jobs: JobStore, make_job: MakeJob) -> None:
        job = await jobs.save(ended_with_errors(await jobs.create(make_job("job-1", "a/"))))
        reopened = await jobs.reopen(redrive(job, NOW))
        assert reopened == replace(redrive(job, NOW), version=job.version + 1)
        assert await jobs.get("job-1") == reopened
        with pytest.raises(OverlappingJob) as caught:
            await jobs.create(make_job("job-2", "a/"))
        assert caught.value.job_id == "job-1"
        await jobs.save(ended(reopened))
        await jobs.create(make_job("job-2", "a/"))

    async def test_writes_no_tally(self, jobs: JobStore) -> None:
        job = await jobs.save(ended_with_errors(replace(await jobs.create(INITIAL_FULL))))
        reopened = await jobs.reopen(replace(redrive(job, NOW), tally=Tally()))
        assert reopened.tally == FULL.tally
        assert (await jobs.get(FULL.job_id)).tally == FULL.tally

    async def test_another_active_job_overlaps(self, jobs: JobStore, make_job: MakeJob) -> None:
        job = await jobs.save(ended_with_errors(await jobs.create(make_job("job-1", "a/"))))
        await jobs.create(make_job("job-2", "a/b/"))
        with pytest.raises(OverlappingJob) as caught:
            await jobs.reopen(redrive(job, NOW))
        assert caught.value.job_id == "job-2"
        assert await jobs.get("job-1") == job

    async def test_its_own_prefixes_do_not_overlap(self, jobs: JobStore, make_job: MakeJob) -> None:
        job = await jobs.create(make_job("job-1", "a/"))
        reopened = await jobs.reopen(job)
        assert await jobs.get("job-1") == reopened == replace(job, version=2)

    async def test_a_stale_version_reserves_nothing(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        stale = await jobs.save(ended_with_errors(await jobs.create(make_job("job-1", "a/"))))
        await jobs.save(replace(stale, notices=StatusNotices()))
        with pytest.raises(Conflict) as caught:
            await jobs.reopen(redrive(stale, NOW))
        assert not isinstance(caught.value, OverlappingJob)
        await jobs.create(make_job("job-2", "a/"))

    async def test_there_is_no_such_job(self, jobs: JobStore, make_job: MakeJob) -> None:
        with pytest.raises(Conflict):
            await jobs.reopen(replace(make_job("job-1", "a/"), version=3))
        await jobs.create(make_job("job-2", "a/"))

    async def test_two_racing_redrives(self, jobs: JobStore, make_job: MakeJob) -> None:
        job = await jobs.save(ended_with_errors(await jobs.create(make_job("job-1", "a/"))))
        results = await asyncio.gather(
            *(jobs.reopen(redrive(job, NOW)) for _ in range(3)), return_exceptions=True
        )
        assert sum(isinstance(result, Job) for result in results) == 1
        lost = [result for result in results if isinstance(result, Conflict)]
        assert len(lost) == 2
        assert not any(isinstance(result, OverlappingJob) for result in lost)


INITIAL_FULL = replace(FULL, status=JobStatus.INITIALIZING)


class TestListPage:
    async def test_the_newest_first_over_all_pages(self, jobs: JobStore, make_job: MakeJob) -> None:
        for n in range(7):
            await jobs.create(make_job(f"job-{n}", f"{n}/", connector_id=f"con-{n % 2}", age=n * 7))
        expected = [f"job-{n}" for n in range(7)]
        for limit in (1, 2, 3, 6, 7, 8, 100):
            assert await listed_ids(jobs, limit) == expected
            assert await listed_ids(jobs, limit, connector_id="con-1") == expected[1::2]
        assert await listed_ids(jobs, 3, connector_id="con-x") == []

    async def test_a_page_that_ends_the_list_has_no_cursor(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        for n in range(2):
            await jobs.create(make_job(f"job-{n}", f"{n}/", age=n))
        assert (await jobs.list_page(limit=2)).cursor is None
        assert (await jobs.list_page(limit=1)).cursor is not None

    async def test_jobs_of_the_same_time_are_listed_once(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        for n in range(5):
            await jobs.create(make_job(f"job-{n}", f"{n}/"))
        for limit in (1, 2, 3):
            ids = await listed_ids(jobs, limit)
            assert sorted(ids) == [f"job-{n}" for n in range(5)]

    async def test_whole_values_as_they_are_now(self, jobs: JobStore, make_job: MakeJob) -> None:
        saved = await jobs.save(replace(await jobs.create(FULL), status_reason="new"))
        assert (await jobs.list_page(limit=1)).items == (saved,)

    async def test_by_status(self, jobs: JobStore, make_job: MakeJob) -> None:
        for n in range(6):
            job = await jobs.create(make_job(f"job-{n}", f"{n}/", age=n))
            if n % 3 == 0:
                await jobs.save(ended(job))
        for limit in (1, 2, 5, 10):
            ids = await listed_ids(jobs, limit, status=JobStatus.CANCELLED)
            assert ids == ["job-0", "job-3"]
            ids = await listed_ids(jobs, limit, status=JobStatus.CANCELLED, connector_id="con-1")
            assert ids == ["job-0", "job-3"]

    async def test_more_than_a_hundred(self, jobs: JobStore, make_job: MakeJob) -> None:
        for n in range(102):
            await jobs.create(ended(make_job(f"job-{n:03d}", age=n)))
        expected = [f"job-{n:03d}" for n in range(102)]
        assert await listed_ids(jobs, 101) == expected
        assert [job.job_id async for job in jobs.open_jobs()] == expected[::-1]

    async def test_a_cursor_of_another_list(self, jobs: JobStore, make_job: MakeJob) -> None:
        for n in range(3):
            await jobs.create(make_job(f"job-{n}", f"{n}/", age=n))
        of_all = (await jobs.list_page(limit=1)).cursor
        of_connector = (await jobs.list_page(limit=1, connector_id="con-1")).cursor
        foreign: list[dict[str, Any]] = [
            {"cursor": of_all, "connector_id": "con-1"},
            {"cursor": of_connector, "connector_id": "con-2"},
            {"cursor": of_connector},
            {"cursor": of_all, "connector_id": "None"},
            {"cursor": of_all, "status": JobStatus.FAILED},
        ]
        garbage = invalid_cursors(of_all or "")
        for query in [*foreign, *({"cursor": cursor} for cursor in garbage)]:
            with pytest.raises(InvalidCursor):
                await jobs.list_page(**query, limit=2)


class TestOpenJobs:
    async def test_not_ended_or_with_notices_the_oldest_first(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        for n in range(4):
            await jobs.create(make_job(f"job-{n}", f"{n}/", age=n))
        silent = replace(await jobs.get("job-1"), notices=StatusNotices())
        await jobs.save(silent)
        await jobs.save(ended(await jobs.get("job-2")))
        await jobs.save(replace(ended(await jobs.get("job-3")), notices=StatusNotices()))
        found = [job async for job in jobs.open_jobs()]
        assert [job.job_id for job in found] == ["job-2", "job-1", "job-0"]
        assert found == [await jobs.get(job.job_id) for job in found]

    async def test_a_published_job_leaves_the_list(self, jobs: JobStore, make_job: MakeJob) -> None:
        job = await jobs.save(ended(await jobs.create(make_job())))
        assert [each async for each in jobs.open_jobs()] == [job]
        await jobs.save(replace(job, notices=StatusNotices()))
        assert [each async for each in jobs.open_jobs()] == []

    async def test_a_job_that_must_be_compared_is_in_the_list(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        job = await jobs.save(ended(await jobs.create(make_job())))
        silent = replace(job, notices=StatusNotices(), removals=WANTED)
        compared = await jobs.save(silent)
        assert [each async for each in jobs.open_jobs()] == [compared]
        stopped = replace(WANTED, status=RemovalStatus.STOPPED)
        await jobs.save(replace(compared, removals=stopped))
        assert [each async for each in jobs.open_jobs()] == []

    async def test_a_job_whose_orphans_must_be_searched_is_in_the_list(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        job = await jobs.save(ended(await jobs.create(make_job())))
        work = OrphanWork(requested_at=NOW)
        asked = await jobs.save(replace(job, notices=StatusNotices(), orphans=work))
        assert [each async for each in jobs.open_jobs()] == [asked]
        done = replace(work, status=OrphanStatus.DONE)
        await jobs.save(replace(asked, orphans=done))
        assert [each async for each in jobs.open_jobs()] == []

    async def test_a_reopened_job_is_back(self, jobs: JobStore, make_job: MakeJob) -> None:
        job = ended_with_errors(await jobs.create(make_job()))
        job = await jobs.save(replace(job, notices=StatusNotices()))
        reopened = await jobs.reopen(redrive(job, NOW))
        assert [each async for each in jobs.open_jobs()] == [reopened]

    async def test_the_consumer_may_change_them_while_it_reads(
        self, jobs: JobStore, make_job: MakeJob
    ) -> None:
        for n in range(3):
            await jobs.create(make_job(f"job-{n}", f"{n}/", age=n))
        seen = []
        async for job in jobs.open_jobs():
            seen.append(job.job_id)
            await jobs.save(replace(ended(job), notices=StatusNotices()))
        assert seen == ["job-2", "job-1", "job-0"]
        assert [each async for each in jobs.open_jobs()] == []

    async def test_none(self, jobs: JobStore) -> None:
        assert [job async for job in jobs.open_jobs()] == []
        assert (await jobs.list_page(limit=5)).items == ()
