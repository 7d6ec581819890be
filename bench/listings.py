"""Listing the same keys on the same server, by this service and by others.

    python bench/listings.py [--keys 100000] [--rounds 3]

Each listing is a process of its own. CPU time of the Python programs is without their start, and
that of s5cmd and rclone is their whole process, which starts in some milliseconds; both write each
key to a pipe. The rounds take turns; a figure is the median of its rounds.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from measuring import Server, real_endpoint, run_command, run_program, serving
from reports import add_output, show
from tables import Table, mib, times

_PYTHON = {
    "this service, into the manifest": ("list_keys.py", "service"),
    "this service's adapter, one stream": ("list_keys.py", "adapter"),
    "boto3, paginator": ("list_keys.py", "boto3"),
}
_BASE = "s5cmd ls"
_RAW = "raw signed client (the limit)"
_OURS = next(iter(_PYTHON))


def find_program(name: str) -> str | None:
    """Return the program of requirements/bench.txt, or else that on the PATH, or None.

    s5cmd's package starts the program from a script, whose own start is not measured here.
    """
    packaged = sorted(Path(sys.prefix, "bench").glob(f"lib/*/site-packages/{name}/bin/{name}"))
    installed = Path(sys.prefix, "bench", "bin", name)
    if packaged:
        return str(packaged[0])
    return str(installed) if installed.is_file() else shutil.which(name)


def measure(keys: int, rounds: int) -> dict[str, Any]:
    """Return the runs of each kind of listing, and what was skipped."""
    runs: dict[str, list[dict[str, Any]]] = {}
    with serving(keys) as server:
        commands = {name: command for name, command in _commands(server).items() if command[0]}
        for _ in range(rounds):
            for name, (script, kind) in _PYTHON.items():
                runs.setdefault(name, []).append(run_program(script, kind, str(keys)))
            for name, command in commands.items():
                usage, line_count = run_command(command)
                assert line_count == keys, (name, line_count)
                runs.setdefault(name, []).append(asdict(usage))
            raw = run_program("peers/raw_client.py", str(keys), "list")
            runs.setdefault(_RAW, []).append(raw)
        skipped = [name for name, command in _commands(server).items() if not command[0]]
    return {"keys": keys, "runs": runs, "skipped": skipped}


def _commands(server: Server) -> dict[str, list[str]]:
    url = real_endpoint() or server.url
    options = f"provider=Other,env_auth=true,list_version=2,endpoint='{url}'"
    return {
        _BASE: [
            find_program("s5cmd") or "",
            *("--endpoint-url", url, "ls", "s3://media/*"),
        ],
        "rclone lsf": [
            find_program("rclone") or "",
            *(
                "lsf",
                "--config",
                "",
                "--fast-list",
                "--recursive",
                "--files-only",
                f":s3,{options}:media",
            ),
        ],
    }


def tables(found: dict[str, Any]) -> list[Table]:
    keys = found["keys"]
    figures = {
        name: {part: median(run[part] for run in runs) for part in ("cpu_s", "wall_s", "peak_kib")}
        for name, runs in found["runs"].items()
    }
    base = figures.get(_BASE)
    rows = [
        (
            name,
            f"{each['cpu_s'] / keys * 1e6:.1f}",
            f"{keys / each['cpu_s']:,.0f}",
            f"{keys / each['wall_s']:,.0f}",
            mib(each["peak_kib"]),
            times(base["cpu_s"] / each["cpu_s"]) if base else "",
        )
        for name, each in figures.items()
    ]
    return [
        Table(
            title=f"Listing {keys:,} keys",
            columns=(
                "listing",
                "CPU µs a key",
                "keys per CPU second",
                "keys per second",
                "peak MiB",
                f"keys per CPU second against {_BASE}",
            ),
            rows=rows,
            notes=[f"Skipped, because it is not installed: {name}." for name in found["skipped"]],
        )
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    add_output(parser)
    args = parser.parse_args(arguments)
    found = measure(args.keys, args.rounds)
    show(args.output, found, tables(found))


if __name__ == "__main__":
    main()
