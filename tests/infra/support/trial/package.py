"""Runs a built package's handlers, each environment in its own process."""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("worker.py")


class PackageFailed(Exception):
    """A handler raised; the message is what it raised."""


class PackagedFunction:
    """A handler of the package, callable like one; each thread that calls has its own process.

    `module` is the handler's in `entrypoints`; `environment` is the process's whole environment,
    set before the first call.
    """

    def __init__(self, name: str, module: str, package: Path, folder: Path) -> None:
        self.name = name
        self._module = module
        self.environment: Mapping[str, str] = {}
        self._package = package
        self._folder = folder
        self._local = threading.local()
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, event: Any, context: Any) -> Any:
        worker = self._worker()
        assert worker.stdin is not None
        assert worker.stdout is not None
        request = {
            "event": event,
            "requestId": context.aws_request_id,
            "remainingS": context.get_remaining_time_in_millis() / 1_000,
        }
        worker.stdin.write(json.dumps(request) + "\n")
        worker.stdin.flush()
        line = worker.stdout.readline()
        if not line:
            raise PackageFailed(f"{self.name} ended:\n{self.log()[-4_000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise PackageFailed(answer["error"])
        return answer["result"]

    def calls(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Every call to AWS so far."""
        found: list[tuple[str, str, dict[str, Any]]] = []
        for path in sorted(self._folder.glob(f"{self.name}-*.calls")):
            found += [tuple(json.loads(line)) for line in path.read_text().splitlines()]
        return found

    def log(self) -> str:
        """The output of all its processes."""
        paths = sorted(self._folder.glob(f"{self.name}-*.log"))
        return "\n".join(path.read_text() for path in paths)

    def stop(self) -> None:
        """End the processes, which close what they opened."""
        for worker in self._started:
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.close()
            worker.stdout.close()
            worker.wait(timeout=20)

    def _worker(self) -> subprocess.Popen[str]:
        worker: subprocess.Popen[str] | None = getattr(self._local, "worker", None)
        if worker is None:
            path = self._folder / f"{self.name}-{len(self._started)}"
            with path.with_suffix(".log").open("w") as log:
                worker = subprocess.Popen(
                    [
                        sys.executable,
                        "-I",
                        "-S",
                        WORKER,
                        self._package,
                        self._module,
                        path.with_suffix(".calls"),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=dict(self.environment),
                    text=True,
                )
            self._started.append(worker)
            self._local.worker = worker
        return worker
