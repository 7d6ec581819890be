"""docs/logs.md has every event that the code logs, with its level, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "logs.md"
LEVELS = {"event": "INFO", "warning": "WARNING"}
# Functions of ours that log a warning, with the position of the event's name.
WARNING_FUNCTIONS = {"warn_of_chunk": 1, "_not_blocking": 1}
ROW = re.compile(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \| (INFO|WARNING) \|", re.MULTILINE)


def _logged(source: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name, level = _name_and_level(node)
        if isinstance(name, ast.Constant):
            yield str(name.value), level


def _name_and_level(call: ast.Call) -> tuple[ast.expr | None, str]:
    function = call.func
    if isinstance(function, ast.Attribute) and ast.unparse(function.value).endswith("telemetry"):
        return (call.args[0] if call.args else None), LEVELS.get(function.attr, "")
    called = ast.unparse(function).rpartition(".")[2]
    position = WARNING_FUNCTIONS.get(called)
    return (None if position is None else call.args[position]), "WARNING"


def _events() -> set[tuple[str, str]]:
    return {
        (name, level)
        for path in (ROOT / "src").rglob("*.py")
        for name, level in _logged(path.read_text(encoding="utf-8"))
        if level
    }


def _documented() -> list[tuple[str, str]]:
    return [
        (name, level)
        for names, level in ROW.findall(PAGE.read_text(encoding="utf-8"))
        for name in re.findall(r"[a-z_]+", names)
    ]


def test_every_event_is_documented_once_with_its_level() -> None:
    assert sorted(_documented()) == sorted(_events())


def test_events_are_found_in_each_form() -> None:
    source = """
self._telemetry.event("one", job_id="a")
app.telemetry.warning("two")
warn_of_chunk(self._telemetry, "three", chunk, error)
telemetry.warning(name)
telemetry.count(Metric.CHUNKS_FAILED)
"""
    assert set(_logged(source)) == {("one", "INFO"), ("two", "WARNING"), ("three", "WARNING")}
