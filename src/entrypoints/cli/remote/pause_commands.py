"""Commands that pause and resume: one job, or all jobs of a stage."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.shown import shown
from domain.views import Json
from entrypoints.cli.remote.api_client import job_path
from entrypoints.cli.remote.connector_option import ConnectorOption
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.terminal.output import OUT, Format, pause_line, print_job, print_json

JobArgument = Annotated[str | None, typer.Argument(help="Job id; or --all.", show_default=False)]
AllOption = Annotated[
    bool, typer.Option("--all", help="All jobs of the stage, also those started later.")
]


@remote_command
def pause(
    remote: Remote,
    job_id: JobArgument = None,
    everything: AllOption = False,
    connector: ConnectorOption = None,
    reason: Annotated[str | None, typer.Option(help="Why, for those who look at it later.")] = None,
) -> None:
    """Pause a job, or all: within seconds nothing new is started; nothing is lost."""
    body: Json = {"reason": reason} if reason else {}
    if _is_all(job_id, everything):
        _show_stage(remote, remote.client.post("/stage/pause", body))
    else:
        _show(remote, remote.client.post(job_path(job_id or "", connector, "pause"), body))


@remote_command
def resume(
    remote: Remote,
    job_id: JobArgument = None,
    everything: AllOption = False,
    connector: ConnectorOption = None,
) -> None:
    """Resume a job that was paused, or end the pause of all."""
    if _is_all(job_id, everything):
        _show_stage(remote, remote.client.post("/stage/resume"))
        return
    job = remote.client.post(job_path(job_id or "", connector, "resume"))
    _show(remote, job)
    if remote.output is Format.HUMAN and job["hold"]:
        OUT.print("the stage is paused: asset-sync resume --all ends that")


def _is_all(job_id: str | None, everything: bool) -> bool:
    if (job_id is None) is not everything:
        raise typer.BadParameter("give a job id, or --all", param_hint="JOB_ID")
    return everything


def _show(remote: Remote, job: Json) -> None:
    if remote.output is Format.JSON:
        print_json(job)
    else:
        print_job(job)


def _show_stage(remote: Remote, stage: Json) -> None:
    if remote.output is Format.JSON:
        print_json(stage)
    elif stage["pause"] is None:
        OUT.print("the stage is not paused")
    else:
        OUT.print(f"the stage is {shown(pause_line(stage['pause']))}")
