"""Deeply nested text: each parser rejects it as invalid input."""

from collections.abc import Callable

import pytest

from adapters.local_aws.asset_system.reference_system import decoded
from adapters.local_aws.lambda_service.invocation import FunctionSettings, InvocationRejected
from adapters.local_aws.lambda_service.service import LambdaService
from adapters.local_aws.s3_batch_operations.invocation import InvokeResult
from adapters.local_aws.s3_batch_operations.task import task_outcome
from domain.batch_job import parse_report_index, parse_report_row
from domain.errors import InvalidManifest, InvalidMessage, InvalidReport
from domain.outcome import from_json_line
from domain.part_copy import from_json
from entrypoints.processor_events import named_job, parse_chunk_message
from ports.paging import InvalidCursor, decode_cursor

DEPTHS = (1_020, 100_000)

REFUSING: dict[str, tuple[Callable[[str], object], type[Exception]]] = {
    "outcome line": (from_json_line, InvalidManifest),
    "outcome line in bytes": (lambda text: from_json_line(text.encode()), InvalidManifest),
    "multipart copies": (lambda text: from_json(text.encode()), InvalidManifest),
    "report index": (lambda text: parse_report_index(text.encode()), InvalidReport),
    "chunk message": (parse_chunk_message, InvalidMessage),
    "cursor": (decode_cursor, InvalidCursor),
    "invocation": (
        lambda text: LambdaService(
            [FunctionSettings(name="f", handler=lambda event, _: event)]
        ).submit("f", text.encode()),
        InvocationRejected,
    ),
}


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
@pytest.mark.parametrize("name", REFUSING)
def test_a_parser_refuses_with_its_own_error(name: str, opening: str, depth: int) -> None:
    parse, error = REFUSING[name]
    with pytest.raises(error):
        parse(opening * depth)


PASSING_OVER: dict[str, tuple[Callable[[str], object], object]] = {
    "job named by a message": (named_job, None),
    "message of the asset system's queue": (decoded, None),
    "answer to a task": (
        lambda text: task_outcome(InvokeResult(200, None, text.encode()), "2.0", "1").error_code,
        "PermanentFailure",
    ),
    "result in a report's row": (
        lambda text: (
            parse_report_row(
                # A field of CSV has up to 128 KiB.
                f'b,k,,succeeded,200,,"{text[:60_000]}"\n'.replace('{"a":', '{""a"":').encode()
            ).outcome
        ),
        None,
    ),
}


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
@pytest.mark.parametrize("name", PASSING_OVER)
def test_a_parser_treats_it_as_any_unrelated_text(name: str, opening: str, depth: int) -> None:
    parse, result = PASSING_OVER[name]
    assert parse(opening * depth) == result
