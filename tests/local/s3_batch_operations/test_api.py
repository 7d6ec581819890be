"""The s3control protocol as unmodified SDKs see it."""

import asyncio
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import boto3
import pytest
from aiobotocore.config import AioConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from adapters.aws.sessions import new_session
from adapters.local_aws.s3_batch_operations import BatchOperations, BatchOperationsSettings

ACCOUNT_ID = "123456789012"
CREDENTIALS = {
    "aws_access_key_id": "x",
    "aws_secret_access_key": "y",
    "region_name": "us-east-1",
}
UNVALIDATED = Config(parameter_validation=False)


async def code_of(call: Any) -> str:
    with pytest.raises(ClientError) as caught:
        await call
    return str(caught.value.response["Error"]["Code"])


async def test_describe_echoes_the_request(rig: Any) -> None:
    request = rig.request("photos,a\n")
    job = await rig.describe((await rig.control.create_job(**request))["JobId"])
    for name in ("Description", "Operation", "Manifest", "Report", "Priority", "RoleArn"):
        assert job[name] == request[name], name
    assert job["ConfirmationRequired"] is False


async def test_same_token_and_request_is_the_same_job(rig: Any) -> None:
    request = rig.request("photos,a\n")
    first = await rig.control.create_job(**request)
    second = await rig.control.create_job(**request)
    assert first["JobId"] == second["JobId"]
    await rig.wait_for(first["JobId"])
    assert len(rig.function.events) == 1


async def test_same_token_with_another_request_is_refused(rig: Any) -> None:
    request = rig.request("photos,a\n")
    await rig.control.create_job(**request)
    with pytest.raises(rig.control.exceptions.IdempotencyException):
        await rig.control.create_job(**{**request, "Priority": 11})


async def test_tokens_belong_to_an_account(rig: Any) -> None:
    request = rig.request("photos,a\n")
    first = await rig.control.create_job(**request)
    other = await rig.control.create_job(**{**request, "AccountId": "210987654321"})
    assert first["JobId"] != other["JobId"]
    assert (
        await code_of(rig.control.describe_job(AccountId=ACCOUNT_ID, JobId=other["JobId"]))
        == "NoSuchJob"
    )


async def test_unknown_jobs(rig: Any) -> None:
    named = {"AccountId": ACCOUNT_ID, "JobId": "00000000-none"}
    control = rig.control
    assert await code_of(control.describe_job(**named)) == "NoSuchJob"
    assert await code_of(control.update_job_priority(**named, Priority=1)) == "NoSuchJob"
    assert (
        await code_of(control.update_job_status(**named, RequestedJobStatus="Ready")) == "NoSuchJob"
    )
    assert await code_of(control.get_job_tagging(**named)) == "NoSuchJob"
    assert await code_of(control.put_job_tagging(**named, Tags=[])) == "NoSuchJob"
    assert await code_of(control.delete_job_tagging(**named)) == "NoSuchJob"


async def test_a_new_job_may_stay_unknown_for_a_while(start_rig: Any) -> None:
    now = datetime(2026, 8, 27, tzinfo=UTC)
    rig = await start_rig(
        visible_after_s=5, unknown_job_code="NotFoundException", clock=lambda: now
    )
    job_id = await rig.create("photos,a\n")
    now += timedelta(seconds=4.999)
    with pytest.raises(rig.control.exceptions.NotFoundException):
        await rig.describe(job_id)
    now += timedelta(seconds=0.001)
    assert (await rig.describe(job_id))["JobId"] == job_id


async def test_a_bad_request_names_the_member(rig: Any) -> None:
    request = rig.request("photos,a\n")
    request["Operation"]["LambdaInvoke"]["InvocationSchemaVersion"] = "1.0"
    with pytest.raises(rig.control.exceptions.BadRequestException, match="UserArguments"):
        await rig.control.create_job(**request)


async def test_unsupported_operations_are_not_implemented(rig: Any) -> None:
    control = rig.control
    request = rig.request("photos,a\n", Operation={"S3DeleteObjectTagging": {}})
    assert await code_of(control.create_job(**request)) == "NotImplemented"
    generated = rig.request("photos,a\n")
    del generated["Manifest"]
    generated["ManifestGenerator"] = {
        "S3JobManifestGenerator": {
            "SourceBucket": "arn:aws:s3:::work",
            "EnableManifestOutput": False,
        }
    }
    assert await code_of(control.create_job(**generated)) == "NotImplemented"
    resource = f"arn:aws:s3:us-east-1:{ACCOUNT_ID}:accesspoint/a"
    tags = control.list_tags_for_resource(AccountId=ACCOUNT_ID, ResourceArn=resource)
    assert await code_of(tags) == "NotImplemented"


async def test_list_jobs_pages_and_filters(rig: Any) -> None:
    quiet = {"Report": {"Enabled": False}}
    done = [(await rig.run(f"photos,a{number}\n", **quiet))["JobId"] for number in range(5)]
    waiting = await rig.create("photos,b\n", ConfirmationRequired=True)
    await rig.wait_for(waiting, "Suspended")
    pages, token = [], {}
    while not pages or token:
        page = await rig.control.list_jobs(AccountId=ACCOUNT_ID, MaxResults=2, **token)
        pages.append([job["JobId"] for job in page["Jobs"]])
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert pages == [[waiting, done[4]], [done[3], done[2]], [done[1], done[0]]]
    suspended = await rig.control.list_jobs(
        AccountId=ACCOUNT_ID, JobStatuses=["Suspended", "Failed"]
    )
    (entry,) = suspended["Jobs"]
    assert entry["JobId"] == waiting
    assert entry["Operation"] == "LambdaInvoke"
    assert entry["ProgressSummary"]["TotalNumberOfTasks"] == 1
    assert (await rig.control.list_jobs(AccountId="210987654321"))["Jobs"] == []


async def test_list_jobs_has_its_own_error_code(rig: Any) -> None:
    control = rig.control
    with pytest.raises(control.exceptions.InvalidNextTokenException):
        await control.list_jobs(AccountId=ACCOUNT_ID, NextToken="made-up")
    with pytest.raises(control.exceptions.InvalidRequestException, match="MaxResults"):
        await control.list_jobs(AccountId=ACCOUNT_ID, MaxResults=1001)
    with pytest.raises(control.exceptions.InvalidRequestException, match="JobStatuses"):
        await control.list_jobs(AccountId=ACCOUNT_ID, JobStatuses=["Done"])


async def test_status_updates_follow_the_table(rig: Any) -> None:
    job_id = (await rig.run("photos,a\n"))["JobId"]
    refused = rig.control.exceptions.JobStatusException
    named = {"AccountId": ACCOUNT_ID, "JobId": job_id}
    for requested in ("Cancelled", "Ready"):
        with pytest.raises(refused):
            await rig.control.update_job_status(
                **named, RequestedJobStatus=requested, StatusUpdateReason="why"
            )
    job = await rig.describe(job_id)
    assert job["Status"] == "Complete"
    assert "StatusUpdateReason" not in job
    bad = rig.control.update_job_status(**named, RequestedJobStatus="Active")
    assert await code_of(bad) == "BadRequestException"


async def test_priority_is_kept(rig: Any) -> None:
    job_id = await rig.create("photos,a\n", ConfirmationRequired=True)
    named = {"AccountId": ACCOUNT_ID, "JobId": job_id}
    updated = await rig.control.update_job_priority(**named, Priority=77)
    assert updated["Priority"] == 77
    assert (await rig.describe(job_id))["Priority"] == 77
    await rig.wait_for(job_id, "Suspended")
    await rig.control.update_job_status(**named, RequestedJobStatus="Cancelled")
    await rig.wait_for(job_id)
    with pytest.raises(rig.control.exceptions.BadRequestException):
        await rig.control.update_job_priority(**named, Priority=1)


async def test_plain_boto3_creates_and_reads_a_job(rig: Any, boto3_control: Any) -> None:
    request = rig.request("photos,a\n")
    created = await asyncio.to_thread(boto3_control.create_job, **request)
    await rig.wait_for(created["JobId"])
    described = await asyncio.to_thread(
        boto3_control.describe_job, AccountId=ACCOUNT_ID, JobId=created["JobId"]
    )
    assert described["Job"]["Status"] == "Complete"


async def test_a_user_part_in_the_endpoint_swallows_the_account(rig: Any) -> None:
    client = boto3.client(
        "s3control", endpoint_url=rig.endpoint_url.replace("//", "//x@"), **CREDENTIALS
    )
    try:
        listed = await asyncio.to_thread(client.list_jobs, AccountId=ACCOUNT_ID)
    finally:
        client.close()
    assert listed["Jobs"] == []


async def test_the_server_can_be_the_proxy_of_an_invented_host(rig: Any) -> None:
    config = AioConfig(proxies={"http": rig.endpoint_url})
    async with new_session()(
        "s3control", endpoint_url="http://s3-control.localhost", config=config, **CREDENTIALS
    ) as client:
        assert (await client.list_jobs(AccountId=ACCOUNT_ID))["Jobs"] == []


async def test_the_account_header_is_required(rig: Any) -> None:
    async with new_session()(
        "s3control", endpoint_url=rig.endpoint_url, config=UNVALIDATED, **CREDENTIALS
    ) as client:
        client.meta.events.register("before-sign.s3-control", strip)
        assert await code_of(client.list_jobs(AccountId="1")) == "InvalidRequestException"


def strip(request: Any, **_: object) -> None:
    request.url = request.url.replace("//1.", "//")


async def test_only_loopback_is_served() -> None:
    async def nothing(*_: Any) -> Any:
        raise AssertionError

    emulator = BatchOperations(
        BatchOperationsSettings(), s3_client_factory=nothing, invoke=nothing, publish=nothing
    )
    with pytest.raises(ValueError, match="not a loopback address"):
        await emulator.start("0.0.0.0")  # noqa: S104 - that is the point


@pytest.mark.parametrize("name", ["task_concurrency", "shuffle_rows", "manifest_block_bytes"])
def test_settings_that_would_block_all_jobs_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        BatchOperationsSettings(**{name: 0})


async def test_a_receiver_that_raises_loses_events_and_not_the_job(rig: Any) -> None:
    async def lose(event: dict[str, Any]) -> None:
        raise RuntimeError(json.dumps(event["id"]))

    emulator = BatchOperations(
        BatchOperationsSettings(),
        s3_client_factory=rig.emulator._s3_client_factory,
        invoke=rig.function,
        publish=lose,
    )
    rig.control.meta.events.register_first(
        "before-sign.s3-control",
        lambda request, **_: setattr(
            request, "url", request.url.replace(rig.endpoint_url[7:], endpoint_url[7:])
        ),
    )
    endpoint_url = await emulator.start()
    try:
        job_id = await rig.create("photos,a\n")
        async with asyncio.timeout(10):
            while (await rig.describe(job_id))["Status"] != "Complete":  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
        assert rig.published == []
    finally:
        await emulator.stop()


TAGS = [{"Key": "team", "Value": "Médias 2026"}, {"Key": "a.b:c/d=e+f-g@h", "Value": ""}]


async def test_tags_of_a_job_are_kept_replaced_and_deleted(rig: Any) -> None:
    named = {"AccountId": ACCOUNT_ID, "JobId": await rig.create("photos,a\n", Tags=TAGS)}
    by_key = sorted(TAGS, key=lambda tag: tag["Key"])
    assert (await rig.control.get_job_tagging(**named))["Tags"] == by_key
    await rig.control.put_job_tagging(**named, Tags=[{"Key": "only", "Value": "one"}])
    assert (await rig.control.get_job_tagging(**named))["Tags"] == [{"Key": "only", "Value": "one"}]
    await rig.control.delete_job_tagging(**named)
    assert (await rig.control.get_job_tagging(**named)).get("Tags", []) == []
    foreign = {**named, "AccountId": "999999999999"}
    assert await code_of(rig.control.get_job_tagging(**foreign)) == "NoSuchJob"


BAD_TAGS = {
    "twice": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}],
    "reserved": [{"Key": "aws:a", "Value": "1"}],
    "reserved in any case": [{"Key": "AWS:a", "Value": "1"}],
    "sign in a key": [{"Key": "a#b", "Value": "1"}],
    "sign in a value": [{"Key": "a", "Value": "b&c"}],
    "control character": [{"Key": "a", "Value": "b\tc"}],
    "emoji": [{"Key": "a", "Value": "\U0001f600"}],
}


@pytest.mark.parametrize("case", BAD_TAGS)
async def test_tags_that_no_job_can_have_are_refused(rig: Any, case: str) -> None:
    request = rig.request("photos,a\n", Tags=BAD_TAGS[case])
    assert await code_of(rig.control.create_job(**request)) == "BadRequestException"
    named = {"AccountId": ACCOUNT_ID, "JobId": await rig.create("photos,a\n")}
    putting = await code_of(rig.control.put_job_tagging(**named, Tags=BAD_TAGS[case]))
    assert putting in ("InvalidTag", "BadRequestException")
    assert (await rig.control.get_job_tagging(**named)).get("Tags", []) == []


async def test_a_job_has_fifty_tags_at_most(rig: Any) -> None:
    tags = [{"Key": str(number), "Value": "x"} for number in range(51)]
    named = {"AccountId": ACCOUNT_ID, "JobId": await rig.create("photos,a\n", Tags=tags[:50])}
    assert len((await rig.control.get_job_tagging(**named))["Tags"]) == 50
    with pytest.raises(rig.control.exceptions.TooManyTagsException):
        await rig.control.put_job_tagging(**named, Tags=tags)


async def test_every_response_names_its_request(rig: Any) -> None:
    answered = await rig.control.list_jobs(AccountId=ACCOUNT_ID)
    with pytest.raises(ClientError) as refused:
        await rig.describe("00000000-none")
    ids = set()
    for metadata in (answered["ResponseMetadata"], refused.value.response["ResponseMetadata"]):
        ids.add(metadata["RequestId"])
        assert metadata["RequestId"] == metadata["HTTPHeaders"]["x-amz-request-id"]
        assert metadata["HTTPHeaders"]["x-amz-id-2"]
    assert len(ids) == 2


async def send(
    rig: Any, method: str, path: str, body: bytes = b"", **more: str
) -> tuple[int, Any, bytes]:
    headers = {"x-amz-account-id": ACCOUNT_ID, **more}
    async with (
        aiohttp.ClientSession() as http,
        http.request(
            method, rig.endpoint_url + path, data=io.BytesIO(body), headers=headers
        ) as response,
    ):
        return response.status, response.headers, await response.read()


async def test_head_is_get_without_the_body(rig: Any) -> None:
    job_id = await rig.create("photos,a\n")
    for path, status in (
        ("/v20180820/jobs", 200),
        (f"/v20180820/jobs/{job_id}", 200),
        (f"/v20180820/jobs/{job_id}/tagging", 200),
        ("/v20180820/jobs/00000000-none", 404),
    ):
        got, head = await send(rig, "GET", path), await send(rig, "HEAD", path)
        assert (got[0], head[0], head[2]) == (status, status, b"")
        assert head[1]["Content-Type"] == got[1]["Content-Type"]


@pytest.mark.parametrize("path", ["/other", "/a%0Ab", "/v20180820/jobs/1/2/3"])
async def test_an_unknown_path_is_answered_in_the_services_form(rig: Any, path: str) -> None:
    status, headers, body = await send(rig, "GET", path)
    assert (status, b"<Code>NotImplemented</Code>" in body) == (501, True)
    assert headers["x-amz-request-id"].encode() in body


async def test_a_body_that_is_too_large_is_the_callers_error(rig: Any) -> None:
    body = b"<CreateJobRequest>" + b" " * 2_000_000 + b"</CreateJobRequest>"
    status, _, answer = await send(rig, "POST", "/v20180820/jobs", body)
    assert (status, b"<Code>MaxMessageLengthExceeded</Code>" in answer) == (400, True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<CreateJobRequest><!-- c --></CreateJobRequest>", b"is required"),
        (b"<?pi x?><CreateJobRequest/><!-- c -->", b"is required"),
        (b"<CreateJobRequest><![CDATA[ ]]></CreateJobRequest>", b"is required"),
        (b'<!DOCTYPE x [<!ENTITY e "e">]><CreateJobRequest/>', b"document type declaration"),
        ('<!DOCTYPE x [<!ENTITY e "e">]><a/>'.encode("utf-16"), b"document type declaration"),
        (b"<CreateJobRequest", b"not well-formed"),
        (b"\xff", b"not well-formed"),
        (b"<a>" * 100_000, b"not well-formed"),
    ],
)
async def test_an_invalid_body_is_refused_with_its_own_error(
    rig: Any, body: bytes, message: bytes
) -> None:
    status, _, answer = await send(rig, "POST", "/v20180820/jobs", body)
    assert (status, b"BadRequestException" in answer) == (400, True)
    assert message in answer


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
async def test_a_body_with_a_content_encoding_is_read_unchanged(rig: Any, coding: str) -> None:
    status, _, answer = await send(
        rig, "POST", "/v20180820/jobs", b"<CreateJobRequest/>", **{"Content-Encoding": coding}
    )
    assert (status, b"is required" in answer) == (400, True)
