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

_PORT_MAX = 65535


class Host(StrEnum):
    """Addresses on which the HTTP API can listen; clients on this machine use loopback."""

    LOOPBACK = "127.0.0.1"
    ALL = "0.0.0.0"  # noqa: S104  # for a container, whose port is then published


def up(
    port: Annotated[
        int, typer.Option(min=0, max=_PORT_MAX, help="Port of the HTTP API; 0 for a free port.")
    ] = 8080,
    host: Annotated[
        Host, typer.Option(help="Address of the HTTP API; 0.0.0.0 only in a container.")
    ] = Host.LOOPBACK,
    env_file: Annotated[
        Path | None,
        typer.Option(help="Path of the environment file to write, for the AWS CLI and SDKs."),
    ] = None,
    system: SystemOption = AssetSystem.MEDIALAKE,
    console: Annotated[bool, typer.Option(help="Serve the web console, on loopback.")] = True,
    console_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=_PORT_MAX,
            help="Port of the console: by default the next after the API's; 0 for a free port.",
            show_default=False,
        ),
    ] = None,
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
    # In a container only the API's port is published.
    pages = _console_port(console_port, port) if console and host is Host.LOOPBACK else None
    for wanted, option in ((port, "--port"), (pages, "--console-port")):
        try:
            if wanted is not None:
                _check_free(host, wanted)
        except OSError as error:
            fail(f"cannot listen on port {wanted}: {error.strerror}; try {option} 0")
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
            asyncio.run(serve(host, port, pages, file, system, output, log_path, traces))
    except UnusableFile as error:
        fail(error)
        raise typer.Exit(1) from None
    except OSError as error:
        fail(f"the service cannot run: {error}")
        raise typer.Exit(1) from None


def _console_port(chosen: int | None, api_port: int) -> int:
    if chosen is not None:
        return chosen
    return api_port + 1 if 0 < api_port < _PORT_MAX else 0


def _check_free(host: Host, port: int) -> None:
    """Raise OSError if the port is in use, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
