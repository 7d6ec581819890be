"""Lets the local Asset Management System hear of what happens in the buckets of all connectors.

Beside a real Media Lake each bucket has a connector in both: here, and in the Media Lake, whose
API then subscribes to the bucket (lambdas/api/connectors/s3/post_s3/index.py, v1.18.3). The local
system has no such API, so the bucket of every connector that is registered here gets one there.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from adapters.local_aws.asset_system.medialake.file_types import FileFilter, file_filter
from adapters.local_aws.asset_system.reference_system import AssetManagement

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

logger: Final = logging.getLogger(__name__)

# The first: a connector may be registered before its bucket is made. The second: a bucket of
# another account, which only a role reaches.
_NOT_NOW: Final = frozenset({"NoSuchBucket", "AccessDenied"})


class ConnectorWatch:
    """Keeps the asset system subscribed to every registered bucket, as a whole."""

    def __init__(
        self, *, table_name: str, dynamodb: "DynamoDBClient", asset_management: AssetManagement
    ) -> None:
        self._table_name = table_name
        self._dynamodb = dynamodb
        self._asset_management = asset_management

    async def refresh(self) -> None:
        """Subscribe to the buckets that are not subscribed to yet, and hand on file filters.

        Of several connectors on one bucket the first by id gives the filter: a Media Lake has one.
        A bucket that is not there or cannot be reached is left for the next time, and logged.

        Raises:
            ClientError: S3 or DynamoDB refused for another reason.
        """
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table_name,
            ProjectionExpression="connectorId, bucketName, fileFilter",
            ConsistentRead=True,
        )
        items = [item async for page in pages for item in page["Items"]]
        items.sort(key=lambda item: item["connectorId"]["S"], reverse=True)
        filters = {item["bucketName"]["S"]: _file_filter(item) for item in items}
        for bucket, chosen in filters.items():
            self._asset_management.use_filter(bucket, chosen)
            try:
                await self._asset_management.watch(bucket)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _NOT_NOW:
                    raise
                logger.warning("the asset system does not watch %s: %s", bucket, error)


def _file_filter(item: Mapping[str, Any]) -> FileFilter | None:
    """Return the filter of a connector's item: mode, extensions, mimeTypes, as in the API."""
    if "fileFilter" not in item:
        return None
    given = item["fileFilter"]["M"]
    return file_filter(
        mode=given["mode"]["S"],
        extensions=[each["S"] for each in given["extensions"]["L"]],
        mime_types=[each["S"] for each in given["mimeTypes"]["L"]],
    )
