"""Surveys by the function of discovery, which may read customers' buckets: a synchronous Invoke."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

from adapters.aws.errors import map_aws_errors
from adapters.aws.responses import Malformed, optional, required
from domain.bucket_report import BucketReport
from domain.errors import InvalidMessage
from domain.object_look import LookRequest, ObjectLook
from domain.pricing.survey import Survey, SurveyRequest
from domain.pricing.survey_json import from_document, to_document
from ports.errors import (
    AccessDenied,
    Garbled,
    Misconfigured,
    PortError,
    Throttled,
    TimedOut,
    Unavailable,
    Unknown,
)
from ports.surveyor import Surveyor

if TYPE_CHECKING:
    from types_aiobotocore_lambda.client import LambdaClient

Found = TypeVar("Found", Survey, BucketReport, ObjectLook)

_OK: Final = 200
# The API's function is ended after 29 s, and needs a moment for the prices.
_TIMEOUT_S: Final = 26.0

# The errors that the other function reports by name; all others are Unknown.
_ERRORS: Final[dict[str, type[PortError]]] = {
    kind.__name__: kind
    for kind in (AccessDenied, Misconfigured, Throttled, Unavailable, TimedOut, Garbled)
}


class LambdaSurveyor:
    """Invokes a function and waits for its survey."""

    def __init__(
        self, client: LambdaClient, *, function_arn: str, timeout_s: float = _TIMEOUT_S
    ) -> None:
        self._client = client
        self._function_arn = function_arn
        self._timeout_s = timeout_s

    async def check(self, request: SurveyRequest) -> BucketReport:
        answer = await self._ask("check", request)
        with map_aws_errors("lambda", operation="Invoke", resource=self._function_arn):
            return self._read(answer, BucketReport, "check")

    async def look(self, request: LookRequest) -> ObjectLook:
        answer = await self._ask("look", request)
        with map_aws_errors("lambda", operation="Invoke", resource=self._function_arn):
            return self._read(answer, ObjectLook, "look")

    async def survey(self, request: SurveyRequest) -> Survey:
        answer = await self._ask("survey", request)
        with map_aws_errors("lambda", operation="Invoke", resource=self._function_arn):
            return self._read(answer, Survey, "survey")

    async def _ask(self, action: str, request: SurveyRequest | LookRequest) -> bytes:
        payload = json.dumps({"action": action, "survey": to_document(request)}).encode()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._invoke(payload)
        except TimeoutError as error:
            raise TimedOut(
                f"there was no {action} within {self._timeout_s:g} s",
                operation="Invoke",
                resource=self._function_arn,
            ) from error

    async def _invoke(self, payload: bytes) -> bytes:
        with map_aws_errors("lambda", operation="Invoke", resource=self._function_arn):
            response = await self._client.invoke(
                FunctionName=self._function_arn,
                InvocationType="RequestResponse",
                Payload=payload,
            )
            if required(response, "StatusCode", of=int) != _OK:
                raise Malformed(f"lambda returned {response['StatusCode']} for an invocation")
            failed = optional(response, "FunctionError")
            async with response["Payload"] as body:
                answer: bytes = await body.read()
        if failed is not None:
            raise Unknown(
                f"the function failed ({failed}): {answer[:500].decode(errors='replace')}",
                operation="Invoke",
                resource=self._function_arn,
                vendor_code=failed,
            )
        return answer

    def _read(self, answer: bytes, kind: type[Found], action: str) -> Found:
        document = _document(answer)
        error = document.get("error")
        if isinstance(error, dict):
            raised = _ERRORS.get(str(error.get("kind")), Unknown)
            raise raised(str(error.get("message")), operation=action, resource=self._function_arn)
        try:
            return from_document(kind, document.get(action))
        except InvalidMessage as unreadable:
            raise Malformed(str(unreadable)) from unreadable


def _document(answer: bytes) -> dict[str, Any]:
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise Malformed("the answer is not JSON") from error
    if not isinstance(document, dict):
        raise Malformed("the answer is not a JSON object")
    return document


_: type[Surveyor] = LambdaSurveyor
