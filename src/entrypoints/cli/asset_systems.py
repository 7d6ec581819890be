"""The choice of the local Asset Management System, for commands that run it; loads no stack."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class System(StrEnum):
    """Which Asset Management System is beside the service on this machine."""

    MEDIALAKE = "medialake"
    EVERYTHING = "everything"


SystemOption = Annotated[
    System,
    typer.Option(
        help="The asset system beside it: one that answers as AWS's Guidance for a Media Lake"
        " (v1.18.3) does, or one that takes every object."
    ),
]
