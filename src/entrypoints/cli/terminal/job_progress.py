"""Showing a job while it runs: percent, rate, time left, counts by decision."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from domain.job import TERMINAL
from entrypoints.cli.terminal.output import ERR, progress_line, warn

Json = dict[str, Any]


class JobProgress:
    """A line on standard error that is drawn anew; without a terminal, one line per change."""

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

    def __enter__(self) -> Self:
        if ERR.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if ERR.is_terminal:
            self._progress.stop()

    def show(self, job: Json) -> None:
        """Draw the job as it is now; a reason that it gives while it runs stays on the screen."""
        reason = job["statusReason"] if job["status"] not in TERMINAL else self._reason
        if reason and reason != self._reason:
            warn(f"{job['status']}:", reason)
        self._reason = reason
        statistics = job["statistics"]
        counts = "  ".join(
            f"{name} {statistics[field]:,}"
            for name, field in (
                ("SKIP", "skipped"),
                ("COPY", "copied"),
                ("PUT", "put"),
                ("failed", "failed"),
            )
            if statistics[field]
        )
        line = f"{progress_line(job['progress'])}  {counts}".rstrip()
        if not ERR.is_terminal:
            text = f"{job['status']}  {statistics['objectsListed']:,} listed  {line}"
            if text != self._last:
                ERR.print(text)
                self._last = text
            return
        if self._task is None:
            self._task = self._progress.add_task("", total=100, line="")
        self._progress.update(
            self._task, description=job["status"], completed=job["progress"]["percent"], line=line
        )
