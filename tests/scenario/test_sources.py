"""Jobs whose keys come from a manifest or an inventory instead of a listing."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest

from adapters.memory.parquet_reader import memory_parquet
from application.connectors import NewConnector
from application.engine import source_pages as module
from application.execution.tuning import Tuning
from domain.connector import Verify
from domain.discovery import Discovery
from domain.errors import InvalidRequest
from domain.job import Job, JobStatus
from domain.key_source import KeySource, SourceCounts, SourceKind
from domain.packing import ChunkSizing
from domain.pricing.survey import CatalogShape
from domain.pricing.workload import workload_of_job
from ports.errors import Archived

BUCKET = "media"
REPORTS = "reports"
ROLE_ARN = "arn:aws:iam::210987654321:role/media"
# As S3 writes it (S3 User Guide, "Locating your inventory list"), with the newer names of types.
PARQUET_SCHEMA = (
    "message s3.inventory {  required binary bucket (STRING);  required binary key (STRING); "
    " optional binary version_id (STRING);  optional boolean is_latest; "
    " optional boolean is_delete_marker;  optional int64 size; "
    " optional int64 last_modified_date (TIMESTAMP(MILLIS,true));  optional binary e_tag (STRING);}"
)
KEYS = [f"a b/{number:02}+ü.jpg" for number in range(40)]
# Less than the margin before the end: the engine stops after each page.
SHORT_S = 5.0
BOTH = pytest.mark.parametrize("discovery", list(Discovery))
SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag"


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS_PER_PAGE", 4)


@pytest.fixture
def story(new_story: Callable[..., Any]) -> Any:
    """Objects in the bucket, and a bucket for reports that another role cannot read."""
    made = new_story(Tuning(sizing=ChunkSizing(object_count_max=3), manifest_part_bytes=1))
    made.put(*KEYS)
    made.buckets.create(REPORTS).role_arn = ROLE_ARN
    made.ports.source_files.block_bytes = 50
    run_engine = made.run_engine

    async def interrupted() -> None:
        """Run the engine as often as it asks for; only its own time is short."""
        made.time_s, long_s = SHORT_S if made.is_short else made.time_s, made.time_s
        try:
            await run_engine()
        finally:
            made.time_s = long_s

    made.run_engine, made.is_short = interrupted, False
    return made


def manifest(story: Any, *keys: str, rows: str = "", bucket: str = BUCKET) -> KeySource:
    text = "".join(f"{bucket},{quote_plus(key)}\n" for key in keys) + rows
    story.buckets.put(REPORTS, "keys.csv", text.encode())
    return KeySource(kind=SourceKind.MANIFEST, bucket_name=REPORTS, key="keys.csv")


def row(key: str, *, latest: str = "true", deleted: str = "false") -> str:
    """Return a row of an inventory of all versions, quoted as S3 writes it."""
    time = "2026-01-01T00:00:00.000Z"
    fields = (BUCKET, quote_plus(key), "v1", latest, deleted, "7", time, "e1")
    return ",".join(f'"{field}"' for field in fields) + "\n"


def inventory(story: Any, *files: str, **changes: Any) -> KeySource:
    """Put a report whose files have these rows; `changes` are made in its manifest.json."""
    contents = [(gzip.compress(text.encode()), "csv.gz") for text in files]
    return put_report(story, contents, **changes)


def parquet_inventory(story: Any, *files: Sequence[str], **changes: Any) -> KeySource:
    """Put a report in Parquet whose files have these keys."""
    time = datetime(2026, 1, 1, tzinfo=UTC)
    columns = [words.split()[2] for words in PARQUET_SCHEMA.partition("{")[2].split(";")[:-1]]
    contents = []
    for keys in files:
        rows = [(BUCKET, key, "v1", True, False, 7, time, "e1") for key in keys]
        content = memory_parquet([dict(zip(columns, row, strict=True)) for row in rows], columns)
        contents.append((content, "parquet"))
    changes = {"fileFormat": "Parquet", "fileSchema": PARQUET_SCHEMA} | changes
    return put_report(story, contents, **changes)


def put_report(story: Any, contents: list[tuple[bytes, str]], **changes: Any) -> KeySource:
    named = []
    for number, (content, suffix) in enumerate(contents):
        key = f"inv/data/{number}.{suffix}"
        story.buckets.put(REPORTS, key, content)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        named.append({"key": key, "size": len(content), "MD5checksum": md5})
    document = {
        "sourceBucket": BUCKET,
        "destinationBucket": f"arn:aws:s3:::{REPORTS}",
        "version": "2016-11-30",
        "creationTimestamp": "1514944800000",
        "fileFormat": "CSV",
        "fileSchema": SCHEMA,
        "files": named,
    }
    content = json.dumps(document | changes).encode()
    checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
    story.buckets.put(REPORTS, "inv/manifest.json", content)
    story.buckets.put(REPORTS, "inv/manifest.checksum", f"{checksum}\n".encode())
    return KeySource(kind=SourceKind.INVENTORY, bucket_name=REPORTS, key="inv/manifest.json")


async def run(story: Any, source: KeySource, **options: Any) -> Job:
    """Run a job whose engine reaches its deadline after each page."""
    story.is_short = True
    job: Job = await story.sync(source=source, **options)
    return job


def totals(job: Job) -> tuple[int, int]:
    return job.listing.objects_listed, job.tally.statistics.total


@BOTH
async def test_the_objects_of_a_manifest_are_processed(story: Any, discovery: Discovery) -> None:
    job = await run(story, manifest(story, *KEYS[:30]), discovery=discovery)
    assert job.status is JobStatus.COMPLETED
    assert story.kinds(job) == dict.fromkeys(KEYS[:30], "PUT")
    assert totals(job) == (30, 30)
    checkpoints = [e for e in story.ports.telemetry.events if e.name == "listing_checkpoint"]
    assert len(checkpoints) == 30 // 4 + 1
    assert story.requests["ListObjectsV2"] == 0


@BOTH
async def test_the_objects_of_an_inventory_are_processed(story: Any, discovery: Discovery) -> None:
    files = ["".join(map(row, KEYS[:17])), "", "".join(map(row, KEYS[17:]))]
    job = await run(story, inventory(story, *files), discovery=discovery)
    assert job.status is JobStatus.COMPLETED
    assert story.kinds(job) == dict.fromkeys(KEYS, "PUT")
    assert job.listing.bytes_listed == 7 * len(KEYS)


@BOTH
async def test_only_current_versions_count(story: Any, discovery: Discovery) -> None:
    rows = row(KEYS[0]) + row(KEYS[0], latest="false") + row(KEYS[1], deleted="true")
    job = await run(story, inventory(story, rows), discovery=discovery)
    assert story.kinds(job) == {KEYS[0]: "PUT"}
    assert job.listing.source == SourceCounts(not_current=2)


@BOTH
async def test_an_object_that_is_gone_or_changed_is_as_in_a_listing(
    story: Any, discovery: Discovery
) -> None:
    source = inventory(story, "".join(map(row, [*KEYS[:2], "never.jpg"])))
    story.buckets.put(BUCKET, KEYS[0], b"newer")
    story.ports.clock.advance(1)
    job = await run(story, source, discovery=discovery)
    assert job.status is JobStatus.COMPLETED
    assert story.kinds(job) == {KEYS[0]: "PUT", KEYS[1]: "PUT", "never.jpg": "GONE"}


@BOTH
async def test_repeated_keys_keep_the_counts_equal(story: Any, discovery: Discovery) -> None:
    """Next to each other they are left out; far from each other each has its outcome."""
    keys = [*KEYS[:9], KEYS[8], KEYS[7], *KEYS[20:29], KEYS[0], KEYS[1]]
    job = await run(story, manifest(story, *keys), discovery=discovery)
    assert job.status is JobStatus.COMPLETED
    listed, done = totals(job)
    assert listed == done
    assert listed + job.listing.source.repeated == len(keys)
    files = story.ports.results.files
    lines = [
        json.loads(line)["key"]
        for name, content in files.items()
        if name.startswith(f"jobs/{job.job_id}/outcomes/")
        for line in content.splitlines()
    ]
    assert set(lines) == set(keys)
    assert len(lines) == done
    assert story.requests["CopyObject"] == len(set(keys))


async def test_repeated_keys_within_one_invocation_are_left_out(story: Any) -> None:
    keys = [KEYS[0], KEYS[0], KEYS[1], KEYS[2], KEYS[2], KEYS[0]]
    job = await story.sync(source=manifest(story, *keys))
    assert totals(job) == (3, 3)
    assert job.listing.source == SourceCounts(repeated=3)


@BOTH
async def test_keys_outside_the_prefixes_are_counted(story: Any, discovery: Discovery) -> None:
    story.put("other/1.jpg")
    source = manifest(story, "other/1.jpg", *KEYS)
    job = await run(story, source, discovery=discovery, prefixes=("other/",))
    assert story.kinds(job) == {"other/1.jpg": "PUT"}
    assert job.listing.source == SourceCounts(outside=len(KEYS))


async def test_a_source_without_an_object_of_the_job_completes(story: Any) -> None:
    job = await run(story, manifest(story, *KEYS), prefixes=("other/",))
    assert job.status is JobStatus.COMPLETED
    assert totals(job) == (0, 0)


@BOTH
async def test_the_objects_of_a_parquet_inventory_are_processed(
    story: Any, discovery: Discovery
) -> None:
    """Its keys are not encoded."""
    story.put("100%25+x.jpg")
    source = parquet_inventory(story, KEYS[:17], [], [*KEYS[17:], "100%25+x.jpg"])
    job = await run(story, source, discovery=discovery)
    assert job.status is JobStatus.COMPLETED, job.status_reason
    assert story.kinds(job) == dict.fromkeys([*KEYS, "100%25+x.jpg"], "PUT")
    assert job.listing.bytes_listed == 7 * (len(KEYS) + 1)
    assert story.ports.parquet_reader.open_count == 0


SOURCES: dict[str, Callable[[Any], KeySource]] = {
    "manifest": lambda story: manifest(story, *KEYS),
    "CSV": lambda story: inventory(
        story, "".join(map(row, KEYS[:23])), "".join(map(row, KEYS[23:]))
    ),
    "Parquet": lambda story: parquet_inventory(story, KEYS[:23], KEYS[23:]),
}


@BOTH
@pytest.mark.parametrize("kind", SOURCES)
async def test_a_crash_at_any_page_loses_and_repeats_nothing(
    story: Any, discovery: Discovery, kind: str
) -> None:
    source = SOURCES[kind](story)
    read, count = story.ports.source_files.read, 0

    async def failing(*args: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if count % 9 == 0:
            raise RuntimeError("the engine dies")
        return await read(*args, **options)

    story.ports.source_files.read = failing
    story.ports.source_files.block_bytes = 200 if kind != "Parquet" else 2_000
    job = await story.start(source=source, discovery=discovery)
    for _ in range(200):
        if (await story.ports.jobs.get(job.job_id)).terminal:
            break
        story.is_short = True
        try:
            await story.turn()
        except RuntimeError:
            story.ports.clock.advance(2_000)
    job = await story.ports.jobs.get(job.job_id)
    assert job.status is JobStatus.COMPLETED, job.status_reason
    assert story.kinds(job) == dict.fromkeys(KEYS, "PUT")
    assert totals(job) == (len(KEYS), len(KEYS))


async def fails(story: Any, source: KeySource, *parts: str, **options: Any) -> None:
    job = await run(story, source, **options)
    assert job.status is JobStatus.FAILED
    for part in parts:
        assert part in job.status_reason


async def test_a_manifest_that_changes_while_it_is_read_fails_the_job(story: Any) -> None:
    source = manifest(story, *KEYS)
    job = await story.start(source=source)
    story.is_short = True
    await story.run_engine()
    assert (await story.ports.jobs.get(job.job_id)).listing.objects_listed
    manifest(story, *KEYS[::-1])
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.FAILED
    assert "s3://reports/keys.csv does not have the ETag" in job.status_reason


async def test_a_manifest_with_another_etag_is_refused(story: Any) -> None:
    source = manifest(story, *KEYS)
    pinned = KeySource(
        kind=source.kind, bucket_name=source.bucket_name, key=source.key, e_tag="other"
    )
    await fails(story, pinned, "keys.csv does not have the ETag other")


async def test_what_cannot_be_read_is_named(story: Any) -> None:
    gone = KeySource(kind=SourceKind.MANIFEST, bucket_name=REPORTS, key="absent.csv")
    await fails(story, gone, "s3://reports/absent.csv", ROLE_ARN, "s3:GetObject")


async def test_a_denial_names_role_and_permission(story: Any) -> None:
    source = manifest(story, *KEYS)
    story.buckets.denied.add((REPORTS, "keys.csv"))
    await fails(story, source, "s3://reports/keys.csv", ROLE_ARN, "s3:GetObject", "AccessDenied")


async def test_rows_of_another_bucket_are_refused(story: Any) -> None:
    await fails(story, manifest(story, "a", bucket="other"), "row 1 is of bucket 'other'")
    await fails(story, inventory(story, row("a"), sourceBucket="other"), "report of bucket 'other'")


async def test_an_empty_manifest_is_refused(story: Any) -> None:
    await fails(story, manifest(story), "is empty")


@pytest.mark.parametrize("name", ["inv/manifest.checksum", "inv/data/0.csv.gz"])
async def test_a_checksum_that_does_not_match_fails_the_job(story: Any, name: str) -> None:
    source = inventory(story, row(KEYS[0]))
    content = story.buckets.get(REPORTS, name).content
    # The time in gzip's header (RFC 1952, section 2.3) changes nothing but the checksum.
    other = bytearray(content)
    other[4] ^= 1
    story.buckets.put(REPORTS, name, bytes(other))
    await fails(story, source, "MD5", "use another report")


async def test_no_row_of_a_parquet_file_is_used_before_its_checksum_is_known(story: Any) -> None:
    source = parquet_inventory(story, KEYS)
    content = story.buckets.get(REPORTS, "inv/data/0.parquet").content
    story.buckets.put(REPORTS, "inv/data/0.parquet", content.replace(b"39", b"38"))
    job = await run(story, source)
    assert job.status is JobStatus.FAILED
    assert "inv/data/0.parquet has the MD5" in job.status_reason
    assert "use another report" in job.status_reason
    assert job.listing.objects_listed == 0
    assert story.ports.parquet_reader.open_count == 0


async def test_a_parquet_file_that_is_none_fails_the_job(story: Any) -> None:
    source = put_report(
        story, [(b"no Parquet", "parquet")], fileFormat="Parquet", fileSchema=PARQUET_SCHEMA
    )
    await fails(story, source, "inv/data/0.parquet: it cannot be read as Parquet")


async def test_a_parquet_file_without_a_column_of_its_report_fails_the_job(story: Any) -> None:
    content = memory_parquet([{"bucket": BUCKET, "key": KEYS[0]}], ["bucket", "key"])
    source = put_report(
        story, [(content, "parquet")], fileFormat="Parquet", fileSchema=PARQUET_SCHEMA
    )
    await fails(story, source, "inv/data/0.parquet: it has no column is_latest and no")


@pytest.mark.parametrize("is_short", [True, False])
async def test_a_row_of_a_parquet_file_is_named_by_its_number(story: Any, is_short: bool) -> None:
    parquet_inventory(story, KEYS)
    document = json.loads(story.buckets.get(REPORTS, "inv/data/0.parquet").content)
    document["rows"][21][0] = "other"
    content = json.dumps(document).encode()
    source = put_report(
        story, [(content, "parquet")], fileFormat="Parquet", fileSchema=PARQUET_SCHEMA
    )
    story.is_short = is_short
    job = await story.sync(source=source)
    assert "inv/data/0.parquet: row 22 is of bucket 'other'" in job.status_reason


async def test_a_parquet_file_is_closed_where_the_engine_stops(story: Any) -> None:
    job = await story.start(source=parquet_inventory(story, KEYS))
    story.is_short = True
    await story.run_engine()
    assert (await story.ports.jobs.get(job.job_id)).listing.objects_listed == 4
    assert story.ports.parquet_reader.open_count == 0


async def test_an_installation_that_reads_no_parquet_names_the_file(story: Any) -> None:
    story.ports.parquet_reader.installed = False
    source = parquet_inventory(story, KEYS)
    await fails(story, source, "not read by this installation", "s3://reports/inv/data/0.parquet")


async def test_a_parquet_file_without_room_fails_the_job(story: Any) -> None:
    story.ports.parquet_reader.free_bytes = 100
    source = parquet_inventory(story, KEYS)
    await fails(story, source, "has no room", "s3://reports/inv/data/0.parquet")


async def test_a_truncated_file_of_an_inventory_fails_the_job(story: Any) -> None:
    source = inventory(story, "".join(map(row, KEYS)))
    content = story.buckets.get(REPORTS, "inv/data/0.csv.gz").content
    story.buckets.put(REPORTS, "inv/data/0.csv.gz", content[:-20])
    await fails(story, source, "inv/data/0.csv.gz has", "bytes")


async def test_a_missing_column_is_named(story: Any) -> None:
    source = inventory(story, "", fileSchema="Bucket, Key, VersionId, IsLatest, Size")
    await fails(story, source, "no column IsDeleteMarker")
    without = PARQUET_SCHEMA.replace(" optional boolean is_delete_marker; ", "")
    source = parquet_inventory(story, [], fileSchema=without)
    await fails(story, source, "no column IsDeleteMarker")


async def test_a_format_that_is_not_read_is_named(story: Any) -> None:
    await fails(story, inventory(story, "", fileFormat="ORC"), "format ORC", "format CSV")


async def test_times_are_needed_for_modified_since(story: Any) -> None:
    now = story.ports.clock.now()
    with pytest.raises(InvalidRequest, match="modifiedSince"):
        await story.sync(source=manifest(story, *KEYS), modified_since=now)
    rows = f'"{BUCKET}","a"\n'
    source = inventory(story, rows, fileSchema="Bucket, Key")
    await fails(story, source, "no column LastModifiedDate", modified_since=now)
    assert (await run(story, source)).status is JobStatus.COMPLETED


async def test_without_sizes_a_name_with_a_slash_at_its_end_is_a_folder(story: Any) -> None:
    story.put("folder/")
    job = await story.sync(source=manifest(story, "folder/", KEYS[0]))
    assert story.kinds(job) == {KEYS[0]: "PUT"}
    assert job.listing.objects_filtered == 1


async def test_an_archived_source_fails_the_job(story: Any) -> None:
    source = manifest(story, *KEYS)

    async def archived(*_: Any, **__: Any) -> Any:
        raise Archived("archived", vendor_code="InvalidObjectState", request_id="r1")

    story.ports.source_files.read = archived
    await fails(story, source, "keys.csv is archived (InvalidObjectState, request r1)")


@BOTH
async def test_no_listing_is_paid_for(story: Any, discovery: Discovery) -> None:
    job = await story.sync(source=manifest(story, *KEYS), discovery=discovery)
    assert workload_of_job(job, CatalogShape()).page_count == 0
    job = await story.sync(discovery=discovery)
    assert workload_of_job(job, CatalogShape()).page_count == 1


async def test_the_catalog_is_not_relied_on_without_etags(story: Any) -> None:
    job = await run(story, manifest(story, *KEYS[:3]), verify=Verify.CATALOG)
    assert story.kinds(job) == dict.fromkeys(KEYS[:3], "PUT")


async def test_explain_finds_keys_of_an_unsorted_source(story: Any) -> None:
    order = KEYS[::3] + KEYS[1::3] + KEYS[2::3]
    job = await story.sync(source=manifest(story, *order[::-1]))
    explain = story.use_cases.explain_object().explain
    for key in KEYS:
        found = await explain(job.job_id, key)
        assert found.outcome is not None
        assert found.outcome.key == key


async def test_a_role_of_the_connector_reads_the_source(story: Any) -> None:
    new = NewConnector(bucket_name=BUCKET, connector_id="c1", ingest=story.ingest_settings)
    await story.use_cases.connectors().register(new)
    story.buckets.find(BUCKET).role_arn = None
    await fails(story, manifest(story, *KEYS), "the engine's role")
