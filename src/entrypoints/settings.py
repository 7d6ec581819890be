"""Settings from the environment: the names of the specification, and what may be tuned."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from application.policy import Policy
from domain.job import Discovery
from domain.packing import ChunkSizing

TUNING_PREFIX = "ASSET_SYNC_"


class InvalidSettings(Exception):
    """The environment lacks something or holds something wrong; every such thing is listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Names of resources (specification), of the catalog's attributes, and the policy."""

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
    assets_asset_id_attribute: str
    assets_asset_id_index: str
    assets_asset_id_index_key: str
    default_discovery: Discovery
    policy: Policy

    @property
    def account_id(self) -> str:
        """The account that the functions, and so the batch jobs, are in."""
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

# The reference deployment's names; another catalog sets its own. No index name: it is not asked.
_CATALOG_DEFAULTS = {
    "ASSETS_ASSET_ID_ATTRIBUTE": "DigitalSourceAsset.ID",
    "ASSETS_ASSET_ID_INDEX": "AssetIDIndex",
    "ASSETS_ASSET_ID_INDEX_KEY": "DigitalSourceAsset.ID",
}


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; `environment` is the process's own unless given.

    Raises:
        InvalidSettings: with everything that is missing or wrong.
    """
    env = os.environ if environment is None else environment
    faults = [f"{name} is not set" for name in REQUIRED if not env.get(name)]
    sizing = _tuned(ChunkSizing, env, faults)
    policy = _tuned(Policy, env, faults, sizing=ChunkSizing(**sizing))
    discovery = env.get(f"{TUNING_PREFIX}DEFAULT_DISCOVERY", Discovery.BATCH.value)
    if discovery not in set(Discovery):
        faults.append(f"{TUNING_PREFIX}DEFAULT_DISCOVERY is {discovery!r}, not batch or direct")
    arn = env.get("PROCESSOR_FUNCTION_ARN", "")
    if arn and len(arn.split(":")) < 7:
        faults.append(f"PROCESSOR_FUNCTION_ARN is {arn!r}, not the ARN of a function")
    if faults:
        raise InvalidSettings("; ".join(faults))
    return Settings(
        **{name.lower(): env[name] for name in REQUIRED},
        **{name.lower(): env.get(name, value) for name, value in _CATALOG_DEFAULTS.items()},
        default_discovery=Discovery(discovery),
        policy=Policy(**policy),
    )


def tuning_name(field_name: str) -> str:
    """Return the environment variable that sets a field of Policy or ChunkSizing."""
    return f"{TUNING_PREFIX}{field_name.upper()}"


Tuned = TypeVar("Tuned", Policy, ChunkSizing)


def _tuned(
    kind: type[Tuned], env: Mapping[str, str], faults: list[str], **given: Any
) -> dict[str, Any]:
    """Return the values for `kind` that the environment sets, beside those given."""
    types = get_type_hints(kind)
    values = dict(given)
    for field in fields(kind):
        name = tuning_name(field.name)
        if field.name in given or name not in env:
            continue
        try:
            value = TypeAdapter(types[field.name]).validate_python(env[name])
        except ValidationError as error:
            faults.append(f"{name} is {env[name]!r}: {error.errors()[0]['msg']}")
            continue
        if not (value > 0 and isfinite(value)):
            faults.append(f"{name} is {env[name]!r}; it has to be a number above zero")
        else:
            values[field.name] = value
    return values
