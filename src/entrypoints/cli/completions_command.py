"""The command `completions`: the script with which a shell completes commands and options."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated, Final

import typer

PROGRAM: Final = "asset-sync"
# The protocol of Typer's completion (Typer documentation, "CLI Option autocompletion"): the program
# prints its script if this variable has the value `source_SHELL`.
_VARIABLE: Final = "_ASSET_SYNC_COMPLETE"


class Shell(StrEnum):
    """Shells that can complete commands."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completions(
    context: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="The shell to complete in.")],
) -> None:
    """Print a script that completes commands, options and ids of connectors in a shell."""
    os.environ[_VARIABLE] = f"source_{shell.value}"
    context.find_root().command.main(args=[], prog_name=PROGRAM)
