"""Tables and the results bucket, in the shapes of adapters.aws.resources."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from adapters.aws import resources
from adapters.aws.resources import KeyAttribute, TableSpec
from infra.config import Config
from infra.parts.retention import removal_policy

_TYPES: Final = {"S": dynamodb.AttributeType.STRING, "N": dynamodb.AttributeType.NUMBER}
_PROJECTIONS: Final = {
    "ALL": dynamodb.ProjectionType.ALL,
    "KEYS_ONLY": dynamodb.ProjectionType.KEYS_ONLY,
}
JOBS_PREFIX: Final = "jobs/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What keeps data. `tables` are by their environment variable; there may be no catalog."""

    tables: Mapping[str, dynamodb.ITable]
    results: s3.Bucket


def make_storage(scope: Construct, config: Config, key: kms.IKey | None) -> Storage:
    """Make the tables (the catalog only for a trial, if there is one) and the results bucket."""
    tables: dict[str, dynamodb.ITable] = {}
    for shape in resources.TABLES:
        name = _construct_name(shape)
        if not (shape.owned or config.reads_catalog):
            continue
        if shape.owned or config.creates_catalog:
            tables[shape.environment_variable] = _table(scope, name, shape, config, key)
        else:
            tables[shape.environment_variable] = dynamodb.Table.from_table_name(
                scope, name, config.catalog
            )
    return Storage(tables=tables, results=_results_bucket(scope, config))


def _construct_name(shape: TableSpec) -> str:
    words = shape.environment_variable.removesuffix("_TABLE_NAME").split("_")
    return "".join(word.title() for word in words) + "Table"


def _table(
    scope: Construct, name: str, shape: TableSpec, config: Config, key: kms.IKey | None
) -> dynamodb.Table:
    table = dynamodb.Table(
        scope,
        name,
        partition_key=_attribute(shape.partition_key),
        sort_key=_attribute(shape.sort_key) if shape.sort_key else None,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        time_to_live_attribute=shape.ttl_attribute,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        encryption=(
            dynamodb.TableEncryption.CUSTOMER_MANAGED if key else dynamodb.TableEncryption.DEFAULT
        ),
        encryption_key=key,
        deletion_protection=config.keeps_data,
        removal_policy=removal_policy(config),
    )
    for index in shape.indexes:
        table.add_global_secondary_index(
            index_name=index.name,
            partition_key=_attribute(index.partition_key),
            sort_key=_attribute(index.sort_key) if index.sort_key else None,
            projection_type=_PROJECTIONS[index.projection.value],
        )
    return table


def _attribute(key: KeyAttribute) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=key.name, type=_TYPES[key.type.value])


def _results_bucket(scope: Construct, config: Config) -> s3.Bucket:
    """Make the bucket for manifests, reports and outcomes.

    Its encryption is S3's own whatever key else is chosen: a manifest under KMS cannot be read (S3
    User Guide, "Creating an S3 Batch Operations job").
    """
    return s3.Bucket(
        scope,
        "ResultsBucket",
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        removal_policy=removal_policy(config),
        lifecycle_rules=[
            # Everything of a job is under this prefix, with the job's id next: S3 supports no
            # finer prefixes than this one here.
            s3.LifecycleRule(
                id="jobs-expire", prefix=JOBS_PREFIX, expiration=Duration.days(config.results_days)
            ),
            # A manifest is a multipart upload, over several invocations of the engine at most.
            s3.LifecycleRule(
                id="uploads-abort", abort_incomplete_multipart_upload_after=Duration.days(7)
            ),
        ],
    )
