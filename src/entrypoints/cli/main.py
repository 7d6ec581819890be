"""The command line `asset-sync`."""

from __future__ import annotations

import io
import sys

import typer

from entrypoints.cli.completions_command import PROGRAM, completions
from entrypoints.cli.demo.command import demo
from entrypoints.cli.local.up_command import up
from entrypoints.cli.remote import (
    connector_commands,
    console_command,
    explain_command,
    job_commands,
    orphan_commands,
    outcomes_command,
    pause_commands,
    plan_command,
    removal_commands,
    retrigger_command,
    schedule_commands,
    tail_command,
    watch_command,
)
from entrypoints.cli.schemas_command import schemas
from entrypoints.cli.stage.command import doctor

app = typer.Typer(
    help="Keeps S3 buckets in sync with an Asset Management System.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
app.command()(up)
app.command()(doctor)
app.command()(schemas)
app.command()(console_command.console)
app.command()(completions)
app.add_typer(connector_commands.app, name="connectors")
app.add_typer(schedule_commands.app, name="schedule")
app.add_typer(removal_commands.app, name="removals")
app.add_typer(orphan_commands.app, name="orphans")
for _command in (
    plan_command.plan,
    job_commands.sync,
    job_commands.jobs,
    job_commands.job,
    watch_command.watch,
    tail_command.tail,
    job_commands.errors,
    outcomes_command.outcomes,
    explain_command.explain,
    job_commands.cancel,
    pause_commands.pause,
    pause_commands.resume,
    retrigger_command.retrigger,
    job_commands.redrive,
):
    app.command()(_command)


def main() -> None:
    """Run the command line.

    Characters that a stream cannot encode, such as in an ASCII terminal or a pipe on Windows, are
    written as escapes, like non-printable characters in `domain.shown`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name=PROGRAM)
