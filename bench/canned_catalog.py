"""The catalog of bench/aws_server.py: the records of a system that has ingested the bucket.

A record is generated when it is read, and describes its object as it is then.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

from canned_bucket import BUCKET, E_TAG, SIZE_BYTES, CannedBucket
from worlds import key_of

from domain.catalog import storage_path

JOB_TABLE: Final = "jobs"


class CannedCatalog:
    """The asset table, with its index over asset ids; and the one item of the table of jobs."""

    def __init__(self, bucket: CannedBucket) -> None:
        self._bucket = bucket
        # Both kinds of ids, as UTF-8; they never collide.
        self._number_of: dict[bytes, int] = {}

    def ingest(self) -> None:
        """Make records of all objects whose tags have both ids."""
        for number in self._bucket.tags:
            if len(ids := self._ids(number)) == 2:
                self._number_of.update(dict.fromkeys(map(str.encode, ids), number))

    def answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return the response to a read."""
        if operation == "BatchGetItem":
            ((table, wanted),) = request["RequestItems"].items()
            found = [self._item(key["InventoryID"]["S"]) for key in wanted["Keys"]]
            return {
                "Responses": {table: [item for item in found if item is not None]},
                "UnprocessedKeys": {},
            }
        if operation == "Query":
            (value,) = request["ExpressionAttributeValues"].values()
            item = self._item(value["S"])
            items = [] if item is None else [item]
            count = {"Count": len(items), "ScannedCount": len(items)}
            return count if request.get("Select") == "COUNT" else {"Items": items, **count}
        if request["TableName"] == JOB_TABLE:
            queue = {"M": {"ingestQueueUrl": {"S": "http://127.0.0.1/123456789012/ingest"}}}
            return {"Item": {**request["Key"], "metadata": queue}}
        item = self._item(request["Key"]["InventoryID"]["S"])
        return {} if item is None else {"Item": item}

    def _ids(self, number: int) -> list[str]:
        tags = parse_qs(self._bucket.tags.get(number, b"").decode())
        return [tags[name][0] for name in ("InventoryID", "AssetID") if name in tags]

    def _item(self, any_id: str) -> dict[str, Any] | None:
        number = self._number_of.get(any_id.encode())
        if number is None:
            return None
        inventory_id, asset_id = self._ids(number)
        file_info = {"Hash": {"M": {"Value": {"S": E_TAG}}}, "Size": {"N": str(SIZE_BYTES)}}
        location = {"M": {"FileInfo": {"M": file_info}}}
        main = {"M": {"StorageInfo": {"M": {"PrimaryLocation": location}}}}
        return {
            "InventoryID": {"S": inventory_id},
            "StoragePath": {"S": storage_path(BUCKET, key_of(number))},
            "DigitalSourceAsset": {
                "M": {
                    "ID": {"S": asset_id},
                    "lastModifiedDate": {"S": f"{self._bucket.modified(number)}+00:00"},
                    "MainRepresentation": main,
                }
            },
        }
