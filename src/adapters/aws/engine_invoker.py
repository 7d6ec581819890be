"""Asynchronous invocation of the engine's Lambda function."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from adapters.aws.errors import map_aws_errors
from adapters.aws.responses import required
from ports.engine_invoker import EngineInvoker
from ports.errors import Unavailable

if TYPE_CHECKING:
    from types_aiobotocore_lambda.client import LambdaClient

# Lambda API Reference, "Invoke": the status of an event that was queued.
_ACCEPTED: Final = 202


class LambdaEngineInvoker:
    """Queues events for the engine in Lambda."""

    def __init__(self, client: LambdaClient, *, function_arn: str) -> None:
        self._client = client
        self._function_arn = function_arn

    async def advance(self, job_id: str) -> None:
        await self._invoke({"action": "advance", "jobId": job_id})

    async def list_share(self, job_id: str, number: int) -> None:
        await self._invoke({"action": "list", "jobId": job_id, "share": number})

    async def removals(self, job_id: str) -> None:
        await self._invoke({"action": "removals", "jobId": job_id})

    async def orphans(self, job_id: str) -> None:
        await self._invoke({"action": "orphans", "jobId": job_id})

    async def _invoke(self, event: Mapping[str, str | int]) -> None:
        payload = json.dumps(event).encode()
        with map_aws_errors("lambda", operation="Invoke", resource=self._function_arn):
            response = await self._client.invoke(
                FunctionName=self._function_arn, InvocationType="Event", Payload=payload
            )
            status = required(response, "StatusCode", of=int)
        if status != _ACCEPTED:
            raise Unavailable(
                f"lambda returned {status} for an event for {self._function_arn}",
                operation="Invoke",
                resource=self._function_arn,
                vendor_code=str(status),
            )


_: type[EngineInvoker] = LambdaEngineInvoker
