"""`asset-sync orphans`: records of the catalog whose objects do not exist."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import Annotated, Final

import typer

from domain.shown import shown
from domain.views import Json
from entrypoints.cli.remote.api_client import job_path
from entrypoints.cli.remote.connector_option import ConnectorOption
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.remote.removal_commands import Rows
from entrypoints.cli.terminal.output import OUT, Format, orphans_line, print_json, print_table

app = typer.Typer(help="Assets in the catalog that have no object.", no_args_is_help=True)

_PAGE_SIZE_MAX: Final = 100
_COLUMNS: Final = ("objectKey", "inventoryId", "assetId", "eTag", "size", "lastModified")

JobArgument = Annotated[str, typer.Argument(help="Job id.")]


@app.command()
@remote_command
def find(remote: Remote, job_id: JobArgument, connector: ConnectorOption = None) -> None:
    """Search the catalog for records whose objects do not exist; nothing is changed."""
    job = remote.client.post(job_path(job_id, connector, "orphans"))
    if remote.output is Format.JSON:
        print_json(job)
        return
    OUT.print(f"search {job['orphans']['number']} is {job['orphans']['status']}")
    OUT.print(f"next: asset-sync job {job['jobId']}, then asset-sync orphans list {job['jobId']}")


@app.command("list")
@remote_command
def list_orphans(
    remote: Remote,
    job_id: JobArgument,
    connector: ConnectorOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of results.")] = 100,
    rows: Annotated[
        Rows, typer.Option("--format", help="A table, CSV with a header, or one JSON document.")
    ] = Rows.TABLE,
) -> None:
    """List the orphans that the job's last search has found."""
    path, query = job_path(job_id, connector, "orphans"), {"limit": min(limit, _PAGE_SIZE_MAX)}
    found = islice(remote.client.pages(path, query), limit)
    if remote.output is Format.JSON or rows is Rows.JSON:
        print_json({"orphans": list(found)})
    elif rows is Rows.CSV:
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)
        for row in found:
            writer.writerow(row[name] for name in _COLUMNS)
        typer.echo(text.getvalue(), nl=False)
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
