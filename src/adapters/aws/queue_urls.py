"""The Region in the URL of an SQS queue.

The SDK sends a request to the endpoint of its client, whatever the queue's URL is, and an SQS
endpoint serves only the queues of one Region, so a queue needs a client of its own Region.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

# AWS General Reference, "Amazon SQS endpoints and quotas": endpoints, including those for FIPS and
# dual-stack, and the legacy endpoints of older SDKs (read in 2026-11).
_HOST: Final = re.compile(
    r"sqs(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"
    r"|(?P<legacy>[a-z0-9-]+)\.queue\.amazonaws\.com(?:\.cn)?"
)
_LEGACY_HOST_OF_US_EAST_1: Final = "queue.amazonaws.com"


def region_of(queue_url: str) -> str | None:
    """Return the Region of the queue, or None for a host that is not AWS's.

    An emulator's queues have such URLs; the service's own client reaches them.
    """
    host = urlsplit(queue_url).hostname or ""
    if host == _LEGACY_HOST_OF_US_EAST_1:
        return "us-east-1"
    found = _HOST.fullmatch(host)
    return found and (found["region"] or found["legacy"])
