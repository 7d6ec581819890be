"""The contract of ports.surveyor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.aws.clients import ClientSettings, open_clients
from adapters.aws.surveyor import LambdaSurveyor
from adapters.memory.surveyor import MemorySurveyor
from domain.bucket_report import BucketReport, Permission, Probed, Setting
from domain.catalog import CatalogRecord
from domain.connector import Bucket, BucketInfo, Ingest, Trigger, Verify
from domain.discovery import Discovery
from domain.errors import InvalidMessage
from domain.file_types import FileFilter, FilterMode
from domain.filters import Filters, MediaType, StorageClass
from domain.object_look import Looked, LookRequest, ObjectLook, SeenObject
from domain.outcome import Outcome, OutcomeKind
from domain.pricing.survey import (
    CatalogReads,
    CatalogShape,
    Listed,
    Sampled,
    SampleGroup,
    Survey,
    SurveyRequest,
)
from domain.pricing.survey_json import from_document, to_document
from domain.sync_request import SyncOptions, SyncRequest
from ports.errors import (
    AccessDenied,
    Misconfigured,
    PortError,
    Refused,
    Retryable,
    Throttled,
    TimedOut,
    Unknown,
)
from ports.surveyor import Surveyor

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:discovery"
Answer = Callable[[SurveyRequest], Awaitable[Survey]]
Check = Callable[[SurveyRequest], Awaitable[BucketReport]]
Sight = Callable[[LookRequest], Awaitable[ObjectLook]]

REQUEST = SurveyRequest(
    request=SyncRequest(
        connector_id="media",
        bucket=Bucket(
            name="media",
            expected_owner="123456789012",
            role_arn="arn:aws:iam::123456789012:role/teams/media",
        ),
        ingest=Ingest(
            trigger=Trigger.QUEUE,
            queue_url="https://sqs.eu-west-1.amazonaws.com/123456789012/ingest.fifo",
            file_filter=FileFilter(mode=FilterMode.DENY, extensions=("mov",)),
        ),
        options=SyncOptions(
            prefixes=("a/", "ü b/"),
            discovery=Discovery.DIRECT,
            dry_run=True,
            modified_since=datetime(2025, 1, 1, 12, 30, 15, 123456, tzinfo=UTC),
            include=("*.jpg",),
            exclude=("**/tmp/*",),
            retrigger=True,
            verify=Verify.CATALOG,
            filters=Filters(size_min=0, storage_classes=(StorageClass.GLACIER,)),
        ),
        filters=Filters(media_types=(MediaType.VIDEO,), age_min_s=60),
    ),
    sample_size=400,
)
SURVEY = Survey(
    bucket=BucketInfo(versioned=True, requester_pays=True, other_region="eu-west-1"),
    listed=Listed(
        complete=False,
        page_count=3,
        objects=2**53 + 1,
        size_bytes=10**25,
        filtered=4,
        not_media=5,
        large_objects=6,
        large_parts=7,
    ),
    catalog=CatalogShape(table=True, asset_index=True, path_index=True),
    groups=(
        SampleGroup(
            like=Sampled(
                kinds={
                    Trigger.COPY: OutcomeKind.ARCHIVED,
                    Trigger.EVENT: OutcomeKind.PUT,
                    Trigger.QUEUE: OutcomeKind.PUT,
                },
                restored=True,
                headed=True,
                as_listed=True,
                listed_reads=CatalogReads(items=1, queries=2),
                reads=CatalogReads(items=3, queries=4),
                reread=True,
                kms=True,
                storage_class="GLACIER",
            ),
            count=8,
            size_bytes=9,
        ),
    ),
    unread=("AccessDenied: é",),
)


REPORT = BucketReport(
    bucket_name="media",
    exists=True,
    owner_confirmed=True,
    settings={Setting.REGION: "eu-west-1", Setting.NOTIFICATIONS: "none"},
    permissions=(
        Permission(action="s3:ListBucket", result=Probed.DENIED, needed=False, detail="é"),
    ),
    warnings=("it is versioned",),
)


LOOKED_FOR = LookRequest(request=REQUEST.request, key="a/é\n.jpg")
LOOK = ObjectLook(
    exists=True,
    seen=SeenObject(
        size_bytes=2**53 + 1,
        e_tag="e",
        last_modified=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        version_id="v",
        storage_class="GLACIER",
        content_type="image/jpeg",
    ),
    tags={"AssetID": "é", "own": ""},
    records=(
        CatalogRecord(
            inventory_id="i",
            asset_id="a",
            storage_path="media:a",
            e_tag="e",
            size_bytes=7,
            last_modified=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        ),
    ),
    outcome=Outcome(
        key="a/é\n.jpg", kind=OutcomeKind.PUT, reason="NO_IDS", tags_before={"own": ""}, mark="m"
    ),
    unread={Looked.CATALOG: "AccessDenied: é"},
)


class World(Protocol):
    """A surveyor, and the other function."""

    surveyor: Surveyor

    def answer(self, survey: Answer) -> None:
        """Let the other function answer so."""

    def answer_checks(self, check: Check) -> None:
        """Let the other function answer checks so."""

    def answer_looks(self, look: Sight) -> None:
        """Let the other function answer looks so."""


class MemoryWorld:
    def __init__(self) -> None:
        self.surveyor = MemorySurveyor()

    def answer(self, survey: Answer) -> None:
        self.surveyor.answer = survey

    def answer_checks(self, check: Check) -> None:
        self.surveyor.report = check

    def answer_looks(self, look: Sight) -> None:
        self.surveyor.sight = look


class LambdaWorld:
    """Lambda's Invoke operation, for synchronous invocations only."""

    surveyor: Surveyor

    def __init__(self) -> None:
        self._survey: Answer | None = None
        self._check: Check | None = None
        self._look: Sight | None = None
        self.respond: Callable[[], web.Response] | None = None

    def answer(self, survey: Answer) -> None:
        self._survey = survey

    def answer_checks(self, check: Check) -> None:
        self._check = check

    def answer_looks(self, look: Sight) -> None:
        self._look = look

    async def accept(self, request: web.Request) -> web.Response:
        assert request.match_info["name"] == FUNCTION_ARN
        assert request.headers["X-Amz-Invocation-Type"] == "RequestResponse"
        event = await request.json()
        assert set(event) == {"action", "survey"}
        if self.respond is not None:
            return self.respond()
        answers = {"survey": self._survey, "check": self._check, "look": self._look}
        answer: Any = answers[event["action"]]
        if answer is None:
            return web.json_response({"message": "down"}, status=503)
        kind: Any = LookRequest if event["action"] == "look" else SurveyRequest
        try:
            found: Any = await answer(from_document(kind, event["survey"]))
        except PortError as error:
            name = type(error).__name__
            return web.json_response({"error": {"kind": name, "message": str(error)}})
        return web.json_response({event["action"]: to_document(found)})


@pytest.fixture
def memory_world() -> World:
    return MemoryWorld()


@pytest.fixture
async def aws_world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    world = LambdaWorld()
    application = web.Application()
    application.router.add_post("/2015-03-31/functions/{name}/invocations", world.accept)
    async with TestServer(application) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", str(server.make_url("")))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        async with open_clients(ClientSettings(attempt_count_max=1)) as clients:
            world.surveyor = LambdaSurveyor(
                await clients.lambda_(), function_arn=FUNCTION_ARN, timeout_s=2
            )
            yield world


@pytest.fixture(params=["memory", "aws"])
def world(request: pytest.FixtureRequest) -> World:
    chosen: World = request.getfixturevalue(f"{request.param}_world")
    return chosen


async def test_the_other_function_gets_the_request_and_its_survey_is_returned(
    world: World,
) -> None:
    asked = []

    async def survey(request: SurveyRequest) -> Survey:
        asked.append(request)
        return SURVEY

    world.answer(survey)
    assert await world.surveyor.survey(REQUEST) == SURVEY
    assert await world.surveyor.survey(REQUEST) == SURVEY
    assert asked == [REQUEST, REQUEST]


async def test_the_other_function_gets_the_key_and_its_look_is_returned(world: World) -> None:
    asked = []

    async def look(request: LookRequest) -> ObjectLook:
        asked.append(request)
        return LOOK

    with pytest.raises(Retryable):
        await world.surveyor.look(LOOKED_FOR)
    world.answer_looks(look)
    assert await world.surveyor.look(LOOKED_FOR) == LOOK
    assert asked == [LOOKED_FOR]


async def test_the_other_function_gets_the_request_and_its_report_is_returned(
    world: World,
) -> None:
    asked = []

    async def check(request: SurveyRequest) -> BucketReport:
        asked.append(request)
        return REPORT

    with pytest.raises(Retryable):
        await world.surveyor.check(REQUEST)
    world.answer_checks(check)
    assert await world.surveyor.check(REQUEST) == REPORT
    assert asked == [REQUEST]

    async def fail(_: SurveyRequest) -> BucketReport:
        raise Throttled("slow down")

    world.answer_checks(fail)
    with pytest.raises(Throttled, match="slow down"):
        await world.surveyor.check(REQUEST)


@pytest.mark.parametrize("kind", [AccessDenied, Misconfigured, Throttled, TimedOut])
async def test_an_error_of_the_other_function_is_raised_here_with_its_cause(
    world: World, kind: type[PortError]
) -> None:
    async def fail(_: SurveyRequest) -> Survey:
        raise kind("s3:ListBucket on media")

    world.answer(fail)
    with pytest.raises(kind, match="s3:ListBucket on media"):
        await world.surveyor.survey(REQUEST)


async def test_without_the_other_function_the_request_may_be_repeated(world: World) -> None:
    with pytest.raises(Retryable):
        await world.surveyor.survey(REQUEST)


# --- what only Lambda can answer


async def test_an_error_that_is_not_expected_is_unknown(aws_world: LambdaWorld) -> None:
    async def refuse(_: SurveyRequest) -> Survey:
        raise Refused("InvalidToken")

    aws_world.answer(refuse)
    with pytest.raises(Unknown, match="InvalidToken"):
        await aws_world.surveyor.survey(REQUEST)


async def test_a_function_that_fails_is_unknown_and_says_why(aws_world: LambdaWorld) -> None:
    aws_world.respond = lambda: web.json_response(
        {"errorMessage": "out of memory"}, headers={"X-Amz-Function-Error": "Unhandled"}
    )
    with pytest.raises(Unknown, match=r"Unhandled.*out of memory"):
        await aws_world.surveyor.survey(REQUEST)


@pytest.mark.parametrize(
    "body", ["", "odd", "[]", "{}", '{"survey": {}}', '{"survey": {"bucket": {}, "listed": 7}}']
)
async def test_an_answer_that_cannot_be_read_may_be_repeated(
    aws_world: LambdaWorld, body: str
) -> None:
    aws_world.respond = lambda: web.Response(text=body, content_type="application/json")
    with pytest.raises(Retryable):
        await aws_world.surveyor.survey(REQUEST)


async def test_a_survey_that_takes_too_long_is_timed_out(aws_world: LambdaWorld) -> None:
    async def slow(_: SurveyRequest) -> Survey:
        await asyncio.sleep(10)
        return SURVEY

    aws_world.answer(slow)
    aws_world.surveyor._timeout_s = 0.2  # type: ignore[attr-defined]
    with pytest.raises(TimedOut, match="within"):
        await aws_world.surveyor.survey(REQUEST)


@pytest.mark.parametrize("document", [None, [], {}, {"request": {}, "sample_size": "many"}])
def test_a_document_of_another_form_is_refused(document: Any) -> None:
    with pytest.raises(InvalidMessage):
        from_document(SurveyRequest, document)


def test_documents_are_json() -> None:
    for value in (REQUEST, SURVEY, REPORT):
        assert from_document(type(value), json.loads(json.dumps(to_document(value)))) == value
