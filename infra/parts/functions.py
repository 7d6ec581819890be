"""The functions, their roles and log groups, and the role of batch jobs.

Each has its own role and log group, except discovery: it is the processor's code, with the
processor's role, log and environment, and its own concurrency.

Functions use each other's ARNs, and the engine its own, so their names are fixed and ARNs are
built from them: a reference would be circular. Their roles have the statements of infra.policies
and nothing else, laid out by infra.policy_documents; the CDK's own grants are kept out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aws_cdk import Duration, Resource, Size, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from constructs import Construct

from adapters.aws import resources
from adapters.aws.resources import MappingSpec
from infra.config import Config
from infra.parts.messaging import Messaging
from infra.parts.retention import removal_policy
from infra.parts.schedules import group_name, schedule_arns
from infra.parts.storage import Storage
from infra.policy_documents import in_documents
from infra.statements import Statement, document

BUILD: Final = Path(__file__).resolve().parents[2] / "build"
_STUB: Final = "def handler(event, context):\n    return {}\n"
_SHAPES: Final = {
    "api": resources.API_FUNCTION,
    "engine": resources.ENGINE_FUNCTION,
    "processor": resources.PROCESSOR_FUNCTION,
    "discovery": resources.DISCOVERY_FUNCTION,
}
_WITH_ROLES: Final = ("api", "engine", "processor")
# The attributes of a record; the profile decides, unless an option sets them.
_CATALOG_PATHS: Final = {
    "catalog_storage_path": "ASSETS_STORAGE_PATH_ATTRIBUTE",
    "catalog_e_tag": "ASSETS_E_TAG_ATTRIBUTE",
    "catalog_size": "ASSETS_SIZE_ATTRIBUTE",
    "catalog_last_modified": "ASSETS_LAST_MODIFIED_ATTRIBUTE",
}
# Lambda API Reference, "FunctionEventInvokeConfig": the most is six hours (checked 2026-11). The
# sweep recovers what is older than minutes, so an event that waited an hour is not needed.
_EVENT_AGE: Final = Duration.hours(1)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role or a managed policy of one, and its statements."""

    holder: Resource
    statements: Sequence[Statement]
    arns: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """The functions by their short names, and their resources."""

    by_name: Mapping[str, lambda_.Function]
    log_groups: Mapping[str, logs.LogGroup]
    roles: Mapping[str, iam.Role]
    batch_role: iam.Role
    schedule_role: iam.Role
    grants: Sequence[Grant]


def function_name(config: Config, name: str) -> str:
    """Return the physical name of the function."""
    return f"{config.stack_name}-{name}"


def make_functions(
    scope: Construct,
    config: Config,
    *,
    storage: Storage,
    messaging: Messaging,
    key: kms.IKey | None,
) -> Functions:
    """Make roles, log groups and functions, and connect the queues."""
    arns = _arns(scope, config, storage, messaging, key)
    # S3 User Guide, "Granting permissions for Batch Operations": this principal, no condition;
    # whether S3 sets aws:SourceAccount when it assumes the role is not documented.
    batch_role, grants = _role(
        scope, config, "batch", arns, principal="batchoperations.s3.amazonaws.com"
    )
    arns["batch_role"] = batch_role.role_arn
    # EventBridge Scheduler User Guide, "Set up the execution role", on the confused deputy: the
    # source is the group of the schedule (checked 2026-11).
    schedule_role, of_schedules = _role(
        scope,
        config,
        "schedules",
        arns,
        principal="scheduler.amazonaws.com",
        conditions={
            "StringEquals": {
                "aws:SourceAccount": Stack.of(scope).account,
                "aws:SourceArn": arns["schedule_group"],
            }
        },
    )
    grants += of_schedules
    arns["schedule_role"] = schedule_role.role_arn
    environment = _environment(config, storage, messaging, arns)
    code = _code(config)
    # Only the engine reads reports, so only its package has the library.
    engine_code = _code(config, parquet=True) if config.parquet else code
    layers = []
    if config.traces and config.traces_layer:
        layer = lambda_.LayerVersion.from_layer_version_arn(scope, "Collector", config.traces_layer)
        layers = [layer]
    made: dict[str, lambda_.Function] = {}
    groups: dict[str, logs.LogGroup] = {}
    roles: dict[str, iam.Role] = {}
    for name in _WITH_ROLES:
        groups[name] = _log_group(scope, config, name)
        roles[name], given = _role(
            scope,
            config,
            name,
            {**arns, "log_group": groups[name].log_group_arn},
            principal="lambda.amazonaws.com",
        )
        grants += given
        made[name] = _function(
            scope,
            config,
            name,
            # The CDK would add its own statements to a role that it may change.
            role=roles[name].without_policy_updates(),
            log_group=groups[name],
            environment=environment,
            code=engine_code if name == "engine" else code,
            layers=layers,
        )
    lambda_.EventInvokeConfig(
        scope,
        "EngineEvents",
        function=made["engine"],
        max_event_age=_EVENT_AGE,
        retry_attempts=resources.ENGINE_FUNCTION.asynchronous_retry_count,
        on_failure=destinations.SqsDestination(messaging.failed_events),
    )
    made["discovery"] = _function(
        scope,
        config,
        "discovery",
        role=roles["processor"].without_policy_updates(),
        log_group=groups["processor"],
        environment=environment,
        code=code,
        layers=layers,
    )
    for mapping in resources.MAPPINGS:
        _map(scope, config, mapping, made["processor"], messaging)
    return Functions(
        by_name=made,
        log_groups=groups,
        roles=roles,
        batch_role=batch_role,
        schedule_role=schedule_role,
        grants=grants,
    )


def _arns(
    scope: Construct,
    config: Config,
    storage: Storage,
    messaging: Messaging,
    key: kms.IKey | None,
) -> dict[str, str]:
    """Return the ARNs of the names in braces of infra.policies."""
    stack = Stack.of(scope)
    tables = storage.tables
    catalog = tables.get(resources.ASSETS_TABLE.environment_variable)
    return {
        **({"catalog_table": catalog.table_arn} if catalog else {}),
        "partition": stack.partition,
        "region": stack.region,
        "jobs_table": tables[resources.JOBS_TABLE.environment_variable].table_arn,
        "chunks_table": tables[resources.CHUNKS_TABLE.environment_variable].table_arn,
        "errors_table": tables[resources.ERRORS_TABLE.environment_variable].table_arn,
        "connectors_table": tables[resources.CONNECTORS_TABLE.environment_variable].table_arn,
        "results_bucket": storage.results.bucket_arn,
        "processor_queue": messaging.queues[resources.PROCESSOR_QUEUE.name].queue_arn,
        "dead_letter_queue": messaging.queues[resources.DEAD_LETTER_QUEUE.name].queue_arn,
        "failed_events_queue": messaging.failed_events.queue_arn,
        "status_topic": messaging.status_topic.topic_arn,
        "ingest_bus": messaging.bus.event_bus_arn,
        "engine_function": _function_arn(scope, config, "engine"),
        "discovery_function": _function_arn(scope, config, "discovery"),
        "processor_function": _function_arn(scope, config, "processor"),
        "batch_jobs": f"arn:{stack.partition}:s3:{stack.region}:{stack.account}:job/*",
        "key": key.key_arn if key else "",
        **schedule_arns(scope, config),
    }


def _function_arn(scope: Construct, config: Config, name: str) -> str:
    stack = Stack.of(scope)
    return (
        f"arn:{stack.partition}:lambda:{stack.region}:{stack.account}"
        f":function:{function_name(config, name)}"
    )


def bundle_name(config: Config, *, parquet: bool = False) -> str:
    """Return the name of the package's folder in `BUILD`, as tools/build_lambda.py makes it."""
    extras = {"parquet": parquet, "traces": config.traces}
    return "-".join(("lambda", *(extra for extra, chosen in extras.items() if chosen)))


def _code(config: Config, *, parquet: bool = False) -> lambda_.Code:
    if config.code != "bundle":
        return lambda_.Code.from_inline(_STUB)
    return lambda_.Code.from_asset(str(BUILD / bundle_name(config, parquet=parquet)))


def _environment(
    config: Config, storage: Storage, messaging: Messaging, arns: Mapping[str, str]
) -> dict[str, str]:
    queue = messaging.queues[resources.PROCESSOR_QUEUE.name]
    variables = {name: table.table_name for name, table in storage.tables.items()}
    variables |= {
        name: value for choice, name in _CATALOG_PATHS.items() if (value := getattr(config, choice))
    }
    if config.catalog_snapshots:
        variables["ASSET_SYNC_CATALOG_SNAPSHOTS"] = "true"
    if config.traces:
        variables["ASSET_SYNC_TRACES"] = "otlp"
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = config.traces_endpoint
    return variables | {
        resources.RESULTS_BUCKET_VARIABLE: storage.results.bucket_name,
        str(resources.PROCESSOR_QUEUE.environment_variable): queue.queue_url,
        # The variable names the function that batch jobs call.
        str(resources.PROCESSOR_FUNCTION.environment_variable): arns["discovery_function"],
        str(resources.ENGINE_FUNCTION.environment_variable): arns["engine_function"],
        resources.BATCH_OPERATIONS_ROLE_VARIABLE: arns["batch_role"],
        resources.SCHEDULE_GROUP_VARIABLE: group_name(config),
        resources.SCHEDULE_ROLE_VARIABLE: arns["schedule_role"],
        resources.SCHEDULE_DEAD_LETTERS_VARIABLE: arns["failed_events_queue"],
        resources.STATUS_TOPIC_VARIABLE: messaging.status_topic.topic_arn,
        resources.INGEST_BUS_VARIABLE: messaging.bus.event_bus_name,
        "CATALOG_PROFILE": config.profile,
        "ASSETS_ASSET_ID_ATTRIBUTE": config.catalog_asset_id,
        "ASSETS_ASSET_ID_INDEX": config.catalog_index,
        "ASSETS_ASSET_ID_INDEX_KEY": config.catalog_index_key,
        "ASSETS_STORAGE_PATH_INDEX": config.catalog_path_index,
        "ASSETS_STORAGE_PATH_INDEX_KEY": config.catalog_path_index_key,
        "ASSET_SYNC_DEFAULT_DISCOVERY": config.discovery,
        # Powertools' own variable; stages of one account and region do not add up so.
        "POWERTOOLS_METRICS_NAMESPACE": config.metric_namespace,
    }


def _role(
    scope: Construct,
    config: Config,
    name: str,
    arns: Mapping[str, str],
    *,
    principal: str,
    conditions: Mapping[str, object] | None = None,
) -> tuple[iam.Role, list[Grant]]:
    """Create a role with its policies; return the statements of each."""
    documents = in_documents(name, config)
    title = name.title()
    # Attached by the role itself: while it is updated, it never has fewer rights than before.
    managed = {
        policy: iam.ManagedPolicy(
            scope,
            f"{title}{policy}",
            description=f"{function_name(config, name)}; explained in docs/iam.md",
            document=iam.PolicyDocument.from_json(document(statements, arns)),
        )
        for policy, statements in documents.managed.items()
    }
    role = iam.Role(
        scope,
        f"{title}Role",
        description=f"{function_name(config, name)}; explained in docs/iam.md",
        assumed_by=iam.ServicePrincipal(principal, conditions=conditions),
        inline_policies={name: iam.PolicyDocument.from_json(document(documents.inline, arns))},
        managed_policies=list(managed.values()),
    )
    return role, [
        Grant(role, documents.inline, arns),
        *(Grant(managed[policy], held, arns) for policy, held in documents.managed.items()),
    ]


def _log_group(scope: Construct, config: Config, name: str) -> logs.LogGroup:
    group = logs.LogGroup(
        scope,
        f"{name.title()}Log",
        removal_policy=removal_policy(config),
    )
    child = group.node.default_child
    assert isinstance(child, logs.CfnLogGroup)  # noqa: S101 - what it is made of
    child.retention_in_days = config.log_days
    return group


def _function(
    scope: Construct,
    config: Config,
    name: str,
    *,
    role: iam.IRole,
    log_group: logs.ILogGroup,
    environment: Mapping[str, str],
    code: lambda_.Code,
    layers: Sequence[lambda_.ILayerVersion],
) -> lambda_.Function:
    shape = _SHAPES[name]
    reserved = {
        "engine": config.engine_concurrency,
        "processor": config.processor_concurrency,
        "discovery": config.discovery_concurrency,
    }
    return lambda_.Function(
        scope,
        f"{name.title()}Function",
        function_name=function_name(config, name),
        description=f"Asset Sync, {config.stage}: {shape.handler}",
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        handler=shape.handler,
        code=code,
        layers=list(layers),
        memory_size=shape.memory_size_mb,
        timeout=Duration.seconds(shape.timeout_s),
        environment=dict(environment),
        role=role,
        log_group=log_group,
        tracing=lambda_.Tracing.ACTIVE,
        recursive_loop=(
            lambda_.RecursiveLoop.ALLOW
            if shape.recursion_allowed
            else lambda_.RecursiveLoop.TERMINATE
        ),
        ephemeral_storage_size=(
            Size.mebibytes(config.parquet_disk_mb) if config.parquet and name == "engine" else None
        ),
        reserved_concurrent_executions=reserved.get(name) if config.reserve else None,
    )


def _map(
    scope: Construct,
    config: Config,
    mapping: MappingSpec,
    function: lambda_.Function,
    messaging: Messaging,
) -> None:
    of_chunks = mapping is resources.CHUNK_MAPPING
    name = "ChunkMapping" if of_chunks else "DeadLetterMapping"
    lambda_.EventSourceMapping(
        scope,
        name,
        target=function,
        event_source_arn=messaging.queues[mapping.queue].queue_arn,
        batch_size=mapping.batch_size,
        max_concurrency=config.chunk_concurrency if of_chunks else mapping.concurrency_max,
        report_batch_item_failures="ReportBatchItemFailures" in mapping.response_types,
    )
