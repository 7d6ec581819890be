"""The command `asset-sync console`."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import webbrowser
from typing import Annotated

import typer

from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.cli.terminal.output import ERR, OUT, Format, print_json

_REFRESH_S = 5.0


@remote_command
def console(
    remote: Remote,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the console; 0 for a free port.")
    ] = 8090,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Serve the web console of a stage on this machine, with your own credentials."""
    try:
        import jinja2  # noqa: F401
    except ModuleNotFoundError:
        raise ApiProblem(
            "the console needs Jinja2: install the extra `console` (asset-sync[console])"
        ) from None
    asyncio.run(_serve(remote, port, browser=browser))


async def _serve(remote: Remote, port: int, *, browser: bool) -> None:
    """Serve until Ctrl-C.

    Raises:
        ApiProblem: the API cannot be used, or the port is in use.
    """
    # Imported here because only this command needs it.
    from entrypoints.cli.remote.console_api import ConsoleApi
    from entrypoints.console.server import ConsoleServer

    client = remote.client
    # Who cannot read the API sees why here, not on a page.
    await asyncio.to_thread(client.get, "/connectors", {"limit": 1})
    api = ConsoleApi(client, remote.label)
    server = ConsoleServer(
        api, port=port, access_key=secrets.token_urlsafe(24), refresh_s=_REFRESH_S
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    try:
        async with server:
            if remote.output is Format.JSON:
                print_json({"url": server.url})
            else:
                OUT.print(f"Console of {remote.label}: {server.url}  (stop with Ctrl-C)")
                ERR.print(
                    "The URL contains the key of this console: it acts with your rights, so do not"
                    " share it."
                )
            if browser and _has_display():
                await asyncio.to_thread(webbrowser.open, server.url)
            await stopped.wait()
    except OSError as error:
        raise ApiProblem(f"cannot listen on port {port}: {error.strerror}; try --port 0") from error


def _has_display() -> bool:
    """Return whether a browser has a window: one in the terminal would take it over."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
