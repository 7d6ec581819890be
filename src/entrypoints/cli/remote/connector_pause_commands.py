"""The commands `connectors pause` and `connectors resume`: a connector with all of its jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

import typer

from domain.connector import ConnectorStatus
from domain.job import TERMINAL, JobStatus
from domain.views import Json
from entrypoints.cli.remote.api_client import connector_path, job_path, jobs_path
from entrypoints.cli.remote.connector_change_commands import unchecked
from entrypoints.cli.remote.connector_option import ConnectorArgument
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.cli.terminal.output import OUT, Format, print_json, printable
from entrypoints.cli.terminal.wait_lines import wait_line

_PAGE_SIZE: Final = 100
_NOT_PAUSABLE: Final = "/problems/not-pausable"


@remote_command
def pause(
    remote: Remote,
    connector: ConnectorArgument,
    reason: Annotated[str | None, typer.Option(help="Why, for those who look at it later.")] = None,
) -> None:
    """Disable a connector and pause its active jobs; the jobs of others go on."""
    # Disabled first: a job that starts in between would not be paused.
    changed = _set(remote, connector, ConnectorStatus.DISABLED)
    body: Json = {"reason": reason} if reason else {}
    jobs = []
    for job in _active(remote, connector):
        path = job_path(job["jobId"], connector, "pause")
        try:
            jobs.append(remote.client.post(path, body))
        except ApiProblem as error:
            if error.problem.get("type") != _NOT_PAUSABLE:
                raise
            # It has ended, or is ending.
    _print(remote, changed, jobs)


@remote_command
def resume(remote: Remote, connector: ConnectorArgument) -> None:
    """Enable a connector and resume those of its jobs that are paused."""
    changed = _set(remote, connector, ConnectorStatus.ENABLED)
    jobs = [
        remote.client.post(job_path(job["jobId"], connector, "resume"))
        for job in _active(remote, connector)
        if job["hold"]
    ]
    _print(remote, changed, jobs)


def _set(remote: Remote, connector: str, status: ConnectorStatus) -> Json:
    path = connector_path(connector) + unchecked(no_check=True)
    changed, _ = remote.client.patch(path, {"status": status.value})
    return changed


def _active(remote: Remote, connector: str) -> Iterator[Json]:
    for status in JobStatus:
        if status not in TERMINAL:
            query = {"status": status.value, "limit": _PAGE_SIZE}
            yield from list(remote.client.pages(jobs_path(connector), query))


def _print(remote: Remote, connector: Json, jobs: list[Json]) -> None:
    if remote.output is Format.JSON:
        print_json({"connector": connector, "jobs": jobs})
        return
    OUT.print(f"connector {printable(connector['connectorId'])} is {connector['status']}")
    for job in jobs:
        waits = wait_line(job)
        held = f"waits for {waits}" if waits else "is not held"
        OUT.print(f"{printable(job['jobId'])} {printable(held)}")
