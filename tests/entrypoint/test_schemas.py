"""What the service sends keeps the published JSON Schemas, and so do the examples of the docs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from typer.testing import CliRunner

from adapters.aws.ingest_bus import encode_event, encode_removal_event
from adapters.aws.ingest_queue import encode_message
from adapters.aws.status_notifier import encode_status
from domain.decision import Decision
from domain.identity import event_id, removal_event_id
from domain.job import JobStatus
from domain.message import IngestEvent, RemovalEvent, StatusMessage, ingest_message
from domain.outcome import COUNT_NAMES, Outcome, OutcomeKind, Statistics, to_json_line
from entrypoints.cli.main import app
from entrypoints.schemas import schema_names, schema_text

CONTRACTS = Path(__file__).resolve().parents[2] / "docs" / "contracts.md"

names = st.text(min_size=1, max_size=20)
counts = st.integers(min_value=0, max_value=10**12)
times = st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1))  # noqa: DTZ001 - as Hypothesis has it

status_messages = st.builds(
    StatusMessage,
    job_id=names,
    connector_id=names,
    bucket_name=names,
    status=st.sampled_from(JobStatus),
    previous_status=st.none() | st.sampled_from(JobStatus),
    statistics=st.builds(Statistics, **dict.fromkeys(COUNT_NAMES, counts)),
    occurred_at=times,
)
events = st.builds(
    IngestEvent,
    event_id=st.builds(event_id, names, names, names, e_tag=names, version_id=st.none() | names),
    job_id=names,
    connector_id=names,
    bucket_name=names,
    object_key=names,
    version_id=st.none() | names,
    e_tag=names,
    size_bytes=counts,
    asset_id=st.none() | names,
    inventory_id=st.none() | names,
    processing_action=st.sampled_from([Decision.COPY, Decision.PUT]),
)
removals = st.builds(
    RemovalEvent,
    event_id=st.builds(removal_event_id, names, times, last_seen_in=names, key=names),
    job_id=names,
    connector_id=names,
    bucket_name=names,
    object_key=names,
    e_tag=st.none() | names,
    size_bytes=st.none() | counts,
    asset_id=st.none() | names,
    inventory_id=st.none() | names,
    last_seen_in=names,
    new_object_key=st.none() | names,
)
outcomes = st.builds(
    Outcome,
    key=names,
    kind=st.sampled_from(OutcomeKind),
    reason=names,
    decision=st.none() | st.sampled_from(Decision),
    asset_id=st.none() | names,
    inventory_id=st.none() | names,
    size_bytes=st.none() | counts,
    e_tag=st.none() | names,
    version_id=st.none() | names,
    triggered_at=st.none() | names,
    trigger_count=st.none() | counts,
    message=st.none() | names,
    as_listed=st.none() | st.just(True),
    vendor_code=st.none() | names,
    request_id=st.none() | names,
)


def _closed(schema: Any) -> Any:
    """The schema without room for names that it does not have, so that each one is published."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    return closed | {"additionalProperties": False} if "properties" in schema else closed


def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(schema_text(name))
    return schema


def _check(name: str, message: str) -> None:
    validator = Draft202012Validator(
        _closed(_schema(name)), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    validator.validate(json.loads(message))


@given(status_messages)
def test_status_messages(message: StatusMessage) -> None:
    _check("status-message.1", encode_status(message))


@given(events)
def test_ingest_events(event: IngestEvent) -> None:
    _check("ingest-event.1", encode_event(event))


@given(removals)
def test_removal_events(event: RemovalEvent) -> None:
    _check("removal-event.1", encode_removal_event(event))


@given(events, times)
def test_messages_to_the_systems_queue(event: IngestEvent, now: datetime) -> None:
    _check("ingest-queue-message.1", encode_message(ingest_message(event), now))


@given(outcomes)
def test_lines_of_outcomes(outcome: Outcome) -> None:
    _check("outcome.1", to_json_line(outcome, job_id="job-1", chunk_index=0))


def _examples() -> Iterator[tuple[str, str]]:
    """Each example of the contracts, with the schema that it is of, by a name in it."""
    text = CONTRACTS.read_text(encoding="utf-8")
    for block in re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if '"AssetSyncObjectRemoved"' in block:
            yield "removal-event.1", json.dumps(json.loads(block)["detail"])
        elif '"detail-type"' in block:
            yield "ingest-event.1", json.dumps(json.loads(block)["detail"])
        elif '"Records"' in block:
            yield "ingest-queue-message.1", block
        elif '"previousStatus"' in block:
            yield "status-message.1", block
        elif '"outcome"' in block:
            for line in block.splitlines():
                yield "outcome.1", line


def test_the_documented_examples() -> None:
    found = list(_examples())
    assert {name for name, _ in found} == set(schema_names())
    for name, example in found:
        _check(name, example)


@pytest.mark.parametrize("name", schema_names())
def test_a_schema_is_one_and_has_its_name_and_version(name: str) -> None:
    schema = _schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "urn:asset-sync:" + name.replace(".", ":")
    Draft202012Validator(schema | {"required": []}).validate({"added later": 1})


def test_enumerations_have_the_values_of_the_code() -> None:
    status = _schema("status-message.1")["properties"]
    outcome = _schema("outcome.1")["properties"]
    assert status["status"]["enum"] == list(JobStatus)
    assert status["previousStatus"]["enum"] == [*JobStatus, None]
    assert list(status["statistics"]["properties"]) == list(COUNT_NAMES.values())
    assert outcome["outcome"]["enum"] == list(OutcomeKind)
    assert outcome["decision"]["enum"] == list(Decision)


def test_a_name_that_is_not_published_is_found() -> None:
    line = to_json_line(
        Outcome(key="a", kind=OutcomeKind.PUT, reason="NO_IDS"), job_id="job-1", chunk_index=0
    )
    with pytest.raises(ValidationError, match="unpublished"):
        _check("outcome.1", json.dumps(json.loads(line) | {"unpublished": 1}))


def test_the_command_lists_and_prints_schemas() -> None:
    listed = CliRunner().invoke(app, ["schemas"])
    assert listed.stdout.split() == list(schema_names())
    printed = CliRunner().invoke(app, ["schemas", "status-message.1"])
    assert printed.stdout == schema_text("status-message.1")


def test_the_command_names_the_schemas_that_there_are() -> None:
    result = CliRunner().invoke(app, ["schemas", "status-message.9"])
    assert result.exit_code == 2
    assert "ingest-event.1" in result.output


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError):
        schema_text("../__init__")
