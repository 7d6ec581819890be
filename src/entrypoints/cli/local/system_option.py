"""The choice of the local Asset Management System, for commands that run it; loads no stack."""

from __future__ import annotations

from typing import Annotated

import typer

from entrypoints.wiring.asset_systems import AssetSystem

SystemOption = Annotated[
    AssetSystem,
    typer.Option(
        help="The asset system beside it: one that answers as AWS's Guidance for a Media Lake"
        " (v1.18.3) does, or one that takes every object."
    ),
]
