"""The options of one installation, checked before anything is created.

The choices come as CDK context (`-c stage=dev -c targets=a,b`) or from `tools/deploy.py`, which
passes them on. All problems are reported at once, each with what to do. Nothing here calls AWS:
infra.preflight has the checks against AWS.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from infra.config_checks import (
    BESIDE_CHUNKS,
    CREATE,
    MEDIALAKE,
    NO_CATALOG,
    OPTIONAL_INDEXES,
    PROFILES,
    faults_of,
)

_LISTS: Final = (
    "targets",
    "target_keys",
    "target_roles",
    "sources",
    "jwt_audience",
    "ingest_queues",
    "ingest_queue_keys",
)
_SCRATCH_STAGES: Final = ("dev", "test", "trial")


class InvalidConfig(Exception):
    """The choices do not fit; every fault is listed, with what to do."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One installation.

    Attributes:
        stage: Its name; one account and region can have several.
        targets: The buckets that may be synchronised with the rights of the functions' own roles.
        target_keys: ARNs of the KMS keys that their objects are encrypted with.
        target_roles: ARNs of the roles that connectors may name, to be assumed for their buckets.
        sources: The buckets whose manifests and inventories may name the keys of a sync.
        parquet: Whether the engine has the library that reads inventories in Parquet.
        parquet_disk_mb: With it, the engine's temporary disk, which one file of a report must fit.
        traces: Whether all functions trace their work by OpenTelemetry.
        traces_endpoint: With it, the URL of the collector, which receives OTLP over HTTP.
        traces_layer: With it, ARN of a layer with a collector that runs as an extension; empty if
            the collector is elsewhere.
        profile: What the Asset Management System is: `medialake`, `generic`, or `none` without a
            catalog to read.
        catalog: The name of its table, or `create` for a trial.
        catalog_key: ARN of the KMS key that the table is encrypted with.
        catalog_index: Its index over asset ids; empty if there is none to ask.
        catalog_index_key: The partition key of that index.
        catalog_path_index: Its index over storage paths; empty if there is none to ask.
        catalog_path_index_key: The partition key of that index.
        catalog_asset_id: Dotted path of the asset id in a record.
        catalog_storage_path: The same of `bucket:key`; empty for what the profile says, as the
            next three.
        catalog_e_tag: The same of the object's ETag.
        catalog_size: The same of its size.
        catalog_last_modified: The same of its modification time.
        catalog_snapshots: Whether the engine may scan the table, where that costs less.
        ingest_queues: ARNs of the system's ingest queues, a `*` in the name allowed.
        ingest_queue_keys: ARNs of the KMS keys that these are encrypted with.
        bus: The name of the ingest bus, or `create`.
        trail: `existing` (there is one, and the deployment checks it), `create`, or `none`: ends of
            batch jobs are then noticed by the sweep, minutes later.
        auth: `iam` or `jwt`.
        jwt_issuer: With `jwt`, who issues the tokens.
        jwt_audience: With `jwt`, whom they are for.
        kms: `none` (keys of AWS), `create`, or the ARN of a key.
        data: `keep` tables, files and logs when the stack is destroyed, or `destroy` them.
        results_days: How long a job's files are kept.
        log_days: How long logs are kept.
        reserve: Whether engine, processor and discovery get concurrency of their own.
        processor_concurrency: What the processor gets, for chunks and dead letters; five less is
            how many chunks are processed at once, whether it is reserved or not.
        discovery_concurrency: What the tasks of S3 Batch Operations get.
        engine_concurrency: What the engine gets: for the sweep and new jobs, and eight for each job
            with a long listing (`ASSET_SYNC_LISTING_WORKERS`).
        alarm_email: The address that receives alarms; empty for none.
        discovery: What a sync that does not say gets: `batch` or `direct`.
        qualifier: The CDK's bootstrap to deploy with; empty for the CDK's own.
        code: `bundle`, or `stub` for tests of the template alone.
    """

    stage: str
    targets: tuple[str, ...]
    target_keys: tuple[str, ...] = ()
    target_roles: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    parquet: bool = False
    parquet_disk_mb: int = 3_072
    traces: bool = False
    traces_endpoint: str = "http://localhost:4318"
    traces_layer: str = ""
    profile: str = MEDIALAKE
    catalog: str = CREATE
    catalog_key: str = ""
    catalog_index: str = ""
    catalog_index_key: str = "DigitalSourceAsset.ID"
    catalog_path_index: str = ""
    catalog_path_index_key: str = "StoragePath"
    catalog_asset_id: str = "DigitalSourceAsset.ID"
    catalog_storage_path: str = ""
    catalog_e_tag: str = ""
    catalog_size: str = ""
    catalog_last_modified: str = ""
    catalog_snapshots: bool = False
    ingest_queues: tuple[str, ...] = ()
    ingest_queue_keys: tuple[str, ...] = ()
    bus: str = CREATE
    trail: str = "existing"
    auth: str = "iam"
    jwt_issuer: str = ""
    jwt_audience: tuple[str, ...] = ()
    kms: str = "none"
    data: str = "keep"
    results_days: int = 90
    log_days: int = 30
    reserve: bool = True
    processor_concurrency: int = 25
    discovery_concurrency: int = 100
    engine_concurrency: int = 20
    alarm_email: str = ""
    discovery: str = "batch"
    qualifier: str = ""
    code: str = "bundle"

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack."""
        return f"asset-sync-{self.stage}"

    @property
    def chunk_concurrency(self) -> int:
        """How many chunks are processed at once."""
        return self.processor_concurrency - BESIDE_CHUNKS

    @property
    def metric_namespace(self) -> str:
        """Where the functions of this stage count, and its alarms look."""
        return f"AssetSync/{self.stage}"

    @property
    def keeps_data(self) -> bool:
        """Whether what holds data outlives the stack."""
        return self.data == "keep"

    @property
    def reads_catalog(self) -> bool:
        """Whether there is a table of assets."""
        return self.profile != NO_CATALOG

    @property
    def creates_catalog(self) -> bool:
        """Whether there is no Asset Management System yet, but a table for a trial."""
        return self.reads_catalog and self.catalog == CREATE

    @property
    def creates_bus(self) -> bool:
        """Whether the ingest bus is this stack's own."""
        return self.bus == CREATE


def read_config(given: Mapping[str, Any]) -> Config:
    """Read the choices; what is absent or empty has its default.

    Raises:
        InvalidConfig: with every fault.
    """
    names = {field.name for field in fields(Config)}
    faults = [
        f"{name}: there is no such choice; there are {', '.join(sorted(names))}"
        for name in sorted(given.keys() - names)
    ]
    values: dict[str, Any] = {}
    for field in fields(Config):
        text = str(given.get(field.name) or "").strip()
        if not text:
            continue
        default = field.default
        if field.name in _LISTS:
            values[field.name] = tuple(part.strip() for part in text.split(",") if part.strip())
        elif isinstance(default, bool):
            values[field.name] = _flag(field.name, text, faults)
        elif isinstance(default, int):
            values[field.name] = _number(field.name, text, faults)
        else:
            values[field.name] = text
    profile = values.get("profile", MEDIALAKE)
    for index in OPTIONAL_INDEXES:
        chosen = values.get(index, PROFILES.get(profile, {}).get(index, ""))
        values[index] = "" if chosen == "none" else chosen
    if "data" not in values and values.get("stage") in _SCRATCH_STAGES:
        values["data"] = "destroy"
    config = Config(**{"stage": "", "targets": (), **values})
    faults += faults_of(config)
    if faults:
        raise InvalidConfig(faults)
    return config


def _flag(name: str, text: str, faults: list[str]) -> bool:
    if text.lower() not in ("true", "false"):
        faults.append(f"{name}: {text!r} is neither true nor false")
    return text.lower() == "true"


def _number(name: str, text: str, faults: list[str]) -> int:
    if not text.isdecimal():
        faults.append(f"{name}: {text!r} is no whole number")
        return 0
    return int(text)
