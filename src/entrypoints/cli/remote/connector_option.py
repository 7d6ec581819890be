"""The option --connector of commands for jobs."""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from entrypoints.cli.terminal.output import printable

CONNECTOR_VARIABLE: Final = "ASSET_SYNC_CONNECTOR"

ConnectorOption = Annotated[
    str | None,
    typer.Option(
        envvar=CONNECTOR_VARIABLE,
        help="The jobs' connector: requests are made below its path, as an IAM policy for one"
        " connector requires.",
        show_default=False,
    ),
]


def named(connector_id: str | None) -> str:
    """Return the option for a command to run next, empty if it is not needed."""
    if connector_id is None or os.environ.get(CONNECTOR_VARIABLE) == connector_id:
        return ""
    return f" --connector {printable(connector_id)}"
