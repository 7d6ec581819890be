"""Installed packages are pinned, without a source, to the versions of the functions."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def _pins(name: str) -> set[str]:
    return set(re.findall(r"^[\w.-]+==[^\s;]+", _lock(name), flags=re.MULTILINE))


def test_every_pin_has_a_hash_and_no_source() -> None:
    pins = re.findall(r"^[^#\s].*(?:\n .*)*", _lock("infra"), flags=re.MULTILINE)
    assert pins
    assert not [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin]
    assert not re.search(r"://|^-|file:|@ ", _lock("infra"), flags=re.MULTILINE)


def test_the_functions_packages_are_tested_in_the_versions_that_are_deployed() -> None:
    assert _pins("lambda") <= _pins("infra")


def test_the_cdks_command_line_is_pinned_exactly() -> None:
    wanted = json.loads((ROOT / "infra" / "package.json").read_text())["devDependencies"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", wanted["aws-cdk"])
    lock = json.loads((ROOT / "infra" / "package-lock.json").read_text())
    locked = lock["packages"]["node_modules/aws-cdk"]
    assert locked["version"] == wanted["aws-cdk"]
    assert locked["integrity"].startswith("sha512-")
    assert "resolved" not in locked
