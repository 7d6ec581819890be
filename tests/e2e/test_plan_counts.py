"""Plan, estimate and actual cost of whole jobs, compared with the requests that were made."""

import json
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from domain.identity import mint_inventory_id
from entrypoints.cli.main import app
from entrypoints.wiring.asset_systems import AssetSystem

Json = dict[str, Any]

pytestmark = pytest.mark.slow

AS_LISTED, KNOWN, UNKNOWN = 70, 20, 60
# What AWS itself requests or bills, so that no client of the service sends it.
BY_AWS = {"Duration", "Invoke", "Job", "Object", "ReceiveMessage", "DeleteMessageBatch"}
# Of all other operations there are a few for a job or a chunk, and not always equally many: whether
# a chunk is marked QUEUED depends on which process is first.
PER_OBJECT = {
    ("s3", "GetObjectTagging"),
    ("s3", "HeadObject"),
    ("s3", "CopyObject"),
    ("s3", "PutObjectTagging"),
    ("dynamodb", "BatchGetItem"),
    ("dynamodb", "Query"),
}
FEW = 6


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Any]) -> Any:
    return start_system({"object_count_max": 60}, asset_system=AssetSystem.MEDIALAKE)


def _fill(system: Any, bucket: str, *, new: int = UNKNOWN) -> None:
    """Put objects that the catalog has as listed, others that it knows by their tags, and new ones.

    Their keys are mixed.
    """
    system.bucket(bucket)
    kinds = ["listed"] * AS_LISTED + ["known"] * KNOWN + ["new"] * new
    ids: dict[str, str] = {}
    for number, kind in enumerate(kinds):
        key = f"{number * 7919 % len(kinds):04d}-{kind}.jpg"
        if kind == "new":
            system.put(bucket, key)
            continue
        ids[key] = mint_inventory_id(bucket, key)
        system.put(bucket, key, {"InventoryID": ids[key], "AssetID": f"asset-{key}"})
    time.sleep(1.1)
    listed = {each["Key"]: each for each in system.s3.list_objects_v2(Bucket=bucket)["Contents"]}
    items = [_record(bucket, key, ids[key], listed[key]) for key in ids]
    for start in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        system.dynamodb.batch_write_item(RequestItems={system.assets_table: puts})


def _record(bucket: str, key: str, inventory_id: str, listed: Json) -> Json:
    """Return the record, with the version of the object only if it is known as listed."""
    asset: Json = {"ID": {"S": f"asset-{key}"}}
    if "listed" in key:
        values = {"Size": {"N": str(listed["Size"])}}
        values["Hash"] = {"M": {"Value": {"S": listed["ETag"].strip('"')}}}
        nested: Json = {"M": values}
        for name in ("FileInfo", "PrimaryLocation", "StorageInfo", "MainRepresentation"):
            nested = {"M": {name: nested}}
        asset |= nested["M"]
        asset["lastModifiedDate"] = {"S": listed["LastModified"].isoformat()}
    return {
        "InventoryID": {"S": inventory_id},
        "StoragePath": {"S": f"{bucket}:{key}"},
        "DigitalSourceAsset": {"M": asset},
    }


def _close(operation: tuple[str, str], found: int, wanted: int) -> bool:
    few = 1 if operation in PER_OBJECT else FEW
    return abs(found - wanted) <= max(0.1 * wanted, few)


# Looking at the job until it has ended reads its record.
LOOKS = {("BatchGetItem", "asset-sync-jobs")}
# A summary is looked at again whenever another process has just replaced it.
SUMMARY = ("HeadObject", "asset-sync-results")

CHOICES = [
    ("direct", "copy", "tags", False),
    ("direct", "queue", "catalog", False),
    ("direct", "copy", "tags", True),
    ("batch", "copy", "tags", False),
    ("batch", "event", "catalog", False),
]


def _without_looks(counts: Counter[tuple[str, str, str]]) -> Counter[tuple[str, str]]:
    made: Counter[tuple[str, str]] = Counter()
    for (service, operation, place), count in counts.items():
        if (operation, place) not in {*LOOKS, SUMMARY}:
            made[service, operation] += count
    return made


def _wrong(lines: list[Json], made: Counter[tuple[str, str]]) -> Json:
    """Return the operations of which the lines say another number than was made."""
    said: Counter[tuple[str, str]] = Counter()
    for line in lines:
        looks = line["operation"] == "BatchGetItem" and line["where"] != "catalog"
        summary = line["operation"] == "HeadObject" and line["where"] != "bucket"
        if line["operation"] not in BY_AWS and not looks and not summary:
            said[line["service"], line["operation"]] += line["requests"]
    return {
        str(each): (said[each], made[each])
        for each in said.keys() | made.keys()
        if not _close(each, said[each], made[each])
        and each not in {("dynamodb", "GetItem"), ("lambda", "Invoke")}
        and each[0] != "s3control"
    }


@pytest.mark.parametrize(("discovery", "trigger", "verify", "dry_run"), CHOICES)
def test_estimate_and_actual_are_within_ten_percent_of_the_requests(
    system: Any,
    counted: Callable[..., Counter[tuple[str, str, str]]],
    discovery: str,
    trigger: str,
    verify: str,
    dry_run: bool,
) -> None:
    bucket = f"plan-{discovery}-{trigger}-{verify}-{dry_run}".lower()
    _fill(system, bucket)
    more = {"ingestQueueUrl": system.queue(f"{bucket}-ingest")[0]} if trigger == "queue" else {}
    system.api.connect(bucket, trigger=trigger, **more)
    body = {"discovery": discovery, "verify": verify, "dryRun": dry_run}
    status, plan = system.api("POST", f"/connectors/{bucket}/plan", {**body, "sampleSize": 400})
    assert status == 200, plan
    assert plan["sample"]["exact"]
    system.idle()
    system.calls.take_kept()
    job_id = system.api.sync(bucket, **body)
    system.api.ended(job_id)
    # The index is part of the cost. A sweep has it made, if the engine did not end the job.
    system.sweep()
    system.api.indexed(job_id)
    system.idle()
    kept = system.calls.take_kept()
    job = system.api.get(f"/jobs/{job_id}")
    assert job["status"] == "COMPLETED", job
    assert job["statistics"]["put"] == UNKNOWN

    made = _without_looks(counted(kept))
    for lines in (plan["lines"], job["actual"]["lines"]):
        assert not _wrong(lines, made)
    estimate, actual = (Decimal(each["dollars"]) for each in (plan["estimate"], job["actual"]))
    assert abs(estimate - actual) <= actual / 10


def _compared(system: Any, bucket: str) -> Json:
    """Sync, and wait for all that follows the job; a sweep has it made."""
    job_id = system.api.sync(bucket, discovery="direct", verify="catalog")
    system.api.ended(job_id)
    system.sweep()
    system.api.indexed(job_id)
    job: Json = system.api.until(job_id, lambda job: job["removals"]["status"] == "DONE")
    system.idle()
    return job


@pytest.mark.parametrize("missing", [0, 40])
def test_a_comparison_with_the_sync_before_is_in_estimate_and_actual(
    system: Any, counted: Callable[..., Counter[tuple[str, str, str]]], missing: int
) -> None:
    bucket = f"plan-compared-{missing}"
    _fill(system, bucket, new=0)
    removals = {"announce": True, "maxShare": 0.5, "minCount": 1}
    system.api.connect(bucket, trigger="event", removals=removals)
    first = _compared(system, bucket)
    assert "removals" not in {line["where"] for line in first["actual"]["lines"]}
    keys = [each["Key"] for each in system.s3.list_objects_v2(Bucket=bucket)["Contents"]]
    for key in keys[:: len(keys) // 40][:missing]:
        system.s3.delete_object(Bucket=bucket, Key=key)
    options = {"discovery": "direct", "verify": "catalog", "sampleSize": 400}
    status, plan = system.api("POST", f"/connectors/{bucket}/plan", options)
    assert status == 200, plan
    system.idle()
    system.calls.take_kept()
    job = _compared(system, bucket)
    assert job["removals"]["announced"] == missing
    made = _without_looks(counted(system.calls.take_kept()))
    assert not _wrong(job["actual"]["lines"], made)
    actual = Decimal(job["actual"]["dollars"])
    if not missing:
        assert not _wrong(plan["lines"], made)
        assert abs(Decimal(plan["estimate"]["dollars"]) - actual) <= actual / 10
    assert actual <= Decimal(plan["estimate"]["dollarsHigh"])


def test_the_file_that_names_the_keys_is_in_the_actual_cost(
    system: Any, counted: Callable[..., Counter[tuple[str, str, str]]]
) -> None:
    bucket = "plan-source"
    _fill(system, bucket)
    system.api.connect(bucket, trigger="event")
    listed = system.s3.list_objects_v2(Bucket=bucket)["Contents"]
    rows = "".join(f"{bucket},{each['Key']}\n" for each in listed)
    system.bucket("plan-reports")
    system.put("plan-reports", "keys.csv", Body=rows.encode())
    source = {"kind": "manifest", "bucketName": "plan-reports", "key": "keys.csv"}
    system.idle()
    system.calls.take_kept()
    job_id = system.api.sync(bucket, discovery="direct", source=source)
    system.api.ended(job_id)
    system.sweep()
    system.api.indexed(job_id)
    system.idle()
    counts = counted(system.calls.take_kept())
    job = system.api.get(f"/jobs/{job_id}")
    assert counts["s3", "ListObjectsV2", bucket] == 0
    (line,) = [each for each in job["actual"]["lines"] if each["where"] == "source"]
    assert abs(line["requests"] - counts["s3", "GetObject", "plan-reports"]) <= 2
    assert not _wrong(job["actual"]["lines"], _without_looks(counts))


def test_a_search_for_orphans_makes_the_requests_of_its_plan(
    system: Any, counted: Callable[..., Counter[tuple[str, str, str]]]
) -> None:
    bucket = "plan-orphans"
    _fill(system, bucket, new=0)
    system.api.connect(bucket, trigger="event")
    job_id = system.api.sync(bucket, discovery="direct", dryRun=True)
    system.api.ended(job_id)
    system.sweep()
    system.api.indexed(job_id)
    system.idle()
    path = f"/jobs/{job_id}/orphans"
    plan = system.api.get(f"{path}/plan")
    system.calls.take_kept()
    system.api("POST", path)
    job = system.api.until(job_id, lambda job: job["orphans"]["status"] == "DONE")
    system.idle()
    assert job["orphans"]["recordsInScope"] == AS_LISTED + KNOWN
    assert job["orphans"]["unlisted"] == 0
    assert not _wrong(plan["lines"], _without_looks(counted(system.calls.take_kept())))


def test_the_command_shows_the_plan_and_refuses_above_the_maximum(
    system: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = "plan-command"
    _fill(system, bucket)
    system.api.connect(bucket)
    monkeypatch.setenv("ASSET_SYNC_API_URL", system.api.base_url)
    run = CliRunner().invoke
    shown = run(app, ["plan", bucket, "--sample", "100", "--discovery", "direct"])
    assert shown.exit_code == 0, shown.output
    for part in (
        "100 of 150 objects were read: each range holds with 95% confidence",
        "SKIPPED",
        "PUT",
        "CopyObject",
        "cheapest",
        "this plan",
        "the connector has no ingest queue",
        "list prices of us-east-1",
    ):
        assert part in shown.output

    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"region": "eu-west-1", "prices": {"s3-write": "1"}}))
    options = ("--prices", str(prices), "--output", "json", "--sample", "400")
    document = json.loads(run(app, ["plan", bucket, *options]).stdout)
    assert document["prices"] == {
        "region": "eu-west-1",
        "date": "2026-11-22",
        "changed": ["s3-write"],
    }
    assert float(document["estimate"]["dollars"]) > UNKNOWN

    prices.write_text('{"prices": {"s3-wrote": 1}}')
    refused = run(app, ["plan", bucket, *options[:2]])
    assert refused.exit_code == 1
    assert "s3-wrote" in refused.output

    refused = run(app, ["sync", bucket, "--max-cost", "0.0001"])
    assert refused.exit_code == 1
    assert "maxCost is 0.0001 dollars, and this sync may cost" in refused.output
    started = run(
        app, ["sync", bucket, "--max-cost", "0.05", "--discovery", "direct", "--wait", "-o", "json"]
    )
    assert started.exit_code == 0, started.output
    job = json.loads(started.stdout)
    assert job["estimate"]["maxCost"] == "0.050000"
    estimate, actual = (Decimal(job[name]["dollars"]) for name in ("estimate", "actual"))
    assert abs(estimate - actual) <= actual / 10
