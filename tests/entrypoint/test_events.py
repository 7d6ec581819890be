"""Unknown events raise an error that names the invalid fields and not their values."""

import inspect
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from domain.errors import InvalidMessage
from entrypoints import engine, processor
from entrypoints.processor_events import parse_chunk_message

Json = dict[str, Any]
SECRET = "value-that-no-log-may-hold"


def _engine_events() -> list[Any]:
    return [
        {},
        None,
        [],
        "sweep",
        {"action": SECRET},
        {"action": "advance"},
        {"action": "advance", "jobId": ""},
        {"action": "advance", "jobId": 5},
        {"action": "advance", "jobId": "j" * 129},
        {"action": "advance", "jobId": "j", "extra": SECRET},
        {"action": "sweep", "extra": SECRET},
        {"source": "aws.s3", "detail-type": "Object Created", "detail": {"key": SECRET}},
        {"Records": [{"body": SECRET}]},
    ]


@pytest.mark.parametrize("event", _engine_events(), ids=str)
def test_the_engine_refuses_unknown_events(service: Any, event: Any) -> None:
    with pytest.raises(InvalidMessage, match="unknown event for the engine") as raised:
        service.engine(event)
    assert SECRET not in "".join(traceback.format_exception(raised.value))
    assert service.open_count == 0


def test_the_engine_names_the_fields_of_an_event_that_lacks_some(
    service: Any, recorded: Callable[[str], Json]
) -> None:
    event = recorded("engine_job_complete")
    del event["detail"]["serviceEventDetails"]["jobId"]
    event["detail"]["eventName"] = "JobDeleted"
    with pytest.raises(InvalidMessage) as raised:
        service.engine(event)
    assert "detail.serviceEventDetails.jobId: Field required" in str(raised.value)
    assert "detail.eventName: Input should be" in str(raised.value)


def test_fields_that_aws_adds_are_accepted(service: Any, recorded: Callable[[str], Json]) -> None:
    event = recorded("engine_job_created")
    event["new"] = event["detail"]["new"] = event["detail"]["serviceEventDetails"]["new"] = 1
    assert service.engine(event)["ignored"] == "it is New"
    invocation = recorded("batch_schema_1")
    invocation["new"] = invocation["job"]["new"] = invocation["tasks"][0]["new"] = 1
    assert len(service.processor(invocation)["results"]) == 1
    messages = recorded("sqs_one_message")
    messages["Records"][0]["new"] = 1
    assert service.processor(messages) == {"batchItemFailures": []}


def _changed(path: str, value: Any) -> Callable[[Json], Any]:
    def change(event: Json) -> Any:
        place: Any = event
        *before, last = path.split(".")
        for step in before:
            place = place[int(step)] if step.isdigit() else place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
        return event

    return change


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("batch_schema_2", "invocationSchemaVersion", "3.0"),
        ("batch_schema_2", "invocationId", None),
        ("batch_schema_2", "tasks", []),
        ("batch_schema_2", "tasks.0.taskId", None),
        ("batch_schema_2", "tasks.0.s3Key", 5),
        ("batch_schema_2", "job.id", None),
        ("sqs_one_message", "Records", []),
        ("sqs_one_message", "Records.0.messageId", None),
        ("sqs_one_message", "Records.0.body", {"jobId": SECRET}),
        ("sqs_one_message", "Records.0.eventSource", "aws:sns"),
    ],
)
def test_the_processor_refuses_unknown_events_and_names_the_field(
    service: Any, recorded: Callable[[str], Json], name: str, path: str, value: Any
) -> None:
    event = _changed(path, value)(recorded(name))
    with pytest.raises(InvalidMessage, match="unknown event for the processor") as raised:
        service.processor(event)
    assert path in str(raised.value)
    assert SECRET not in "".join(traceback.format_exception(raised.value))
    assert service.open_count == 0


def test_an_invalid_chunk_message_is_not_shown_either() -> None:
    with pytest.raises(InvalidMessage, match="chunkIndex") as raised:
        parse_chunk_message(f'{{"jobId": "j", "chunkIndex": "{SECRET}"}}')
    assert SECRET not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("event", [{}, None, {"Records": None}, {"action": "sweep"}], ids=str)
def test_the_processor_refuses_events_of_others(service: Any, event: Any) -> None:
    with pytest.raises(InvalidMessage, match="unknown event for the processor"):
        service.processor(event)


@pytest.mark.parametrize(
    "handler", [engine.handler, processor.handler], ids=["engine", "processor"]
)
def test_a_handler_is_a_plain_function_of_event_and_context(handler: Any) -> None:
    assert not inspect.iscoroutinefunction(handler)
    assert list(inspect.signature(handler).parameters) == ["event", "context"]
