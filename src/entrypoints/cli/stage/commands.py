"""`asset-sync doctor`: looking over a deployed stage."""

from __future__ import annotations

from typing import Annotated

import typer

from entrypoints.cli.terminal.output import Format, OutputOption


def doctor(
    stage: Annotated[str, typer.Option("--stage", help="The deployed stage, such as dev.")],
    output: OutputOption = Format.HUMAN,
) -> None:
    """Look a deployed stage over; exits with 1 if something is not as it should be."""
    # The SDK comes with this import; commands that only ask an API start without it.
    from entrypoints.cli.stage import doctor as stage_doctor

    stage_doctor.doctor(stage=stage, output=output)
