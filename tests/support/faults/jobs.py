"""Jobs with faults, and what must hold after the end of each."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import urllib3
from whole_system import ENDED, System

from domain.identity import job_id_for, mint_inventory_id, mint_typed_asset_id

PREFIXES = ("a/", "b/", "c/")
KEYS = (*(f"{prefix}{number} é+%.jpg" for prefix in PREFIXES for number in range(2)), "a/plain.jpg")
KNOWN = "b/known.jpg"
LARGE = "c/large.mxf"
# Three parts, of which the last is smaller.
LARGE_BYTES = 11 * 1024**2
METADATA: dict[str, Any] = {"ContentType": "image/x-rare", "Metadata": {"camera": "R5"}}
DISCOVERIES = ("direct", "batch")


@dataclass(frozen=True)
class SufferingJob:
    """A job; its bucket, its connector and its idempotency key have one name.

    Attributes:
        large: Whether one more of its objects gets a multipart copy.
    """

    suffers: str
    discovery: str
    large: bool = False

    @property
    def name(self) -> str:
        return f"{self.suffers}-{self.discovery}"

    @property
    def job_id(self) -> str:
        return job_id_for(self.name, self.name)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys of the objects to put."""
        return (*KEYS, LARGE) if self.large else KEYS

    def prepare(self, system: System) -> None:
        """Create its bucket, its connector, and a queue for its events."""
        bucket = system.bucket(self.name)
        for key in self.keys:
            system.put(bucket, key, _tags(key), Body=_content(key), **METADATA)
        system.know(f"i-{bucket}", f"a-{bucket}")
        system.put(bucket, KNOWN, {"AssetID": f"a-{bucket}", "InventoryID": f"i-{bucket}"})
        system.api.connect(bucket)
        system.subscribe_to_events(f"{bucket}-events", bucket)

    def order(self, system: System, *, prefixes: Sequence[str] = ()) -> None:
        """Start it as a careful caller does: retry with the same key until there is a response."""
        wanted = {"discovery": self.discovery} | ({"prefixes": prefixes} if prefixes else {})
        pool = urllib3.PoolManager(timeout=30, retries=False)
        for _ in range(20):
            answer = pool.request(
                "POST",
                f"{system.api.base_url}/connectors/{self.name}/sync",
                body=json.dumps(wanted),
                headers={"Content-Type": "application/json", "Idempotency-Key": self.name},
            )
            if answer.status < 500:
                break
        pool.clear()
        assert answer.status == 202, answer.data
        assert answer.json()["jobId"] == self.job_id

    def check_counts(self, system: System) -> None:
        """It completed; each object has one outcome; no error is recorded."""
        job = system.api.get(f"/jobs/{self.job_id}")
        assert job["status"] == "COMPLETED", job
        counts = job["statistics"]
        assert counts["objectsListed"] == len(self.keys) + 1
        assert (counts["put"], counts["skipped"], counts["failed"]) == (len(self.keys), 1, 0)
        outcomes = sorted(each["key"] for each in system.outcomes(self.job_id))
        assert outcomes == sorted([*self.keys, KNOWN])
        assert system.api.items(f"/jobs/{self.job_id}/errors") == []

    def check_events(self, system: System) -> None:
        """Each object was announced, under one id however often."""
        queue_url, _ = system.queue(f"{self.name}-events")
        details = [each["detail"] for each in system.received(queue_url)]
        assert {each["objectKey"] for each in details} == set(self.keys)
        assert len({each["eventId"] for each in details}) == len(self.keys)

    def check_objects(self, system: System) -> None:
        """Each object has the service's tags and its owner's, and is otherwise unchanged.

        No other objects or uploads are left.
        """
        uploads = system.s3.list_multipart_uploads(Bucket=self.name).get("Uploads", [])
        assert uploads == []
        for key in self.keys:
            tags = system.tags(self.name, key)
            assert tags.pop("SyncJobID").startswith(f"{self.job_id}/")
            assert tags.pop("AssetID") == mint_typed_asset_id(self.name, key)
            assert tags.pop("InventoryID") == mint_inventory_id(self.name, key)
            assert tags == _tags(key)
            found = system.s3.get_object(Bucket=self.name, Key=key)
            with found["Body"] as body:
                assert body.read() == _content(key)
            assert {name: found[name] for name in METADATA} == METADATA
        known = {"AssetID": f"a-{self.name}", "InventoryID": f"i-{self.name}"}
        assert system.tags(self.name, KNOWN) == known

    def check_files(self, system: System) -> None:
        """The files have each object once, and no upload with parts is left.

        One without parts is left if the response with its id was lost; it expires.
        """
        rows = system.listed_rows(self.job_id, discovery=self.discovery)
        assert len(rows) == len(set(rows)) == len(self.keys) + 1
        bucket, prefix = system.results_bucket, f"jobs/{self.job_id}/"
        left = system.s3.list_multipart_uploads(Bucket=bucket, Prefix=prefix)
        for each in left.get("Uploads", []):
            parts = system.s3.list_parts(Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"])
            assert parts.get("Parts", []) == []


def _content(key: str) -> bytes:
    content = key.encode()
    return content * (LARGE_BYTES // len(content)) if key == LARGE else content


def _tags(key: str) -> dict[str, str]:
    return {} if key == "a/plain.jpg" else {"owner": "ö", "its key": key.replace("%", " ")}


def wait_for_ends(
    system: System, jobs: Iterable[SufferingJob], *, wait_s: float = 240
) -> dict[SufferingJob, float]:
    """Wait until all have ended; return the seconds until each did.

    The records are read directly, because the API's own requests may fail as well.
    """
    table = system.environment["JOB_TABLE_NAME"]
    waited_for = {job.job_id: job for job in jobs}
    took_s: dict[SufferingJob, float] = {}
    began = time.monotonic()
    while waited_for:
        keys = [{"jobId": {"S": job_id}} for job_id in waited_for]
        answer = system.dynamodb.batch_get_item(
            RequestItems={table: {"Keys": keys, "ConsistentRead": True}}
        )
        for item in answer["Responses"][table]:
            if item["status"]["S"] in ENDED:
                took_s[waited_for.pop(item["jobId"]["S"])] = time.monotonic() - began
        assert time.monotonic() < began + wait_s, sorted(job.name for job in waited_for.values())
        time.sleep(0.3)
    return took_s
