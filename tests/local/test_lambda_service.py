"""The Lambda service, by the Invoke API of an unmodified boto3 and by direct calls."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from adapters.local_aws.lambda_service.invocation import FunctionSettings, InvocationRejected
from adapters.local_aws.lambda_service.invoke_api import invoke_application
from adapters.local_aws.lambda_service.service import LambdaService
from adapters.local_aws.loopback.http_listener import Listener

Sdk = Callable[[str, str], Any]


class Recorder:
    """A handler that fails a given number of times, and records its events."""

    def __init__(self, failure_count: int = 0) -> None:
        self.failure_count = failure_count
        self.events: list[Any] = []
        self.request_ids: list[str] = []

    def __call__(self, event: Any, context: Any) -> object:
        self.events.append(event)
        self.request_ids.append(context.aws_request_id)
        if len(self.events) <= self.failure_count:
            raise ValueError("as requested")
        return {"echo": event}


def _context(_event: Any, context: Any) -> object:
    return {
        "name": context.function_name,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "left_ms": context.get_remaining_time_in_millis(),
        "request": context.aws_request_id,
    }


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def service(recorder: Recorder) -> AsyncIterator[LambdaService]:
    service = LambdaService(
        [
            FunctionSettings(name="echo", handler=recorder, retry_delays_s=(0.01, 0.02)),
            FunctionSettings(
                name="context",
                handler=_context,
                timeout_s=29,
                memory_size_mb=256,
                aliases=("live",),
            ),
        ]
    )
    yield service
    await service.stop()


@pytest.fixture
async def api(service: LambdaService, sdk: Sdk) -> AsyncIterator[Any]:
    async with Listener(invoke_application(service)) as listener:
        yield sdk("lambda", listener.url)


async def test_an_unmodified_sdk_invokes_and_reads_the_answer(api: Any, recorder: Recorder) -> None:
    answer = await asyncio.to_thread(
        api.invoke, FunctionName="echo", Payload=json.dumps({"key": "a/b ü"})
    )
    assert answer["StatusCode"] == 200
    assert "FunctionError" not in answer
    assert json.load(answer["Payload"]) == {"echo": {"key": "a/b ü"}}
    assert answer["ResponseMetadata"]["RequestId"] == recorder.request_ids[0]


@pytest.mark.parametrize(
    "name",
    [
        "arn:aws:lambda:us-east-1:123456789012:function:context",
        "arn:aws:lambda:us-east-1:123456789012:function:context:live",
        "123456789012:function:context",
        "context:$LATEST",
    ],
)
async def test_every_form_of_a_name_finds_the_function(api: Any, name: str) -> None:
    answer = json.load((await asyncio.to_thread(api.invoke, FunctionName=name))["Payload"])
    assert answer["name"] == "context"
    assert answer["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:context"
    assert answer["memory"] == 256
    assert 28_000 < answer["left_ms"] <= 29_000


@pytest.mark.parametrize(
    "name",
    [
        "arn:aws:lambda:us-east-1:999999999999:function:context",
        "arn:aws:lambda:eu-west-1:123456789012:function:context",
        "arn:aws:lambda:us-east-1:123456789012:function:context:old",
        "arn:aws:lambda:us-east-1:123456789012:function:context:7",
        "arn:aws:lambda:us-east-1:123456789012:function:context:live:x",
        "arn:aws:sqs:us-east-1:123456789012:context",
        "999999999999:function:context",
        "context:old",
        "xcontext",
    ],
)
async def test_an_unknown_name_finds_no_function(service: LambdaService, name: str) -> None:
    with pytest.raises(InvocationRejected, match="Function not found"):
        await service.invoke(name, b"{}")


async def test_an_error_of_the_handler_is_a_response(api: Any, recorder: Recorder) -> None:
    recorder.failure_count = 1
    answer = await asyncio.to_thread(api.invoke, FunctionName="echo", Payload=b"{}")
    described = json.load(answer["Payload"])
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (described["errorType"], described["errorMessage"]) == ("ValueError", "as requested")
    assert "as requested" in "".join(described["stackTrace"])


async def test_an_unknown_function_is_not_found(api: Any) -> None:
    for kind in ("RequestResponse", "Event"):
        with pytest.raises(api.exceptions.ResourceNotFoundException):
            await asyncio.to_thread(
                api.invoke, FunctionName="none", InvocationType=kind, Payload=b"{}"
            )


@pytest.mark.parametrize(
    ("kind", "size_bytes"), [("RequestResponse", 6 * 1024**2), ("Event", 1024**2)]
)
async def test_payload_limits_are_lambdas(
    api: Any, recorder: Recorder, kind: str, size_bytes: int
) -> None:
    largest = b'"' + b"x" * (size_bytes - 2) + b'"'
    arguments = {"FunctionName": "context", "InvocationType": kind}
    await asyncio.to_thread(api.invoke, **arguments, Payload=largest)
    with pytest.raises(api.exceptions.RequestTooLargeException):
        await asyncio.to_thread(api.invoke, **arguments, Payload=largest + b" ")


async def test_a_payload_must_be_json(api: Any) -> None:
    with pytest.raises(api.exceptions.InvalidRequestContentException):
        await asyncio.to_thread(api.invoke, FunctionName="echo", Payload=b"{")


async def test_an_unknown_invocation_type_is_refused(api: Any) -> None:
    with pytest.raises(ClientError) as error:
        await asyncio.to_thread(api.invoke, FunctionName="echo", InvocationType="Sometimes")
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"


async def test_a_dry_run_runs_nothing(api: Any, recorder: Recorder) -> None:
    answer = await asyncio.to_thread(api.invoke, FunctionName="echo", InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert recorder.events == []


async def test_an_event_is_accepted_immediately_and_runs_later(
    api: Any, service: LambdaService, recorder: Recorder, eventually: Any
) -> None:
    answer = await asyncio.to_thread(
        api.invoke, FunctionName="echo", InvocationType="Event", Payload=b'{"a": 1}'
    )
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    await eventually(lambda: service.is_idle)
    assert recorder.events == [{"a": 1}]


async def test_a_failed_event_is_retried_with_the_same_request_id(
    service: LambdaService, recorder: Recorder, eventually: Any
) -> None:
    recorder.failure_count = 2
    request_id = service.submit("echo", b"{}")
    await eventually(lambda: service.is_idle)
    assert recorder.request_ids == [request_id] * 3
    assert service.dropped == []


async def test_an_event_that_fails_three_times_is_dropped_and_recorded(
    service: LambdaService, recorder: Recorder, eventually: Any
) -> None:
    recorder.failure_count = 3
    request_id = service.submit("echo", b'{"a": 1}')
    await eventually(lambda: service.is_idle)
    (dropped,) = service.dropped
    assert len(recorder.events) == dropped.attempt_count == 3
    assert (dropped.function_name, dropped.request_id) == ("echo", request_id)
    assert json.loads(dropped.payload) == {"a": 1}
    assert json.loads(dropped.error)["errorMessage"] == "as requested"


async def test_every_invocation_gets_a_copy_of_its_event(service: LambdaService) -> None:
    def spoil(event: Any, _context: Any) -> object:
        event["list"].append(1)
        return event

    spoiling = LambdaService([FunctionSettings(name="spoil", handler=spoil)])
    first = await spoiling.invoke("spoil", b'{"list": []}')
    second = await spoiling.invoke("spoil", b'{"list": []}')
    await spoiling.stop()
    assert first.payload == second.payload == b'{"list": [1]}'


async def test_an_answer_that_is_not_json_is_an_error_of_the_function() -> None:
    service = LambdaService([FunctionSettings(name="f", handler=lambda _event, _context: object())])
    result = await service.invoke("f", b"{}")
    await service.stop()
    assert result.function_error == "Unhandled"


async def test_a_function_that_takes_too_long_times_out_and_its_environment_is_replaced() -> None:
    release = threading.Event()

    def wait(event: Any, _context: Any) -> object:
        if event:
            release.wait(10)
        return threading.current_thread().name

    service = LambdaService(
        [FunctionSettings(name="wait", handler=wait, timeout_s=0.1, concurrency=1)]
    )
    slow = await service.invoke("wait", b'{"wait": true}')
    fast = await service.invoke("wait", b"{}")
    release.set()
    await service.stop()
    assert slow.function_error == "Unhandled"
    assert "Task timed out after 0.10 seconds" in json.loads(slow.payload)["errorMessage"]
    assert fast.function_error is None


async def test_concurrency_is_bounded_and_environments_are_kept_warm() -> None:
    running: list[int] = []
    highest: list[int] = []
    threads: set[int] = set()
    closed: list[int] = []
    lock = threading.Lock()

    def work(_event: Any, _context: Any) -> None:
        with lock:
            running.append(1)
            highest.append(len(running))
            threads.add(threading.get_ident())
        time.sleep(0.01)
        with lock:
            running.pop()

    service = LambdaService(
        [FunctionSettings(name="work", handler=work, concurrency=3)],
        on_environment_shutdown=lambda: closed.append(threading.get_ident()),
    )
    async with asyncio.TaskGroup() as group:
        for _ in range(12):
            group.create_task(service.invoke("work", b"{}"))
    await service.invoke("work", b"{}")
    await service.stop()

    assert max(highest) == 3
    assert len(threads) == 3
    assert sorted(closed) == sorted(threads)


async def test_a_refusal_names_its_code(service: LambdaService) -> None:
    with pytest.raises(InvocationRejected, match="ResourceNotFoundException"):
        service.submit("none", b"{}")
