"""Execution environments: threads that run handlers, one invocation at a time each, kept warm.

A thread stands for an environment on AWS: what a handler keeps for the next invocation belongs to
its thread. Environments start on demand, up to the function's concurrency, and the most recently
used one is reused first, as on AWS.
"""

import asyncio
import json
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from adapters.local_aws.lambda_service.invocation import (
    SYNCHRONOUS_PAYLOAD_BYTES_MAX,
    FunctionSettings,
    InvocationResult,
    error_payload,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaContext:
    """The second argument of a handler, with the documented attributes that are supported here."""

    aws_request_id: str
    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    deadline: float
    function_version: str = "$LATEST"
    log_group_name: str = ""
    log_stream_name: str = ""
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout, never negative."""
        return max(0, int((self.deadline - time.monotonic()) * 1_000))


@dataclass(eq=False)
class _ExecutionEnvironment:
    """One thread and its inbox; None in the inbox stops it."""

    inbox: "SimpleQueue[Callable[[], None] | None]" = field(default_factory=SimpleQueue)
    abandoned: bool = False


class ExecutionEnvironments:
    """All environments of one function. Used from one event loop; handlers run in threads."""

    def __init__(
        self, function: FunctionSettings, on_shutdown: Callable[[], None] | None = None
    ) -> None:
        """Prepare; nothing starts before the first invocation.

        Args:
            function: The function to run.
            on_shutdown: Called in each environment's thread before it ends, so that a runtime can
                close its resources.
        """
        self._function = function
        self._on_shutdown = on_shutdown
        self._slots = asyncio.Semaphore(function.concurrency)
        self._idle: list[_ExecutionEnvironment] = []
        self._threads: dict[_ExecutionEnvironment, threading.Thread] = {}

    @property
    def started_count(self) -> int:
        """Number of environments, busy or idle."""
        return len(self._threads)

    async def run(self, payload: bytes, request_id: str) -> InvocationResult:
        """Run the handler in the next free environment, at most for the function's timeout."""
        async with self._slots:
            environment = self._idle.pop() if self._idle else self._start()
            outcome: Future[InvocationResult] = Future()
            context = self._context(request_id)
            environment.inbox.put(lambda: outcome.set_result(self._call(payload, context)))
            try:
                async with asyncio.timeout(self._function.timeout_s):
                    result = await asyncio.shield(asyncio.wrap_future(outcome))
            except TimeoutError:
                self._abandon(environment)
                return self._timed_out(request_id)
            except asyncio.CancelledError:
                self._abandon(environment)
                raise
            self._idle.append(environment)
            return result

    async def stop(self, timeout_s: float = 10) -> None:
        """Stop idle environments and wait for them; a running handler is abandoned."""
        for environment in self._idle:
            environment.inbox.put(None)
        threads = [self._threads[environment] for environment in self._idle]
        self._idle.clear()
        deadline = time.monotonic() + timeout_s
        for thread in threads:
            await asyncio.to_thread(thread.join, max(0.0, deadline - time.monotonic()))

    def _start(self) -> _ExecutionEnvironment:
        environment = _ExecutionEnvironment()
        thread = threading.Thread(
            target=self._live,
            args=(environment,),
            name=f"{self._function.name}-{len(self._threads)}",
            daemon=True,
        )
        self._threads[environment] = thread
        thread.start()
        return environment

    def _abandon(self, environment: _ExecutionEnvironment) -> None:
        # AWS stops the environment; here its thread ends after the handler returns.
        environment.inbox.put(None)
        self._threads.pop(environment, None)

    def _live(self, environment: _ExecutionEnvironment) -> None:
        try:
            while (work := environment.inbox.get()) is not None:
                work()
        finally:
            if self._on_shutdown is not None:
                self._on_shutdown()

    def _context(self, request_id: str) -> LambdaContext:
        return LambdaContext(
            aws_request_id=request_id,
            function_name=self._function.name,
            invoked_function_arn=self._function.arn,
            memory_limit_in_mb=self._function.memory_size_mb,
            deadline=time.monotonic() + self._function.timeout_s,
            log_group_name=f"/aws/lambda/{self._function.name}",
        )

    def _call(self, payload: bytes, context: LambdaContext) -> InvocationResult:
        try:
            encoded = _encoded(self._function.handler(json.loads(payload), context))
        except BaseException as error:  # noqa: BLE001  # whatever a handler raises is its result
            described: Any = error_payload(error, traceback.format_tb(error.__traceback__)[1:])
            return InvocationResult(
                request_id=context.aws_request_id,
                payload=json.dumps({**described, "requestId": context.aws_request_id}).encode(),
                function_error="Unhandled",
            )
        return InvocationResult(request_id=context.aws_request_id, payload=encoded)

    def _timed_out(self, request_id: str) -> InvocationResult:
        message = f"{request_id} Task timed out after {self._function.timeout_s:.2f} seconds"
        described = {"errorType": "Sandbox.Timedout", "errorMessage": message}
        return InvocationResult(
            request_id=request_id,
            payload=json.dumps(described).encode(),
            function_error="Unhandled",
        )


def _encoded(result: object) -> bytes:
    encoded = json.dumps(result).encode()
    if len(encoded) > SYNCHRONOUS_PAYLOAD_BYTES_MAX:
        raise ResponseTooLarge(f"response of {len(encoded)} bytes is over the limit")
    return encoded


class ResponseTooLarge(Exception):
    """The response of a handler exceeds the limit of a synchronous invocation."""
