"""What an operator meets is documented: variables, schemas, metrics, classes of errors, exits.

Settings and log events have tests of their own (test_docs, test_log_events).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools import generate_docs
from tools.cli_docs import commands

from domain.next_steps import OTHER_CLASSES
from entrypoints.http.problems import ALL_KINDS
from entrypoints.http.routes import ROUTES
from entrypoints.schemas import schema_names
from ports.telemetry import Metric

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SOURCES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")}
# Of the terminal and of Python: no command sets them.
OF_PYTHON = {2, 130}


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_variable_of_a_command_is_documented() -> None:
    variables = {
        option.envvar for _, command in commands() for option in command.params if option.envvar
    }
    assert variables >= {"ASSET_SYNC_API_URL", "ASSET_SYNC_TOKEN", "ASSET_SYNC_CONNECTOR"}
    text = page("configuration.md")
    assert {name for name in variables if f"| `{name}` |" not in text} == set()


def test_every_schema_and_every_type_of_event_is_documented() -> None:
    text = page("contracts.md")
    assert {name for name in schema_names() if f"`{name}`" not in text} == set()
    kinds = {
        node.value.value
        for source in SOURCES.values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id.endswith("DETAIL_TYPE")
        and isinstance(node.value, ast.Constant)
    }
    ours = {kind for kind in kinds if str(kind).startswith("AssetSync")}
    assert "AssetSyncObjectReady" in ours
    assert {kind for kind in ours if str(kind) not in text} == set()


def test_what_is_generated_has_a_place_in_a_page() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
    missing = [
        name for name in generate_docs._REGIONS if f"<!-- generated: {name} -->" not in pages
    ]
    assert missing == []


def test_every_metric_route_and_problem_is_documented() -> None:
    metrics = page("configuration.md")
    assert {each for each in Metric if f"| `{each}` |" not in metrics} == set()
    api = page("api.md")
    assert {each.path for each in ROUTES if f"{each.method} {each.path}`" not in api} == set()
    assert {each.type for each in ALL_KINDS if f"`{each.type}`" not in api} == set()


def literal_classes(source: str) -> Iterator[str]:
    """Yield the words that are the class of a failure or the reason of a failed object."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func).rpartition(".")[2]
        names = {each.arg: each.value for each in node.keywords}
        failed = "FAILED" in ast.unparse(node)
        for argument in ("error_class", "reason"):
            if called == "Failure" or (called == "Outcome" and failed):
                yield from _words(names.get(argument))
        if called == "fail" or called == "chunk_or_job_failure":
            yield from _words(names.get("reason"))


def _words(value: ast.expr | None) -> Iterator[str]:
    for node in ast.walk(value) if value is not None else ():
        if isinstance(node, ast.Constant) and re.fullmatch("[A-Z][A-Za-z]+", str(node.value)):
            yield str(node.value)


def test_every_class_of_errors_is_documented() -> None:
    text = page("logs.md")
    used = {name for source in SOURCES.values() for name in literal_classes(source)}
    assert used >= {"Undecided", "Failed"}
    documented = set(re.findall(r"^\| `([A-Za-z]+)` \|", text, flags=re.MULTILINE))
    assert used | set(OTHER_CLASSES) <= documented


def exits(source: str) -> Iterator[int]:
    """Yield the exit statuses that a command's source names; `int(condition)` is 0 or 1."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Exit", "sys.exit"):
            (value,) = node.args or [ast.Constant(0)]
            if isinstance(value, ast.Call) and ast.unparse(value.func) == "int":
                yield from (0, 1)
            else:
                yield int(ast.literal_eval(value))


def test_every_exit_status_is_documented_and_no_other() -> None:
    section = page("logs.md").partition("## Exit statuses")[2]
    documented = {int(each) for each in re.findall(r"^\| (\d+) \|", section, flags=re.MULTILINE)}
    cli = ROOT / "src" / "entrypoints" / "cli"
    used = {each for path in cli.rglob("*.py") for each in exits(SOURCES[path])}
    assert documented == used | {0} | OF_PYTHON


def test_exit_statuses_are_found_in_each_form() -> None:
    source = "raise typer.Exit(3)\nraise typer.Exit(int(a != b))\nraise typer.Exit\ntyper.Exit()"
    assert set(exits(source)) == {3, 0, 1}
