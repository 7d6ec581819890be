"""The processor answers surveys: what was found, or the error that prevented it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.connector import Bucket
from domain.errors import InvalidMessage
from domain.pricing.survey import Survey, SurveyRequest
from domain.pricing.survey_json import from_document, to_document
from domain.sync_request import SyncRequest
from ports.errors import AccessDenied

Json = dict[str, Any]


def event(bucket: str = "media", **more: Any) -> Json:
    request = SyncRequest(connector_id="media", bucket=Bucket(name=bucket))
    asked = SurveyRequest(request=request, sample_size=2)
    document: Json = json.loads(json.dumps(to_document(asked)))
    return {"action": "survey", "survey": document, **more}


def test_a_survey_is_json_and_writes_nothing(service: Any) -> None:
    service.put("a.jpg", "b.jpg", "c.jpg")
    service.world.buckets.requests.clear()
    answer = json.loads(json.dumps(service.processor(event())))
    assert set(answer) == {"survey"}
    survey = from_document(Survey, answer["survey"])
    assert (survey.listed.objects, survey.sampled) == (3, 2)
    assert set(service.world.buckets.requests) <= {
        "GetBucketVersioning",
        "GetBucketRequestPayment",
        "HeadBucket",
        "ListObjectsV2",
        "GetObjectTagging",
        "HeadObject",
    }


def test_a_bucket_that_does_not_exist_is_an_answer(service: Any) -> None:
    answer = service.processor(event("other"))
    assert answer["error"]["kind"] == "Misconfigured"
    assert "other" in answer["error"]["message"]
    (warning,) = service.ports.telemetry.warnings
    assert warning.name == "survey_failed"


def test_a_denied_lookup_is_an_answer(service: Any) -> None:
    service.put("a.jpg")

    async def denied(*_: Any) -> Any:
        raise AccessDenied("dynamodb:BatchGetItem")

    service.ports.catalog.records_at = denied
    answer = service.processor(event())
    assert answer == {"error": {"kind": "AccessDenied", "message": "dynamodb:BatchGetItem"}}


@pytest.mark.parametrize(
    "wrong", [event(more=1), event(survey={}), event(survey=None), {"action": "survey"}]
)
def test_a_survey_of_another_form_is_refused(service: Any, wrong: Json) -> None:
    with pytest.raises(InvalidMessage):
        service.processor(wrong)
