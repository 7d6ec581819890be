"""`asset-sync completions`: bash completes commands, options, values and ids of connectors."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_calls import served
from api_server import listening

BASH = shutil.which("bash")
RUN = "from entrypoints.cli.main import main; main()"


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which `asset-sync` is the command of this source."""
    script = folder / "asset-sync"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "{RUN}" "$@"\n')
    script.chmod(0o755)
    path = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, "PYTHONPATH": path, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def completed(folder: Path, *words: str) -> set[str]:
    """Let bash complete the last of these words."""
    assert BASH is not None
    quoted = " ".join(map(shlex.quote, words))
    script = f"""
source <(asset-sync completions bash)
COMP_WORDS=({quoted})
COMP_CWORD={len(words) - 1}
spec=$(complete -p asset-sync)
function=${{spec##*-F }}
${{function%% *}} asset-sync
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        [BASH, "-c", script],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return set(done.stdout.split())


pytestmark = pytest.mark.skipif(BASH is None, reason="no bash")


def test_commands_options_and_values_are_completed(folder: Path) -> None:
    assert completed(folder, "asset-sync", "wa") == {"watch"}
    assert completed(folder, "asset-sync", "connectors", "en") == {"enable"}
    assert "--connector" in completed(folder, "asset-sync", "job", "--c")
    assert completed(folder, "asset-sync", "errors", "job-1", "--group", "") == {"cause"}


@pytest.fixture
def _connectors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with served(monkeypatch) as gateway:
        for name in ("films", "films-2", "photos"):
            gateway.world.buckets.create(f"{name}-prod")
            body = {"connectorId": name, "bucketName": f"{name}-prod"}
            assert gateway.call("POST", "/connectors", body).status == 201
        with listening(gateway, monkeypatch):
            yield


@pytest.mark.usefixtures("_connectors")
def test_ids_of_connectors_are_completed(folder: Path) -> None:
    assert completed(folder, "asset-sync", "sync", "fi") == {"films", "films-2"}
    assert completed(folder, "asset-sync", "tail", "--connector", "p") == {"photos"}


def test_without_an_api_nothing_is_completed_and_nothing_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSET_SYNC_API_URL", "http://127.0.0.1:9")
    assert completed(folder, "asset-sync", "sync", "fi") == set()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(folder: Path, shell: str) -> None:
    done = subprocess.run(
        ["asset-sync", "completions", shell],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"complete_{shell}" in done.stdout
    assert "asset-sync" in done.stdout
