"""`asset-sync orphans`: records of the catalog whose objects do not exist."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Final

import typer

from domain.orphan_views import ROW_FIELDS
from domain.shown import shown
from domain.views import Json
from entrypoints.cli.remote.api_client import job_path
from entrypoints.cli.remote.connector_option import ConnectorOption, named
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.cli.terminal.cost_output import dollars_range, print_lines
from entrypoints.cli.terminal.output import (
    ERR,
    OUT,
    Format,
    orphans_line,
    print_json,
    print_table,
    printable,
)
from entrypoints.cli.terminal.report_output import Rows, RowsOption, print_csv

app = typer.Typer(help="Assets in the catalog that have no object.", no_args_is_help=True)

_PAGE_SIZE_MAX: Final = 100

JobArgument = Annotated[str, typer.Argument(help="Job id.")]


@app.command()
@remote_command
def plan(remote: Remote, job_id: JobArgument, connector: ConnectorOption = None) -> None:
    """Show what a search for orphans would cost; nothing is started."""
    found = remote.client.get(job_path(job_id, connector, "orphans", "plan"))
    if remote.output is Format.JSON:
        print_json(found)
        return
    OUT.print(_cost_of(found))
    print_lines(found["lines"], every=True)
    OUT.print(
        f"US dollars at list prices of {found['prices']['region']} of {found['prices']['date']}"
    )
    OUT.print(f"next: asset-sync orphans find {printable(job_id)}{named(connector)}")


@app.command()
@remote_command
def find(remote: Remote, job_id: JobArgument, connector: ConnectorOption = None) -> None:
    """Search the catalog for records whose objects do not exist; nothing is changed.

    What it will cost is shown before it is started.
    """
    try:
        ERR.print(_cost_of(remote.client.get(job_path(job_id, connector, "orphans", "plan"))))
    except ApiProblem as problem:
        # A stage of an earlier version has no plan, and the search itself says what it lacks.
        ERR.print(f"what it will cost is not known: {problem}")
    job = remote.client.post(job_path(job_id, connector, "orphans"))
    if remote.output is Format.JSON:
        print_json(job)
        return
    OUT.print(f"search {job['orphans']['number']} is {job['orphans']['status']}")
    OUT.print(f"next: asset-sync job {job['jobId']}, then asset-sync orphans list {job['jobId']}")


def _cost_of(plan: Json) -> str:
    """Return the cost of a search in a line."""
    return (
        f"the catalog has {plan['catalogRecords']:,} records ({plan['catalogBytes']:,} bytes): a"
        f" search costs about {dollars_range(plan['estimate'])}"
    )


@app.command("list")
@remote_command
def list_orphans(
    remote: Remote,
    job_id: JobArgument,
    connector: ConnectorOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of results.")] = 100,
    rows: RowsOption = Rows.TABLE,
) -> None:
    """List the orphans that the job's last search has found."""
    path, query = job_path(job_id, connector, "orphans"), {"limit": min(limit, _PAGE_SIZE_MAX)}
    found = islice(remote.client.pages(path, query), limit)
    if remote.output is Format.JSON or rows is Rows.JSON:
        print_json({"orphans": list(found)})
    elif rows is Rows.CSV:
        print_csv(ROW_FIELDS, found)
    else:
        print_table(
            ("OBJECT", "ASSET", "INVENTORY ID", "SIZE", "LAST MODIFIED"),
            (
                (
                    shown(row["objectKey"]),
                    row["assetId"],
                    row["inventoryId"],
                    row["size"],
                    row["lastModified"],
                )
                for row in found
            ),
            empty=lambda: _why_none(remote.client.get(job_path(job_id, connector))),
        )


def _why_none(job: Json) -> str:
    line = orphans_line(job["orphans"])
    return f"none: {line}" if line else f"no search yet: asset-sync orphans find {job['jobId']}"
