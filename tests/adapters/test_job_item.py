"""A job's item, as this version and the previous one write it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from adapters.aws.job_item import new_job_item, to_job
from domain.connector import Bucket, Ingest
from domain.job import SyncOptions, new_job
from domain.listing import Listing, RowUpload


def test_a_listing_of_an_earlier_version_is_read_as_it_was_written() -> None:
    job = new_job(
        job_id="job-1",
        connector_id="con-1",
        bucket=Bucket(name="media"),
        ingest=Ingest(),
        options=SyncOptions(),
        request_fingerprint=None,
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )
    upload = RowUpload(upload_id="u", part_e_tags=("e",))
    listing = Listing(objects_listed=3, last_key="c", manifest=upload)
    later = replace(listing, manifest=replace(upload, rest_key="r"), token="t")
    item = new_job_item(replace(job, listing=later))
    progress = item["listingProgress"]["M"]
    assert (progress.pop("restKey"), progress.pop("token")) == ({"S": "r"}, {"S": "t"})
    del progress["known"]
    assert to_job(item).listing == listing
