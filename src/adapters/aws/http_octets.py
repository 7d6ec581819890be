"""Headers of answers as S3 sends them: octet by octet, be they UTF-8 or not.

S3 sends the headers of an object as they were stored, and other tools store Latin-1. The SDK
decodes them as UTF-8 and fails with those, so that the object could not even be looked at. Here an
octet that is no UTF-8 becomes a stand-in in the text (PEP 383, `surrogateescape`), which nothing
sends again: `object_attributes` refuses what would have to.
"""

from __future__ import annotations

from typing import Any

import aiohttp
from aiobotocore.httpsession import AIOHTTPSession


class OctetSession(AIOHTTPSession):
    """A session of the SDK that reads headers of any octets."""

    async def _get_session(self, proxy_url: str | None) -> aiohttp.ClientSession:
        # There is no public switch at this place: tests/adapters notices when it moves.
        session: Any = await super()._get_session(proxy_url)  # type: ignore[misc]
        session._response_class = _OctetResponse  # noqa: SLF001
        return session  # type: ignore[no-any-return]


class _OctetResponse(aiohttp.ClientResponse):
    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return tuple((_Octets(name), _Octets(value)) for name, value in super().raw_headers)


class _Octets(bytes):
    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        """Decode as the SDK asks, but never fail."""
        return super().decode(encoding, errors)
