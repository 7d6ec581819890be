"""Surveys by a function in the same process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from domain.bucket_report import BucketReport
from domain.object_look import LookRequest, ObjectLook
from domain.pricing.survey import Survey, SurveyRequest
from domain.pricing.survey_json import from_document, to_document
from ports.errors import Unavailable
from ports.surveyor import Surveyor


class MemorySurveyor:
    """Calls `answer`, `report` and `sight`, set by what makes the use cases, if they are set."""

    def __init__(self) -> None:
        self.answer: Callable[[SurveyRequest], Awaitable[Survey]] | None = None
        self.sight: Callable[[LookRequest], Awaitable[ObjectLook]] | None = None
        self.report: Callable[[SurveyRequest], Awaitable[BucketReport]] | None = None

    async def check(self, request: SurveyRequest) -> BucketReport:
        if self.report is None:
            raise Unavailable("no function answers checks", operation="Invoke")
        asked = from_document(SurveyRequest, to_document(request))
        return from_document(BucketReport, to_document(await self.report(asked)))

    async def look(self, request: LookRequest) -> ObjectLook:
        if self.sight is None:
            raise Unavailable("no function answers looks", operation="Invoke")
        asked = from_document(LookRequest, to_document(request))
        return from_document(ObjectLook, to_document(await self.sight(asked)))

    async def survey(self, request: SurveyRequest) -> Survey:
        if self.answer is None:
            raise Unavailable("no function answers surveys", operation="Invoke")
        # What does not survive the way to another function must not survive here.
        asked = from_document(SurveyRequest, to_document(request))
        return from_document(Survey, to_document(await self.answer(asked)))


_: type[Surveyor] = MemorySurveyor
