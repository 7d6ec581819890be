"""Settings: all missing and invalid ones are named together, and each can be tuned."""

import json
import os
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.aws.resources import PROCESSOR_QUEUE
from application.execution.tuning import Tuning
from domain.discovery import Discovery
from domain.packing import ChunkSizing
from domain.pricing.price_table import LIST_PRICES
from domain.pricing.survey import CatalogShape
from domain.profile import CatalogProfile
from entrypoints.settings import (
    CATALOG_DEFAULTS,
    PRICES_VARIABLE,
    REQUIRED,
    CatalogNames,
    InvalidSettings,
    catalog_variable,
    load_settings,
    tuning_name,
)

ENVIRONMENT = {name: f"the-{name.lower()}" for name in REQUIRED} | {
    "PROCESSOR_FUNCTION_ARN": "arn:aws:lambda:eu-west-1:123456789012:function:processor",
    "PROCESSOR_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/chunks",
}
SPECIFIED = {
    "JOB_TABLE_NAME",
    "CHUNK_TABLE_NAME",
    "ERROR_TABLE_NAME",
    "ASSETS_TABLE_NAME",
    "RESULTS_BUCKET_NAME",
    "PROCESSOR_QUEUE_URL",
    "PROCESSOR_FUNCTION_ARN",
    "ENGINE_FUNCTION_ARN",
    "BATCH_OPERATIONS_ROLE_ARN",
    "STATUS_TOPIC_ARN",
    "INGEST_EVENT_BUS_NAME",
}


def test_the_required_names_are_the_specifications_and_the_connectors_table() -> None:
    assert set(REQUIRED) == SPECIFIED | {"CONNECTOR_TABLE_NAME"}


def test_every_name_gets_into_its_own_field() -> None:
    settings = load_settings(ENVIRONMENT)
    assert {name: getattr(settings, name.lower()) for name in REQUIRED} == ENVIRONMENT
    assert settings.account_id == "123456789012"
    assert settings.queue_name == "chunks"
    assert settings.default_discovery is Discovery.BATCH
    assert settings.tuning == Tuning()
    assert settings.catalog_profile is CatalogProfile.GENERIC
    assert settings.catalog.asset_id_attribute == "DigitalSourceAsset.ID"
    assert settings.catalog.asset_id_index == "AssetIDIndex"
    assert settings.catalog.storage_path_index == ""


def test_the_process_environment_is_read_unless_another_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in list(os.environ):
        if name.startswith("ASSET_SYNC_"):
            monkeypatch.delenv(name)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert load_settings() == load_settings(ENVIRONMENT)


def test_everything_that_is_missing_is_named() -> None:
    with pytest.raises(InvalidSettings) as raised:
        load_settings({})
    assert str(raised.value).split("; ") == [f"{name} is not set" for name in REQUIRED]


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_name_that_is_missing_or_empty_is_named_and_no_other(missing: str) -> None:
    environment = {name: value for name, value in ENVIRONMENT.items() if name != missing}
    for each in (environment, {**ENVIRONMENT, missing: ""}):
        with pytest.raises(InvalidSettings) as raised:
            load_settings(each)
        assert str(raised.value) == f"{missing} is not set"


def test_all_invalid_settings_are_named_together() -> None:
    wrong = {
        "ASSET_SYNC_CALLS_IN_FLIGHT": "many",
        "ASSET_SYNC_OBJECT_COUNT_MAX": "0",
        "ASSET_SYNC_DEFAULT_DISCOVERY": "guess",
        "PROCESSOR_FUNCTION_ARN": "processor",
        "JOB_TABLE_NAME": "",
    }
    with pytest.raises(InvalidSettings) as raised:
        load_settings({**ENVIRONMENT, **wrong})
    assert all(name in str(raised.value) for name in wrong)
    assert len(str(raised.value).split("; ")) >= len(wrong)


SWITCHES = ("lean_calls", "aioboto3_sessions", "catalog_snapshots", "outcome_indexes")
TUNABLE = [(ChunkSizing, f.name) for f in fields(ChunkSizing)] + [
    (Tuning, f.name) for f in fields(Tuning) if f.name not in ("sizing", *SWITCHES)
]


@pytest.mark.parametrize(("kind", "name"), TUNABLE, ids=[name for _, name in TUNABLE])
def test_each_number_can_be_tuned(kind: Any, name: str) -> None:
    tuning = load_settings({**ENVIRONMENT, tuning_name(name): "7"}).tuning
    tuned = tuning if kind is Tuning else tuning.sizing
    assert getattr(tuned, name) == 7
    assert type(getattr(tuned, name)) is type(getattr(kind(), name))
    untouched = Tuning() if kind is ChunkSizing else ChunkSizing()
    assert (tuning if kind is ChunkSizing else tuning.sizing) != untouched or kind is Tuning


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False), ("0", False)])
def test_a_switch_can_be_tuned(name: str, value: str, expected: bool) -> None:
    tuned = load_settings({**ENVIRONMENT, tuning_name(name): value})
    assert getattr(tuned.tuning, name) is expected


def test_a_switch_that_is_neither_on_nor_off_is_named_with_its_value() -> None:
    with pytest.raises(InvalidSettings, match=r"ASSET_SYNC_LEAN_CALLS is '7'"):
        load_settings({**ENVIRONMENT, "ASSET_SYNC_LEAN_CALLS": "7"})


@pytest.mark.parametrize("value", ["", "x", "0", "-1", "nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize("name", ["stop_margin_s", "calls_in_flight", "bytes_max"])
def test_an_invalid_number_is_named_with_its_value(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        load_settings({**ENVIRONMENT, tuning_name(name): value})
    assert str(raised.value).startswith(f"{tuning_name(name)} is {value!r}")


def test_a_count_is_a_whole_number_and_a_time_need_not_be() -> None:
    with pytest.raises(InvalidSettings, match=r"ASSET_SYNC_CALLS_IN_FLIGHT is '1\.5'"):
        load_settings({**ENVIRONMENT, "ASSET_SYNC_CALLS_IN_FLIGHT": "1.5"})
    tuned = load_settings({**ENVIRONMENT, "ASSET_SYNC_STOP_MARGIN_S": "1.5"})
    assert tuned.tuning.stop_margin_s == 1.5


def test_another_catalog_sets_its_own_names_and_may_have_no_index() -> None:
    settings = load_settings(
        {
            **ENVIRONMENT,
            "ASSETS_ASSET_ID_ATTRIBUTE": "asset.key",
            "ASSETS_ASSET_ID_INDEX": "",
            "ASSETS_ASSET_ID_INDEX_KEY": "assetKey",
        }
    )
    assert settings.catalog == replace(
        CATALOG_DEFAULTS[CatalogProfile.GENERIC],
        asset_id_attribute="asset.key",
        asset_id_index="",
        asset_id_index_key="assetKey",
    )


def test_a_profile_has_names_of_its_own_which_can_be_set() -> None:
    settings = load_settings({**ENVIRONMENT, "CATALOG_PROFILE": "medialake"})
    assert settings.catalog == CATALOG_DEFAULTS[CatalogProfile.MEDIALAKE]
    assert (settings.catalog.asset_id_index, settings.catalog.storage_path_index) == (
        "",
        "S3PathIndex",
    )
    names = {catalog_variable(f.name): f"the {f.name}" for f in fields(CatalogNames)}
    other = load_settings({**ENVIRONMENT, **names, "CATALOG_PROFILE": "medialake"})
    assert {f.name: getattr(other.catalog, f.name) for f in fields(CatalogNames)} == {
        f.name: f"the {f.name}" for f in fields(CatalogNames)
    }


def test_without_a_catalog_there_is_no_table_to_name() -> None:
    environment = {name: value for name, value in ENVIRONMENT.items() if "ASSETS" not in name}
    settings = load_settings({**environment, "CATALOG_PROFILE": "none"})
    assert (settings.catalog_profile, settings.assets_table_name) == (CatalogProfile.NONE, "")


def test_a_profile_that_does_not_exist_is_named() -> None:
    with pytest.raises(InvalidSettings, match="CATALOG_PROFILE is 'lake', not one of medialake"):
        load_settings({**ENVIRONMENT, "CATALOG_PROFILE": "lake"})


@pytest.mark.parametrize("discovery", list(Discovery))
def test_the_default_discovery_can_be_set(discovery: Discovery) -> None:
    tuned = {**ENVIRONMENT, "ASSET_SYNC_DEFAULT_DISCOVERY": discovery.value}
    assert load_settings(tuned).default_discovery is discovery


def test_the_queues_retention_period_decides_when_a_message_is_too_old() -> None:
    assert Tuning().queue_retention_s == PROCESSOR_QUEUE.retention_s


def test_prices_are_the_list_prices_unless_a_document_or_a_file_changes_them(
    tmp_path: Path,
) -> None:
    assert load_settings(ENVIRONMENT).prices == LIST_PRICES
    changes = json.dumps({"region": "eu-west-1", "prices": {"s3-read": "0.1"}})
    file = tmp_path / "prices.json"
    file.write_text(changes)
    for given in (changes, f"  {changes}\n", str(file)):
        prices = load_settings({**ENVIRONMENT, PRICES_VARIABLE: given}).prices
        assert (prices.region, prices.changed) == ("eu-west-1", ("s3-read",))
        assert prices.of("s3-read") == Decimal("0.1")


@pytest.mark.parametrize(
    "given",
    ["{", "[]", "/does/not/exist", '{"prices": {"s3-reads": 1}}', '{"prices": {"s3-read": -1}}'],
)
def test_prices_that_cannot_be_read_are_named(given: str) -> None:
    with pytest.raises(InvalidSettings, match=PRICES_VARIABLE):
        load_settings({**ENVIRONMENT, PRICES_VARIABLE: given})


@pytest.mark.parametrize("profile", CatalogProfile)
def test_the_shape_of_the_catalog_is_that_of_the_settings(profile: CatalogProfile) -> None:
    shape = load_settings({**ENVIRONMENT, "CATALOG_PROFILE": profile}).catalog_shape
    expected = {
        CatalogProfile.MEDIALAKE: CatalogShape(path_index=True),
        CatalogProfile.GENERIC: CatalogShape(asset_index=True),
        CatalogProfile.NONE: CatalogShape(table=False, asset_index=True),
    }
    assert shape == expected[profile]
