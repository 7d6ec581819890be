"""The only place where CPU time and memory are measured, and where servers and programs are run.

CPU time is user and system time. It counts in one process, and not in its server, so it does not
depend on how fast the server is, and hardly on what else the machine does. Wall time does.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_HIGH_WATER = re.compile(r"VmHWM:\s*(\d+) kB")
SERVER_ACCOUNT = "123456789012"
_ENDPOINT = "ASSET_SYNC_BENCH_ENDPOINT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What something took; the peak is that of its whole process, in KiB."""

    cpu_s: float
    wall_s: float
    peak_kib: int


class Stopwatch:
    """Measures this process, from its creation or the last reset on."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._cpu_s, self._wall_s = own_cpu_s(), time.perf_counter()

    def usage(self) -> Usage:
        return Usage(
            cpu_s=own_cpu_s() - self._cpu_s,
            wall_s=time.perf_counter() - self._wall_s,
            peak_kib=peak_kib(),
        )


def own_cpu_s() -> float:
    """Return the CPU seconds of this process, all threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_kib() -> int:
    """Return the highest resident memory of this process so far.

    Linux counts that of the process that started this one to `ru_maxrss`, until this one exceeds
    it (`man getrusage` does not say so), and not to `VmHWM`.
    """
    status = Path("/proc/self/status")
    found = _HIGH_WATER.search(status.read_text()) if status.exists() else None
    return int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def report(found: Mapping[str, Any], usage: Usage) -> None:
    """Print what a program measured of itself, for `run_program`."""
    print(json.dumps({**found, **asdict(usage)}))


def run_program(script: str, *arguments: str) -> Any:
    """Run a Python program of this folder in its own process; return the JSON that it prints.

    Raises:
        subprocess.CalledProcessError: it failed; its errors were printed.
    """
    ran = subprocess.run(
        [sys.executable, str(HERE / script), *arguments],
        env=environment(),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(ran.stdout)


def run_command(command: Sequence[str]) -> tuple[Usage, int]:
    """Run any command to its end; return what it and its children took, and its lines of output.

    Raises:
        subprocess.CalledProcessError: it failed; its errors were printed.
    """
    found = run_program("command.py", *command)
    line_count: int = found.pop("lines")
    return Usage(**found), line_count


class Server:
    """A running bench/aws_server.py."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def queue_url(self) -> str:
        return f"{self.url}/{SERVER_ACCOUNT}/ingest"

    def state(self) -> dict[str, Any]:
        """Return the requests by operation since the last call, and how many objects are tagged."""
        return self._ask("state")

    def ingest(self) -> dict[str, Any]:
        """Let the system ingest all tagged objects; returns the state before."""
        return self._ask("ingest")

    def _ask(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/bench/{path}", timeout=600) as response:  # noqa: S310
            found: dict[str, Any] = json.load(response)
            return found


def real_endpoint() -> str | None:
    """Return the URL of a real server of S3 to use instead of ours, if one was given."""
    return os.environ.get(_ENDPOINT) or None


@contextmanager
def serving(object_count: int, *, synced: bool = False) -> Iterator[Server]:
    """Run the server, and let all SDKs and programs that start here send their requests there.

    With a real server of S3, those of S3 go there, and its bucket is filled before. Then our server
    has no state of the objects, and counts only the other requests.
    """
    options = ["--synced"] if synced else []
    process = subprocess.Popen(
        [sys.executable, str(HERE / "aws_server.py"), str(object_count), *options],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    before = dict(os.environ)
    try:
        assert process.stdout is not None
        server = Server(f"http://127.0.0.1:{process.stdout.readline().strip()}")
        at_endpoint(server.url)
        if (real := real_endpoint()) is not None:
            os.environ["AWS_ENDPOINT_URL_S3"] = real
            run_program("fill_bucket.py", str(object_count))
        yield server
    finally:
        os.environ.clear()
        os.environ.update(before)
        process.kill()
        process.wait()


def at_endpoint(url: str) -> None:
    """Let the SDK send its requests there."""
    os.environ.update(
        AWS_ENDPOINT_URL=url,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_REGION="us-east-1",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
    )


def environment() -> dict[str, str]:
    """Return this environment, in which the programs find this project's code first."""
    return {**os.environ, "PYTHONPATH": f"{HERE.parent / 'src'}:{HERE}"}
