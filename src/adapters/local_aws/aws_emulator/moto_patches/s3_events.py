"""Bucket notifications and events in the format of AWS.

S3 User Guide, "Event message structure": the key is form-encoded (`red+flower.jpg`) with `/` as it
is, and `sequencer` orders the events of one key; "Supported event types": ObjectTagging:Put comes
from PutObjectTagging, not from an upload or a copy with tags, and ObjectCreated:Put from PutObject,
not from CompleteMultipartUpload. S3 User Guide, "EventBridge event message structure": `reason`
names the request (PutObject, CopyObject, CompleteMultipartUpload), and events go to the default bus
(all checked 2026-11). S3 API Reference, "GetBucketNotificationConfiguration": the response says
whether events go there. moto also encodes `/`, has no sequencer, adds a tagging event to every
upload and a Put to multipart uploads, sends to every bus, and does not return the EventBridge
configuration.
"""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote_plus

from moto.core.utils import unix_time
from moto.events.models import events_backends
from moto.moto_api._internal import mock_random
from moto.s3 import notifications
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from adapters.local_aws.aws_emulator.moto_patches.patching import patch

_REASONS: Final = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "s3:ObjectRemoved:Delete": "DeleteObject",
    "s3:ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
}

_detail_type: Callable[[str], str] = vars(notifications)["_detail_type"]
_sequence = itertools.count(time.time_ns())
_request = threading.local()


def apply() -> None:
    """Replace how moto builds and sends events."""
    patch(notifications, "_get_s3_event", _in_aws_format)
    patch(notifications, "_send_event_bridge_message", lambda _: _send_to_default_bus)
    patch(notifications, "send_event", _without_implied_tagging)
    patch(S3Response, "put_object_tagging", _as_tagging_request)
    patch(S3Response, "get_bucket_notification", _with_event_bridge)
    patch(S3Backend, "put_object", _without_put_event_of_multipart)


def _with_event_bridge(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_bucket_notification(self: S3Response) -> Any:
        found = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if found is not None and found.event_bridge is not None:
            patch(self, "serialized", _serializing_event_bridge)
        return original(self)

    return get_bucket_notification


def _serializing_event_bridge(original: Callable[..., Any]) -> Callable[..., Any]:
    def serialized(action_result: Any) -> Any:
        action_result.result["EventBridgeConfiguration"] = {}
        return original(action_result)

    return serialized


def _without_put_event_of_multipart(put: Callable[..., Any]) -> Callable[..., Any]:
    def put_object(self: S3Backend, *arguments: Any, **named: Any) -> Any:
        if named.get("multipart") is not None:
            named["disable_notification"] = True
        return put(self, *arguments, **named)

    return put_object


def _as_tagging_request(put_tags: Callable[..., Any]) -> Callable[..., Any]:
    def put_object_tagging(self: S3Response) -> Any:
        _request.is_tagging = True
        try:
            return put_tags(self)
        finally:
            _request.is_tagging = False

    return put_object_tagging


def _without_implied_tagging(send: Callable[..., Any]) -> Callable[..., Any]:
    def send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        tagging = event_name == notifications.S3NotificationEvent.OBJECT_TAGGING_PUT_EVENT
        if not tagging or getattr(_request, "is_tagging", False):
            send(account_id, event_name, bucket, key)

    return send_event


def _in_aws_format(original: Callable[..., Any]) -> Callable[..., Any]:
    def notification(
        event_name: str, bucket: Any, key: Any, notification_id: str
    ) -> dict[str, list[dict[str, Any]]]:
        message: dict[str, list[dict[str, Any]]] = original(
            event_name, bucket, key, notification_id
        )
        described = message["Records"][0]["s3"]["object"]
        described["key"] = quote_plus(key.name, safe="/")
        described["sequencer"] = f"{next(_sequence):016X}"
        if bucket.is_versioned:
            described["versionId"] = key.version_id
        return message

    return notification


def _send_to_default_bus(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
    event_name = str(getattr(event_name, "value", event_name))
    described = {
        "key": key.name,
        "size": key.size,
        "etag": key.etag.strip('"'),
        "sequencer": f"{next(_sequence):016X}",
    }
    if bucket.is_versioned:
        described["version-id"] = key.version_id
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": described,
        "request-id": mock_random.get_random_hex(16).upper(),
        "requester": account_id,
        "source-ip-address": "127.0.0.1",
    }
    if event_name in _REASONS:
        detail["reason"] = _REASONS[event_name]
    event: Any = {
        "version": "0",
        "id": str(mock_random.uuid4()),
        "detail-type": _detail_type(event_name),
        "source": "aws.s3",
        "account": account_id,
        # A number here; moto formats it as AWS does when it sends the event to a queue.
        "time": unix_time(),
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": detail,
    }
    default_bus = events_backends[account_id][bucket.region_name].event_buses["default"]
    for rule in default_bus.rules.values():
        rule.send_to_targets(event, transform_input=False)
