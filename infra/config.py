"""What an operator chooses for one installation, checked before anything is made of it.

The choices come as CDK context (`-c stage=dev -c targets=a,b`) or from `tools/deploy.py`, which
passes them on. Everything that is wrong is told at once, each with what to do. Nothing here asks
AWS: what only AWS knows is looked at by infra.preflight.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

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
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CREATE: Final = "create"
_LISTS: Final = (
    "targets",
    "target_keys",
    "target_roles",
    "jwt_audience",
    "ingest_queues",
    "ingest_queue_keys",
)
_MEDIALAKE: Final = "medialake"
_NO_CATALOG: Final = "none"
# Which index each profile asks unless another is chosen. The asset index of a Media Lake has no
# items (its v1.18.3, medialake_stacks/base_infrastructure.py: it is keyed by attributes that
# nothing writes).
PROFILES: Final[Mapping[str, Mapping[str, str]]] = {
    _MEDIALAKE: {"catalog_path_index": "S3PathIndex"},
    "generic": {"catalog_index": "AssetIDIndex"},
    _NO_CATALOG: {},
}
OPTIONAL_INDEXES: Final = ("catalog_index", "catalog_path_index")
"""Choices that are empty where `none` is given."""
# The CDK's bootstrap template, parameter Qualifier (aws-cdk 2.1148).
_QUALIFIER: Final = re.compile(r"[A-Za-z0-9_-]{1,10}")
# The mappings' maximum is 22; Lambda throttles a mapping that has more than its function.
PROCESSOR_CONCURRENCY_MIN: Final = 25
ENGINE_CONCURRENCY_MIN: Final = 2
_SCRATCH_STAGES: Final = ("dev", "test", "trial")
_LOG_DAYS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653)


class InvalidConfig(Exception):
    """The choices do not fit; every fault is listed, with what to do."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One installation.

    Attributes:
        stage: Its name; several can stand beside each other in one account and region.
        targets: The buckets that may be synchronised with the rights of the functions' own roles.
        target_keys: ARNs of the KMS keys that their objects are encrypted with.
        target_roles: ARNs of the roles that connectors may name, to be assumed for their buckets.
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
        reserve: Whether engine and processor get concurrency of their own.
        processor_concurrency: What the processor gets: chunks, dead letters and discovery together.
        engine_concurrency: What the engine gets.
        alarm_email: Who hears of alarms; empty for nobody yet.
        discovery: What a sync that does not say gets: `batch` or `direct`.
        qualifier: The CDK's bootstrap to deploy with; empty for the CDK's own.
        code: `bundle`, or `stub` for tests of the template alone.
    """

    stage: str
    targets: tuple[str, ...]
    target_keys: tuple[str, ...] = ()
    target_roles: tuple[str, ...] = ()
    profile: str = _MEDIALAKE
    catalog: str = _CREATE
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
    ingest_queues: tuple[str, ...] = ()
    ingest_queue_keys: tuple[str, ...] = ()
    bus: str = _CREATE
    trail: str = "existing"
    auth: str = "iam"
    jwt_issuer: str = ""
    jwt_audience: tuple[str, ...] = ()
    kms: str = "none"
    data: str = "keep"
    results_days: int = 90
    log_days: int = 30
    reserve: bool = True
    processor_concurrency: int = 120
    engine_concurrency: int = 10
    alarm_email: str = ""
    discovery: str = "batch"
    qualifier: str = ""
    code: str = "bundle"

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack."""
        return f"asset-sync-{self.stage}"

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
        return self.profile != _NO_CATALOG

    @property
    def creates_catalog(self) -> bool:
        """Whether there is no Asset Management System yet, but a table for a trial."""
        return self.reads_catalog and self.catalog == _CREATE

    @property
    def creates_bus(self) -> bool:
        """Whether the ingest bus is this stack's own."""
        return self.bus == _CREATE


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
    profile = values.get("profile", _MEDIALAKE)
    for index in OPTIONAL_INDEXES:
        chosen = values.get(index, PROFILES.get(profile, {}).get(index, ""))
        values[index] = "" if chosen == "none" else chosen
    if "data" not in values and values.get("stage") in _SCRATCH_STAGES:
        values["data"] = "destroy"
    config = Config(**{"stage": "", "targets": (), **values})
    faults += _faults(config)
    if faults:
        raise InvalidConfig(faults)
    return config


def _faults(config: Config) -> list[str]:
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
    if not _BUS.fullmatch(config.bus):
        faults.append(f"bus: {config.bus!r} is no event bus's name; or `create`")
    if config.auth == "jwt" and not (
        config.jwt_issuer.startswith("https://") and config.jwt_audience
    ):
        faults.append("auth: jwt needs jwt_issuer=https://… and jwt_audience=…")
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
    return faults + [
        f"target_roles: {role!r} is not the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME, or with"
        " a path before the name; no wildcard, no assumed role (arn:aws:sts), commas only between"
        " ARNs"
        for role in config.target_roles
        if not _ROLE.fullmatch(role)
    ]


def _wrong_catalog(config: Config) -> list[str]:
    if config.reads_catalog:
        if _TABLE.fullmatch(config.catalog):
            return []
        return [f"catalog: {config.catalog!r} is no table's name; or `create`, for a trial"]
    named = {"catalog": config.catalog != _CREATE, "catalog_key": config.catalog_key}
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


def _wrong_keys(config: Config) -> list[str]:
    keys = [("target_keys", key) for key in config.target_keys]
    keys += [("ingest_queue_keys", key) for key in config.ingest_queue_keys]
    if config.catalog_key:
        keys.append(("catalog_key", config.catalog_key))
    if config.kms not in ("none", _CREATE):
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
            " letters alone"
        )
    if config.engine_concurrency < ENGINE_CONCURRENCY_MIN:
        faults.append(
            f"engine_concurrency: at least {ENGINE_CONCURRENCY_MIN}, or the sweep waits for a"
            " listing"
        )
    return faults


def _flag(name: str, text: str, faults: list[str]) -> bool:
    if text.lower() not in ("true", "false"):
        faults.append(f"{name}: {text!r} is neither true nor false")
    return text.lower() == "true"


def _number(name: str, text: str, faults: list[str]) -> int:
    if not text.isdecimal():
        faults.append(f"{name}: {text!r} is no whole number")
        return 0
    return int(text)
