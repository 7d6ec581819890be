"""The table of the Asset Management System: is it one that the service can read?"""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from adapters.aws.resources import ASSETS_TABLE
from domain.profile import CatalogProfile
from entrypoints.settings import CATALOG_DEFAULTS
from infra.checks.finding import Finding, Identity, OpenClient
from infra.config import Config


def catalog(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    """Look whether the table has the keys, the indexes and the encryption that are relied on."""
    if not config.reads_catalog:
        return
    if config.creates_catalog:
        yield Finding(
            False,
            "a catalog table is made for a trial; nothing is in it, so every object will be"
            " ingested. Name your own: CHOICES=catalog=TABLE",
        )
        return
    try:
        table = client("dynamodb").describe_table(TableName=config.catalog)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield Finding(
            True,
            f"there is no table {config.catalog} in {identity.region}: fix CHOICES=catalog=…",
        )
        return
    if table["TableStatus"] not in ("ACTIVE", "UPDATING"):
        yield Finding(
            True, f"table {config.catalog} is {table['TableStatus']}: wait until it is ACTIVE"
        )
    key = ASSETS_TABLE.partition_key.name
    found = [each["AttributeName"] for each in table["KeySchema"]]
    if found != [key]:
        yield Finding(
            True,
            f"table {config.catalog} is keyed by {' and '.join(found)}, and a catalog by {key}"
            " alone: is it the table of assets? CHOICES=catalog=TABLE",
        )
    elif (kind := _types(table)[key]) != "S":
        yield Finding(
            True,
            f"{key}, the key of table {config.catalog}, is of type {kind}, and ids are texts (S):"
            " is it the table of assets? CHOICES=catalog=TABLE",
        )
    asked = (
        ("catalog_index", config.catalog_index, config.catalog_index_key),
        ("catalog_path_index", config.catalog_path_index, config.catalog_path_index_key),
    )
    for choice, name, key in asked:
        if name:
            yield from _index(config, table, choice, name, key)
    sse = table.get("SSEDescription", {})
    if sse.get("SSEType") == "KMS" and sse.get("KMSMasterKeyArn") != config.catalog_key:
        named = f", not with {config.catalog_key}" if config.catalog_key else ""
        yield Finding(
            False,
            f"table {config.catalog} is encrypted with {sse.get('KMSMasterKeyArn')}{named}: unless"
            f" that is AWS's own key, allow it: CHOICES=catalog_key={sse.get('KMSMasterKeyArn')}",
        )


def _index(config: Config, table: Any, choice: str, name: str, key: str) -> Iterator[Finding]:
    """Check that the table has the index that the processor queries, with the key that it uses."""
    indexes = {each["IndexName"]: each for each in table.get("GlobalSecondaryIndexes", [])}
    if name not in indexes:
        there = ", ".join(sorted(indexes)) or "none"
        yield Finding(
            True,
            f"table {config.catalog} has no index {name} (its indexes: {there}), which profile"
            f" {config.profile} asks: name another, CHOICES={choice}=NAME, or do without,"
            f" CHOICES={choice}=none",
        )
        return
    index = indexes[name]
    keys = {each["KeyType"]: each["AttributeName"] for each in index["KeySchema"]}
    if index.get("IndexStatus", "ACTIVE") not in ("ACTIVE", "UPDATING"):
        yield Finding(
            True,
            f"index {name} of table {config.catalog} is {index['IndexStatus']}: DynamoDB answers no"
            " query of it yet; wait until it is ACTIVE",
        )
    if keys["HASH"] == key and (kind := _types(table)[key]) != "S":
        yield Finding(
            True,
            f"{key}, the key of index {name} of table {config.catalog}, is of type {kind}, and the"
            f" service asks for a text (S): do without the index, CHOICES={choice}=none",
        )
    if choice == "catalog_path_index" and (missing := _not_projected(config, table, index)):
        yield Finding(
            True,
            f"index {name} of table {config.catalog} does not project {', '.join(missing)}, which"
            " the service reads with it: DynamoDB refuses such a query; project all attributes, or"
            f" do without the index, CHOICES={choice}=none",
        )
    if keys["HASH"] != key:
        yield Finding(
            True,
            f"index {name} of table {config.catalog} is keyed by {keys['HASH']}, not {key}: name"
            f" its key, CHOICES={choice}_key={keys['HASH']}, if that holds the same, or do without"
            f" the index, CHOICES={choice}=none",
        )


def _types(table: Any) -> dict[str, str]:
    return {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}


def _not_projected(config: Config, table: Any, index: Any) -> list[str]:
    """Return which attributes that the processor reads of a record the index does not have.

    DynamoDB Developer Guide, "Using Global Secondary Indexes", "Attribute projections": a query of
    such an index gets what is projected and nothing else; keys always are.
    """
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return []
    held = set(projection.get("NonKeyAttributes", []))
    held |= {each["AttributeName"] for each in (*table["KeySchema"], *index["KeySchema"])}
    names = CATALOG_DEFAULTS[CatalogProfile(config.profile)]
    paths = (
        config.catalog_asset_id,
        config.catalog_storage_path or names.storage_path_attribute,
        config.catalog_e_tag or names.e_tag_attribute,
        config.catalog_size or names.size_attribute,
        config.catalog_last_modified or names.last_modified_attribute,
    )
    # A path is into a map, which is projected as a whole.
    wanted = dict.fromkeys(path.partition(".")[0] for path in paths if path)
    return [name for name in wanted if name not in held]
