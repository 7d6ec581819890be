"""`asset-sync removals`: what a sync no longer saw, and the confirmation of it."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Final

import typer

from domain.removal_rows import RemovalState
from domain.removal_views import ROW_FIELDS
from domain.shown import shown
from domain.views import Json
from entrypoints.cli.remote.api_client import job_path
from entrypoints.cli.remote.connector_option import ConnectorOption
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.terminal.output import (
    OUT,
    Format,
    print_json,
    print_table,
    removals_line,
    show_key,
)
from entrypoints.cli.terminal.report_output import Rows, RowsOption, print_csv

app = typer.Typer(help="Objects that are gone since the sync before.", no_args_is_help=True)

_PAGE_SIZE_MAX: Final = 100

JobArgument = Annotated[str, typer.Argument(help="Job id.")]


@app.command("list")
@remote_command
def list_removals(
    remote: Remote,
    job_id: JobArgument,
    connector: ConnectorOption = None,
    state: Annotated[
        RemovalState | None, typer.Option(help="Only objects of which this became.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of results.")] = 100,
    rows: RowsOption = Rows.TABLE,
) -> None:
    """List the objects that the sync before saw and this one did not."""
    query = {"state": state.value if state else None, "limit": min(limit, _PAGE_SIZE_MAX)}
    found = islice(remote.client.pages(job_path(job_id, connector, "removals"), query), limit)
    if remote.output is Format.JSON or rows is Rows.JSON:
        print_json({"removals": list(found)})
    elif rows is Rows.CSV:
        print_csv(ROW_FIELDS, found)
    else:
        print_table(
            ("OBJECT", "BECAME", "NEW KEY", "ASSET", "LAST SEEN IN"),
            (
                (
                    shown(row["objectKey"]),
                    row["state"],
                    show_key(row["newObjectKey"]),
                    row["assetId"],
                    row["lastSeenJobId"],
                )
                for row in found
            ),
            empty=lambda: _why_none(remote.client.get(job_path(job_id, connector)), state),
        )


@app.command()
@remote_command
def confirm(
    remote: Remote,
    job_id: JobArgument,
    connector: ConnectorOption = None,
    missing: Annotated[
        int | None,
        typer.Option(min=0, help="How many missing objects are confirmed; asked for without it."),
    ] = None,
) -> None:
    """Confirm missing objects that the guard has stopped, so that they are announced."""
    if missing is None:
        missing = _asked(remote, job_id, connector)
    job = remote.client.post(job_path(job_id, connector, "removals/confirm"), {"missing": missing})
    if remote.output is Format.JSON:
        print_json(job)
        return
    removals = job["removals"]
    OUT.print(
        f"{removals['missing']:,} missing objects are confirmed; each is looked for once more"
        " before it is announced"
    )
    OUT.print(f"next: asset-sync job {job['jobId']}")


def _asked(remote: Remote, job_id: str, connector: str | None) -> int:
    """Return the number that the user confirms after seeing why the guard stopped."""
    removals = remote.client.get(job_path(job_id, connector))["removals"] or {"missing": 0}
    text = (
        f"{removals.get('reason') or 'nothing was stopped'}. Announce"
        f" {removals['missing']:,} objects as removed?"
    )
    typer.confirm(text, abort=True, err=True)
    count: int = removals["missing"]
    return count


def _why_none(job: Json, state: RemovalState | None) -> str:
    line = removals_line(job["removals"])
    if line is None:
        return (
            "no report: the connector had no `removals` when the sync began, or the sync was not"
            " of all that the connector is about"
        )
    return f"none{f' is {state.value}' if state else ''}: {line}"
