"""The names of settings, for messages that are about a field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_LABELS: Final[Mapping[str, str]] = {
    "bucketName": "Bucket",
    "connectorId": "Connector id",
    "prefixes": "Prefixes",
    "trigger": "Trigger",
    "ingestQueueUrl": "Ingest queue URL",
    "ingestQueueMaxDepth": "Wait while the ingest queue is longer than",
    "ingestQueueMaxAgeSeconds": "Wait while its oldest message is older than",
    "ids": "Ids of new assets",
    "verify": "Known objects are recognised by",
    "restoreTags": "Restore lost id tags",
    "expectedBucketOwner": "Account id of the owner",
    "roleArn": "Role ARN",
    "concurrency": "Chunks at once",
    "objectsPerSecond": "Objects in a second",
    "timeZone": "Time zone",
    "include": "Only keys that match",
    "exclude": "No keys that match",
    "minSizeBytes": "Smallest size",
    "maxSizeBytes": "Largest size",
    "modifiedSince": "Modified since",
    "modifiedBefore": "Modified before",
    "minAgeSeconds": "Smallest age",
    "mediaTypes": "Types by extension",
    "storageClasses": "Storage classes",
    "fileFilterMode": "The system's filter",
    "fileFilterExtensions": "The system's filter: extensions",
    "fileFilterMimeTypes": "The system's filter: content types",
    "removals": "Report removed objects",
    "announce": "Send an event for each removed object",
    "maxShare": "The guard's share",
    "maxCount": "The guard's number",
    "minCount": "Below this number the share does not matter",
    "maxCost": "At most, dollars",
    "sampleSize": "Objects to read for a plan",
    "discovery": "Discovery",
    "expression": "Expression",
    "mode": "Each run covers",
    "fullEvery": "A full run every",
    "jitterMinutes": "Minutes late at most",
    "enabled": "It runs",
}
_WINDOW: Final = re.compile(r"window(Days|From|To)([0-9]+)")


def label(name: str) -> str:
    """Return the name that a form shows for a field; what has none is returned as it is."""
    if match := _WINDOW.fullmatch(name):
        return f"Window {int(match[2]) + 1}: {match[1].lower()}"
    return _LABELS.get(name, name)
