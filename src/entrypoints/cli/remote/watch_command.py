"""`asset-sync watch`: one job live until it ends, or the active jobs until Ctrl-C."""

from __future__ import annotations

import time
from typing import Annotated, Final

import typer

from domain.job import TERMINAL, JobStatus
from domain.views import Json
from entrypoints.cli.remote.api_client import job_path
from entrypoints.cli.remote.connector_option import ConnectorOption, named
from entrypoints.cli.remote.job_feed import JobFeed
from entrypoints.cli.remote.patient_reads import PatientReads
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.remote.tail_command import IntervalOption
from entrypoints.cli.terminal.live_view import JobsView, JobView
from entrypoints.cli.terminal.output import OUT, Format, print_job, print_json, summary_of

# Causes are read less often than the job: each request reads up to thousands of records.
_CAUSES_AFTER_S: Final = 10.0


@remote_command
def watch(
    remote: Remote,
    job_id: Annotated[
        str | None, typer.Argument(help="Job id; all active jobs if omitted.")
    ] = None,
    connector: ConnectorOption = None,
    interval: IntervalOption = 2.0,
) -> None:
    """Show a job live until it ends: phase, progress, rate, decisions, errors by cause."""
    if job_id is not None:
        _watch_job(remote, job_id, connector, interval)
    if remote.output is Format.JSON:
        raise typer.BadParameter(
            "needs a job; `asset-sync tail --output json` prints the changes of all",
            param_hint="--output",
        )
    _watch_jobs(remote, connector, interval)


def _watch_job(remote: Remote, job_id: str, connector: str | None, interval: float) -> None:
    with JobView() as view:
        reads = PatientReads(remote.client, view.trouble)
        causes: Json | None = None
        read_at, counted = float("-inf"), None
        while True:
            job = reads.get(job_path(job_id, connector))
            failed = (job["statistics"]["failed"], job["chunks"]["failed"])
            ended = job["status"] in TERMINAL
            due = ended or time.monotonic() - read_at >= _CAUSES_AFTER_S
            if failed != (0, 0) and due and failed != counted:
                causes = reads.get(job_path(job_id, connector, "causes"))
                read_at, counted = time.monotonic(), failed
            view.show(job, causes)
            if ended:
                break
            time.sleep(interval)
    if remote.output is Format.JSON:
        print_json(job)
    else:
        print_job(job)
        if (summary := summary_of(job, named(connector))) is not None:
            OUT.print(summary)
    raise typer.Exit(int(job["status"] != JobStatus.COMPLETED))


def _watch_jobs(remote: Remote, connector: str | None, interval: float) -> None:
    with JobsView() as view:
        reads = PatientReads(remote.client, view.trouble)
        feed = JobFeed(reads, connector)
        while True:
            view.show(feed.poll())
            time.sleep(interval)
