"""The command `asset-sync up`."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.local.system_option import SystemOption
from entrypoints.cli.terminal.output import Format, OutputOption, fail, warn
from entrypoints.wiring.asset_systems import AssetSystem


class Host(StrEnum):
    """Addresses on which the HTTP API can listen; clients on this machine use loopback."""

    LOOPBACK = "127.0.0.1"
    ALL = "0.0.0.0"  # noqa: S104  # for a container, whose port is then published


def up(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the HTTP API; 0 for a free port.")
    ] = 8080,
    host: Annotated[
        Host, typer.Option(help="Address of the HTTP API; 0.0.0.0 only in a container.")
    ] = Host.LOOPBACK,
    env_file: Annotated[
        Path | None,
        typer.Option(help="Path of the environment file to write, for the AWS CLI and SDKs."),
    ] = None,
    system: SystemOption = AssetSystem.MEDIALAKE,
    traces: Annotated[
        str | None,
        typer.Option(
            help="Trace the work: a file for the spans, one JSON document per line, or the URL of"
            " a collector that receives OTLP over HTTP."
        ),
    ] = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """Run the service and its API on this machine, for use with curl, the AWS CLI and boto3."""
    try:
        _check_free(host, port)
    except OSError as error:
        fail(f"cannot listen on port {port}: {error.strerror}; try --port 0")
        raise typer.Exit(1) from None
    if host is Host.ALL:
        warn(
            "warning:",
            "the HTTP API listens on all interfaces, without authentication; publish its port on"
            " 127.0.0.1 only",
        )
    # Imported here because these import the whole service, which other commands do not need.
    from entrypoints.cli.local.environment_file import EnvironmentFile, UnusableFile
    from entrypoints.cli.local.serve import serve

    try:
        with nullcontext() if env_file is None else EnvironmentFile(env_file) as file:
            log_path = Path(tempfile.mkdtemp(prefix="asset-sync-")) / "asset-sync.log"
            asyncio.run(serve(host, port, file, system, output, log_path, traces))
    except UnusableFile as error:
        fail(error)
        raise typer.Exit(1) from None
    except OSError as error:
        fail(f"the service cannot run: {error}")
        raise typer.Exit(1) from None


def _check_free(host: Host, port: int) -> None:
    """Raise OSError if the port is in use, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
