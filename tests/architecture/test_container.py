"""The Dockerfile names files that exist and are sent to the engine, and a command that the CLI has.

No container engine builds it here.
"""

import json
import re
from pathlib import Path
from typing import Any

import typer.main
import yaml

from entrypoints.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()


def _arguments(instruction: str) -> list[str]:
    return [line.removeprefix(f"{instruction} ") for line in LINES if line.startswith(instruction)]


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    ignored, *kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored == "*"
    sources = [source for words in _arguments("COPY") for source in words.split()[:-1]]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in kept, source


def test_packages_come_from_a_lock_with_hashes() -> None:
    (install,) = [words for words in _arguments("RUN") if "pip install" in words]
    assert "--require-hashes" in install
    (lock,) = re.findall(r"-r (\S+)", install)
    assert any(words.split()[0] == lock for words in _arguments("COPY"))
    assert "--hash=sha256:" in (ROOT / lock).read_text(encoding="utf-8")


def test_the_base_image_is_a_python_that_is_supported() -> None:
    (image,) = _arguments("FROM")
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    version = re.fullmatch(r"python:(3\.\d+)-slim", image)
    assert version is not None
    assert version[1] in workflow["jobs"]["test"]["strategy"]["matrix"]["python"]


def test_the_command_is_one_that_the_cli_has_on_the_port_that_is_exposed() -> None:
    name, *options = json.loads(_arguments("CMD")[0])
    # Some versions of typer bring a click of their own, so its classes cannot be named here.
    command: Any = typer.main.get_command(app)
    context = command.commands[name].make_context(name, options)
    assert str(context.params["host"]) == "0.0.0.0"  # noqa: S104
    assert _arguments("EXPOSE") == [str(context.params["port"])]


def test_it_does_not_run_as_root() -> None:
    users = _arguments("USER")
    assert users
    assert users[-1] != "root"
