"""How a function is called, and a ready way over the Lambda API."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types_aiobotocore_lambda.client import LambdaClient

_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class InvokeResult:
    """What the Lambda Invoke API answers to a synchronous call.

    Attributes:
        status_code: 200 if the function ran, with or without success; else the HTTP
            status with which Lambda refused.
        function_error: `Unhandled` or `Handled` if the function failed, else None.
        payload: The function's answer, or its error document, or why Lambda refused.
    """

    status_code: int
    function_error: str | None
    payload: bytes


Invoke = Callable[[str, bytes], Awaitable[InvokeResult]]
"""Calls the function with this ARN and waits for its answer.

A refusal by Lambda is a value (see InvokeResult). An exception is taken for a bug: it
fails the whole job.
"""


class LambdaApiInvoker:
    """Calls functions through a Lambda endpoint.

    The client's `max_pool_connections` should not be below `task_concurrency`, and its
    read timeout not below the function's.
    """

    def __init__(self, client: "LambdaClient") -> None:
        self._client = client

    async def __call__(self, function_arn: str, payload: bytes) -> InvokeResult:
        """Invoke `function_arn` and wait for the answer."""
        try:
            answer = await self._client.invoke(
                FunctionName=function_arn, InvocationType="RequestResponse", Payload=payload
            )
            async with answer["Payload"] as body:
                answer_payload = await body.read()
        except ClientError as error:
            status_code = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return InvokeResult(status_code, None, str(error).encode())
        except BotoCoreError as error:
            return InvokeResult(_UNAVAILABLE, None, str(error).encode())
        return InvokeResult(answer["StatusCode"], answer.get("FunctionError"), answer_payload)
