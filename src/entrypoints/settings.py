"""Settings from the environment: names of resources, and tuning."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from application.execution.tuning import Tuning
from domain.discovery import Discovery
from domain.errors import InvalidRequest
from domain.packing import ChunkSizing
from domain.pricing.price_table import LIST_PRICES, PriceTable, with_changes
from domain.pricing.survey import CatalogShape
from domain.profile import CatalogProfile

TUNING_PREFIX = "ASSET_SYNC_"


class InvalidSettings(Exception):
    """Environment variables are missing or invalid; all of them are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogNames:
    """Names in the catalog's table. An empty index is not queried; an empty attribute is not read.

    Attribute names may be dotted paths into maps. Both index keys are top-level attributes.
    """

    asset_id_attribute: str
    asset_id_index: str
    asset_id_index_key: str
    storage_path_attribute: str
    storage_path_index: str
    storage_path_index_key: str
    e_tag_attribute: str
    size_attribute: str
    last_modified_attribute: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Names of resources, the catalog's profile and names, and the tuning."""

    job_table_name: str
    chunk_table_name: str
    error_table_name: str
    connector_table_name: str
    assets_table_name: str
    results_bucket_name: str
    processor_queue_url: str
    processor_function_arn: str
    engine_function_arn: str
    batch_operations_role_arn: str
    status_topic_arn: str
    ingest_event_bus_name: str
    catalog_profile: CatalogProfile
    catalog: CatalogNames
    default_discovery: Discovery
    tuning: Tuning
    prices: PriceTable = LIST_PRICES
    schedule_group_name: str = ""
    schedule_role_arn: str = ""
    schedule_dead_letter_queue_arn: str = ""

    @property
    def catalog_shape(self) -> CatalogShape:
        """The requests that the catalog takes."""
        return CatalogShape(
            table=self.catalog_profile is not CatalogProfile.NONE,
            asset_index=bool(self.catalog.asset_id_index),
            path_index=bool(self.catalog.storage_path_index),
        )

    @property
    def account_id(self) -> str:
        """The account of the functions, and so of the batch jobs."""
        return self.processor_function_arn.split(":")[4]

    @property
    def queue_name(self) -> str:
        """The last part of the processor queue's URL."""
        return self.processor_queue_url.rsplit("/", 1)[-1]


REQUIRED = (
    "JOB_TABLE_NAME",
    "CHUNK_TABLE_NAME",
    "ERROR_TABLE_NAME",
    "CONNECTOR_TABLE_NAME",
    "ASSETS_TABLE_NAME",
    "RESULTS_BUCKET_NAME",
    "PROCESSOR_QUEUE_URL",
    "PROCESSOR_FUNCTION_ARN",
    "ENGINE_FUNCTION_ARN",
    "BATCH_OPERATIONS_ROLE_ARN",
    "STATUS_TOPIC_ARN",
    "INGEST_EVENT_BUS_NAME",
)

# All or none: a service of an earlier deployment has no schedules.
OF_SCHEDULES = (
    "SCHEDULE_GROUP_NAME",
    "SCHEDULE_ROLE_ARN",
    "SCHEDULE_DEAD_LETTER_QUEUE_ARN",
)

CATALOG_PREFIX = "ASSETS_"
PROFILE_VARIABLE = "CATALOG_PROFILE"
PRICES_VARIABLE = "ASSET_SYNC_PRICES"

_LOCATION = "DigitalSourceAsset.MainRepresentation.StorageInfo.PrimaryLocation"

# Media Lake, v1.18.3: medialake_stacks/base_infrastructure.py (the table and its indexes) and
# lambdas/ingest/s3/index.py (its items). The key attributes of its AssetIDIndex are at the top
# level, and nothing writes them, so it is not queried.
_MEDIALAKE_NAMES = CatalogNames(
    asset_id_attribute="DigitalSourceAsset.ID",
    asset_id_index="",
    asset_id_index_key="DigitalSourceAsset.ID",
    storage_path_attribute="StoragePath",
    storage_path_index="S3PathIndex",
    storage_path_index_key="StoragePath",
    e_tag_attribute=f"{_LOCATION}.FileInfo.Hash.Value",
    size_attribute=f"{_LOCATION}.FileInfo.Size",
    last_modified_attribute="DigitalSourceAsset.lastModifiedDate",
)

# A table of which only the keys are known: the index over asset ids is queried, and no record shows
# which version of an object it describes.
_GENERIC_NAMES = replace(
    _MEDIALAKE_NAMES,
    asset_id_index="AssetIDIndex",
    storage_path_attribute="",
    storage_path_index="",
    e_tag_attribute="",
    size_attribute="",
    last_modified_attribute="",
)

CATALOG_DEFAULTS: Mapping[CatalogProfile, CatalogNames] = {
    CatalogProfile.MEDIALAKE: _MEDIALAKE_NAMES,
    CatalogProfile.GENERIC: _GENERIC_NAMES,
    CatalogProfile.NONE: _GENERIC_NAMES,
}


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings; `environment` is the process's own by default.

    Raises:
        InvalidSettings: Variables are missing or invalid; the message lists all of them.
    """
    env = os.environ if environment is None else environment
    profile = _profile(env)
    # Without a catalog there is no table.
    problems = [
        f"{name} is not set"
        for name in REQUIRED
        if not env.get(name)
        and not (name == "ASSETS_TABLE_NAME" and profile is CatalogProfile.NONE)
    ]
    if profile is None:
        known = ", ".join(CatalogProfile)
        problems.append(f"{PROFILE_VARIABLE} is {env[PROFILE_VARIABLE]!r}, not one of {known}")
    sizing = _tuned(ChunkSizing, env, problems)
    tuning = _tuned(Tuning, env, problems, sizing=ChunkSizing(**sizing))
    discovery = env.get(f"{TUNING_PREFIX}DEFAULT_DISCOVERY", Discovery.BATCH.value)
    if discovery not in set(Discovery):
        problems.append(f"{TUNING_PREFIX}DEFAULT_DISCOVERY is {discovery!r}, not batch or direct")
    arn = env.get("PROCESSOR_FUNCTION_ARN", "")
    if arn and len(arn.split(":")) < 7:
        problems.append(f"PROCESSOR_FUNCTION_ARN is {arn!r}, not the ARN of a function")
    prices = _prices(env, problems)
    if any(env.get(name) for name in OF_SCHEDULES):
        problems += [f"{name} is not set" for name in OF_SCHEDULES if not env.get(name)]
    if problems or profile is None:
        raise InvalidSettings("; ".join(problems))
    return Settings(
        **{name.lower(): env.get(name, "") for name in (*REQUIRED, *OF_SCHEDULES)},
        catalog_profile=profile,
        catalog=_catalog_names(env, CATALOG_DEFAULTS[profile]),
        default_discovery=Discovery(discovery),
        tuning=Tuning(**tuning),
        prices=prices,
    )


def _prices(env: Mapping[str, str], problems: list[str]) -> PriceTable:
    """Return the list prices with the changes of a JSON document, or of the file at its path."""
    given = env.get(PRICES_VARIABLE, "").strip()
    if not given:
        return LIST_PRICES
    try:
        text = given if given.startswith("{") else Path(given).read_text(encoding="utf-8")
        return with_changes(LIST_PRICES, json.loads(text))
    except (OSError, ValueError, RecursionError, InvalidRequest) as error:
        problems.append(
            f"{PRICES_VARIABLE} is neither a JSON object of prices nor its path: {error}"
        )
        return LIST_PRICES


def catalog_variable(field_name: str) -> str:
    """Return the environment variable that sets a field of CatalogNames."""
    return f"{CATALOG_PREFIX}{field_name.upper()}"


def _catalog_names(env: Mapping[str, str], defaults: CatalogNames) -> CatalogNames:
    given = {field.name: env.get(catalog_variable(field.name)) for field in fields(CatalogNames)}
    return replace(defaults, **{name: value for name, value in given.items() if value is not None})


def _profile(env: Mapping[str, str]) -> CatalogProfile | None:
    """Return the profile that the environment names, None if there is no such profile."""
    try:
        return CatalogProfile(env.get(PROFILE_VARIABLE) or CatalogProfile.GENERIC)
    except ValueError:
        return None


def tuning_name(field_name: str) -> str:
    """Return the environment variable that sets a field of Tuning or ChunkSizing."""
    return f"{TUNING_PREFIX}{field_name.upper()}"


Tuned = TypeVar("Tuned", Tuning, ChunkSizing)


def _tuned(
    kind: type[Tuned], env: Mapping[str, str], problems: list[str], **given: Any
) -> dict[str, Any]:
    """Return the values for `kind` that the environment sets, in addition to those given."""
    types = get_type_hints(kind)
    values = dict(given)
    for field in fields(kind):
        name = tuning_name(field.name)
        if field.name in given or name not in env:
            continue
        try:
            value = TypeAdapter(types[field.name]).validate_python(env[name])
        except ValidationError as error:
            problems.append(f"{name} is {env[name]!r}: {error.errors()[0]['msg']}")
            continue
        if not (isinstance(value, bool) or (value > 0 and isfinite(value))):
            problems.append(f"{name} is {env[name]!r}; it must be a number above zero")
        else:
            values[field.name] = value
    return values
