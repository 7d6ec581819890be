"""docs/tutorial.md: its commands are run as they are written, and print what the page shows.

The first part runs here, against `asset-sync up`. Of the second part, what deploys is run by
`tests/infra/test_rehearsal.py`. Commands and options of all pages are checked by
`tests/architecture/test_docs.py`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tutorial import Step, matches, steps

ROOT = Path(__file__).resolve().parents[2]
STEPS = steps()
LOCAL = [step for step in STEPS if step.kind == "run"]
WAIT_S = 90
REPEATED = 30

pytestmark = pytest.mark.slow


def only(kind: str) -> Step:
    (step,) = [each for each in STEPS if each.kind == kind]
    return step


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the commands of the page in `.venv/bin`, for this source."""
    folder = tmp_path_factory.mktemp("tutorial")
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True)
    python = shlex.quote(sys.executable)
    run = "from entrypoints.cli.main import main; main()"
    for name, arguments in (("python", ""), ("asset-sync", f" -c '{run}'")):
        script = commands / name
        script.write_text(f'#!/bin/sh\nexec {python}{arguments} "$@"\n')
        script.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def environment(folder: Path) -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "ASSET_SYNC_"))}
    path = os.pathsep.join(filter(None, sys.path))
    return {**kept, "PYTHONPATH": path, "PATH": f"{folder}/.venv/bin{os.pathsep}{kept['PATH']}"}


@pytest.fixture(scope="module")
def service(folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """The service of the page, on a free port; yields the file with its output."""
    step, output = only("up"), folder / "up.txt"
    with output.open("w") as file:
        command = [*shlex.split(step.commands), "--port", "0"]
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + WAIT_S
            while not (folder / "asset-sync.env").exists():
                assert process.poll() is None, output.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield output
            # A shell ignores SIGINT in what it runs in the background.
            process.terminate()
            assert process.wait(WAIT_S) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def test_the_demo(folder: Path, environment: dict[str, str]) -> None:
    step = only("demo")
    (line,) = step.commands.splitlines()
    # What make would run, without its installation.
    dry = [*shlex.split(line), "--dry-run", "--no-print-directory", f"VENV={folder}/.venv"]
    planned = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=True)
    command = planned.stdout.splitlines()[-1]
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert step.shown is not None
    assert matches(step.shown, done.stdout), done.stdout


def test_part_one(folder: Path, environment: dict[str, str], service: Path) -> None:
    up = only("up")
    assert up.shown is not None
    assert matches(up.shown, service.read_text()), service.read_text()
    before = "\n".join(step.commands for step in STEPS if step.kind == "environment")
    # A shell keeps variables from one block to the next.
    kept = ""
    assert len(LOCAL) >= 8
    for step in LOCAL:
        for attempt in range(REPEATED if step.repeated else 1):
            script = f"{before}\n{kept}\n{step.commands}"
            done = subprocess.run(
                ["/bin/sh", "-c", script],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=WAIT_S,
                check=False,
            )
            if step.shown is None or matches(step.shown, done.stdout):
                break
            assert attempt < REPEATED - 1
            time.sleep(0.5)
        assert done.returncode == step.exit_status, (step.commands, done.stdout, done.stderr)
        assert step.shown is None or matches(step.shown, done.stdout), (step.commands, done.stdout)
        kept += "".join(
            f"{line}\n" for line in step.commands.splitlines() if line.startswith("JOB=")
        )


def test_every_block_is_tested_in_a_known_way() -> None:
    known = {"demo", "environment", "up", "run", "synth", "account", "deploy", "destroy"}
    assert {step.kind for step in STEPS} == known


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["a", "...", "b …"], "a\nx\ny\nb 1\n", True),
        (["a", "...", "b"], "a\nb\n", True),
        (["a …", "..."], "a b  \n", True),
        (["a"], "a\nb\n", False),
        (["a", "..."], "b\na\n", False),
        (["...", "a.c"], "abc\n", False),
        (["…a"], "b\n", False),
    ],
)
def test_output_is_compared_line_by_line(shown: list[str], printed: str, same: bool) -> None:
    assert matches(shown, printed) is same
