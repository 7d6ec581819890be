"""The Lambda service: a set of functions, and synchronous and asynchronous invocations.

It checks each invocation (the function exists, the payload is JSON and within the size limit),
retries asynchronous invocations and records those that failed. It does not depend on HTTP;
`invoke_api` is its HTTP interface.
"""

import asyncio
import json
import logging
import re
import uuid
from collections.abc import Callable, Iterable
from typing import Final

from adapters.local_aws.lambda_service.execution_environments import ExecutionEnvironments
from adapters.local_aws.lambda_service.invocation import (
    ACCOUNT_ID,
    ASYNCHRONOUS_PAYLOAD_BYTES_MAX,
    REGION,
    SYNCHRONOUS_PAYLOAD_BYTES_MAX,
    DroppedEvent,
    FunctionSettings,
    InvocationRejected,
    InvocationResult,
)

logger: Final = logging.getLogger(__name__)

_FUNCTION_NAME: Final = re.compile(
    r"(?:(?:arn:aws:lambda:(?P<region>[^:]+):)?(?P<account>[0-9]+):function:)?"
    r"(?P<name>[A-Za-z0-9_\-]+)(?::(?P<qualifier>[A-Za-z0-9_$\-]+))?"
)


class LambdaService:
    """Functions that are Python callables, invoked as Lambda invokes functions.

    Used from one event loop; the functions themselves run in threads.
    """

    def __init__(
        self,
        functions: Iterable[FunctionSettings],
        *,
        on_environment_shutdown: Callable[[], None] | None = None,
    ) -> None:
        self._functions = {function.name: function for function in functions}
        self._environments = {
            function.name: ExecutionEnvironments(function, on_environment_shutdown)
            for function in self._functions.values()
        }
        self._pending: set[asyncio.Task[None]] = set()
        self._running_count = 0
        self.dropped: list[DroppedEvent] = []
        self.invocation_counts = dict.fromkeys(self._functions, 0)

    @property
    def is_idle(self) -> bool:
        """Whether no invocation is running, waiting, or due for a retry."""
        return not self._pending and not self._running_count

    def arn(self, name: str) -> str:
        """Return the ARN of a function that exists."""
        return self._find(name).arn

    async def invoke(self, name_or_arn: str, payload: bytes) -> InvocationResult:
        """Run a function and wait for its result.

        Raises:
            InvocationRejected: no such function, or the payload is too large or not JSON.
        """
        function = self._find(name_or_arn)
        _check(payload, SYNCHRONOUS_PAYLOAD_BYTES_MAX)
        return await self._run(function, payload, str(uuid.uuid4()))

    def submit(self, name_or_arn: str, payload: bytes) -> str:
        """Queue an event for a function; returns the request id at once.

        Raises:
            InvocationRejected: no such function, or the payload is too large or not JSON.
        """
        function = self._find(name_or_arn)
        _check(payload, ASYNCHRONOUS_PAYLOAD_BYTES_MAX)
        request_id = str(uuid.uuid4())
        task = asyncio.create_task(self._deliver(function, payload, request_id))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        return request_id

    async def stop(self) -> None:
        """Cancel waiting invocations and stop all environments."""
        for task in tuple(self._pending):
            task.cancel()
        if self._pending:
            await asyncio.wait(self._pending)
        for environments in self._environments.values():
            await environments.stop()

    async def _deliver(self, function: FunctionSettings, payload: bytes, request_id: str) -> None:
        # All attempts for one event have the same request id, as on AWS.
        result = await self._run(function, payload, request_id)
        for delay_s in function.retry_delays_s:
            if result.function_error is None:
                return
            await asyncio.sleep(delay_s)
            result = await self._run(function, payload, request_id)
        if result.function_error is None:
            return
        event = DroppedEvent(
            function_name=function.name,
            request_id=request_id,
            payload=payload,
            error=result.payload,
            attempt_count=1 + len(function.retry_delays_s),
        )
        self.dropped.append(event)
        logger.error(
            "event dropped after %d attempts: function %s, request %s",
            event.attempt_count,
            event.function_name,
            event.request_id,
        )

    async def _run(
        self, function: FunctionSettings, payload: bytes, request_id: str
    ) -> InvocationResult:
        self._running_count += 1
        self.invocation_counts[function.name] += 1
        try:
            result = await self._environments[function.name].run(payload, request_id)
        finally:
            self._running_count -= 1
        if result.function_error is not None:
            logger.warning("function %s failed: %s", function.name, result.payload.decode()[:2_000])
        return result

    def _find(self, name_or_arn: str) -> FunctionSettings:
        # Lambda API Reference, "Invoke": a name, an ARN, or a partial ARN that starts with the
        # account, each with or without a qualifier (checked 2026-11).
        match = _FUNCTION_NAME.fullmatch(name_or_arn)
        function = self._functions.get(match["name"]) if match is not None else None
        if function is None or match is None or not _is_here(match, function):
            raise InvocationRejected(
                "ResourceNotFoundException", 404, f"Function not found: {name_or_arn}"
            )
        return function


def _is_here(match: re.Match[str], function: FunctionSettings) -> bool:
    """Return whether Region and account match, and the qualifier exists."""
    return (
        match["region"] in (None, REGION)
        and match["account"] in (None, ACCOUNT_ID)
        and match["qualifier"] in (None, "$LATEST", *function.aliases)
    )


def _check(payload: bytes, bytes_max: int) -> None:
    if len(payload) > bytes_max:
        raise InvocationRejected(
            "RequestTooLargeException",
            413,
            f"Request must be smaller than {bytes_max} bytes for the InvokeFunction operation",
        )
    try:
        json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise InvocationRejected(
            "InvalidRequestContentException",
            400,
            f"Could not parse request body into json: {error}",
        ) from error
