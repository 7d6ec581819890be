"""Serves the console on loopback."""

from __future__ import annotations

from typing import Final, Self

from aiohttp import web

from entrypoints.console.api import Api
from entrypoints.console.app import console_application
from entrypoints.console.guard import ACCESS_PARAMETER

LOOPBACK: Final = "127.0.0.1"
# Prefixes and keys in a URL may be long; aiohttp's default is 8 KiB.
_LINE_BYTES_MAX: Final = 64 * 1024


class ConsoleServer:
    """A context manager that serves the console of an API; `url` is what an operator opens."""

    def __init__(
        self, api: Api, *, port: int, access_key: str | None = None, refresh_s: float
    ) -> None:
        application = console_application(api, access_key=access_key, refresh_s=refresh_s)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            max_line_size=_LINE_BYTES_MAX,
            max_field_size=_LINE_BYTES_MAX,
            shutdown_timeout=1.0,
        )
        self._port = port
        self._access_key = access_key
        self.url = ""

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            OSError: the port is in use.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, LOOPBACK, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        key = f"?{ACCESS_PARAMETER}={self._access_key}" if self._access_key else ""
        self.url = f"http://{LOOPBACK}:{self._runner.addresses[0][1]}/{key}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
