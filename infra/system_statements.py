"""The permissions at the Asset Management System: read its catalog, send to its queues.

None of it is this installation's own but a catalog that is made for a trial.
"""

from infra.config import Config
from infra.statements import Statement, key_statement, table_key_statement


def catalog(config: Config, *, by_asset: bool = True) -> list[Statement]:
    """Read the catalog: its records, and the indexes that the profile or the choices name.

    Without `by_asset`, not the index over asset ids: it answers by an object's tags only.
    """
    if not config.reads_catalog:
        return []
    statements = [
        Statement(
            sid="Catalog",
            reason="Look up records of assets by their inventory id; never write.",
            actions=("dynamodb:BatchGetItem",),
            resources=("{catalog_table}",),
        )
    ]
    if config.catalog_index and by_asset:
        statements.append(
            _index(
                "CatalogIndex",
                "Ask the index over asset ids for what the records leave open.",
                config.catalog_index,
            )
        )
    if config.catalog_path_index:
        statements.append(
            _index(
                "CatalogPathIndex",
                "Ask the index over storage paths for records of an object under other ids.",
                config.catalog_path_index,
            )
        )
    if config.catalog_key:
        statements.append(
            table_key_statement(
                "CatalogKey",
                "The catalog is encrypted with this key.",
                (config.catalog_key,),
                writes=False,
            )
        )
    return statements


def scanning_catalog(config: Config) -> list[Statement]:
    """Read the whole catalog, for a snapshot or for orphans, if the choice allows it."""
    if not (config.reads_catalog and config.catalog_snapshots):
        return []
    return [
        Statement(
            sid="CatalogSnapshots",
            reason=(
                "Read the catalog as a whole, where that costs less than to ask for each object;"
                " its size decides. Find its records without an object, when that is asked for."
            ),
            actions=("dynamodb:DescribeTable", "dynamodb:Scan"),
            resources=("{catalog_table}",),
        )
    ]


def sizing_catalog(config: Config) -> list[Statement]:
    """See how large the catalog is, for the price of a search for orphans."""
    if not (config.reads_catalog and config.catalog_snapshots):
        return []
    return [
        Statement(
            sid="CatalogSize",
            reason="See the size of the catalog, for what a search for orphans will cost.",
            actions=("dynamodb:DescribeTable",),
            resources=("{catalog_table}",),
        )
    ]


def sending_to_ingest(config: Config) -> list[Statement]:
    """Send to the ingest queues of connectors with trigger `queue`, and see how long they are."""
    if not config.ingest_queues:
        return []
    statements = [
        Statement(
            sid="SendToIngestQueues",
            reason=(
                "Send the system's ingest the objects of connectors with trigger `queue`; read how"
                " many messages wait, for connectors with `ingestQueueMaxDepth`."
            ),
            actions=("sqs:GetQueueAttributes", "sqs:SendMessage"),
            resources=config.ingest_queues,
            list_of="ingest_queues",
        )
    ]
    statements.append(_ages())
    if config.ingest_queue_keys:
        statements.append(
            # A queue may be in another Region, and so is its key.
            key_statement(
                "IngestQueueKeys",
                "Ingest queues are encrypted with these keys.",
                config.ingest_queue_keys,
                "sqs",
                any_region=True,
                list_of="ingest_queue_keys",
            )
        )
    return statements


def watching_ingest(config: Config) -> list[Statement]:
    """See whether the ingest queues of connectors are empty."""
    statements = [
        Statement(
            sid="ConnectorQueues",
            reason="The sweep finds connectors with an ingest queue, by a Scan.",
            actions=("dynamodb:Scan",),
            resources=("{connectors_table}",),
        )
    ]
    if config.ingest_queues:
        statements.append(
            Statement(
                sid="LookAtIngestQueues",
                reason="Read the number of messages in an ingest queue; receive none.",
                actions=("sqs:GetQueueAttributes",),
                resources=config.ingest_queues,
                list_of="ingest_queues",
            )
        )
        statements.append(_ages())
    return statements


def _ages() -> Statement:
    return Statement(
        sid="IngestQueueAges",
        reason=(
            "Read how old the oldest message of an ingest queue is, for connectors with"
            " `ingestQueueMaxAgeSeconds`. AWS has no resource to name here."
        ),
        actions=("cloudwatch:GetMetricData",),
        resources=("*",),
        resourceless=True,
        apart="IngestQueues",
    )


def _index(sid: str, reason: str, name: str) -> Statement:
    return Statement(
        sid=sid,
        reason=reason,
        actions=("dynamodb:Query",),
        resources=(f"{{catalog_table}}/index/{name}",),
    )
