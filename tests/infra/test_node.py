"""Node and npm are part of the environment: a machine without them can deploy."""

import shutil
import subprocess
from pathlib import Path

import pytest
from infra.node import npm_command, path_with_node


@pytest.fixture
def no_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Node: only what `#!/usr/bin/env node` needs."""
    for name in ("env", "sh"):
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("no_node")
@pytest.mark.parametrize("program", ["node", "npm"])
def test_the_machine_needs_none(tmp_path: Path, program: str) -> None:
    command = {"node": ["node"], "npm": npm_command()}[program]
    answer = subprocess.run(
        [*command, "--version"],
        env={"PATH": path_with_node(), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip()
