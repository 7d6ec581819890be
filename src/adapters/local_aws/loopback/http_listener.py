"""Serves an aiohttp application on a free or a given port, to programs only.

It listens on loopback, unless another address is given. Whatever the address, the Host header of a
request must be a loopback name (`browser_guard`).
"""

from typing import Final, Self

from aiohttp import web

from adapters.local_aws.loopback.browser_guard import reject_web_pages

LOOPBACK: Final = "127.0.0.1"

# aiohttp rejects longer lines itself. With its default of 8 KiB, an application would not see the
# requests that it must reject.
_LINE_BYTES_MAX: Final = 64 * 1024


class Listener:
    """One application on one port; `url` is valid between `start` and `stop`."""

    def __init__(
        self, application: web.Application, *, host: str = LOOPBACK, port: int = 0
    ) -> None:
        application.middlewares.insert(0, reject_web_pages)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            max_line_size=_LINE_BYTES_MAX,
            max_field_size=_LINE_BYTES_MAX,
            # The application decides whether to read a body; an unread one is not an error of the
            # server.
            auto_decompress=False,
        )
        self._host = host
        self._port = port
        self.url = ""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> str:
        """Start listening; returns the base URL."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self.url = f"http://{LOOPBACK}:{self._runner.addresses[0][1]}"
        return self.url

    async def stop(self) -> None:
        """Stop listening; requests in progress are cancelled after a moment."""
        await self._runner.cleanup()
