"""A job's item, as this version and the previous one write it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapters.aws.job_item import new_job_item, to_job
from domain.connector import Bucket, Ingest
from domain.job import new_job
from domain.key_ranges import KeyRange
from domain.listing import Listing, RowUpload
from domain.queue_limit import QueueLimit, WatchedQueue
from domain.snapshot import Lookup, Segment, Snapshot, Way
from domain.sync_request import SyncRequest

JOB = new_job(
    job_id="job-1",
    request=SyncRequest(connector_id="con-1", bucket=Bucket(name="media")),
    now=datetime(2026, 1, 1, tzinfo=UTC),
)
UPLOAD = RowUpload(upload_id="u", part_e_tags=("e",))
LISTING = Listing(objects_listed=3, ranges=(KeyRange(after="c"),), manifest=UPLOAD)


def test_a_listing_of_an_earlier_version_is_read_as_it_was_written() -> None:
    later = replace(
        LISTING,
        manifest=replace(UPLOAD, rest_key="r"),
        ranges=(KeyRange(after="c", token="t"),),
    )
    item = new_job_item(replace(JOB, listing=later))
    progress = item["listingProgress"]["M"]
    assert (progress.pop("restKey"), progress.pop("token")) == ({"S": "r"}, {"S": "t"})
    del progress["known"]
    # After its last key, with the same upload.
    assert progress == {
        "prefixIndex": {"N": "0"},
        "lastKey": {"S": "c"},
        "uploadId": {"S": "u"},
        "partETags": {"L": [{"S": "e"}]},
        "keySum": {"N": "0"},
    }
    assert to_job(item).listing == LISTING


@pytest.mark.parametrize(
    "ranges",
    [
        (KeyRange(after="c", up_to="d"),),
        (KeyRange(after="c", up_to="d"), KeyRange(after="f", token="t")),
        (KeyRange(up_to="d", token="t"), KeyRange(after="d", up_to="e"), KeyRange(after="x")),
    ],
)
def test_an_earlier_version_starts_a_listing_with_ranges_again(
    ranges: tuple[KeyRange, ...],
) -> None:
    """It does not know the ranges: with the upload, it would list some keys twice."""
    stored = replace(LISTING, ranges=ranges)
    item = new_job_item(replace(JOB, listing=stored))
    assert to_job(item).listing == stored
    progress = item["listingProgress"]["M"]
    assert not {"uploadId", "lastKey", "token"} & set(progress)
    # With any change of the job, it writes the map without what it does not know.
    del progress["ranges"]
    assert to_job(item).listing.manifest.upload_id is None


@pytest.mark.parametrize(
    "lookup",
    [
        Lookup(way=Way.LOOKUPS, reason="it costs less"),
        Lookup(way=Way.LOOKUPS, reason="no right to scan", warning="grant dynamodb:Scan"),
        Lookup(
            way=Way.SNAPSHOT,
            reason="it costs less",
            lookups_dollars=Decimal("1.50"),
            snapshot_dollars=Decimal("0.000001"),
            snapshot=Snapshot(
                began_at=datetime(2026, 1, 1, 12, 30, 0, 123000, tzinfo=UTC),
                segments=(Segment(), Segment(cursor='{"id": "a"}'), Segment(done=True)),
            ),
        ),
        Lookup(
            way=Way.SNAPSHOT,
            reason="it costs less",
            snapshot=Snapshot(
                began_at=datetime(2026, 1, 1, tzinfo=UTC),
                segments=(Segment(done=True),),
                runs=("jobs/job-1/progress/run-1", "jobs/job-1/progress/run-2"),
                bounds_key="jobs/job-1/progress/bounds",
                partition_count=8,
                partitions_done=8,
                ready=True,
                record_count=1_000_000,
            ),
        ),
    ],
)
def test_a_lookup_is_read_as_it_was_written(lookup: Lookup) -> None:
    assert to_job(new_job_item(replace(JOB, lookup=lookup))).lookup == lookup


def test_a_job_of_an_earlier_version_waits_for_the_queue_that_it_began_with() -> None:
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/ingest"
    request = replace(JOB.request, ingest=Ingest(queue_url=url))
    watched = WatchedQueue(url=url, limit=QueueLimit(depth_max=3))
    item = new_job_item(replace(JOB, request=request, watched_queue=watched))
    # That version reads the limit by the same name.
    assert (item.pop("watchedQueueUrl"), item["ingestQueueMaxDepth"]) == ({"S": url}, {"N": "3"})
    assert to_job(item).watched_queue == watched
    del item["ingestQueueMaxDepth"]
    assert to_job(item).watched_queue is None
