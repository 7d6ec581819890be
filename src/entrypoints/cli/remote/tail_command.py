"""`asset-sync tail`: changes of jobs, and failures, as they happen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Annotated, Final

import typer

from domain.job import TERMINAL, JobStatus
from domain.views import Json
from entrypoints.cli.remote.api_client import job_path
from entrypoints.cli.remote.connector_option import ConnectorOption
from entrypoints.cli.remote.job_feed import FailureFeed, JobFeed
from entrypoints.cli.remote.patient_reads import PatientReads
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.terminal.job_progress import job_line
from entrypoints.cli.terminal.output import OUT, Format, printable, report_trouble, show_key

IntervalOption = Annotated[
    float, typer.Option(min=1, max=300, help="Seconds between two requests for changes.")
]
_CHANGES: Final = ("status", "statusReason", "statistics", "chunks")


@remote_command
def tail(
    remote: Remote,
    job_id: Annotated[
        str | None, typer.Argument(help="Job id; all active jobs and new ones if omitted.")
    ] = None,
    connector: ConnectorOption = None,
    interval: IntervalOption = 2.0,
) -> None:
    """Print changes of jobs, and failures, as they happen; of one job until it ends."""
    reads = PatientReads(remote.client, report_trouble)
    feed = JobFeed(reads, connector)
    changes = Changes(reads, connector)
    while True:
        found = feed.poll() if job_id is None else [reads.get(job_path(job_id, connector))]
        for job in reversed(found):
            for event in changes.of(job):
                _print(remote.output, event)
            if job_id is not None and job["status"] in TERMINAL:
                raise typer.Exit(int(job["status"] != JobStatus.COMPLETED))
        time.sleep(interval)


class Changes:
    """What changed in jobs since they were last seen."""

    def __init__(self, reads: PatientReads, connector_id: str | None) -> None:
        self._reads = reads
        self._connector_id = connector_id
        self._last: dict[str, Json] = {}
        self._failures: dict[str, FailureFeed] = {}

    def of(self, job: Json) -> Iterator[Json]:
        """Yield the events of a job: its failures, and then the job if it changed."""
        job_id = job["jobId"]
        if job_id not in self._failures:
            path = job_path(job_id, self._connector_id, "errors")
            self._failures[job_id] = FailureFeed(self._reads, path)
        failures = self._failures[job_id]
        was_complete = failures.complete
        for failure in failures.poll(job):
            yield {"event": "failure", "failure": failure}
        if was_complete and not failures.complete:
            yield {"event": "moreFailures", "jobId": job_id}
        last = self._last.get(job_id)
        if last is None or any(job[name] != last[name] for name in _CHANGES):
            yield {"event": "job", "previousStatus": last and last["status"], "job": job}
        self._last[job_id] = job
        if job["status"] in TERMINAL:
            del self._last[job_id], self._failures[job_id]


def _print(output: Format, event: Json) -> None:
    if output is Format.JSON:
        OUT.print(json.dumps(event))
    elif event["event"] == "job":
        job = event["job"]
        reason = f"  {job['statusReason']}" if job["statusReason"] else ""
        text = f"{job['jobId']}  {job['connectorId']}  {job_line(job)}{reason}"
        OUT.print(f"{job['updatedAt']}  {printable(text)}")
    elif event["event"] == "failure":
        failure = event["failure"]
        key = f"{show_key(failure['objectKey'])}: " if failure["objectKey"] is not None else ""
        text = f"{failure['jobId']}  {failure['errorClass']}  {key}{failure['message']}"
        OUT.print(f"{failure['occurredAt']}  {printable(text)}")
    else:
        OUT.print(
            f"{event['jobId']} has more failures than are shown here:"
            f" asset-sync errors {event['jobId']} --group cause"
        )
