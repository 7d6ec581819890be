"""The command `outcomes`: a job's objects with their outcomes, as a table or as a file."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer

from domain.decision import Decision
from domain.outcome import OutcomeKind
from domain.shown import shown
from entrypoints.cli.remote.api_client import job_path
from entrypoints.cli.remote.connector_option import ConnectorOption
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.remote.setting_options import PrefixTextOption
from entrypoints.cli.terminal.outcome_files import FileFormat, write_file

_PAGE_SIZE_MAX: Final = 1_000
_LIMIT: Final = 100


@remote_command
def outcomes(
    remote: Remote,
    job_id: Annotated[str, typer.Argument(help="Job id.")],
    connector: ConnectorOption = None,
    outcome: Annotated[
        OutcomeKind | None, typer.Option(help="Only objects with this outcome.")
    ] = None,
    decision: Annotated[
        Decision | None, typer.Option(help="Only objects for which this was decided.")
    ] = None,
    prefix: PrefixTextOption = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="Maximum number of objects: 100 as a table, all of them as a file."
        ),
    ] = None,
    file_format: Annotated[
        FileFormat | None,
        typer.Option(
            "--format",
            help="Write a file: CSV, one JSON document a line, or Parquet (needs --to, and the"
            " extra `parquet`).",
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="The file; standard output without it.", dir_okay=False)
    ] = None,
) -> None:
    """List the objects of a job with their outcomes, all or some, or write them to a file."""
    if to is not None and file_format is None:
        raise typer.BadParameter("needs --format", param_hint="--to")
    if file_format is FileFormat.PARQUET and to is None:
        raise typer.BadParameter("a Parquet file needs --to FILE", param_hint="--format")
    count = limit if limit or file_format else _LIMIT
    query = {
        "outcome": outcome.value if outcome else None,
        "decision": decision.value if decision else None,
        "prefix": prefix,
        "limit": min(count or _PAGE_SIZE_MAX, _PAGE_SIZE_MAX),
    }
    found = islice(remote.client.pages(job_path(job_id, connector, "outcomes"), query), count)
    if file_format is not None:
        write_file(file_format, to, found)
        return
    listed = list(found)
    remote.print(
        {"outcomes": listed},
        ("OBJECT", "OUTCOME", "REASON", "TRIGGERED", "TIMES", "MESSAGE"),
        (
            (
                shown(o["objectKey"]),
                o["outcome"],
                o["reason"],
                o["triggeredAt"],
                o["triggerCount"],
                o["message"],
            )
            for o in listed
        ),
        empty="no such objects",
    )
