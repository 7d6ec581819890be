"""`asset-sync up`: the whole service on this machine, until it is stopped."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.asset_systems import SystemOption
from entrypoints.cli.output import ERR, Format, OutputOption, printable
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
    if env_file is not None and not env_file.parent.is_dir():
        ERR.print(f"[red]error:[/red] there is no folder {printable(env_file.parent)}")
        raise typer.Exit(1)
    log_path = Path(tempfile.mkdtemp(prefix="asset-sync-")) / "asset-sync.log"
    # The whole service comes with this import; commands that only ask an API start without it.
    from entrypoints.cli.serving import serve

    try:
        _check_free(port)
        asyncio.run(serve(port, env_file, system, output, log_path))
    except OSError as error:
        ERR.print(f"[red]error:[/red] cannot listen on port {port}: {error}; try --port 0")
        raise typer.Exit(1) from None


def _check_free(port: int) -> None:
    """Fail before everything is started: the API is the last that listens."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
