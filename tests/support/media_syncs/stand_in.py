"""The ingest of the stack's own Asset Management System, which behaves like a Media Lake."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from media_syncs.ingest import Ingest

from adapters.local_aws.asset_system.medialake.file_types import file_filter as ingest_filter
from adapters.local_aws.asset_system.medialake.values import IngestOutcome

_FAILURES: Final = (IngestOutcome.FAILED, IngestOutcome.UNREADABLE)


class StandIn(Ingest):
    """Processes the messages in the stack, by the same rules as the demo."""

    def __init__(self, system: Any) -> None:
        super().__init__(system)
        self._failed_before = 0

    def handle(self, bodies: Sequence[str]) -> None:
        """Ingest messages one after the other, as the function does with a batch."""
        for body in bodies:
            self._system.ingest(json.loads(body))

    def use_filter(self, bucket: str, file_filter: Mapping[str, Any]) -> None:
        """Ingest only the objects of a bucket that a connector's filter, as in the API, accepts."""
        chosen = ingest_filter(
            mode=file_filter["mode"],
            extensions=file_filter["extensions"],
            mime_types=file_filter["mimeTypes"],
        )
        self._system.filter_ingest(bucket, chosen)

    def complaints(self) -> list[str]:
        """Return how many messages it lost because a write or a read failed."""
        outcomes = self._system.status().ingested.outcomes
        failed = sum(outcomes.get(each, 0) for each in _FAILURES)
        before, self._failed_before = self._failed_before, failed
        return [f"{failed - before} messages failed"] if failed > before else []
