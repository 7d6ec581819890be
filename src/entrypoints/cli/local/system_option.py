"""The option that selects the local Asset Management System; imports nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from entrypoints.wiring.asset_systems import AssetSystem

SystemOption = Annotated[
    AssetSystem,
    typer.Option(
        help="The asset system to run: one that behaves like AWS's Guidance for a Media Lake"
        " (v1.18.3), or one that ingests every object."
    ),
]
