"""The processor answers S3 Batch Operations: S3's own form, keys decoded, nothing written."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from domain.discovery import Discovery
from domain.identity import Identity
from entrypoints import processor
from ports.errors import Misconfigured, Throttled, TimedOut, Unavailable

Json = dict[str, Any]
KEY = "a b+c/é 100%.jpg"


@pytest.fixture
def job_id(service: Any) -> str:
    return str(service.start(discovery=Discovery.BATCH))


@pytest.fixture
def invocation(recorded: Callable[[str], Json], job_id: str) -> Callable[..., Json]:
    """Return the recorded invocation of schema 2.0, for the test's job."""

    def make(name: str = "batch_schema_2", **task: Any) -> Json:
        event = recorded(name)
        event["job"]["userArguments"]["jobId"] = job_id
        for each in event["tasks"]:
            each.update(task)
        return event

    return make


def decision(answer: Json, index: int = 0) -> Json:
    result = answer["results"][index]
    assert result["resultCode"] == "Succeeded"
    decided: Json = json.loads(result["resultString"])
    return decided


@pytest.mark.parametrize("name", ["batch_schema_1", "batch_schema_2"])
def test_the_response_has_the_form_of_either_schema_and_no_key_more(
    service: Any, recorded: Callable[[str], Json], job_id: str, name: str
) -> None:
    service.put(KEY)
    event = recorded(name)
    if "userArguments" in event["job"]:
        event["job"]["userArguments"]["jobId"] = job_id
    event["tasks"][0]["s3VersionId"] = None  # AWS's sample names one
    answer = service.processor(event)
    (result,) = answer.pop("results")
    assert answer == {
        "invocationSchemaVersion": event["invocationSchemaVersion"],
        "treatMissingKeysAs": "TemporaryFailure",
        "invocationId": event["invocationId"],
    }
    assert set(result) == {"taskId", "resultCode", "resultString"}
    assert (result["taskId"], result["resultCode"]) == ("dGFza2lkZ29lc2hlcmUK", "Succeeded")
    assert json.loads(result["resultString"])["o"] == "PUT"
    assert len(result["resultString"]) <= 1_024


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("plain.jpg", "plain.jpg"),
        ("a+b.jpg", "a b.jpg"),
        ("a%20b.jpg", "a b.jpg"),
        ("a%2Bb.jpg", "a+b.jpg"),
        ("100%25.jpg", "100%.jpg"),
        ("a%2520b.jpg", "a%20b.jpg"),
        ("a%252Bb.jpg", "a%2Bb.jpg"),
        ("%C3%A9%2F%E5%86%99.jpg", "é/写.jpg"),
        ("a%0Ab%2C%22c%22.jpg", 'a\nb,"c".jpg'),
        ("é.jpg", "é.jpg"),
    ],
)
def test_a_key_is_form_decoded_once(
    service: Any, invocation: Callable[..., Json], encoded: str, key: str
) -> None:
    service.put(key)
    assert decision(service.processor(invocation(s3Key=encoded)))["o"] == "PUT"


def test_a_key_that_is_not_utf_8_is_not_an_object(
    service: Any, invocation: Callable[..., Json]
) -> None:
    (result,) = service.processor(invocation(s3Key="a%FFb"))["results"]
    assert result["resultCode"] == "PermanentFailure"
    assert "UTF-8" in result["resultString"]


@pytest.mark.parametrize("version", ["3HL4kqtJlcpXroDTDmJ", "null", "1"])
def test_another_version_than_the_one_named_is_never_decided_about(
    service: Any, invocation: Callable[..., Json], version: str
) -> None:
    service.put(KEY)
    (result,) = service.processor(invocation(s3VersionId=version))["results"]
    assert result["resultCode"] == "PermanentFailure"
    assert f"names version {version}" in result["resultString"]
    assert "manifest with bucket and key only" in result["resultString"]


@pytest.mark.parametrize("version", [None, "", "absent"])
def test_a_version_is_not_needed(
    service: Any, invocation: Callable[..., Json], version: str | None
) -> None:
    service.put(KEY)
    event = invocation(s3VersionId=version)
    if version == "absent":
        del event["tasks"][0]["s3VersionId"]
    assert decision(service.processor(event))["o"] == "PUT"


@pytest.mark.parametrize(
    "bucket", [{"s3BucketArn": "arn:aws:s3:::media"}, {"s3BucketArn": "arn:aws:s3:r:1:media"}]
)
def test_the_bucket_may_be_named_by_any_form_of_its_arn(
    service: Any, invocation: Callable[..., Json], bucket: Json
) -> None:
    service.put(KEY)
    event = invocation(**bucket)
    del event["tasks"][0]["s3Bucket"]
    assert decision(service.processor(event))["o"] == "PUT"


def test_each_task_has_a_result_and_an_error_of_an_object_is_its_result(
    service: Any, invocation: Callable[..., Json]
) -> None:
    catalog = service.world.ports.catalog
    catalog.ingest(inventory_id="i-known", asset_id="a-known")
    catalog.ingest(inventory_id="i-inventory", asset_id=None)
    service.put("known.jpg", tags={"AssetID": "a-known", "InventoryID": "i-known"})
    service.put("inventory known.jpg", tags={"InventoryID": "i-inventory"})
    service.put("new+.jpg", "denied.jpg", "アーカイブ/🎬.png")
    service.put("archived.mov", storage_class="GLACIER")
    service.world.buckets.denied.add(("media", "denied.jpg"))
    event = invocation("batch_schema_2_several_tasks")
    answer = service.processor(event)
    assert [r["taskId"] for r in answer["results"]] == [t["taskId"] for t in event["tasks"]]
    decided = [decision(answer, index) for index in range(len(event["tasks"]))]
    assert [(each["o"], each["r"]) for each in decided] == [
        ("SKIPPED", "ASSET_KNOWN"),
        ("COPIED", "INVENTORY_KNOWN"),
        ("PUT", "NO_IDS"),
        ("GONE", "DELETED_SINCE_LISTED"),
        ("FAILED", "AccessDenied"),
        ("ARCHIVED", "ARCHIVED"),
        ("PUT", "NO_IDS"),
    ]
    assert decided[0]["a"] == "a-known"
    assert decided[1]["i"] == "i-inventory"
    assert decided[2]["s"] == len("new+.jpg")


def test_discovery_reads_and_does_nothing_else(
    service: Any, invocation: Callable[..., Json]
) -> None:
    service.put(KEY)
    tally_before = service.job(service.world.database.jobs.sorted_keys()[0])
    service.processor(invocation())
    assert set(service.world.buckets.requests) == {"GetObjectTagging", "HeadObject"}
    assert service.ports.bus.events == []
    assert service.ports.queue.messages == []
    assert service.job(tally_before.job_id) == tally_before


class FailingCatalog:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def look_up(self, identities: list[Identity]) -> list[Any]:
        raise self.error


@pytest.mark.parametrize("kind", [Throttled, Unavailable, TimedOut])
@pytest.mark.parametrize("where", ["catalog", "tags", "head", "job"])
def test_a_retryable_error_is_a_temporary_failure(
    service: Any,
    invocation: Callable[..., Json],
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Exception],
    where: str,
) -> None:
    service.put(KEY)

    async def fail(*_: Any, **__: Any) -> Any:
        raise kind("please retry")

    if where == "catalog":
        service.replace_ports(catalog=FailingCatalog(kind("please retry")))
    elif where == "job":
        monkeypatch.setattr(service.ports.jobs, "get", fail)
    else:
        name = {"tags": "read_tags", "head": "head"}[where]
        monkeypatch.setattr(service.ports.objects, name, fail)
    (result,) = service.processor(invocation())["results"]
    assert result["resultCode"] == "TemporaryFailure"
    assert "please retry" in result["resultString"]


def test_an_error_that_an_operator_must_fix_is_a_permanent_failure(
    service: Any, invocation: Callable[..., Json]
) -> None:
    service.put(KEY)
    service.replace_ports(catalog=FailingCatalog(Misconfigured("there is no such index")))
    (result,) = service.processor(invocation())["results"]
    assert result["resultCode"] == "PermanentFailure"
    assert "there is no such index" in result["resultString"]


def test_an_unknown_job_or_another_bucket_is_a_permanent_failure(
    service: Any, invocation: Callable[..., Json]
) -> None:
    foreign = invocation()
    foreign["job"]["userArguments"]["jobId"] = "job-of-another"
    (result,) = service.processor(foreign)["results"]
    assert result["resultCode"] == "PermanentFailure"
    assert result["resultString"] == "there is no job job-of-another"
    (result,) = service.processor(invocation(s3Bucket="other"))["results"]
    assert result["resultCode"] == "PermanentFailure"
    assert "for bucket media, the task for other" in result["resultString"]


def test_the_job_is_read_once_for_all_tasks_of_a_warm_process(
    service: Any, invocation: Callable[..., Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    service.put(KEY)
    asked = []
    get = service.ports.jobs.get

    async def counting(job_id: str) -> Any:
        asked.append(job_id)
        return await get(job_id)

    monkeypatch.setattr(service.ports.jobs, "get", counting)
    for _ in range(5):
        service.processor(invocation())
    assert len(asked) == 1
    assert processor.RUNTIME.open_app == service.open_processor
    assert service.open_count == 1
