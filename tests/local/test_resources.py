"""AWS's requirements for the resources, in every environment."""

import json

import pytest

from adapters.aws import resources
from adapters.aws.resources import MappingSpec, QueueSpec


def _queue(name: str | None) -> QueueSpec:
    return next(queue for queue in resources.QUEUES if queue.name == name)


@pytest.mark.parametrize("mapping", resources.MAPPINGS, ids=lambda mapping: mapping.queue)
def test_a_message_stays_hidden_for_six_times_its_function_timeout(mapping: MappingSpec) -> None:
    function = next(one for one in resources.FUNCTIONS if one.name == mapping.function)
    assert _queue(mapping.queue).visibility_timeout_s >= 6 * function.timeout_s
    assert mapping.response_types == ("ReportBatchItemFailures",)
    assert 2 <= mapping.concurrency_max <= 1_000


def test_a_dead_letter_outlives_its_source_queue() -> None:
    queue = resources.PROCESSOR_QUEUE
    dead_letters = _queue(queue.dead_letter_queue)
    assert dead_letters.retention_s > queue.retention_s
    assert dead_letters.retention_s == 14 * 24 * 3_600
    assert queue.receive_count_max is not None
    assert queue.receive_count_max >= 5
    assert resources.QUEUES.index(dead_letters) < resources.QUEUES.index(queue)


def test_the_dead_letters_are_processed_too() -> None:
    assert resources.DEAD_LETTER_MAPPING.queue == resources.PROCESSOR_QUEUE.dead_letter_queue
    assert resources.DEAD_LETTER_MAPPING.function == resources.PROCESSOR_FUNCTION.name


def test_recursive_functions_are_not_stopped_after_sixteen_hops() -> None:
    """The engine invokes itself; the processor sends to its own queue."""
    allowed = {function.name for function in resources.FUNCTIONS if function.recursion_allowed}
    assert allowed == {resources.ENGINE_FUNCTION.name, resources.PROCESSOR_FUNCTION.name}


def test_every_table_has_its_environment_variable() -> None:
    assert {table.environment_variable for table in resources.TABLES} == {
        "JOB_TABLE_NAME",
        "CHUNK_TABLE_NAME",
        "ERROR_TABLE_NAME",
        "CONNECTOR_TABLE_NAME",
        "ASSETS_TABLE_NAME",
    }


def test_only_the_catalog_belongs_to_the_customer() -> None:
    assert [table.name for table in resources.TABLES if not table.owned] == ["assets"]


def test_patterns_and_input_are_json() -> None:
    for rule in (resources.BATCH_JOB_RULE, resources.INGEST_RULE):
        assert json.loads(json.dumps(rule.pattern)) == rule.pattern
    assert resources.SWEEP_SCHEDULE.input == {"action": "sweep"}
    assert resources.SWEEP_SCHEDULE.expression == "rate(5 minutes)"


def test_the_api_responds_before_api_gateway_times_out() -> None:
    assert resources.API_FUNCTION.timeout_s < 30
