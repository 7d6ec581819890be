"""The interface for invoking a function, and an implementation with the Lambda API."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types_aiobotocore_lambda.client import LambdaClient

_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class InvokeResult:
    """The response of the Lambda Invoke API to a synchronous call.

    Attributes:
        status_code: 200 if the function ran, with or without success; otherwise the HTTP
            status of Lambda's error.
        function_error: `Unhandled` or `Handled` if the function failed, else None.
        payload: The function's response, its error document, or Lambda's error message.
    """

    status_code: int
    function_error: str | None
    payload: bytes


Invoke = Callable[[str, bytes], Awaitable[InvokeResult]]
"""Calls the function with this ARN and waits for its response.

An error of Lambda is a value (see InvokeResult). An exception counts as a bug and fails the
whole job.
"""


class LambdaApiInvoker:
    """Calls functions through a Lambda endpoint.

    The client's `max_pool_connections` should not be below `task_concurrency`, and its
    read timeout not below the function's.
    """

    def __init__(self, client: "LambdaClient") -> None:
        self._client = client

    async def __call__(self, function_arn: str, payload: bytes) -> InvokeResult:
        """Invoke `function_arn` and wait for the response."""
        try:
            response = await self._client.invoke(
                FunctionName=function_arn, InvocationType="RequestResponse", Payload=payload
            )
            async with response["Payload"] as body:
                payload = await body.read()
        except ClientError as error:
            status_code = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return InvokeResult(status_code, None, str(error).encode())
        except BotoCoreError as error:
            return InvokeResult(_UNAVAILABLE, None, str(error).encode())
        return InvokeResult(response["StatusCode"], response.get("FunctionError"), payload)
