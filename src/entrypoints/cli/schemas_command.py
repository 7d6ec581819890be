"""The command `schemas`: the JSON Schemas of the messages, events and files of the service."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.shown import shown
from entrypoints.schemas import schema_names, schema_text


def schemas(
    name: Annotated[
        str | None, typer.Argument(help="A schema to print, such as 'status-message.1'.")
    ] = None,
) -> None:
    """List the JSON Schemas of messages, events and outcome files, or print one of them."""
    if name is None:
        for known in schema_names():
            typer.echo(known)
        return
    try:
        text = schema_text(name)
    except KeyError:
        known = ", ".join(schema_names())
        raise typer.BadParameter(f"no schema {shown(name)}; there are {known}") from None
    typer.echo(text, nl=False)
