"""The command that triggers chosen objects again: those that the system does not take."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Final

import typer

from domain.outcome import OutcomeKind
from domain.shown import shown
from domain.views import Json
from entrypoints.chosen_objects import KEY_COUNT_MAX, retrigger_body
from entrypoints.cli.remote.api_client import connector_path, job_path
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.terminal.output import OUT, Format, print_job, print_json

_WAITING: Final = (OutcomeKind.NOT_TAKEN, OutcomeKind.INGESTING)


@remote_command
def retrigger(
    remote: Remote,
    connector: Annotated[str, typer.Argument(help="Connector id.")],
    key: Annotated[
        list[str] | None, typer.Option(help="An object's key, not encoded; repeatable.")
    ] = None,
    not_taken: Annotated[
        str | None,
        typer.Option(metavar="JOB", help="The objects that are NOT_TAKEN in this job."),
    ] = None,
    ingesting: Annotated[
        str | None,
        typer.Option(metavar="JOB", help="The objects that are INGESTING in this job."),
    ] = None,
) -> None:
    """Trigger chosen objects again, whatever was triggered before; others are not looked at."""
    keys = list(key or ())
    for job_id, outcome in zip((not_taken, ingesting), _WAITING, strict=True):
        if job_id is not None:
            keys += _keys_of(remote, connector, job_id, outcome)
    chosen = sorted(set(keys))
    if not chosen:
        raise typer.BadParameter("no objects are chosen", param_hint="--key")
    if folders := [each for each in chosen if each.endswith("/")]:
        message = f"{shown(folders[0])} is a folder; a sync with --prefix is about all below it"
        raise typer.BadParameter(message, param_hint="--key")
    if len(chosen) > KEY_COUNT_MAX:
        raise typer.BadParameter(
            f"more than {KEY_COUNT_MAX} objects are chosen; all of a connector are triggered again"
            f" by: asset-sync sync {connector} --retrigger",
            param_hint="--key",
        )
    job = remote.client.post(connector_path(connector, "sync"), retrigger_body(chosen))
    if remote.output is Format.JSON:
        print_json(job)
    else:
        print_job(job)
        OUT.print(f"next: asset-sync job {job['jobId']} --wait")


def _keys_of(remote: Remote, connector: str, job_id: str, outcome: OutcomeKind) -> list[str]:
    query = {"outcome": outcome.value, "limit": KEY_COUNT_MAX}
    pages = remote.client.pages(job_path(job_id, connector, "outcomes"), query)
    found: list[Json] = list(islice(pages, KEY_COUNT_MAX + 1))
    return [each["objectKey"] for each in found]
