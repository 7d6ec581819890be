"""DynamoDB's BatchGetItem as a lean call: the read by which a catalog is asked for many records.

It handles a success; every refusal is left to the SDK. A response's body is JSON whose items have
the form in which the SDK returns them, except binary values, which this service does not read.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Final, cast

from yarl import URL

from adapters.aws.lean_client import Call, LeanClient, LeftToSdk, Target

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient

# DynamoDB Developer Guide, "DynamoDB low-level API" (read in 2026-11): the protocol's headers, and
# the CRC-32 of the response's body.
_CONTENT_TYPE: Final = "application/x-amz-json-1.0"
_CHECKSUM: Final = "x-amz-crc32"
_OK: Final = 200


class LeanDynamoDB(LeanClient):
    """A client of DynamoDB whose BatchGetItem is a lean call."""

    def __init__(self, client: Any) -> None:
        super().__init__(client, service="dynamodb")

    async def batch_get_item(self, **params: Any) -> Any:
        """See the SDK's client; a response has only the members of its body."""
        place = ",".join(params["RequestItems"])
        return await self._call("BatchGetItem", self.sdk.batch_get_item, params, place=place)

    async def _exchange(self, call: Call, target: Target) -> Any:
        headers = {
            "X-Amz-Target": f"DynamoDB_20120810.{call.operation.name}",
            "Content-Type": _CONTENT_TYPE,
        }
        url = target.url if URL(target.url).raw_path != "/" else target.url.rstrip("/") + "/"
        body = json.dumps(call.params).encode()
        status, received, content = await self._send("POST", url, headers, body, target)
        if status != _OK:
            # Mostly too many requests: the SDK waits between its tries.
            raise LeftToSdk(pause=True)
        checksum = received.get(_CHECKSUM)
        if checksum is not None and checksum != str(zlib.crc32(content)):
            raise LeftToSdk
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            raise LeftToSdk from None
        if not isinstance(document, dict):
            raise LeftToSdk
        return document


def lean_dynamodb(client: DynamoDBClient) -> DynamoDBClient:
    """Return the client with a lean BatchGetItem."""
    return cast("DynamoDBClient", LeanDynamoDB(client))
