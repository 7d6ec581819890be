"""The progress of a running job: percent, rate, remaining time, counts by decision."""

from __future__ import annotations

from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from domain.job import TERMINAL
from domain.views import Json
from entrypoints.cli.terminal.output import ERR, progress_line, warn
from entrypoints.cli.terminal.wait_lines import wait_line


class JobProgress:
    """A line on standard error that is redrawn; without a terminal, one line per change."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[line]}"),
            TimeElapsedColumn(),
            console=ERR,
            transient=True,
        )
        self._task: TaskID | None = None
        self._last = ""
        self._reason: str | None = None
        self._waits: str | None = None

    def __enter__(self) -> Self:
        if ERR.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if ERR.is_terminal:
            self._progress.stop()

    def show(self, job: Json) -> None:
        """Show the current state of the job; a status reason is printed once and stays visible."""
        reason = job["statusReason"] if job["status"] not in TERMINAL else self._reason
        if reason and reason != self._reason:
            warn(f"{job['status']}:", reason)
        self._reason = reason
        waits = wait_line(job)
        if waits and waits != self._waits:
            warn(f"{job['status']}:", f"waits for {waits}")
        self._waits = waits
        if not ERR.is_terminal:
            text = job_line(job)
            if text != self._last:
                ERR.print(text)
                self._last = text
            return
        if self._task is None:
            self._task = self._progress.add_task("", total=100, line="")
        self._progress.update(
            self._task,
            description=job["status"],
            completed=job["progress"]["percent"],
            line=_numbers(job),
        )


def decisions_of(job: Json) -> str:
    """Return the counts of decisions and failures that are not 0."""
    return "  ".join(
        f"{name} {job['statistics'][field]:,}"
        for name, field in (
            ("SKIP", "skipped"),
            ("COPY", "copied"),
            ("PUT", "put"),
            ("failed", "failed"),
        )
        if job["statistics"][field]
    )


def job_line(job: Json) -> str:
    """Return the state of a job as one line, for output that is not a terminal."""
    return f"{job['status']}  {job['statistics']['objectsListed']:,} listed  {_numbers(job)}"


def _numbers(job: Json) -> str:
    return f"{progress_line(job['progress'])}  {decisions_of(job)}".rstrip()
