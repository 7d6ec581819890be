"""What a function does before its first request: modules, CPU time, and clients that it opens.

    make bench-cold [ARGS="--rounds 7 --source ../other/src --output json"]
    make bench-cold ARGS=--record

Each handler is imported in fresh processes, and its app is opened as by its first call. The modules
are those of the Lambda package: other packages of this environment are hidden. Nothing is sent, so
the figures are of this machine's CPU only. What counts is the number of modules, and the ratio of
two runs of the same minute.

--record writes how many modules of each package a function imports to cold_start_modules.json,
which tests/architecture/test_cold_start.py takes as the budget.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import sysconfig
from collections import Counter
from importlib.metadata import packages_distributions
from pathlib import Path
from statistics import median
from typing import Any

from reports import add_output, show
from tables import Table

from entrypoints.settings import REQUIRED

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
HANDLERS = ("api", "engine", "processor")
# What makes the clients, and the environment that selects it.
SESSIONS: dict[str, dict[str, str]] = {
    "aioboto3": {},
    "aiobotocore": {"ASSET_SYNC_AIOBOTO3_SESSIONS": "false"},
}
OWN = frozenset({"domain", "ports", "application", "adapters", "entrypoints"})
RECORD = ROOT / "bench" / "cold_start_modules.json"

_ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


def start(handler: str, sdk: str, *, source: Path = SOURCE) -> dict[str, Any]:
    """Return what bench/start_handler.py prints; `sdk` is a key of SESSIONS."""
    installed = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    paths = dict.fromkeys((str(source), *installed))
    ran = subprocess.run(
        [
            *(sys.executable, "-I", "-S", str(ROOT / "bench" / "start_handler.py")),
            *(handler, ":".join(paths), ",".join(_hidden())),
        ],
        env={**_environment(), **SESSIONS[sdk]},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def own(modules: list[str]) -> list[str]:
    """Return this project's modules."""
    return [name for name in modules if name.partition(".")[0] in OWN]


def libraries(modules: list[str]) -> list[str]:
    """Return the modules of other packages than Python's own, without those of an extension."""
    known = OWN | sys.stdlib_module_names | {"cython_runtime"}
    return [
        name for name in modules if name.partition(".")[0] not in known and not name.startswith("_")
    ]


def package(module: str) -> str:
    """Return the package of a module: of this project, the folder with the layer's name."""
    first, *others = module.split(".")
    return f"{first}.{others[0]}" if first in OWN and len(others) > 1 else first


def counts(modules: list[str]) -> dict[str, int]:
    """Return how many modules there are of each package of this project and of libraries."""
    return dict(sorted(Counter(map(package, own(modules) + libraries(modules))).items()))


def _hidden() -> list[str]:
    """Return the top-level modules of this environment that are not in requirements/lambda.txt."""
    lock = (ROOT / "requirements" / "lambda.txt").read_text(encoding="utf-8")
    pinned = {_normal(name) for name in re.findall(r"^([\w.-]+)==", lock, flags=re.MULTILINE)}
    return sorted(
        module
        for module, owners in packages_distributions().items()
        if module.isidentifier() and pinned.isdisjoint(map(_normal, owners))
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _environment() -> dict[str, str]:
    return {
        **{name: _ARN if name.endswith("_ARN") else f"the-{name.lower()}" for name in REQUIRED},
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "POWERTOOLS_METRICS_DISABLED": "true",
    }


def _rows(source: Path, rounds: int) -> list[dict[str, Any]]:
    """Return a row for each handler and kind of session; rounds take turns between them."""
    kinds = [(handler, sdk) for handler in HANDLERS for sdk in SESSIONS]
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for handler, sdk in kinds:
            runs[handler, sdk].append(start(handler, sdk, source=source))
    return [_row(handler, sdk, found) for (handler, sdk), found in runs.items()]


def _row(handler: str, sdk: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    first = runs[0]
    modules = [*first["imported"], *first["opened"]]
    return {
        "handler": handler,
        "sessions": sdk,
        "modules": len(modules),
        "own": len(own(modules)),
        "libraries": len(libraries(modules)),
        "import_ms": [run["import_ms"] for run in runs],
        "open_ms": [run["open_ms"] for run in runs],
        "start_ms": [run["import_ms"] + run["open_ms"] for run in runs],
        "clients": first["clients"],
    }


def _record() -> None:
    """Record the counts with the sessions that import less."""
    recorded = {}
    for handler in HANDLERS:
        found = start(handler, "aiobotocore")
        recorded[handler] = counts([*found["imported"], *found["opened"]])
    RECORD.write_text(json.dumps(recorded, indent=2) + "\n", encoding="utf-8")


def tables(rows: list[dict[str, Any]]) -> list[Table]:
    return [
        Table(
            title="Cold starts",
            columns=(
                *("handler", "sessions", "modules", "own", "libraries"),
                *("import, CPU ms", "open, CPU ms", "sum, median", "clients"),
            ),
            rows=[
                (
                    *(row["handler"], row["sessions"]),
                    *(str(row[name]) for name in ("modules", "own", "libraries")),
                    *(_spread(row[name]) for name in ("import_ms", "open_ms")),
                    f"{median(row['start_ms']):.0f}",
                    ", ".join(row["clients"]),
                )
                for row in rows
            ],
            last_is_text=True,
        )
    ]


def _spread(times_ms: list[float]) -> str:
    return f"{min(times_ms):.0f} to {max(times_ms):.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--source", type=Path, default=SOURCE, help="the src folder to measure")
    add_output(parser)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}, print nothing")
    args = parser.parse_args()
    if args.record:
        _record()
        return
    rows = _rows(args.source.resolve(), args.rounds)
    show(args.output, rows, tables(rows))


if __name__ == "__main__":
    main()
