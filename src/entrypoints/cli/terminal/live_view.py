"""Jobs live on standard error: redrawn on a terminal, otherwise one line per change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from domain.job import TERMINAL, JobStatus
from domain.views import Json
from entrypoints.cli.terminal.job_progress import decisions_of, job_line
from entrypoints.cli.terminal.output import (
    ERR,
    printable,
    progress_line,
    report_trouble,
    show_key,
    warn,
)
from entrypoints.cli.terminal.wait_lines import wait_line, wait_words

_CAUSE_COUNT: Final = 5
_BAR_WIDTH: Final = 40

# What a job does in a status, in words.
PHASES: Final = {
    JobStatus.INITIALIZING: "listing the bucket",
    JobStatus.DISCOVERING: "deciding about objects",
    JobStatus.PROCESSING: "processing objects",
}


class _LiveView:
    """What both views have in common: the terminal, and trouble with the API."""

    def __init__(self) -> None:
        self._live = Live(console=ERR, transient=True, auto_refresh=False)
        self._shown: RenderableType = Text("")
        self._trouble: str | None = None

    def __enter__(self) -> Self:
        if ERR.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if ERR.is_terminal:
            self._live.stop()

    def trouble(self, cause: str | None) -> None:
        """Show that the API does not answer, or (None) that it does again."""
        self._trouble = cause
        if ERR.is_terminal:
            self._draw(self._shown)
        else:
            report_trouble(cause)

    def _draw(self, shown: RenderableType) -> None:
        self._shown = shown
        if self._trouble is None:
            self._live.update(shown, refresh=True)
        else:
            text = Text(f"waiting: {printable(self._trouble)}; the request is repeated", "yellow")
            self._live.update(Group(shown, text), refresh=True)


class JobView(_LiveView):
    """One job, with the causes of its failures."""

    def __init__(self) -> None:
        super().__init__()
        self._line = ""
        self._reason: str | None = None
        self._waits: str | None = None
        self._causes: set[str] = set()

    def show(self, job: Json, causes: Json | None) -> None:
        """Show the current state of the job."""
        found = [] if causes is None else causes["items"]
        if ERR.is_terminal:
            self._draw(_job_panel(job, found))
            return
        if job["statusReason"] and job["statusReason"] != self._reason:
            warn(f"{job['status']}:", job["statusReason"])
        self._reason = job["statusReason"]
        waits = wait_line(job)
        if waits and waits != self._waits:
            warn(f"{job['status']}:", f"waits for {waits}")
        self._waits = waits
        if (line := job_line(job)) != self._line:
            ERR.print(line)
            self._line = line
        for cause in found:
            if cause["causeId"] not in self._causes:
                warn("failing:", _cause_line(cause))
                self._causes.add(cause["causeId"])


class JobsView(_LiveView):
    """Several jobs as a table."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[str, str] = {}
        self._quiet = False

    def show(self, jobs: Sequence[Json]) -> None:
        """Show the current state of the jobs."""
        if ERR.is_terminal:
            self._draw(_jobs_table(jobs) if jobs else Text("no active jobs (Ctrl-C ends)"))
            return
        if not jobs and not self._quiet:
            ERR.print("no active jobs")
        self._quiet = not jobs
        for job in jobs:
            line = f"{job['jobId']}  {printable(job['connectorId'])}  {job_line(job)}"
            if words := wait_words(job):
                line += f"  waits for {printable(words)}"
            if line != self._lines.get(job["jobId"]):
                ERR.print(line)
                self._lines[job["jobId"]] = line
            if job["status"] in TERMINAL:
                del self._lines[job["jobId"]]


def _job_panel(job: Json, causes: Sequence[Json]) -> RenderableType:
    chunks, status = job["chunks"], job["status"]
    phase = PHASES.get(status)
    title = f"{job['jobId']}  {status}" + (f": {phase}" if phase else "")
    lines = [
        ("connector", f"{job['connectorId']}  bucket {job['bucketName']}"),
        ("reason", job["statusReason"]),
        ("waits for", wait_line(job)),
        ("listed", f"{job['statistics']['objectsListed']:,} objects"),
        ("objects", decisions_of(job)),
        (
            "chunks",
            f"{chunks['completed']:,} of {chunks['total']:,} done, {chunks['failed']:,} failed",
        ),
        ("progress", progress_line(job["progress"])),
    ]
    text = Text(title, "bold")
    for name, value in lines:
        if value:
            text.append(f"\n{name:<10} ", "bold").append(printable(value), "not bold")
    bar = ProgressBar(total=100, completed=job["progress"]["percent"], width=_BAR_WIDTH)
    failing = Text("\n").join(Text(_cause_line(each), "red") for each in causes[:_CAUSE_COUNT])
    more = len(causes) - _CAUSE_COUNT
    rest = [Text(f"and {more:,} more causes: asset-sync errors {job['jobId']} --group cause")]
    return Group(text, bar, failing, *(rest if more > 0 else []))


def _cause_line(cause: Json) -> str:
    key = next(iter(cause["sampleKeys"]), None)
    of = f" of {show_key(key)}" if key is not None else ""
    example = printable(cause["example"])
    count = cause["failureCount"]
    return f"{count:,}x {cause['errorClass']}{of}: {example}; next: {cause['nextStep']}"


def _jobs_table(jobs: Sequence[Json]) -> Table:
    columns = ("JOB", "CONNECTOR", "STATUS", "LISTED", "PROGRESS", "OBJECTS", "WAITS FOR")
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for job in jobs:
        table.add_row(
            job["jobId"],
            Text(printable(job["connectorId"])),
            job["status"],
            f"{job['statistics']['objectsListed']:,}",
            progress_line(job["progress"]),
            decisions_of(job),
            Text(printable(wait_words(job))),
        )
    return table
