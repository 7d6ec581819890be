"""`asset-sync up`: the whole service on this machine, until it is stopped."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.local.system_option import SystemOption
from entrypoints.cli.terminal.output import Format, OutputOption, fail
from entrypoints.wiring.asset_systems import AssetSystem


def up(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the HTTP API; 0 for any.")
    ] = 8080,
    env_file: Annotated[
        Path | None,
        typer.Option(help="Write the environment for the AWS CLI and the functions here."),
    ] = None,
    system: SystemOption = AssetSystem.MEDIALAKE,
    output: OutputOption = Format.HUMAN,
) -> None:
    """Keep the service running on this machine, with its API, for curl, the AWS CLI and boto3."""
    try:
        _check_free(port)
    except OSError as error:
        fail(f"cannot listen on port {port}: {error.strerror}; try --port 0")
        raise typer.Exit(1) from None
    # The whole service comes with these imports; commands that only ask an API start without them.
    from entrypoints.cli.local.environment_file import EnvironmentFile, UnusableFile
    from entrypoints.cli.local.serve import serve

    try:
        with nullcontext() if env_file is None else EnvironmentFile(env_file) as file:
            log_path = Path(tempfile.mkdtemp(prefix="asset-sync-")) / "asset-sync.log"
            asyncio.run(serve(port, file, system, output, log_path))
    except UnusableFile as error:
        fail(error)
        raise typer.Exit(1) from None
    except OSError as error:
        fail(f"the service cannot run: {error}")
        raise typer.Exit(1) from None


def _check_free(port: int) -> None:
    """Fail before everything is started: the API is the last that listens."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
