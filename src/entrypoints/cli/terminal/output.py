"""The output of commands: human-readable tables, or one JSON document.

Results go to standard output, progress and errors to standard error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from functools import wraps
from typing import Annotated, ParamSpec

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from domain.shown import one_line, shown
from domain.views import Json
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.cli.terminal.wait_lines import wait_line
from entrypoints.figures import dollars, duration

Parameters = ParamSpec("Parameters")

# The output contains keys and paths: `[bold]` and `:smile:` in them are not markup.
OUT = Console(soft_wrap=True, highlight=False, emoji=False, markup=False)
ERR = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False, markup=False)


_PIPE_CHARS = 10_000


class Format(StrEnum):
    """Forms of output."""

    HUMAN = "human"
    JSON = "json"


OutputOption = Annotated[
    Format, typer.Option("--output", "-o", help="Human-readable, or one JSON document.")
]


def print_json(document: object) -> None:
    """Print one document in ASCII, so that every object key can be printed and parsed."""
    OUT.print(json.dumps(document, indent=2))


def print_unreadable(record: Json) -> None:
    """Print on standard error a record that the service could not read."""
    warn("unreadable:", f"{record['id']}: {record['cause']}")


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    empty: str | Callable[[], str] = "none",
) -> None:
    """Print rows under headings, or the text `empty` if there are none."""
    headings = (Column(name, overflow="fold") for name in columns)
    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    count = 0
    for row in rows:
        table.add_row(*(Text(printable(value)) for value in row))
        count += 1
    # A program that reads a pipe needs complete ids and keys, however long the line.
    console = OUT if OUT.is_terminal else Console(file=OUT.file, width=_PIPE_CHARS)
    if count:
        console.print(table)
    else:
        OUT.print(printable(empty if isinstance(empty, str) else empty()))


def printable(value: object) -> str:
    """Return a value as one line of text, empty for None; use `shown` for a key."""
    return "" if value is None else one_line(str(value))


def show_key(key: str | None) -> str:
    """Return a key as printable text, empty if the record has none."""
    return "" if key is None else shown(key)


def heading(text: str) -> None:
    """Print the title of a section."""
    OUT.print(f"\n{text}", style="bold underline")


def field(name: str, value: object, *, width: int) -> None:
    """Print a name and its value."""
    OUT.print(Text.assemble((f"{name:<{width}}", "bold"), " ", printable(value)))


def fail(text: object) -> None:
    """Print an error on standard error."""
    _labelled("error:", "red", text)


def warn(label: str, text: object) -> None:
    """Print a warning on standard error."""
    _labelled(label, "yellow", text)


def report_trouble(cause: str | None) -> None:
    """Print on standard error that the API does not answer for a time, or does again."""
    if cause is None:
        ERR.print("the API answers again")
    else:
        warn("waiting:", f"{cause}; the request is repeated")


def _labelled(label: str, style: str, text: object) -> None:
    ERR.print(Text.assemble((label, style), " ", printable(text)))


# Counts that are printed even if they are 0; the others only if they are not.
_ALWAYS = ("skipped", "copied", "put", "archived", "gone", "failed")
_COUNTS = (
    ("skipped", "skipped"),
    ("copied", "copied"),
    ("put", "put"),
    ("ingesting", "ingesting"),
    ("notTaken", "not taken"),
    ("notMedia", "not media"),
    ("archived", "archived"),
    ("gone", "gone"),
    ("failed", "failed"),
)


def _not_media(count: int) -> str:
    return f", {count:,} not media" if count else ""


def summary_of(job: Json, options: str = "") -> str | None:
    """Return what to know about an ended job in addition to its counts, with the next step.

    `options` are those of the next command.
    """
    statistics, job_id = job["statistics"], job["jobId"]
    if statistics["failed"]:
        return f"next: asset-sync errors {job_id} --group cause{options}"
    parts = []
    if statistics["ingesting"]:
        parts.append(
            f"{statistics['ingesting']:,} were triggered earlier and are still pending; sync later"
        )
    if statistics["notTaken"]:
        parts.append(
            f"{statistics['notTaken']:,} were triggered and not taken: asset-sync outcomes {job_id}"
            f" --outcome NOT_TAKEN{options}"
        )
    if not parts:
        return None
    written = statistics["copied"] + statistics["put"] + statistics["tagsRestored"]
    lead = "" if written else "nothing was written; "
    return lead + "; ".join(parts)


def print_job(job: Json) -> None:
    """Print one job as lines."""
    statistics, chunks, progress = job["statistics"], job["chunks"], job["progress"]
    decisions = "  ".join(
        f"{text} {statistics[name]:,}"
        for name, text in _COUNTS
        if statistics[name] or name in _ALWAYS
    )
    lines = [
        ("job", f"{job['jobId']}  {job['status']}" + ("  (dry run)" if job["dryRun"] else "")),
        ("waits for", wait_line(job)),
        ("reason", job["statusReason"]),
        *(("warning", warning) for warning in job["warnings"]),
        ("connector", f"{job['connectorId']}  bucket {job['bucketName']}"),
        ("prefixes", ", ".join(map(shown, job["prefixes"])) or "(whole bucket)"),
        (
            "listed",
            (
                f"{statistics['objectsListed']:,} objects, {statistics['bytesListed']:,} bytes,"
                f" {statistics['objectsFiltered']:,} filtered out"
                f"{_not_media(statistics['objectsNotMedia'])}"
            ),
        ),
        ("objects", decisions),
        (
            "chunks",
            f"{chunks['completed']:,} of {chunks['total']:,} done, {chunks['failed']:,} failed",
        ),
        ("progress", progress_line(progress)),
        ("time", _time_line(job)),
        ("limits", limits_line(job.get("limits"))),
        ("removals", removals_line(job.get("removals"))),
        ("orphans", orphans_line(job.get("orphans"))),
        ("estimate", _estimate_line(job.get("estimate"))),
        ("cost", _cost_line(job.get("actual"))),
    ]
    for name, value in lines:
        if value:
            field(name, value, width=10)


def pause_line(pause: Json) -> str:
    """Return since when, by whom and why all jobs are paused, as one line."""
    by = f" by {pause['by']}" if pause["by"] else ""
    reason = f": {pause['reason']}" if pause["reason"] else ""
    return f"paused since {pause['since']}{by}{reason}"


def limits_line(limits: Json | None) -> str | None:
    """Return a connector's limits as one line; None if there are none."""
    if limits is None:
        return None
    parts = []
    if limits["concurrency"] is not None:
        parts.append(f"{limits['concurrency']:,} chunks at once")
    if limits["objectsPerSecond"] is not None:
        parts.append(f"{limits['objectsPerSecond']:,g} objects/s")
    parts += [
        f"{','.join(window['days'])} {window['from']}-{window['to']} {limits['timeZone']}"
        for window in limits["windows"]
    ]
    return "; ".join(parts)


def _estimate_line(estimate: Json | None) -> str | None:
    if estimate is None:
        return None
    allowed = estimate["maxCost"]
    upper = f", at most {dollars(estimate['dollarsHigh'])}" if allowed is not None else ""
    return f"{dollars(estimate['dollars'])}{upper}, {estimate['requests']:,} requests"


_UNDER_WAY = {
    "WANTED": "it begins when the job has its index, some minutes after the end",
    "SCANNING": "the catalog is read",
    "COMPARING": "keys are compared",
    "CHECKING": "what is missing is looked for once more",
}


def _state(work: Json) -> str:
    """Return the state of a comparison or a search, with the reason or what is done now."""
    why = work["reason"] or _UNDER_WAY.get(work["status"])
    return f"{work['status']}: {why}" if why else str(work["status"])


def removals_line(removals: Json | None) -> str | None:
    """Return the state and the counts of a comparison; None if there is none."""
    if removals is None:
        return None
    if removals["status"] != "DONE" or removals["reason"]:
        return _state(removals)
    parts = [f"{removals['removed']:,} removed", f"{removals['moved']:,} moved"]
    if removals["announced"]:
        parts.append(f"{removals['announced']:,} announced")
    return f"{', '.join(parts)}, since {removals['baselineJobId']}"


def orphans_line(orphans: Json | None) -> str | None:
    """Return the state and the counts of a search; None if there is none."""
    if orphans is None:
        return None
    if orphans["status"] != "DONE":
        return _state(orphans)
    return f"{orphans['orphans']:,} of {orphans['recordsInScope']:,} records have no object"


def _cost_line(actual: Json | None) -> str | None:
    if actual is None:
        return None
    return f"{dollars(actual['dollars'])} at list prices, {actual['requests']:,} requests"


def _time_line(job: Json) -> str:
    lead = f"created {job['createdAt']}"
    ended_at = job.get("endedAt")
    if ended_at is None:
        return lead
    took = datetime.fromisoformat(ended_at) - datetime.fromisoformat(job["createdAt"])
    return f"{lead}, ended {ended_at}, after {duration(took.total_seconds())}"


def print_explanation(found: Json) -> None:
    """Print the outcome of one object."""
    field("object", shown(found["objectKey"]), width=12)
    outcome = found["outcome"]
    if outcome is None:
        states = ", ".join(f"chunk {c['chunkIndex']} is {c['status']}" for c in found["chunks"])
        OUT.print(f"no outcome yet: {states or 'the job is still being split into chunks'}")
        return
    for name, value in outcome.items():
        if value is not None and name not in ("key", "jobId", "tags"):
            field(name, value, width=12)
    for when, tags in (outcome.get("tags") or {}).items():
        field(f"tags {when}", tags_line(tags), width=12)


def tags_line(tags: Json) -> str:
    """Return tags as one line."""
    return ", ".join(f"{name}={value}" for name, value in sorted(tags.items())) or "none"


def progress_line(progress: Json) -> str:
    """Return percent, rate and remaining time, as far as known."""
    rate, eta = progress["objectsPerSecond"], progress["etaSeconds"]
    parts = [f"{progress['percent']} %"]
    if rate is not None:
        parts.append(f"{rate:,.1f} objects/s")
    if eta:
        parts.append(f"about {eta:,.0f} s left")
    return ", ".join(parts)


def reporting_problems(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Convert an ApiProblem to a message (or the problem document) and exit status 1."""

    @wraps(command)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ApiProblem as error:
            if kwargs.get("output") is Format.JSON:
                print_json(error.problem)
            fail(error)
            for line in error.more:
                ERR.print(f"  {printable(line)}")
            raise typer.Exit(1) from None

    return wrapped
