"""A published Media Lake next to a local stack: its table, its bus, its ingest function.

Takes the place of the local Asset Management System. The table is as Media Lake's own CDK makes it
(medialake_stacks/base_infrastructure.py, v1.18.3): key InventoryID; AssetIDIndex on two top-level
attributes that nothing writes, FileHashIndex, S3PathIndex.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from media_syncs.ingest import Ingest

from adapters.aws import resources

Json = dict[str, Any]

_DRIVER: Final = Path(__file__).with_name("driver.py")
_BUS: Final = "media-lake-pipelines"
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


class MediaLake(Ingest):
    """The function's process, and the resources that it works on."""

    def __init__(self, system: Any, process: subprocess.Popen[str], log_path: Path) -> None:
        super().__init__(system)
        self._process = process
        self._log_path = log_path
        self._log_read = 0
        self._published_url = _subscribe(system)

    def handle(self, bodies: Sequence[str]) -> None:
        """Invoke the function with a batch, and check that it succeeds."""
        failure = self.invoke(bodies)
        assert failure is None, failure

    def invoke(self, bodies: Sequence[str]) -> str | None:
        """Invoke the function with a batch; returns what it raised."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(bodies) + "\n")
        self._process.stdin.flush()
        failure: str | None = _answer(self._process, self._log_path)["failure"]
        return failure

    def published(self) -> list[tuple[str, str, str]]:
        """Return its events since the last time: detail type, InventoryID, the asset's type."""
        return [
            (
                event["detail-type"],
                event["detail"]["InventoryID"],
                event["detail"].get("DigitalSourceAsset", {}).get("Type", ""),
            )
            for event in self._system.received(self._published_url)
        ]

    def complaints(self) -> list[str]:
        """Return what the function logged as an error since the last time."""
        found = []
        with self._log_path.open(encoding="utf-8") as log:
            log.seek(self._log_read)
            for line in log:
                if line.startswith("{"):
                    entry = json.loads(line)
                    if entry.get("level") in ("ERROR", "CRITICAL"):
                        found.append(str(entry.get("message")))
            self._log_read = log.tell()
        return found


@contextmanager
def media_lake(
    system: Any, checkout: Path, log_path: Path, variables: Mapping[str, str]
) -> Iterator[MediaLake]:
    """Put a Media Lake in the place of the stack's own Asset Management System.

    `variables` are added to the function's environment.
    """
    _replace_table(system)
    _silence_stand_in(system)
    system.events.create_event_bus(Name=_BUS)
    with (
        log_path.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            [sys.executable, str(_DRIVER), str(checkout)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            env=_environment(system) | variables,
        ) as process,
    ):
        assert _answer(process, log_path) == {"ready": True}
        try:
            yield MediaLake(system, process, log_path)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(timeout=30) == 0


def _answer(process: subprocess.Popen[str], log_path: Path) -> Json:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        end = log_path.read_text(encoding="utf-8")[-4_000:]
        raise AssertionError(f"the ingest function's process ended; its log ends with:\n{end}")
    answer: Json = json.loads(line)
    return answer


def _environment(system: Any) -> dict[str, str]:
    """Return the variables of the function's deployment that its ingest reads.

    OpenSearch and the vector store are not part of this: without an endpoint and a bucket, the
    function leaves them out. PYTHONDONTWRITEBYTECODE keeps the checkout as it is.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    of_stack = {
        name: value for name, value in system.environment.items() if name.startswith("AWS_")
    }
    return {
        **kept,
        **of_stack,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_LAMBDA_FUNCTION_NAME": "media-lake-ingest",
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONDONTWRITEBYTECODE": "1",
        "POWERTOOLS_SERVICE_NAME": "asset-processor",
        "POWERTOOLS_METRICS_NAMESPACE": "AssetProcessor",
        "POWERTOOLS_METRICS_DISABLED": "true",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "ASSETS_TABLE": system.assets_table,
        "MEDIALAKE_ASSET_TABLE": system.assets_table,
        "EVENT_BUS_NAME": _BUS,
        "PIPELINES_EVENT_BUS": _BUS,
        "REGION": of_stack["AWS_REGION"],
        "OPENSEARCH_ENDPOINT": "",
        "VECTOR_BUCKET_NAME": "",
        "MEDIALAKE_CONNECTOR_TABLE_NAME": "",
        "DO_NOT_INGEST_DUPLICATES": "True",
    }


def _replace_table(system: Any) -> None:
    """Create the assets table as Media Lake's CDK does."""
    keys = {
        "AssetIDIndex": ("DigitalSourceAsset.ID", "DigitalSourceAsset.IngestedAt"),
        "FileHashIndex": ("FileHash",),
        "S3PathIndex": ("StoragePath",),
    }
    names = {"InventoryID"}.union(*keys.values())
    system.dynamodb.delete_table(TableName=system.assets_table)
    system.dynamodb.create_table(
        TableName=system.assets_table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "InventoryID", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in sorted(names)
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": name, "KeyType": role}
                    for name, role in zip(attributes, ("HASH", "RANGE"), strict=False)
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, attributes in keys.items()
        ],
    )


def _silence_stand_in(system: Any) -> None:
    """Take the stack's own Asset Management System off the ingest bus.

    It watches only the buckets that it is asked to watch, so it receives no more events.
    """
    bus = system.environment[resources.INGEST_BUS_VARIABLE]
    rule = resources.INGEST_RULE.name
    targets = system.events.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]
    system.events.remove_targets(
        Rule=rule, EventBusName=bus, Ids=[target["Id"] for target in targets]
    )


def _subscribe(system: Any) -> str:
    """Have what the function publishes brought to a queue; returns its URL."""
    url, arn = system.queue("media-lake-published")
    pattern = {"source": ["custom.asset.processor"]}
    system.events.put_rule(Name="all", EventBusName=_BUS, EventPattern=json.dumps(pattern))
    system.events.put_targets(Rule="all", EventBusName=_BUS, Targets=[{"Id": "queue", "Arn": arn}])
    return str(url)
