"""The synthesized template in an emulator, the built package's handlers in it, whole jobs through.

The recorded calls to AWS then show whether each role is sufficient and minimal.
"""

import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiobotocore.session import get_session
from trial.permissions import Need, Right, needs
from trial.stack import TrialStack
from trial.template import NOT_IN_MOTO, OURS_TO_RUN

from adapters.local_aws.lambda_service.invocation import ACCOUNT_ID, REGION
from domain.identity import mint_inventory_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

# The last one does not exist.
TARGETS = ("media-a", "media-b", "media-q", "media-c", "media-gone")
FILLED = TARGETS[:3]
# Of another account, accessed in a role of that account.
OWNER = "210987654321"
ROLE_ARN = f"arn:aws:iam::{OWNER}:role/media/asset-sync"
ROLE_BUCKET = "media-role"
INGEST_QUEUE = "medialake-connector-media-q.fifo"
CHOICES = {
    "catalog_snapshots": "true",
    "stage": "test",
    "targets": ",".join(TARGETS),
    "target_roles": ROLE_ARN,
    "ingest_queues": f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:medialake-connector-*",
}

# Permissions that the jobs below do not use: Sid, action, and where its call is made.
UNREACHED: dict[tuple[str, str, str], str] = {
    **{
        ("api", "WriteSummary", action): (
            "Publishing the pending notices of an ended job that is redriven: the same"
            " StatusPublisher that engine and processor use."
        )
        for action in ("s3:GetObject", "s3:PutObject")
    },
    **{
        ("engine", "JobRecords", action): (
            "A listing of more than a million objects, which is shared out; tests/contract has the"
            " calls, tests/e2e the whole."
        )
        for action in ("dynamodb:DeleteItem",)
    },
    ("engine", "FindBatchJobs", "s3:ListJobs"): (
        "An engine that dies between creating a batch job and recording it, and the job is then"
        " cancelled; tests/adapters has the call."
    ),
    ("api", "ReadOutcomes", "s3:GetObject"): (
        "The outcomes of a job that has no index yet, or no longer; tests/scenario has the reads."
    ),
    **{
        (role, "IngestQueueAges", "cloudwatch:GetMetricData"): (
            "A connector with a limit on the age of messages; tests/contract has the call."
        )
        for role in ("engine", "processor")
    },
    ("processor", "ChunkRecords", "dynamodb:Query"): (
        "A chunk that waits for a slot of a connector with limits; tests/contract has the call."
    ),
    ("processor", "WriteTargets", "s3:PutObjectRetention"): (
        "Moto treats a copy with a retention as an upload, and rejects it without a checksum;"
        " tests/adapters has the call."
    ),
    ("processor", "WriteTargets", "s3:AbortMultipartUpload"): (
        "An object above 5 GB whose copy fails between its parts; tests/adapters has the call."
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(
    synthesize: Callable[..., Any],
    host_package: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[TrialStack]:
    template = synthesize(**CHOICES)
    async with TrialStack(template, host_package, tmp_path_factory.mktemp("calls")) as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owners(stack: TrialStack) -> AsyncIterator[dict[str, Any]]:
    """The S3 client of each bucket's owner, by the bucket."""
    s3 = await stack.clients.open("s3")
    sts: Any = await stack.clients.open("sts")  # type: ignore[call-overload]
    assumed = await sts.assume_role(RoleArn=ROLE_ARN, RoleSessionName="owner")
    credentials = assumed["Credentials"]
    async with get_session().create_client(
        "s3",
        region_name=REGION,
        endpoint_url=stack.cloud_url,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    ) as other:
        yield {**dict.fromkeys(FILLED, s3), ROLE_BUCKET: other}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def history(stack: TrialStack, owners: dict[str, Any]) -> list[Any]:
    """Run all use cases of a team's first weeks; return the jobs."""
    for bucket, s3 in owners.items():
        await _fill(s3, bucket)
    s3 = owners["media-b"]
    await s3.put_bucket_versioning(Bucket="media-b", VersioningConfiguration={"Status": "Enabled"})
    await _record_known(stack)
    jobs = []
    sqs = await stack.clients.open("sqs")
    queue = await sqs.create_queue(QueueName=INGEST_QUEUE, Attributes={"FifoQueue": "true"})
    more = {
        "a": {"trigger": "copy"},
        "b": {"trigger": "event"},
        "q": {
            "trigger": "queue",
            "ingestQueueUrl": queue["QueueUrl"],
            "ingestQueueMaxDepth": 1_000,
        },
        "role": {"trigger": "copy", "roleArn": ROLE_ARN, "expectedBucketOwner": OWNER},
    }
    for connector, chosen in more.items():
        body = {"connectorId": connector, "bucketName": f"media-{connector}", **chosen}
        status, answer = await stack.call("POST", "/connectors", body)
        assert status == 201, answer
    for connector in more:
        status, plan = await stack.call("POST", f"/connectors/{connector}/plan")
        assert status == 200, plan
        assert plan["sample"]["exact"], plan
        for discovery in ("batch", "direct"):
            bucket = f"media-{connector}"
            await _put_new(owners[bucket], bucket, discovery)
            jobs.append(await _sync(stack, connector, discovery))
    return jobs


async def _record_known(stack: TrialStack) -> None:
    dynamodb = await stack.clients.open("dynamodb")
    table = stack.environment("processor")["ASSETS_TABLE_NAME"]
    known = {
        "InventoryID": {"S": "asset:uuid:1"},
        "DigitalSourceAsset": {"M": {"ID": {"S": "asset:img:1"}}},
        "StoragePath": {"S": "media-a:known.jpg"},
        "DigitalSourceAsset.ID": {"S": "asset:img:1"},
        "DigitalSourceAsset.IngestedAt": {"S": "2026-01-01T00:00:00Z"},
    }
    await dynamodb.put_item(TableName=table, Item=known)


async def _fill(s3: Any, bucket: str) -> None:
    await s3.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerEnforced")
    await s3.put_object(
        Bucket=bucket,
        Key="known.jpg",
        Body=b"1",
        Tagging="AssetID=asset:img:1&InventoryID=asset:uuid:1",
    )
    await s3.put_object(Bucket=bucket, Key="moved.jpg", Body=b"2", Tagging="AssetID=asset:img:9")
    # Ten tags of the customer leave no room for this service's tags: the object fails.
    tags = "&".join(f"tag{number}=x" for number in range(10))
    await s3.put_object(Bucket=bucket, Key="full.jpg", Body=b"3", Tagging=tags)


async def _put_new(s3: Any, bucket: str, name: str) -> None:
    for number in range(6):
        await s3.put_object(Bucket=bucket, Key=f"{name}/{number} ü.mov", Body=b"new")


async def _sync(stack: TrialStack, connector: str, discovery: str) -> Any:
    status, job = await stack.call(
        "POST", f"/connectors/{connector}/sync", {"discovery": discovery}
    )
    assert status == 202, job
    return await stack.until(job["jobId"], lambda job: job["status"].startswith("COMPLETED"))


async def test_moto_loaded_every_expected_type(stack: TrialStack) -> None:
    assert stack.left_out <= NOT_IN_MOTO | OURS_TO_RUN
    assert {"AWS::Lambda::EventSourceMapping", "AWS::Events::Rule"} <= stack.left_out


async def test_whole_jobs_end_in_both_discoveries_with_each_trigger_and_in_a_role(
    owners: dict[str, Any], history: list[Any]
) -> None:
    shown = [(job["status"], job["statistics"]) for job in history]
    for status, statistics in shown:
        # The object without room for more tags fails in every job.
        assert (status, statistics["failed"]) == ("COMPLETED_WITH_ERRORS", 1), shown
        # One is known; without an asset system, triggered objects stay INGESTING.
        assert statistics["skipped"] == 1, shown
        triggered = statistics["put"] + statistics["ingesting"]
        assert triggered == statistics["objectsListed"] - 2, shown
        assert statistics["put"] >= 6, shown
    for bucket, s3 in owners.items():
        for name in ("batch", "direct"):
            tags = await s3.get_object_tagging(Bucket=bucket, Key=f"{name}/0 ü.mov")
            assert {tag["Key"] for tag in tags["TagSet"]} >= {"AssetID", "InventoryID"}


async def test_an_ingest_queue_gets_the_triggered_objects(
    stack: TrialStack, history: list[Any]
) -> None:
    sqs = await stack.clients.open("sqs")
    url = (await sqs.get_queue_url(QueueName=INGEST_QUEUE))["QueueUrl"]
    found = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    put = [job["statistics"]["put"] for job in history if job["connectorId"] == "q"]
    assert int(found["Attributes"]["ApproximateNumberOfMessages"]) == sum(put) > 0
    _, connector = await stack.call("GET", "/connectors/q")
    assert connector["ingestQueueEmptyAt"]  # as it was before the first sync


async def test_the_api_answers_all_its_routes(stack: TrialStack, history: list[Any]) -> None:
    job_id = history[0]["jobId"]
    # An object is found by the job's index, which the sweep requests.
    await stack.finish_sweep()
    await stack.until(job_id, lambda job: (job["outcomeIndex"] or {}).get("status") == "READY")
    for path in (
        "/connectors",
        "/connectors/a",
        "/jobs",
        "/jobs?connectorId=a",
        f"/jobs/{job_id}/chunks",
        f"/jobs/{job_id}/errors",
        f"/jobs/{job_id}/objects?key=full.jpg",
        "/openapi.json",
    ):
        status, answer = await stack.call("GET", path)
        assert status == 200, (path, answer)


async def test_a_connector_is_checked_edited_and_removed(
    stack: TrialStack, history: list[Any]
) -> None:
    body = {"connectorId": "e", "bucketName": "media-a"}
    status, _ = await stack.call("POST", "/connectors", body)
    assert status == 201
    status, report = await stack.call("POST", "/connectors/e/check")
    assert status == 200, report
    status, edited = await stack.call("PATCH", "/connectors/e", {"status": "DISABLED"})
    assert status == 200, edited
    assert edited["status"] == "DISABLED"
    status, problem = await stack.call("POST", "/connectors/e/sync", {})
    assert status == 409, problem
    status, _ = await stack.call("DELETE", "/connectors/e")
    assert status == 204
    status, _ = await stack.call("GET", "/connectors/e")
    assert status == 404


async def test_a_connector_has_a_schedule_that_starts_syncs(
    stack: TrialStack, history: list[Any]
) -> None:
    scheduler: Any = await stack.clients.open("scheduler")
    group = stack.environment("engine")["SCHEDULE_GROUP_NAME"]
    await scheduler.create_schedule_group(Name=group)  # moto makes none of the template
    body = {"connectorId": "s", "bucketName": "media-a", "prefixes": ["batch/"]}
    await stack.call("POST", "/connectors", body)
    schedule = {"expression": "rate(6 hours)", "mode": "full", "maxCost": 1}
    for expression in ("rate(5 hours)", "rate(6 hours)"):
        status, shown = await stack.call(
            "PUT", "/connectors/s/schedule", {**schedule, "expression": expression}
        )
        assert status == 200, shown
    (listed,) = (await scheduler.list_schedules(GroupName=group))["Schedules"]
    # The sweep creates one that is missing.
    await scheduler.delete_schedule(GroupName=group, Name=listed["Name"])
    await stack.finish_sweep()
    made = await scheduler.get_schedule(GroupName=group, Name=listed["Name"])
    target = made["Target"]
    event = target["Input"].replace("<aws.scheduler.scheduled-time>", "2026-11-27T06:00:00Z")
    result = await stack.functions.invoke(target["Arn"], event.encode())
    assert result.function_error is None, result.payload
    _, shown = await stack.call("GET", "/connectors/s/schedule")
    (run,) = shown["runs"]
    assert run["state"] == "STARTED", run
    await stack.until(run["jobId"], lambda job: job["status"].startswith("COMPLETED"))
    # A schedule that its connector must not have now: the sweep deletes it.
    left_over = {
        "Name": listed["Name"],
        "GroupName": group,
        "ScheduleExpression": "rate(6 hours)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    }
    body = {**schedule, "expression": "rate(6 hours)", "enabled": False}
    status, shown = await stack.call("PUT", "/connectors/s/schedule", body)
    assert status == 200, shown
    await scheduler.create_schedule(**left_over)
    await stack.finish_sweep()
    assert (await scheduler.list_schedules(GroupName=group))["Schedules"] == []
    # An event of a schedule whose connector was removed: the engine deletes the schedule.
    await stack.call("DELETE", "/connectors/s")
    await scheduler.create_schedule(**left_over)
    result = await stack.functions.invoke(target["Arn"], event.encode())
    assert result.function_error is None, result.payload
    assert (await scheduler.list_schedules(GroupName=group))["Schedules"] == []


async def test_a_job_is_redriven_when_its_cause_is_fixed(
    stack: TrialStack, history: list[Any]
) -> None:
    s3 = await stack.clients.open("s3")
    for bucket in FILLED:
        await s3.delete_object_tagging(Bucket=bucket, Key="full.jpg")
    for job_id in (history[0]["jobId"], history[2]["jobId"]):
        status, job = await stack.call("POST", f"/jobs/{job_id}/redrive")
        assert status == 202, job
        job = await stack.until(job_id, lambda job: job["status"] == "COMPLETED")
        assert job["statistics"]["failed"] == 0


async def test_a_batch_job_under_way_is_cancelled(stack: TrialStack, history: list[Any]) -> None:
    s3 = await stack.clients.open("s3")
    await _put_new(s3, "media-a", "cancelled")
    stack.discovery.clear()
    _, job = await stack.call("POST", "/connectors/a/sync", {"discovery": "batch"})
    await stack.until(job["jobId"], lambda job: bool(job.get("batchJobId")))
    # No batch job makes progress, so this sweep finds the job open on any machine.
    await stack.finish_sweep()
    status, answer = await stack.call("POST", f"/jobs/{job['jobId']}/cancel")
    assert status == 202, answer
    stack.discovery.set()
    await stack.until(job["jobId"], lambda job: job["status"] == "CANCELLED")


async def test_objects_that_the_catalog_has_as_listed_are_no_tasks(
    stack: TrialStack, history: list[Any]
) -> None:
    s3 = await stack.clients.open("s3")
    for key in ("trusted/known.jpg", "trusted/new.jpg"):
        await s3.put_object(Bucket="media-a", Key=key, Body=key.encode())
    head = await s3.head_object(Bucket="media-a", Key="trusted/known.jpg")
    file_info = {
        "Hash": {"M": {"Value": {"S": head["ETag"].strip('"')}}},
        "Size": {"N": str(head["ContentLength"])},
    }
    location = {"M": {"FileInfo": {"M": file_info}}}
    asset = {
        "ID": {"S": "asset:img:trusted"},
        "lastModifiedDate": {"S": head["LastModified"].isoformat()},
        "MainRepresentation": {"M": {"StorageInfo": {"M": {"PrimaryLocation": location}}}},
    }
    record = {
        "InventoryID": {"S": mint_inventory_id("media-a", "trusted/known.jpg")},
        "DigitalSourceAsset": {"M": asset},
        "StoragePath": {"S": "media-a:trusted/known.jpg"},
        "DigitalSourceAsset.ID": {"S": "asset:img:trusted"},
        "DigitalSourceAsset.IngestedAt": {"S": "2026-01-01T00:00:00Z"},
    }
    dynamodb = await stack.clients.open("dynamodb")
    table = stack.environment("engine")["ASSETS_TABLE_NAME"]
    await dynamodb.put_item(TableName=table, Item=record)
    # Of the first job nothing is known, of the second one object is.
    for prefix, (skipped, put, ingesting) in {
        "trusted/new": (0, 1, 0),
        "trusted/": (1, 0, 1),
    }.items():
        body = {"prefix": prefix, "discovery": "batch", "verify": "catalog"}
        _, job = await stack.call("POST", "/connectors/a/sync", body)
        job = await stack.until(job["jobId"], lambda job: job["status"] == "COMPLETED")
        counts = job["statistics"]
        found = counts["skipped"], counts["put"], counts["ingesting"]
        assert found == (skipped, put, ingesting)
    known = await s3.get_object_tagging(Bucket="media-a", Key="trusted/known.jpg")
    assert known["TagSet"] == []  # Nothing has touched it.


async def test_what_is_gone_is_announced(stack: TrialStack, history: list[Any]) -> None:
    s3 = await stack.clients.open("s3")
    await _put_new(s3, "media-a", "gone")
    body = {
        "connectorId": "gone",
        "bucketName": "media-a",
        "prefixes": ["gone/"],
        "removals": {"announce": True, "maxShare": 0.5},
    }
    status, answer = await stack.call("POST", "/connectors", body)
    assert status == 201, answer
    for removed in (0, 1):
        job = await _sync(stack, "gone", "direct")
        await stack.finish_sweep()
        job = await stack.until(
            job["jobId"], lambda job: (job["removals"] or {}).get("status") in ("DONE", "GIVEN_UP")
        )
        shown = job["removals"]
        assert (shown["status"], shown["announced"]) == ("DONE", removed), shown
        await s3.delete_object(Bucket="media-a", Key="gone/0 ü.mov")
    status, page = await stack.call("GET", f"/jobs/{job['jobId']}/removals")
    assert [row["objectKey"] for row in page["items"]] == ["gone/0 ü.mov"], page


async def test_a_record_without_an_object_is_found(stack: TrialStack, history: list[Any]) -> None:
    dynamodb = await stack.clients.open("dynamodb")
    table = stack.environment("engine")["ASSETS_TABLE_NAME"]
    record = {"InventoryID": {"S": "lost"}, "StoragePath": {"S": "media-a:lost/0 ü.mov"}}
    await dynamodb.put_item(TableName=table, Item=record)
    body = {"connectorId": "lost", "bucketName": "media-a", "prefixes": ["lost/"]}
    status, answer = await stack.call("POST", "/connectors", body)
    assert status == 201, answer
    job = await _sync(stack, "lost", "direct")
    status, answer = await stack.call("GET", f"/jobs/{job['jobId']}/orphans/plan")
    assert status == 200, answer
    status, answer = await stack.call("POST", f"/jobs/{job['jobId']}/orphans")
    assert status == 202, answer
    await stack.finish_sweep()
    job = await stack.until(
        job["jobId"], lambda job: job["orphans"]["status"] in ("DONE", "GIVEN_UP")
    )
    assert job["orphans"]["status"] == "DONE", job["orphans"]
    status, page = await stack.call("GET", f"/jobs/{job['jobId']}/orphans")
    assert [row["objectKey"] for row in page["items"]] == ["lost/0 ü.mov"], page


async def test_locks_and_acls_are_kept(stack: TrialStack, history: list[Any]) -> None:
    s3 = await stack.clients.open("s3")
    await s3.create_bucket(
        Bucket="media-c", ObjectOwnership="ObjectWriter", ObjectLockEnabledForBucket=True
    )
    await s3.put_object(
        Bucket="media-c",
        Key="locked.tif",
        Body=b"locked",
        ACL="public-read",
    )
    await s3.put_object_legal_hold(Bucket="media-c", Key="locked.tif", LegalHold={"Status": "OFF"})
    body = {"connectorId": "c", "bucketName": "media-c", "trigger": "copy"}
    await stack.call("POST", "/connectors", body)
    job = await _sync(stack, "c", "direct")
    assert (job["status"], job["statistics"]["put"]) == ("COMPLETED", 1)
    acl = await s3.get_object_acl(Bucket="media-c", Key="locked.tif")
    assert "READ" in {grant["Permission"] for grant in acl["Grants"]}


async def test_a_job_that_cannot_list_fails_and_says_why(
    stack: TrialStack, history: list[Any]
) -> None:
    body = {"connectorId": "g", "bucketName": "media-gone"}
    status, problem = await stack.call("POST", "/connectors", body)
    assert (status, "media-gone" in problem["detail"]) == (400, True), problem
    await stack.call("POST", "/connectors?check=false", body)
    _, job = await stack.call("POST", "/connectors/g/sync", {})
    job = await stack.until(job["jobId"], lambda job: job["status"] == "FAILED")
    assert "media-gone" in job["statusReason"]
    _, errors = await stack.call("GET", f"/jobs/{job['jobId']}/errors")
    assert len(errors["items"]) == 1


async def test_an_empty_listing_ends_at_once(stack: TrialStack, history: list[Any]) -> None:
    _, job = await stack.call("POST", "/connectors/a/sync", {"prefix": "nothing/"})
    job = await stack.until(job["jobId"], lambda job: job["status"] == "COMPLETED")
    assert job["statistics"]["objectsListed"] == 0


async def test_a_chunk_is_released_when_the_time_is_up(
    stack: TrialStack, history: list[Any]
) -> None:
    s3 = await stack.clients.open("s3")
    for number in range(150):
        await s3.put_object(Bucket="media-b", Key=f"long/{number}.mov", Body=b"long")
    stack.delivery.clear()
    try:
        body = {"prefix": "long/", "discovery": "direct"}
        _, job = await stack.call("POST", "/connectors/b/sync", body)
        await stack.until(job["jobId"], lambda job: job["chunks"]["total"] > 0)
        # Time for some objects before the margin of two seconds, not for all.
        await stack.deliver([(job["jobId"], 0)], remaining_s=3.5)
    finally:
        stack.delivery.set()
    job = await stack.until(job["jobId"], lambda job: job["status"] == "COMPLETED")
    assert job["statistics"]["put"] == 150


async def test_a_multipart_copy_is_aborted_when_its_job_is_cancelled(
    stack: TrialStack, history: list[Any]
) -> None:
    s3 = await stack.clients.open("s3")
    await s3.put_object(Bucket="media-a", Key="large/film.mov", Body=bytes(6 * 1024**2))
    await s3.put_object(Bucket="media-a", Key="large/clip.mov", Body=b"clip")
    stack.delivery.clear()
    try:
        body = {"prefix": "large/", "discovery": "direct"}
        _, job = await stack.call("POST", "/connectors/a/sync", body)
        await stack.until(job["jobId"], lambda job: job["chunks"]["total"] > 0)
        # A part takes two seconds, by the estimate of this stack: too long before the margin.
        await stack.deliver([(job["jobId"], 0)], remaining_s=3.5)
        uploads = await s3.list_multipart_uploads(Bucket="media-a")
        assert [upload["Key"] for upload in uploads["Uploads"]] == ["large/film.mov"]
        await stack.call("POST", f"/jobs/{job['jobId']}/cancel")
        job = await stack.until(job["jobId"], lambda job: job["status"] == "CANCELLED")
    finally:
        stack.delivery.set()
    assert job["statistics"]["put"] == 1
    assert "Uploads" not in await s3.list_multipart_uploads(Bucket="media-a")


async def test_a_listing_is_continued_by_another_invocation_when_the_time_is_up(
    stack: TrialStack, history: list[Any]
) -> None:
    body = {"prefix": "long/", "discovery": "direct"}
    job = await stack.start_without_engine("/connectors/b/sync", body)
    # Less than the margin: it lists a page, and another invocation continues.
    await stack.advance(job["jobId"], remaining_s=1.9)
    job = await stack.until(job["jobId"], lambda job: job["status"] == "COMPLETED")
    assert job["statistics"]["objectsListed"] == 150


async def test_a_job_waits_while_the_stage_is_paused(stack: TrialStack, history: list[Any]) -> None:
    status, stage = await stack.call("POST", "/stage/pause", {"reason": "quiet"})
    assert (status, stage["pause"]["reason"]) == (200, "quiet")
    body = {"prefix": "long/", "discovery": "direct"}
    _, job = await stack.call("POST", "/connectors/b/sync", body)
    assert job["hold"]["cause"] == "STAGE_PAUSED"
    assert (await stack.call("POST", "/stage/resume"))[1] == {"pause": None}
    job = await stack.until(job["jobId"], lambda job: job["status"] == "COMPLETED")
    assert job["statistics"]["objectsListed"] == 150


@pytest.mark.parametrize("role", ["api", "engine", "processor"])
async def test_each_role_is_sufficient_and_minimal(
    stack: TrialStack, history: list[Any], role: str
) -> None:
    # Discovery runs in the processor's role.
    functions = {"processor": ("processor", "discovery")}.get(role, (role,))
    by_function = {name: stack.packaged[name].calls() for name in functions}
    assert all(by_function.values())
    calls = [call for each in by_function.values() for call in each]
    needed = {
        need
        for service, operation, params in calls
        # The assumed role's policy allows the calls there.
        if params.get("Bucket") != ROLE_BUCKET
        for need in needs(service, operation, params, targets=TARGETS)
    }
    rights = stack.rights(role)
    given = [right for each in rights.values() for right in each]
    missing = {need for need in needed if not any(right.allows(need) for right in given)}
    assert not missing, f"the {role} may not: {sorted((n.action, n.resource) for n in missing)}"
    from infra.config import read_config
    from infra.policies import ROLES

    config = read_config(CHOICES)
    # A permission for all targets is used if it is used for one.
    used: dict[tuple[str, str, str, str], bool] = {}
    for statement in ROLES[role](config):
        for right in () if statement.by_service else rights[statement.sid]:
            one = (role, statement.sid, right.action, _any_target(right.resource))
            used[one] = used.get(one, False) or any(right.allows(need) for need in needed)
    unused = {one for one, is_used in used.items() if not is_used}
    unexplained = sorted(one for one in unused if one[:3] not in UNREACHED)
    assert not unexplained, json.dumps(unexplained, indent=1)
    reached = {one for one in UNREACHED if one[0] == role} - {one[:3] for one in unused}
    assert not reached, f"explained, and reached after all: {reached}"


async def test_a_role_made_by_the_documented_policy_is_sufficient(
    stack: TrialStack, history: list[Any]
) -> None:
    from infra.config import Config
    from infra.policies import target_role_statements
    from infra.statements import render

    config = Config(stage="test", targets=(ROLE_BUCKET,))
    policy = [
        render(statement, {"partition": "aws", "region": REGION})
        for statement in target_role_statements(config)
    ]
    given = [
        Right(action, resource, statement.get("Condition", {}))
        for statement in policy
        for action in statement["Action"]
        for resource in statement["Resource"]
    ]
    calls = {name: function.calls() for name, function in stack.packaged.items()}
    asked: dict[str, set[Need]] = {
        name: {
            need
            for service, operation, params in made
            if params.get("Bucket") == ROLE_BUCKET
            for need in needs(service, operation, params, targets=(ROLE_BUCKET,))
        }
        for name, made in calls.items()
    }
    # The API sends no request to a customer's bucket.
    workers = {"discovery", "engine", "processor"}
    assert {name for name, needed in asked.items() if needed} == workers
    missing = {
        need
        for needed in asked.values()
        for need in needed
        if not any(right.allows(need) for right in given)
    }
    assert not missing
    for name in workers:
        assumed = {params["RoleArn"] for service, _, params in calls[name] if service == "sts"}
        assert assumed == {ROLE_ARN}


def _any_target(resource: str) -> str:
    return re.sub("|".join(TARGETS), "TARGET", resource)


async def test_an_unknown_call_fails() -> None:
    with pytest.raises(LookupError, match="DeleteBucket"):
        list(needs("s3", "DeleteBucket", {"Bucket": "media-a"}, targets=TARGETS))


async def test_a_role_is_assumed_with_a_right_to_that_role() -> None:
    role = "arn:aws:iam::210987654321:role/media/asset-sync"
    (need,) = needs("sts", "AssumeRole", {"RoleArn": role}, targets=TARGETS)
    assert Right("sts:AssumeRole", role).allows(need)
    assert not Right("sts:AssumeRole", role + "-2").allows(need)


async def test_a_condition_is_not_taken_for_granted() -> None:
    condition = {"Null": {"aws:RequestTag/asset-sync:job": "false"}}
    right = Right("s3:CreateJob", "*", condition)
    assert right.allows(Need("s3:CreateJob", "*", frozenset({"asset-sync:job"})))
    assert not right.allows(Need("s3:CreateJob", "*"))
