"""The AWS requests of a sync, which the customer pays for."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from bench.scaling.sync import (
    ADDING_STATE_REQUESTS,
    CHUNK_FILE_REQUESTS,
    CHUNK_STATE_REQUESTS,
    Choices,
    Workload,
    object_requests,
)

from application.results.files import summary_key

Json = dict[str, Any]
Counts = Counter[tuple[str, str, str]]

STATE_WRITES = {
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
    "TransactWriteItems",
}

SET_UP = {"GetBucketVersioning", "GetBucketRequestPayment", "HeadBucket"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Any]) -> Any:
    return start_system(
        {
            "object_count_max": 500,
            "window_object_count": 100,
            "windows_in_flight": 1,
            "calls_in_flight": 16,
        }
    )


@pytest.fixture
def sync(system: Any) -> Callable[..., tuple[Json, list[tuple[str, str, Json]]]]:
    """Syncs a bucket with discovery `direct`, in one chunk; returns the job and all calls."""

    def run(bucket: str) -> tuple[Json, list[tuple[str, str, Json]]]:
        system.idle()
        system.calls.take_kept()
        job = system.api.ended(system.api.sync(bucket, discovery="direct"))
        system.idle()
        assert (job["status"], job["chunks"]["total"]) == ("COMPLETED", 1), job
        return job, system.calls.take_kept()

    return run


CHUNK_WRITES = ("dynamodb", "PutItem", "asset-sync-chunks")


def _fill(system: Any, bucket: str, count: int, *, known: str | None = None) -> None:
    """Put objects; `known` says whether the catalog has their `asset` or only their `inventory`."""
    system.bucket(bucket)
    items = []
    for number in range(count):
        inventory_id, asset_id = f"i-{bucket}-{number}", f"a-{bucket}-{number}"
        tags = {}
        if known is not None:
            tags = {"InventoryID": inventory_id}
            item: Json = {"InventoryID": {"S": inventory_id}}
            if known == "asset":
                tags["AssetID"] = asset_id
                item["DigitalSourceAsset"] = {"M": {"ID": {"S": asset_id}}}
            items.append({"PutRequest": {"Item": item}})
        system.put(bucket, f"é +%/{number}.jpg", tags)
    # An object that is read in the second of its last change is ambiguous, and read once more.
    time.sleep(1.1)
    for start in range(0, len(items), 25):
        system.dynamodb.batch_write_item(
            RequestItems={system.assets_table: items[start : start + 25]}
        )


def _on_objects(calls: list[tuple[str, str, Json]], bucket: str) -> Counter[str]:
    """Count the requests for the bucket's objects; those for the bucket itself are a few."""
    on_bucket = [
        (operation, params.get("Key"))
        for service, operation, params in calls
        if service == "s3" and params.get("Bucket") == bucket
    ]
    # The bucket's configuration is read before and after the listing, all else once.
    for (operation, key), count in Counter(on_bucket).items():
        assert count == 1 or (key is None and operation in SET_UP and count == 2)
    return Counter(operation for operation, key in on_bucket if key is not None)


def test_skip_costs_one_read_of_the_customers_bucket(system: Any, sync: Callable[..., Any]) -> None:
    _fill(system, "counts-skip", 30, known="asset")
    system.api.connect("counts-skip")
    job, calls = sync("counts-skip")
    assert job["statistics"]["skipped"] == 30
    assert _on_objects(calls, "counts-skip") == {"GetObjectTagging": 30}


@pytest.mark.parametrize("known", [None, "inventory"], ids=["PUT", "COPY"])
@pytest.mark.parametrize(
    ("trigger", "write"), [("copy", "CopyObject"), ("event", "PutObjectTagging")]
)
def test_put_and_copy_cost_two_reads_and_one_write(
    system: Any, sync: Callable[..., Any], known: str | None, trigger: str, write: str
) -> None:
    bucket = f"counts-{known or 'put'}-{trigger}"
    _fill(system, bucket, 12, known=known)
    system.api.connect(bucket, trigger=trigger)
    job, calls = sync(bucket)
    assert job["statistics"]["copied" if known else "put"] == 12
    assert _on_objects(calls, bucket) == {
        "GetObjectTagging": 12,
        "HeadObject": 12,
        write: 12,
    }


@pytest.mark.parametrize(("count", "windows"), [(90, 1), (130, 2)])
def test_the_catalog_is_queried_once_per_window_and_not_per_object(
    system: Any, sync: Callable[..., Any], counted: Callable[..., Counts], count: int, windows: int
) -> None:
    bucket = f"counts-catalog-{count}"
    _fill(system, bucket, count, known="asset")
    system.api.connect(bucket)
    job, calls = sync(bucket)
    assert job["statistics"]["skipped"] == count
    table = system.assets_table
    on_table = {key[1]: n for key, n in counted(calls).items() if key[2] == table}
    assert on_table == {"BatchGetItem": windows}


def test_no_write_of_state_depends_on_the_number_of_objects(
    system: Any, sync: Callable[..., Any], counted: Callable[..., Counts]
) -> None:
    found = {}
    for count in (10, 90):
        bucket = f"counts-state-{count}"
        _fill(system, bucket, count)
        system.api.connect(bucket)
        job, calls = sync(bucket)
        assert job["statistics"]["put"] == count
        counts = counted(calls)
        found[count] = {
            key: n
            for key, n in counts.items()
            if key[1] in STATE_WRITES or key[2] == system.results_bucket or key[0] == "sqs"
        }
        assert counts["events", "PutEvents", ""] == count / 10
    # Whether a chunk is marked QUEUED depends on whether the engine or the worker is first.
    marks = [found[count].pop(CHUNK_WRITES) for count in (10, 90)]
    assert set(marks) <= {2, 3}
    assert found[10] == found[90]
    assert sum(n for key, n in found[10].items() if key[1] in STATE_WRITES) < 20


@pytest.mark.parametrize("known", [None, "asset"], ids=["PUT", "SKIP"])
def test_the_model_of_large_syncs_counts_the_same_requests_for_objects(
    system: Any, sync: Callable[..., Any], counted: Callable[..., Counts], known: str | None
) -> None:
    bucket, count = f"counts-model-{known or 'put'}", 100
    _fill(system, bucket, count, known=known)
    system.api.connect(bucket)
    job, calls = sync(bucket)
    assert job["statistics"]["skipped" if known else "put"] == count
    found = _on_objects(calls, bucket)
    found.update({key[1]: n for key, n in counted(calls).items() if key[2] == system.assets_table})
    found["PutEvents"] = counted(calls)["events", "PutEvents", ""]
    # No index over storage paths is named here.
    workload = Workload(objects=count, put_share=0.0 if known else 1.0, path_index=False)
    expected = object_requests(workload, Choices())
    assert +found == {name: round(each * count) for name, each in expected.items()}


def test_the_model_of_large_syncs_counts_the_same_requests_for_chunks(
    system: Any, counted: Callable[..., Counts]
) -> None:
    files, state = {}, {}
    for chunks, count in ((1, 400), (3, 1_100)):
        bucket = f"counts-chunks-{count}"
        _fill(system, bucket, count, known="asset")
        system.api.connect(bucket)
        system.idle()
        system.calls.take_kept()
        job = system.api.ended(system.api.sync(bucket, discovery="direct"))
        system.idle()
        assert job["chunks"]["total"] == chunks
        kept = system.calls.take_kept()
        counts = counted(kept)
        # The summary is the job's, and written twice if engine and worker both find its end.
        files[chunks] = sum(
            params.get("Bucket") == system.results_bucket
            and params["Key"] != summary_key(job["jobId"])
            for _, _, params in kept
        )
        state[chunks] = sum(
            n for key, n in counts.items() if key[0] == "dynamodb" and key[2] != system.assets_table
        )
    assert files[3] - files[1] == 2 * CHUNK_FILE_REQUESTS
    # A worker may be faster than the mark of its chunk, and two transactions of a job may conflict.
    added = 2 * (CHUNK_STATE_REQUESTS + ADDING_STATE_REQUESTS)
    assert state[3] - state[1] == pytest.approx(added, abs=6)
