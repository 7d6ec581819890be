"""`asset-sync schedule`: its subcommands."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from domain.discovery import Discovery
from domain.schedule import FULL_EVERY_DEFAULT, ScheduleMode
from domain.views import Json
from entrypoints.cli.remote.api_client import connector_path
from entrypoints.cli.remote.connector_change_commands import IfMatchOption
from entrypoints.cli.remote.connector_option import ConnectorArgument
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.remote.setting_options import DISCOVERY_OPTION
from entrypoints.cli.terminal.output import (
    OUT,
    Format,
    field,
    heading,
    print_json,
    print_table,
    printable,
)

app = typer.Typer(help="Set, show and remove the schedule of a connector.", no_args_is_help=True)
_SETTINGS = (
    "expression",
    "timeZone",
    "jitterMinutes",
    "mode",
    "fullEvery",
    "enabled",
    "discovery",
    "maxCost",
)
_NAME_WIDTH = 16


@app.command("set")
@remote_command
def set_(
    remote: Remote,
    connector: ConnectorArgument,
    expression: Annotated[
        str,
        typer.Argument(
            help="'rate(6 hours)', or 'cron(0 2 ? * MON-FRI *)': minutes, hours, day of month,"
            " month, day of week, year."
        ),
    ],
    time_zone: Annotated[
        str, typer.Option(help="Time zone of a cron expression, such as Europe/Berlin.")
    ] = "UTC",
    jitter: Annotated[int, typer.Option(help="Begin up to so many minutes late, at random.")] = 0,
    mode: Annotated[
        ScheduleMode,
        typer.Option(help="Cover what was modified since the last complete run, or all objects."),
    ] = ScheduleMode.INCREMENTAL,
    full_every: Annotated[
        int, typer.Option(help="Of incremental runs, every so-many-th is full.")
    ] = FULL_EVERY_DEFAULT,
    discovery: Annotated[Discovery | None, DISCOVERY_OPTION] = None,
    max_cost: Annotated[
        str | None,
        typer.Option(help="Do not start a run that may cost more US dollars, e.g. 12.50."),
    ] = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Do not run it yet.")] = False,
    if_match: IfMatchOption = None,
) -> None:
    """Set or replace the schedule of a connector."""
    body: Json = {
        "expression": expression,
        "timeZone": time_zone,
        "jitterMinutes": jitter,
        "mode": mode.value,
        "fullEvery": full_every,
        "enabled": not disabled,
    }
    # A stage of an earlier version has no such fields.
    options = {"discovery": discovery.value if discovery else None, "maxCost": max_cost}
    body.update({name: value for name, value in options.items() if value is not None})
    _print(remote, *remote.client.put(_path(connector), body, if_match=if_match))


@app.command()
@remote_command
def show(remote: Remote, connector: ConnectorArgument) -> None:
    """Show the schedule of a connector, its next run, and the last ones."""
    _print(remote, *remote.client.get_with_headers(_path(connector)))


@app.command()
@remote_command
def enable(remote: Remote, connector: ConnectorArgument) -> None:
    """Let the schedule of a connector run."""
    _switch(remote, connector, enabled=True)


@app.command()
@remote_command
def disable(remote: Remote, connector: ConnectorArgument) -> None:
    """Let the schedule of a connector start nothing; a job that is active goes on."""
    _switch(remote, connector, enabled=False)


@app.command()
@remote_command
def remove(remote: Remote, connector: ConnectorArgument, if_match: IfMatchOption = None) -> None:
    """Remove the schedule of a connector; a job that is active goes on."""
    remote.client.delete(_path(connector), if_match=if_match)
    if remote.output is Format.JSON:
        print_json({"connectorId": connector, "removed": True})
    else:
        OUT.print(f"connector {printable(connector)} has no schedule")


def _switch(remote: Remote, connector: str, *, enabled: bool) -> None:
    """Change one setting over the state that was read, and no other."""
    shown, headers = remote.client.get_with_headers(_path(connector))
    body = {**{name: shown[name] for name in _SETTINGS if name in shown}, "enabled": enabled}
    _print(remote, *remote.client.put(_path(connector), body, if_match=headers["ETag"]))


def _path(connector: str) -> str:
    return connector_path(connector, "schedule")


def _print(remote: Remote, schedule: Json, headers: Any) -> None:
    document = {**schedule, "eTag": headers["ETag"]}
    if remote.output is Format.JSON:
        print_json(document)
        return
    runs = document.pop("runs")
    for name, value in document.items():
        shown = ("yes" if value else "no") if isinstance(value, bool) else value
        field(name, "-" if shown is None else shown, width=_NAME_WIDTH)
    heading("last runs")
    print_table(
        ("SCHEDULED", "STATE", "MODE", "MODIFIED SINCE", "JOB", "REASON"),
        (
            (
                run["scheduledAt"],
                run["state"],
                run["mode"],
                run["modifiedSince"],
                run["jobId"],
                run["reason"],
            )
            for run in runs
        ),
        empty="no run yet",
    )
