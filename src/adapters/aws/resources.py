"""The tables, queues, functions and event patterns, as data.

This module specifies every AWS resource that the service needs: keys and indexes, queue attributes,
event patterns, timeouts. The deployment synthesizes from it, the local runtime creates from it, and
a test compares both, so each key is written only once. It does not depend on any AWS library:
everything here is a frozen value. Physical names are those of the local runtime; a deployment may
choose its own, because code finds a resource only by its environment variable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MINUTE_S: Final = 60
DAY_S: Final = 24 * 60 * MINUTE_S


class AttributeType(StrEnum):
    """DynamoDB's letter for the type of a key attribute."""

    STRING = "S"
    NUMBER = "N"


class Projection(StrEnum):
    """The attributes of a secondary index besides its keys."""

    ALL = "ALL"
    KEYS_ONLY = "KEYS_ONLY"


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """One attribute of a key."""

    name: str
    type: AttributeType = AttributeType.STRING


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSpec:
    """A global secondary index; an item without the keys is not in it (a sparse index)."""

    name: str
    partition_key: KeyAttribute
    sort_key: KeyAttribute | None = None
    projection: Projection = Projection.KEYS_ONLY


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """A table, billed per request.

    Attributes:
        environment_variable: The variable with the table's name for the functions.
        ttl_attribute: Number attribute in epoch seconds, after which DynamoDB may delete the item.
        owned: False for a table that belongs to the customer: the deployment imports it, and only
            the local runtime creates it.
    """

    name: str
    environment_variable: str
    partition_key: KeyAttribute
    sort_key: KeyAttribute | None = None
    indexes: tuple[IndexSpec, ...] = ()
    ttl_attribute: str | None = None
    owned: bool = True

    def key_attributes(self) -> tuple[KeyAttribute, ...]:
        """All key attributes of the table and its indexes, without duplicates."""
        found: dict[str, KeyAttribute] = {}
        keys = [self.partition_key, self.sort_key]
        for index in self.indexes:
            keys += [index.partition_key, index.sort_key]
        for key in keys:
            if key is not None:
                found.setdefault(key.name, key)
        return tuple(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSpec:
    """A standard queue; `dead_letter_queue` and `receive_count_max` are both set or both None."""

    name: str
    visibility_timeout_s: int
    retention_s: int
    environment_variable: str | None = None
    dead_letter_queue: str | None = None
    receive_count_max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """A Lambda function.

    Attributes:
        handler: Dotted path of the handler.
        environment_variable: The variable with the function's ARN, if another function invokes it.
        recursion_allowed: Whether a chain of its own invocations, also through SQS, may be longer
            than about 16. Lambda Developer Guide, "Use Lambda recursive loop detection": such a
            chain is stopped by default; `RecursiveLoop=Allow` lifts that (checked 2026-11). This
            service's chains end on their own: an invocation without progress counts as an attempt.
        asynchronous_retry_count: Retries after a function error of an asynchronous invocation.
            Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
            invocation": 2 is the default and the maximum.
    """

    name: str
    handler: str
    timeout_s: int
    memory_size_mb: int
    environment_variable: str | None = None
    recursion_allowed: bool = False
    asynchronous_retry_count: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingSpec:
    """An event source mapping from a queue to a function, always with partial batch responses."""

    queue: str
    function: str
    batch_size: int
    concurrency_max: int
    response_types: tuple[str, ...] = ("ReportBatchItemFailures",)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """An event rule; `bus` None is the account's default bus, `function` None means no target."""

    name: str
    pattern: Mapping[str, object]
    bus: str | None = None
    function: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec:
    """A schedule that invokes a function asynchronously with a constant input."""

    name: str
    interval_s: int
    function: str
    input: Mapping[str, str] = field(default_factory=dict)

    @property
    def expression(self) -> str:
        """The interval as an EventBridge rate expression; whole minutes only."""
        minutes = self.interval_s // MINUTE_S
        return f"rate({minutes} minute{'' if minutes == 1 else 's'})"


JOBS_TABLE: Final = TableSpec(
    name="asset-sync-jobs",
    environment_variable="JOB_TABLE_NAME",
    partition_key=KeyAttribute("jobId"),
    indexes=(
        IndexSpec(
            name="ByCreatedIndex",
            partition_key=KeyAttribute("listing"),
            sort_key=KeyAttribute("createdAt"),
        ),
        IndexSpec(
            name="ByConnectorIndex",
            partition_key=KeyAttribute("connectorId"),
            sort_key=KeyAttribute("createdAt"),
        ),
        # Sparse: only a job that has not ended has `open`, so the sweep reads no others.
        IndexSpec(
            name="OpenIndex",
            partition_key=KeyAttribute("open"),
            sort_key=KeyAttribute("createdAt"),
        ),
    ),
)

CHUNKS_TABLE: Final = TableSpec(
    name="asset-sync-chunks",
    environment_variable="CHUNK_TABLE_NAME",
    partition_key=KeyAttribute("jobId"),
    sort_key=KeyAttribute("chunkIndex", AttributeType.NUMBER),
)

ERRORS_TABLE: Final = TableSpec(
    name="asset-sync-errors",
    environment_variable="ERROR_TABLE_NAME",
    partition_key=KeyAttribute("jobId"),
    sort_key=KeyAttribute("errorId"),
    ttl_attribute="expiresAt",
)

CONNECTORS_TABLE: Final = TableSpec(
    name="asset-sync-connectors",
    environment_variable="CONNECTOR_TABLE_NAME",
    partition_key=KeyAttribute("connectorId"),
)

ASSETS_TABLE: Final = TableSpec(
    name="assets",
    environment_variable="ASSETS_TABLE_NAME",
    partition_key=KeyAttribute("InventoryID"),
    indexes=(
        # Named and keyed as in the reference deployment (Guidance for a Media Lake on AWS, v1.18.3,
        # medialake_stacks/base_infrastructure.py), where it finds nothing: DynamoDB Developer
        # Guide, "Using Global Secondary Indexes": a key is a top-level attribute, and the asset id
        # is nested, in the map `DigitalSourceAsset` under `ID` (checked 2026-11).
        IndexSpec(
            name="AssetIDIndex",
            partition_key=KeyAttribute("DigitalSourceAsset.ID"),
            sort_key=KeyAttribute("DigitalSourceAsset.IngestedAt"),
            projection=Projection.ALL,
        ),
        IndexSpec(
            name="FileHashIndex",
            partition_key=KeyAttribute("FileHash"),
            projection=Projection.ALL,
        ),
        IndexSpec(
            name="S3PathIndex",
            partition_key=KeyAttribute("StoragePath"),
            projection=Projection.ALL,
        ),
    ),
    owned=False,
)

TABLES: Final = (JOBS_TABLE, CHUNKS_TABLE, ERRORS_TABLE, CONNECTORS_TABLE, ASSETS_TABLE)

API_FUNCTION: Final = FunctionSpec(
    name="asset-sync-api",
    handler="entrypoints.api.handler",
    # API Gateway Developer Guide, "Quotas for HTTP APIs": an integration times out after 30 s (hard
    # limit, checked 2026-11). The function must time out first, to return its own response.
    timeout_s=29,
    memory_size_mb=512,
)

ENGINE_FUNCTION: Final = FunctionSpec(
    name="asset-sync-engine",
    handler="entrypoints.engine.handler",
    # Lambda Developer Guide, "Lambda quotas": 900 s is the hard limit (checked 2026-11).
    timeout_s=900,
    memory_size_mb=1_769,
    environment_variable="ENGINE_FUNCTION_ARN",
    recursion_allowed=True,
)

PROCESSOR_FUNCTION: Final = FunctionSpec(
    name="asset-sync-processor",
    handler="entrypoints.processor.handler",
    timeout_s=300,
    memory_size_mb=1_769,
    environment_variable="PROCESSOR_FUNCTION_ARN",
    # A large object is copied by as many invocations as necessary; each releases the chunk.
    recursion_allowed=True,
)

# The processor's code once more, for the tasks of S3 Batch Operations. These use all the
# concurrency of their function, for hours. Chunks and dead letters must not wait for that, nor
# their receives be throttled, because SQS counts those. The local runtime has one function for
# both.
DISCOVERY_FUNCTION: Final = FunctionSpec(
    name="asset-sync-discovery",
    handler=PROCESSOR_FUNCTION.handler,
    # A task is two reads of one object and one lookup.
    timeout_s=60,
    memory_size_mb=PROCESSOR_FUNCTION.memory_size_mb,
)

FUNCTIONS: Final = (API_FUNCTION, ENGINE_FUNCTION, PROCESSOR_FUNCTION)

# Lambda Developer Guide, "Creating and configuring an Amazon SQS event source mapping": the
# visibility timeout is at least six times the function's timeout, and the receive limit at least
# five (checked 2026-11).
_VISIBILITY_TIMEOUT_S: Final = 6 * PROCESSOR_FUNCTION.timeout_s

DEAD_LETTER_QUEUE: Final = QueueSpec(
    name="asset-sync-processor-dead-letters",
    # SQS Developer Guide, "Using dead-letter queues in Amazon SQS": on a standard queue a message's
    # age counts from its first sending, so this must be longer than the source's; 14 days is the
    # maximum (hard limit, checked 2026-11).
    retention_s=14 * DAY_S,
    visibility_timeout_s=_VISIBILITY_TIMEOUT_S,
)

PROCESSOR_QUEUE: Final = QueueSpec(
    name="asset-sync-processor",
    environment_variable="PROCESSOR_QUEUE_URL",
    visibility_timeout_s=_VISIBILITY_TIMEOUT_S,
    retention_s=4 * DAY_S,
    dead_letter_queue=DEAD_LETTER_QUEUE.name,
    receive_count_max=5,
)

QUEUES: Final = (DEAD_LETTER_QUEUE, PROCESSOR_QUEUE)

CHUNK_MAPPING: Final = MappingSpec(
    queue=PROCESSOR_QUEUE.name,
    function=PROCESSOR_FUNCTION.name,
    # A chunk takes minutes: two in one invocation would exceed its timeout.
    batch_size=1,
    concurrency_max=20,
)

DEAD_LETTER_MAPPING: Final = MappingSpec(
    queue=DEAD_LETTER_QUEUE.name,
    function=PROCESSOR_FUNCTION.name,
    batch_size=1,
    # The minimum of a mapping (Lambda API Reference, "ScalingConfig": 2 to 1000).
    concurrency_max=2,
)

MAPPINGS: Final = (CHUNK_MAPPING, DEAD_LETTER_MAPPING)

STATUS_TOPIC_NAME: Final = "asset-sync-status"
STATUS_TOPIC_VARIABLE: Final = "STATUS_TOPIC_ARN"
INGEST_BUS_NAME: Final = "asset-sync-ingest"
INGEST_BUS_VARIABLE: Final = "INGEST_EVENT_BUS_NAME"
RESULTS_BUCKET_VARIABLE: Final = "RESULTS_BUCKET_NAME"
BATCH_OPERATIONS_ROLE_NAME: Final = "asset-sync-batch-operations"
BATCH_OPERATIONS_ROLE_VARIABLE: Final = "BATCH_OPERATIONS_ROLE_ARN"

SCHEDULE_GROUP_NAME: Final = "asset-sync"
SCHEDULE_GROUP_VARIABLE: Final = "SCHEDULE_GROUP_NAME"
SCHEDULE_ROLE_NAME: Final = "asset-sync-schedules"
SCHEDULE_ROLE_VARIABLE: Final = "SCHEDULE_ROLE_ARN"
SCHEDULE_DEAD_LETTERS_VARIABLE: Final = "SCHEDULE_DEAD_LETTER_QUEUE_ARN"

# S3 User Guide, "Tracking an S3 Batch Operations job in Amazon EventBridge through AWS CloudTrail"
# (checked 2026-11). The status filter is this service's: no other status requires the engine.
BATCH_JOB_RULE: Final = RuleSpec(
    name="asset-sync-batch-job-status",
    pattern={
        "source": ["aws.s3"],
        "detail-type": ["AWS Service Event via CloudTrail"],
        "detail": {
            "eventSource": ["s3.amazonaws.com"],
            "eventName": ["JobCreated", "JobStatusChanged"],
            "serviceEventDetails": {"status": ["Complete", "Failed", "Cancelled", "Suspended"]},
        },
    },
    function=ENGINE_FUNCTION.name,
)

# What an Asset Management System subscribes to; its target is the customer's.
INGEST_RULE: Final = RuleSpec(
    name="asset-sync-object-ready",
    pattern={"source": ["asset-sync"], "detail-type": ["AssetSyncObjectReady"]},
    bus=INGEST_BUS_NAME,
)

SWEEP_SCHEDULE: Final = ScheduleSpec(
    name="asset-sync-sweep",
    interval_s=5 * MINUTE_S,
    function=ENGINE_FUNCTION.name,
    input={"action": "sweep"},
)
