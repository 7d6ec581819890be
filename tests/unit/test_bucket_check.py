"""The figures in the warning for a versioned bucket."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.bucket_check import check_bucket
from domain.connector import Bucket, BucketInfo
from domain.job import Job, new_job
from domain.listing import Listing
from domain.sync_request import SyncRequest

JOB: Job = new_job(
    job_id="job-1",
    request=SyncRequest(connector_id="c1", bucket=Bucket(name="media")),
    now=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("object_count", "byte_count", "figures"),
    [
        (1, 0, "1 object and 0 bytes"),
        (2, 999, "2 objects and 999 bytes"),
        (1_000, 1_000, "1,000 objects and 1.0 kB (1,000 bytes)"),
        (3, 1_550_000, "3 objects and 1.6 MB (1,550,000 bytes)"),
        (3, 10_000_000_000_000, "3 objects and 10.0 TB (10,000,000,000,000 bytes)"),
        (3, 2 * 10**21, "3 objects and 2000.0 EB (2,000,000,000,000,000,000,000 bytes)"),
    ],
)
def test_figures_are_human_and_exact(object_count: int, byte_count: int, figures: str) -> None:
    listed = Listing(objects_listed=object_count, bytes_listed=byte_count)
    [warning] = check_bucket(JOB, BucketInfo(versioned=True), listed=listed)
    assert f", at most {figures}, which is billed" in warning
