"""The ingest event bus on EventBridge."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.errors import error_of_code, map_aws_errors
from adapters.aws.responses import optional, required
from domain.limits import INGEST_EVENT_COUNT_MAX
from domain.message import IngestEvent, RemovalEvent
from ports.errors import PortError, Refused
from ports.ingest_bus import IngestBus

if TYPE_CHECKING:
    from types_aiobotocore_events.client import EventBridgeClient
    from types_aiobotocore_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE: Final = "asset-sync"
DETAIL_TYPE: Final = "AssetSyncObjectReady"
REMOVAL_DETAIL_TYPE: Final = "AssetSyncObjectRemoved"

# EventBridge User Guide, "Sending events with PutEvents": 1 MB for all entries of a request, 256 KB
# in some Regions. An event of this service has a few KB. A tenth of the smaller limit lets ten of
# the largest fit into one request.
ENTRY_BYTES_MAX: Final = 256 * 1024 // INGEST_EVENT_COUNT_MAX


class EventBridgeIngestBus:
    """Publishes ingest events, up to ten per request.

    Args:
        open_client: Returns the client; it is opened with the first events.
        bus_name: The bus.
    """

    def __init__(
        self, open_client: Callable[[], Awaitable[EventBridgeClient]], *, bus_name: str
    ) -> None:
        self._open_client = open_client
        self._bus_name = bus_name

    async def publish(self, events: Sequence[IngestEvent]) -> list[PortError | None]:
        return await self._put(DETAIL_TYPE, [encode_event(event) for event in events])

    async def publish_removals(self, events: Sequence[RemovalEvent]) -> list[PortError | None]:
        return await self._put(REMOVAL_DETAIL_TYPE, [encode_removal_event(e) for e in events])

    async def _put(self, detail_type: str, details: Sequence[str]) -> list[PortError | None]:
        if len(details) > INGEST_EVENT_COUNT_MAX:
            raise self._refused(f"{len(details)} events in one request")
        errors: list[PortError | None] = [self._too_large(detail) for detail in details]
        sent = [index for index, error in enumerate(errors) if error is None]
        if not sent:
            return errors
        entries: list[PutEventsRequestEntryTypeDef] = [
            {
                "Source": SOURCE,
                "DetailType": detail_type,
                "Detail": details[index],
                "EventBusName": self._bus_name,
            }
            for index in sent
        ]
        with map_aws_errors("events", operation="PutEvents", resource=self._bus_name):
            client = await self._open_client()
            response = await client.put_events(Entries=entries)
            # EventBridge API Reference, "PutEvents": 200 even if entries failed; in the same order.
            results = required(response, "Entries", of=list)
            for index, entry in zip(sent, results, strict=True):
                errors[index] = self._error(entry)
        return errors

    def _too_large(self, detail: str) -> PortError | None:
        size_bytes = len(f"{SOURCE}{REMOVAL_DETAIL_TYPE}{detail}".encode())
        if size_bytes <= ENTRY_BYTES_MAX:
            return None
        return self._refused(f"an event of {size_bytes} bytes")

    def _error(self, entry: Mapping[str, Any]) -> PortError | None:
        """Return why an entry failed, None for one with an id ("PutEventsResultEntry")."""
        code = optional(entry, "ErrorCode")
        if code is None:
            required(entry, "EventId")
            return None
        message = optional(entry, "ErrorMessage") or ""
        return error_of_code(
            "events", code, message, operation="PutEvents", resource=self._bus_name
        )

    def _refused(self, cause: str) -> Refused:
        return Refused(
            f"events PutEvents on {self._bus_name}: {cause}",
            operation="PutEvents",
            resource=self._bus_name,
        )


def encode_event(event: IngestEvent) -> str:
    """Return the event's detail for subscribers, who rely on these names."""
    return json.dumps(
        {
            "eventId": event.event_id,
            "jobId": event.job_id,
            "connectorId": event.connector_id,
            "bucketName": event.bucket_name,
            "objectKey": event.object_key,
            "versionId": event.version_id,
            "eTag": event.e_tag,
            "size": event.size_bytes,
            "assetId": event.asset_id,
            "inventoryId": event.inventory_id,
            "processingAction": event.processing_action,
        }
    )


def encode_removal_event(event: RemovalEvent) -> str:
    """Return the event's detail for subscribers, who rely on these names."""
    return json.dumps(
        {
            "eventId": event.event_id,
            "jobId": event.job_id,
            "connectorId": event.connector_id,
            "bucketName": event.bucket_name,
            "objectKey": event.object_key,
            "eTag": event.e_tag,
            "size": event.size_bytes,
            "assetId": event.asset_id,
            "inventoryId": event.inventory_id,
            "lastSeenJobId": event.last_seen_in,
            "newObjectKey": event.new_object_key,
        }
    )


_: type[IngestBus] = EventBridgeIngestBus
