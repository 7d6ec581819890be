"""Serves an aiohttp application on loopback, on a free port or a given one; not to web pages."""

from typing import Final, Self

from aiohttp import web

from adapters.local.browser_guard import refuse_web_pages

LOOPBACK: Final = "127.0.0.1"

# aiohttp refuses longer ones in a form of its own; with 8 KiB, its default, an application would
# not see what it has to refuse itself.
_LINE_BYTES_MAX: Final = 64 * 1024


class Listener:
    """One application on one port; `url` is valid between `start` and `stop`."""

    def __init__(self, application: web.Application, *, port: int = 0) -> None:
        application.middlewares.insert(0, refuse_web_pages)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            max_line_size=_LINE_BYTES_MAX,
            max_field_size=_LINE_BYTES_MAX,
            # A body is the application's matter, and not to be read is no fault of the server.
            auto_decompress=False,
        )
        self._port = port
        self.url = ""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> str:
        """Start listening; the base URL is returned and kept."""
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self._port).start()
        self.url = f"http://{LOOPBACK}:{self._runner.addresses[0][1]}"
        return self.url

    async def stop(self) -> None:
        """Stop listening; requests under way are cancelled after a moment."""
        await self._runner.cleanup()
