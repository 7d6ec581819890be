"""Settings from the environment: all problems are reported together."""

from __future__ import annotations

from dataclasses import fields

import pytest

from application.execution.tuning import Tuning
from domain.discovery import Discovery
from domain.packing import ChunkSizing
from entrypoints.settings import REQUIRED, InvalidSettings, load_settings, tuning_name

FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:processor"
COMPLETE = {name: f"value-of-{name}" for name in REQUIRED} | {
    "PROCESSOR_FUNCTION_ARN": FUNCTION,
    "PROCESSOR_QUEUE_URL": "https://sqs.example/111122223333/processor",
}


def test_names_of_the_environment_become_fields() -> None:
    settings = load_settings(COMPLETE)
    assert settings.job_table_name == "value-of-JOB_TABLE_NAME"
    assert settings.account_id == "111122223333"
    assert settings.queue_name == "processor"
    assert settings.default_discovery is Discovery.BATCH
    assert settings.tuning == Tuning()


@pytest.mark.parametrize("name", REQUIRED)
def test_each_name_is_needed(name: str) -> None:
    for value in ({}, {name: ""}):
        environment = {**{k: v for k, v in COMPLETE.items() if k != name}, **value}
        with pytest.raises(InvalidSettings, match=f"{name} is not set"):
            load_settings(environment)


def test_all_problems_are_reported_together() -> None:
    wrong = {
        "ASSET_SYNC_STUCK_AFTER_S": "soon",
        "ASSET_SYNC_OBJECT_COUNT_MAX": "0",
        "ASSET_SYNC_DEFAULT_DISCOVERY": "both",
        "PROCESSOR_FUNCTION_ARN": "processor",
        "JOB_TABLE_NAME": "",
    }
    with pytest.raises(InvalidSettings) as refused:
        load_settings(COMPLETE | wrong)
    for name in wrong:
        assert name in str(refused.value)


@pytest.mark.parametrize("kind", [Tuning, ChunkSizing])
def test_every_bound_can_be_tuned(kind: type[Tuning] | type[ChunkSizing]) -> None:
    numbers = [field for field in fields(kind) if field.type not in ("bool", "ChunkSizing")]
    tuned = [field.name for field in numbers]
    settings = load_settings(COMPLETE | {tuning_name(name): "7" for name in tuned})
    subject = settings.tuning if kind is Tuning else settings.tuning.sizing
    assert {getattr(subject, name) for name in tuned} == {7}
