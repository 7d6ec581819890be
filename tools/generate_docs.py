"""Generates the parts of the documents that come from the code: state machines, settings, routes.

Run as `python -m tools.generate_docs`; with `--check` it compares and writes nothing, for
`make docs`. A document is generated as a whole, or in regions between two comments:

    <!-- generated: routes -->
    ...
    <!-- end generated -->

Text outside of a region is written by hand and is not changed.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from bench.scaling import report as scaling

import domain.chunk
import domain.decision
import domain.errors
import domain.job
import domain.orphan_work
import domain.removal_work
import ports.errors
from application.execution.tuning import Tuning
from domain.catalog import Seen
from domain.chunk import CHUNK_TRANSITIONS, ChunkStatus
from domain.decision import RULES, Ids, Rule, Standing
from domain.errors import DomainError
from domain.job import JOB_TRANSITIONS, JobStatus
from domain.machine import State, Table
from domain.next_steps import OTHER_CLASSES, next_step_of
from domain.orphan_work import ORPHAN_TRANSITIONS, OrphanStatus
from domain.packing import ChunkSizing
from domain.profile import CatalogProfile
from domain.removal_work import REMOVAL_TRANSITIONS, RemovalStatus
from domain.trigger_mark import History
from entrypoints.cli.stage.checks.checklist import CHECKS
from entrypoints.http.problems import ALL_KINDS
from entrypoints.http.routes import ROUTES
from entrypoints.settings import (
    CATALOG_DEFAULTS,
    REQUIRED,
    CatalogNames,
    catalog_variable,
    tuning_name,
)
from ports.errors import ExpectedError, Fatal, PortError, Retryable, Unknown
from ports.telemetry import MEANINGS, Metric
from tools.cli_docs import cli_reference

ROOT: Final = Path(__file__).resolve().parents[1]

_REGION: Final = re.compile(
    r"(?P<start><!-- generated: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end generated -->)",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(r"^    (\w+): (.+(?:\n        .+)*)", re.MULTILINE)

_REQUIRED_TEXTS: Final[Mapping[str, str]] = {
    "JOB_TABLE_NAME": "the table of jobs",
    "CHUNK_TABLE_NAME": "the table of chunks",
    "ERROR_TABLE_NAME": "the table of failures",
    "CONNECTOR_TABLE_NAME": "the table of connectors",
    "ASSETS_TABLE_NAME": "the catalog: the Asset Management System's table, which is only read;"
    " not needed with profile `none`",
    "RESULTS_BUCKET_NAME": "the bucket for manifests, chunk files, reports and outcomes",
    "PROCESSOR_QUEUE_URL": "the queue of chunk messages; any other queue that invokes the processor"
    " is taken for its dead-letter queue",
    "PROCESSOR_FUNCTION_ARN": "the function that S3 Batch Operations calls; its account is the one"
    " that batch jobs are made in",
    "ENGINE_FUNCTION_ARN": "the function that API and engine invoke to continue a job",
    "BATCH_OPERATIONS_ROLE_ARN": "the role that S3 Batch Operations assumes",
    "STATUS_TOPIC_ARN": "the topic for changes of a job's status",
    "INGEST_EVENT_BUS_NAME": "the event bus for objects that are ready to be ingested",
}


# Bases of the classes of errors, which are never raised themselves.
_ERROR_KINDS: Final = (PortError, Retryable, ExpectedError, Fatal, DomainError)


class UnknownRegion(Exception):
    """A document has a region that nothing generates."""


def state_machines() -> str:
    """Return docs/state-machines.md."""
    return "\n".join(
        [
            "# State machines",
            "",
            "Generated from the modules of `src/domain/` with the tables; do not edit.",
            "What is not in a table raises `IllegalTransition`.",
            "",
            "## Job",
            "",
            *_machine(domain.job, JOB_TRANSITIONS, JobStatus.INITIALIZING),
            "",
            "## Chunk",
            "",
            *_machine(domain.chunk, CHUNK_TRANSITIONS, ChunkStatus.PENDING),
            "",
            "## Removals",
            "",
            *_machine(domain.removal_work, REMOVAL_TRANSITIONS, RemovalStatus.WANTED),
            "",
            "## Orphans",
            "",
            *_machine(domain.orphan_work, ORPHAN_TRANSITIONS, OrphanStatus.WANTED),
            "",
        ]
    )


def decision_table() -> str:
    """Return docs/decision-table.md."""
    conditions = [
        ("the catalog", Standing),
        ("the record is about", Seen),
        ("our triggers", History),
        ("ids afterwards", Ids),
    ]
    return "\n".join(
        [
            "# Decision table",
            "",
            "Generated from `src/domain/decision.py`; do not edit.",
            "",
            (inspect.getdoc(domain.decision) or "").replace("`RULES`", "the one below"),
            "",
            *_table(
                (
                    "",
                    "the catalog",
                    "the record is about",
                    "taken",
                    "our triggers",
                    "tagged",
                    "decision",
                    "reason",
                    "ids afterwards",
                ),
                [_rule(number, rule) for number, rule in enumerate(RULES, start=1)],
            ),
            "",
            "An empty cell fits everything. *Taken*: the system takes files of this type.",
            "*Tagged*: the object carries an id.",
            *(
                line
                for title, kind in conditions
                for line in (
                    "",
                    f"## {title[0].upper()}{title[1:]}",
                    "",
                    *_table(("word", "meaning"), [(f"`{each.name}`", each.value) for each in kind]),
                )
            ),
            "",
        ]
    )


def _rule(number: int, rule: Rule) -> tuple[str, ...]:
    def named(values: Iterable[Any], kind: Iterable[Any]) -> str:
        chosen = set(values)
        return ", ".join(f"`{each.name}`" for each in kind if each in chosen)

    def shown(value: bool | None) -> str:
        return {True: "yes", False: "no", None: ""}[value]

    return (
        str(number),
        named(rule.standing, Standing),
        named(rule.seen, Seen),
        shown(rule.taken),
        named(rule.history, History),
        shown(rule.tagged),
        f"`{rule.decision}`",
        f"`{rule.reason}`",
        f"`{rule.ids.name}`",
    )


def _state_diagram(rows: Table[State], initial: State) -> str:
    """Return the table as the text of a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {initial}"]
    lines += [
        f"    {state} --> {following}: {event.__name__}"
        for state, row in rows.items()
        for event, following in row.items()
    ]
    lines += [f"    {state} --> [*]" for state, row in rows.items() if not row]
    return "\n".join(lines)


def _machine(module: ModuleType, rows: Table[State], initial: State) -> list[str]:
    moves = [
        (f"`{state}`", f"`{event.__name__}`", f"`{following}`", _summary(event))
        for state, row in rows.items()
        for event, following in row.items()
    ]
    last = [f"`{state}`" for state, row in rows.items() if not row]
    return [
        (module.__doc__ or "").strip(),
        "",
        "```mermaid",
        _state_diagram(rows, initial),
        "```",
        "",
        *_table(("in state", "on event", "becomes", "what happened"), moves),
        "",
        f"Nothing follows {', '.join(last)}.",
    ]


def _required() -> list[str]:
    # A name without a text fails here, so that none is documented by its name alone.
    rows = [(f"`{name}`", _REQUIRED_TEXTS[name]) for name in REQUIRED]
    return _table(("variable", "what it names"), rows)


def _catalog() -> list[str]:
    shown = (CatalogProfile.MEDIALAKE, CatalogProfile.GENERIC)

    def default(profile: CatalogProfile, name: str) -> str:
        value = getattr(CATALOG_DEFAULTS[profile], name)
        return f"`{value}`" if value else ""

    rows = [
        (f"`{catalog_variable(f.name)}`", *(default(profile, f.name) for profile in shown))
        for f in fields(CatalogNames)
    ]
    return _table(("variable", *(f"`{profile}`" for profile in shown)), rows)


def _policy() -> list[str]:
    texts = _attribute_texts(Tuning)
    rows = [
        (f"`{tuning_name(field.name)}`", _shown(getattr(Tuning(), field.name)), texts[field.name])
        for field in fields(Tuning)
        if field.name != "sizing"
    ]
    return _table(("variable", "default", "meaning"), rows)


def _sizing() -> list[str]:
    rows = [
        (f"`{tuning_name(field.name)}`", _shown(getattr(ChunkSizing(), field.name)))
        for field in fields(ChunkSizing)
    ]
    return _table(("variable", "default"), rows)


def _routes() -> list[str]:
    rows = [
        (
            f"`{route.method} {route.path}`",
            route.summary,
            str(route.status),
            ", ".join(f"`{kind.slug}`" for kind in route.problems),
        )
        for route in ROUTES
    ]
    return _table(("route", "what it does", "success", "problems of its own"), rows)


def _problems() -> list[str]:
    rows = [
        (
            f"`{kind.type}`",
            str(kind.status),
            kind.title,
            "" if kind.retry_after_s is None else f"after {kind.retry_after_s} s",
        )
        for kind in ALL_KINDS
    ]
    return _table(("`type`", "status", "title", "`retryable`"), rows)


_DOCUMENTS: Final[Mapping[str, Callable[[], str]]] = {
    "cli.md": cli_reference,
    "decision-table.md": decision_table,
    "state-machines.md": state_machines,
}


def _checklist() -> list[str]:
    rows = []
    for number, check in enumerate(CHECKS, start=1):
        command, expected = check.described()
        rows.append((str(number), check.title, f"`{command}`", expected))
    return _table(("", "what", "command", "what you should see"), rows)


def _scaling(make: Callable[[], str]) -> Callable[[], list[str]]:
    return lambda: make().rstrip("\n").split("\n")


def _error_classes() -> list[str]:
    rows = [
        (each.__name__, _retried(each), _meaning(each), next_step_of(each.__name__))
        for module, base in ((ports.errors, PortError), (domain.errors, DomainError))
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, base) and each not in _ERROR_KINDS
    ]
    rows += [(name, "no", text, next_step_of(name)) for name, text in OTHER_CLASSES.items()]
    head = ("class", "retried", "meaning", "next step")
    return _table(head, [(f"`{name}`", *texts) for name, *texts in rows])


def _retried(error: type[Exception]) -> str:
    if issubclass(error, Retryable):
        return "yes"
    return "a few times" if issubclass(error, Unknown) else "no"


def _meaning(documented: type) -> str:
    text = " ".join((documented.__doc__ or "").partition("\n\n")[0].split())
    return text.removesuffix(".")


def _metrics() -> list[str]:
    rows = [f"| `{metric}` | {MEANINGS[metric]} |" for metric in Metric]
    return ["| metric | counts |", "|---|---|", *rows]


_REGIONS: Final[Mapping[str, Callable[[], list[str]]]] = {
    "catalog": _catalog,
    "checklist": _checklist,
    "error-classes": _error_classes,
    "metrics": _metrics,
    "policy": _policy,
    "problems": _problems,
    "required": _required,
    "rates": _scaling(scaling.documented),
    "routes": _routes,
    "scaling-designs": _scaling(scaling.designs),
    "scaling-overlap": _scaling(scaling.overlap),
    "scaling-shared": _scaling(scaling.shared),
    "scaling-limits": _scaling(scaling.limits),
    "scaling-sizes": _scaling(scaling.sizes),
    "sizing": _sizing,
}


def regenerated(text: str) -> str:
    """Return a document with its regions as the code is now.

    Raises:
        UnknownRegion: nothing generates a region of this name.
    """

    def region(match: re.Match[str]) -> str:
        lines = _REGIONS.get(match["name"])
        if lines is None:
            raise UnknownRegion(
                f"nothing generates {match['name']!r}; known: {', '.join(_REGIONS)}"
            )
        return "\n".join([match["start"], *lines(), "", match["end"]])

    return _REGION.sub(region, text)


def stale(root: Path) -> dict[Path, str]:
    """Return the documents under `root` that are out of date, each with its new content."""
    folder = root / "docs"
    wanted = {folder / name: make() for name, make in _DOCUMENTS.items()}
    for path in sorted(folder.rglob("*.md")):
        if path not in wanted:
            wanted[path] = regenerated(path.read_text(encoding="utf-8"))
    return {
        path: text
        for path, text in wanted.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write the documents, or check them; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if it would")
    check = parser.parse_args(arguments).check
    found = stale(root)
    for path, text in found.items():
        name = path.relative_to(root)
        if check:
            print(f"{name} is out of date", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    if check and found:
        print(f"update it with: {_python(root)} -m tools.generate_docs", file=sys.stderr)
    return int(check and bool(found))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    ]


def _summary(event: type) -> str:
    return " ".join((inspect.getdoc(event) or "").partition("\n\n")[0].split())


def _attribute_texts(kind: type) -> dict[str, str]:
    """Return the texts under `Attributes:` in the class's docstring, by field."""
    section = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2]
    return {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(section)}


def _shown(value: Any) -> str:
    # An underscore reads as a comma would, and is what pydantic takes as well.
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:_}`" if isinstance(value, int) else f"`{value:_.15g}`"


def _python(root: Path) -> str:
    # Not resolved: a virtual environment's python is a link to another.
    python = Path(sys.executable)
    return str(python.relative_to(root)) if python.is_relative_to(root) else str(python)


if __name__ == "__main__":
    sys.exit(main())
