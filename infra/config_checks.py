"""Problems of a deployment's options that the options themselves show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from adapters.aws import resources

if TYPE_CHECKING:
    from infra.config import Config

CREATE: Final = "create"
MEDIALAKE: Final = "medialake"
NO_CATALOG: Final = "none"
# The index that each profile queries by default. The asset index of a Media Lake has no items (its
# v1.18.3, medialake_stacks/base_infrastructure.py: it is keyed by attributes that nothing writes).
PROFILES: Final[Mapping[str, Mapping[str, str]]] = {
    MEDIALAKE: {"catalog_path_index": "S3PathIndex"},
    "generic": {"catalog_index": "AssetIDIndex"},
    NO_CATALOG: {},
}
OPTIONAL_INDEXES: Final = ("catalog_index", "catalog_path_index")
"""Choices that are empty where `none` is given."""
STAGE: Final = re.compile(r"[a-z][a-z0-9-]{0,15}")
# S3 User Guide, "General purpose bucket naming rules" (checked 2026-11); dots are allowed there.
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_TABLE: Final = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_BUS: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_KEY: Final = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+")
# IAM User Guide, "IAM identifiers" (checked 2026-11). A path may hold more, such as `*` and braces,
# which would not stand for themselves in a policy; a name may hold a comma, which separates here.
_ROLE: Final = re.compile(
    r"(?=.{20,620}$)arn:aws[a-z-]*:iam::\d{12}:role/(?:[A-Za-z0-9_+=.@-]+/)*[A-Za-z0-9_+=.@-]{1,64}",
    re.ASCII,
)
# SQS Developer Guide, "Amazon SQS queue quotas": a name has up to 80 characters, and that of a FIFO
# queue ends in `.fifo`. A `*` may stand in a name whose beginning is given.
_QUEUE: Final = re.compile(
    r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:(?=[^:]{1,80}$)"
    r"(?:[A-Za-z0-9_-]+|[A-Za-z0-9_-]{3,}\*[A-Za-z0-9_*-]*)(?:\.fifo)?"
)
_LAYER: Final = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+")
_URL: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?(/[!-~]*)?")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# Lambda throttles a mapping that has more concurrency than its function, and SQS counts a throttled
# receive. So the mapping of chunks leaves room for that of dead letters, and for invocations that
# Lambda has not counted as ended yet.
BESIDE_CHUNKS: Final = resources.DEAD_LETTER_MAPPING.concurrency_max + 3
# Two is the least that a mapping may have (Lambda API Reference, "ScalingConfig").
PROCESSOR_CONCURRENCY_MIN: Final = BESIDE_CHUNKS + 2
ENGINE_CONCURRENCY_MIN: Final = 2
# The CDK's bootstrap template, parameter Qualifier (aws-cdk 2.1148).
_QUALIFIER: Final = re.compile(r"[A-Za-z0-9_-]{1,10}")
# API Gateway Developer Guide, "Quotas for configuring and running an HTTP API" (checked 2026-11).
_AUDIENCES_MAX: Final = 50
# Lambda Developer Guide, "Lambda quotas" (checked 2026-11): 4 KB for all variables. What is not of
# the operator's choosing takes some 1,900 of it; tests/infra measures.
_ENVIRONMENT_MAX: Final = 4_096
_ENVIRONMENT_CHOSEN_MAX: Final = 2_100
_IN_THE_ENVIRONMENT: Final = (
    "bus",
    "catalog",
    "catalog_index",
    "catalog_index_key",
    "catalog_path_index",
    "catalog_path_index_key",
    "catalog_asset_id",
    "catalog_storage_path",
    "catalog_e_tag",
    "catalog_size",
    "catalog_last_modified",
    "traces_endpoint",
)
_LOG_DAYS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653)

# Lambda Developer Guide, "Configure ephemeral storage for Lambda functions": 512 to 10,240 MB.
_DISK_MB_MIN: Final = 512
_DISK_MB_MAX: Final = 10_240


def faults_of(config: Config) -> list[str]:
    """Return each fault, with what to do."""
    faults: list[str] = []
    if not config.stage:
        faults.append("stage: name the installation: STAGE=dev")
    elif not STAGE.fullmatch(config.stage):
        faults.append(
            f"stage: {config.stage!r} is no name: up to 16 small letters, digits and hyphens, a"
            " letter first, such as STAGE=dev"
        )
    faults += _wrong_targets(config)
    faults += _wrong_keys(config)
    faults += _wrong_words(config)
    faults += _wrong_catalog(config)
    faults += _wrong_queues(config)
    faults += _wrong_traces(config)
    if not _BUS.fullmatch(config.bus):
        faults.append(f"bus: {config.bus!r} is no event bus's name; or `create`")
    if config.auth == "jwt" and not (
        config.jwt_issuer.startswith("https://") and config.jwt_audience
    ):
        faults.append("auth: jwt needs jwt_issuer=https://… and jwt_audience=…")
    if len(config.jwt_audience) > _AUDIENCES_MAX:
        faults.append(
            f"jwt_audience: {len(config.jwt_audience)} audiences, and API Gateway takes"
            f" {_AUDIENCES_MAX} for one authorizer"
        )
    if config.alarm_email and not _EMAIL.fullmatch(config.alarm_email):
        faults.append(f"alarm_email: {config.alarm_email!r} is no address")
    if config.qualifier and not _QUALIFIER.fullmatch(config.qualifier):
        faults.append(
            f"qualifier: {config.qualifier!r} is no qualifier of a bootstrap: up to 10 letters,"
            " digits, hyphens and underscores"
        )
    return faults + _wrong_numbers(config)


def _wrong_targets(config: Config) -> list[str]:
    faults: list[str] = []
    if not config.targets and not config.target_roles:
        faults.append(
            "targets: name the buckets to synchronise: TARGETS=bucket[,bucket]; or the roles by"
            " which buckets of other accounts are reached: CHOICES=target_roles=ARN[,ARN]"
        )
    if config.target_keys and not config.targets:
        faults.append(
            "target_keys: they are for the buckets of TARGETS, and there are none; the keys of a"
            " role's buckets are allowed to that role (docs/iam.md)"
        )
    faults += [
        f"targets: {name!r} is no bucket's name; no ARN, no s3://, no wildcard: TARGETS=my-bucket"
        for name in config.targets
        if not _BUCKET.fullmatch(name)
    ]
    faults += [
        f"sources: {name!r} is no bucket's name; no ARN, no wildcard: CHOICES=sources=my-reports"
        for name in config.sources
        if not _BUCKET.fullmatch(name)
    ]
    return faults + [
        f"target_roles: {role!r} is not the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME, or with"
        " a path before the name; no wildcard, no assumed role (arn:aws:sts), commas only between"
        " ARNs"
        for role in config.target_roles
        if not _ROLE.fullmatch(role)
    ]


def _wrong_catalog(config: Config) -> list[str]:
    length = sum(len(getattr(config, name)) for name in _IN_THE_ENVIRONMENT)
    if length > _ENVIRONMENT_CHOSEN_MAX:
        fault = (
            f"catalog_…, bus: their names come to {length:,} characters, of which the functions"
            f" have room for {_ENVIRONMENT_CHOSEN_MAX:,}: Lambda takes {_ENVIRONMENT_MAX:,} for the"
            " whole environment"
        )
        return [fault]
    if config.reads_catalog:
        if _TABLE.fullmatch(config.catalog):
            return []
        return [f"catalog: {config.catalog!r} is no table's name; or `create`, for a trial"]
    named = {"catalog": config.catalog != CREATE, "catalog_key": config.catalog_key}
    named |= {index: getattr(config, index) for index in OPTIONAL_INDEXES}
    return [
        f"{name}: profile none reads no table: leave it out, or choose profile=medialake or"
        " profile=generic"
        for name, is_named in named.items()
        if is_named
    ]


def _wrong_queues(config: Config) -> list[str]:
    faults = [
        f"ingest_queues: {queue!r} is not the ARN of a queue: arn:aws:sqs:REGION:ACCOUNT:NAME, not"
        " its URL; a `*` in the name only, after three characters or more"
        for queue in config.ingest_queues
        if not _QUEUE.fullmatch(queue)
    ]
    if config.ingest_queue_keys and not config.ingest_queues:
        faults.append("ingest_queue_keys: they are for ingest_queues=ARN[,ARN], and there are none")
    return faults


def _wrong_traces(config: Config) -> list[str]:
    faults: list[str] = []
    if config.traces_layer and not config.traces:
        faults.append("traces_layer: its collector receives nothing: add traces=true")
    if config.traces_layer and not _LAYER.fullmatch(config.traces_layer):
        faults.append(
            f"traces_layer: {config.traces_layer!r} is not the ARN of a layer's version:"
            " arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION, for arm64"
        )
    if not _URL.fullmatch(config.traces_endpoint):
        faults.append(
            f"traces_endpoint: {config.traces_endpoint!r} is no URL of a collector, as"
            " http://localhost:4318"
        )
    return faults


def _wrong_keys(config: Config) -> list[str]:
    keys = [("target_keys", key) for key in config.target_keys]
    keys += [("ingest_queue_keys", key) for key in config.ingest_queue_keys]
    if config.catalog_key:
        keys.append(("catalog_key", config.catalog_key))
    if config.kms not in ("none", CREATE):
        keys.append(("kms", config.kms))
    return [
        f"{name}: {key!r} is not the ARN of a KMS key: arn:aws:kms:REGION:ACCOUNT:key/ID (an alias"
        " cannot stand in a policy)"
        for name, key in keys
        if not _KEY.fullmatch(key)
    ]


def _wrong_words(config: Config) -> list[str]:
    allowed = {
        "profile": tuple(PROFILES),
        "trail": ("existing", "create", "none"),
        "auth": ("iam", "jwt"),
        "data": ("keep", "destroy"),
        "discovery": ("batch", "direct"),
        "code": ("bundle", "stub"),
    }
    return [
        f"{name}: {getattr(config, name)!r} is none of {', '.join(words)}"
        for name, words in allowed.items()
        if getattr(config, name) not in words
    ]


def _wrong_numbers(config: Config) -> list[str]:
    faults: list[str] = []
    if config.log_days not in _LOG_DAYS:
        faults.append(f"log_days: CloudWatch knows {', '.join(map(str, _LOG_DAYS))}")
    if config.results_days < 7:
        faults.append("results_days: at least 7, or a running job may lose its files")
    if config.processor_concurrency < PROCESSOR_CONCURRENCY_MIN:
        faults.append(
            f"processor_concurrency: at least {PROCESSOR_CONCURRENCY_MIN}, for chunks and dead"
            " letters"
        )
    if config.discovery_concurrency < 1:
        faults.append("discovery_concurrency: at least 1, or no batch job gets on")
    if not _DISK_MB_MIN <= config.parquet_disk_mb <= _DISK_MB_MAX:
        faults.append(f"parquet_disk_mb: from {_DISK_MB_MIN} to {_DISK_MB_MAX:,}")
    if config.engine_concurrency < ENGINE_CONCURRENCY_MIN:
        faults.append(
            f"engine_concurrency: at least {ENGINE_CONCURRENCY_MIN}, or the sweep waits for a"
            " listing"
        )
    return faults
