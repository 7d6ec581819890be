"""`asset-sync up` with its console as processes, and a browser's pages of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Only in the environment of `make test-console`.
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("ASSET_SYNC_PYTHON") or sys.executable
WAIT_S = 60.0
ENDED = {"COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELLED"}
# Chunks so small, and so few at once, that a job can be watched.
TUNING = {
    "ASSET_SYNC_OBJECT_COUNT_MAX": "20",
    "ASSET_SYNC_WINDOWS_IN_FLIGHT": "1",
    "ASSET_SYNC_CALLS_IN_FLIGHT": "2",
}

_MAIN = "from entrypoints.cli.main import main; main()"
_FILL = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
import boto3
s3 = boto3.client("s3")
buckets = json.load(sys.stdin)
for name in buckets:
    s3.create_bucket(Bucket=name)
def put(each):
    name, key, full = each
    tags = "&".join(f"tag-{n}=v" for n in range(9)) if full else ""
    s3.put_object(Bucket=name, Key=key, Body=key.encode(), Tagging=tags)
objects = [(name, key, full) for name, all in buckets.items() for key, full in all]
with ThreadPoolExecutor(8) as pool:
    list(pool.map(put, objects))
s3.close()
"""


@dataclass(frozen=True, slots=True)
class Service:
    """`asset-sync up` with its console."""

    console_url: str
    environment: dict[str, str]

    def call(self, method: str, path: str, body: object = None) -> Any:
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(  # noqa: S310 - the URL of our own service
            self.environment["ASSET_SYNC_API_URL"] + path,
            method=method,
            data=data,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - see above
            return json.load(response)

    def fill(self, **buckets: list[tuple[str, bool]]) -> None:
        """Create buckets with objects; True for those that have no room for a tag."""
        named = {name.replace("_", "-"): objects for name, objects in buckets.items()}
        self.run(_FILL, json.dumps(named))

    def run(self, code: str, text: str = "") -> None:
        subprocess.run(
            [PYTHON, "-c", code],
            input=text,
            text=True,
            check=True,
            timeout=WAIT_S,
            env={**_clean(), **self.environment},
        )

    def connect(self, name: str, **settings: Any) -> None:
        body = {"connectorId": name, "bucketName": name, **settings}
        self.call("POST", "/connectors?check=false", body)

    def sync(self, name: str, **body: Any) -> str:
        body.setdefault("discovery", "direct")
        return str(self.call("POST", f"/connectors/{name}/sync", body)["jobId"])

    def ended(self, job_id: str) -> Any:
        return self.until(job_id, lambda job: job["status"] in ENDED)

    def until(self, job_id: str, condition: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + WAIT_S
        while True:
            job = self.call("GET", f"/jobs/{job_id}")
            if condition(job):
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.2)


def _clean() -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "ASSET_SYNC_"))}
    return {**kept, "PYTHONPATH": str(ROOT / "src")}


@contextmanager
def command(*arguments: str, **more: str) -> Iterator[Any]:
    """Run a command that prints one JSON document and continues until it is stopped."""
    with subprocess.Popen(
        [PYTHON, "-c", _MAIN, *arguments, "--output", "json"],
        env={**_clean(), **more},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            document = ""
            for line in process.stdout:
                document += line
                if line.startswith("}"):
                    break
            yield json.loads(document)
        finally:
            process.terminate()
            process.wait(WAIT_S)


@dataclass(frozen=True, slots=True)
class Tabs:
    """Opens pages, and notes what the browser complains about."""

    browser: Browser
    complaints: list[str]

    def open(self, url: str, **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        page = self.browser.new_context(**options).new_page()
        page.set_default_timeout(WAIT_S * 1_000)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._note(message))
        page.goto(url)
        return page

    def _note(self, message: Any) -> None:
        # A page that answers with a problem is also an "error" of the browser.
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.complaints.append(message.text)
