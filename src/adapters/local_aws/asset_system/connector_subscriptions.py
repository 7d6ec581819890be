"""Subscribes the local Asset Management System to the buckets of all connectors.

With a real Media Lake each bucket has a connector in both systems, and the API of the Media Lake
subscribes to the bucket (lambdas/api/connectors/s3/post_s3/index.py, v1.18.3). The local system has
no such API, so it is subscribed to the bucket of every connector that is registered here.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from adapters.local_aws.asset_system.medialake.file_types import FileFilter, file_filter
from adapters.local_aws.asset_system.reference_system import ReferenceAssetSystem

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

logger: Final = logging.getLogger(__name__)

# A connector may be registered before its bucket is created; a bucket of another account is
# accessible only with a role.
_NOT_ACCESSIBLE: Final = frozenset({"NoSuchBucket", "AccessDenied"})


class ConnectorSubscriptions:
    """Keeps the asset system subscribed to every registered bucket, as a whole."""

    def __init__(
        self, *, table_name: str, dynamodb: "DynamoDBClient", asset_system: ReferenceAssetSystem
    ) -> None:
        self._table_name = table_name
        self._dynamodb = dynamodb
        self._asset_management = asset_system
        self._reported: dict[str, str] = {}

    async def refresh(self, announced: str | None = None) -> None:
        """Subscribe to new buckets, and update the file filters.

        `announced` is a bucket that is about to be registered. A Media Lake usually has its
        connector before; without its subscription, the check of the bucket would warn that the
        bucket sends no notifications.

        If a bucket has several connectors, the filter of the first by id applies: a Media Lake has
        one filter for each bucket. A bucket that does not exist or is not accessible is logged once
        and tried again at the next refresh.

        Raises:
            ClientError: S3 or DynamoDB returned another error.
        """
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table_name,
            ProjectionExpression="connectorId, bucketName, fileFilter",
            ConsistentRead=True,
        )
        items = [item async for page in pages for item in page["Items"]]
        items.sort(key=lambda item: item["connectorId"]["S"], reverse=True)
        filters = {item["bucketName"]["S"]: _file_filter(item) for item in items}
        if announced is not None and announced not in filters:
            await self._subscribe(announced)
        for bucket, chosen in filters.items():
            self._asset_management.use_filter(bucket, chosen)
            await self._subscribe(bucket)

    async def _subscribe(self, bucket: str) -> None:
        try:
            await self._asset_management.subscribe(bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOT_ACCESSIBLE:
                raise
            if self._reported.get(bucket) != str(error):
                logger.warning("the asset system cannot subscribe to %s: %s", bucket, error)
            self._reported[bucket] = str(error)


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
