"""One sync of a bucket with a Media Lake, and its results."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from media_syncs.cases import Case, Found, Run
from media_syncs.ingest import Ingest

from entrypoints.cli.local.request_counter import S3_WRITES

Json = dict[str, Any]


def connect(system: Any, lake: Ingest, bucket: str, run: Run) -> None:
    """Register the bucket with the run's settings."""
    wanted: Json = {"trigger": run.trigger, "ids": run.ids}
    if run.trigger == "queue":
        wanted["ingestQueueUrl"] = lake.ingest_url(run.integration)
    system.api.connect(bucket, **wanted)


class Sync:
    """One sync of an idle system, and its results."""

    def __init__(
        self, system: Any, lake: Ingest, bucket: str, run: Run, cases: Sequence[Case]
    ) -> None:
        system.calls.take_kept()
        self.job: Json = system.api.ended(system.api.sync(bucket, discovery=run.discovery))
        system.idle()
        self._calls = system.calls.take_kept()
        self._bucket = bucket
        reasons = _outcomes(system, self.job)
        self.found = {case.key: reasons.get(case.key, Found.LEFT_OUT) for case in cases}
        self.shown = lake.drain(run.integration)

    def writes(self) -> Counter[str]:
        """Return the service's writes to the bucket, and all messages that it sent, by
        operation."""
        return Counter(
            operation
            for service, operation, params in self._calls
            if (service == "s3" and operation in S3_WRITES and params["Bucket"] == self._bucket)
            or operation == "PutEvents"
            or (operation.startswith("SendMessage") and "media-lake" in params["QueueUrl"])
        )

    def queries_of(self, index: str) -> int:
        """Return how often the service queried an index of the catalog."""
        return sum(
            operation == "Query" and params.get("IndexName") == index
            for _, operation, params in self._calls
        )


def _outcomes(system: Any, job: Json) -> dict[str, str]:
    """Return the reason of each key's outcome; a key that was left out has none."""
    found: dict[str, str] = {}
    for line in system.outcomes(job["jobId"]):
        assert line["key"] not in found, line
        found[line["key"]] = line["reason"]
    return found
