"""Response headers as S3 sends them: octet by octet, whether they are UTF-8 or not.

S3 returns the headers of an object as they were stored, and other tools store Latin-1. The SDK
decodes them as UTF-8 and fails for such headers, so that the object could not even be read. Here an
octet that is not UTF-8 becomes a surrogate in the text (PEP 383, `surrogateescape`), which is never
sent: `object_attributes` rejects objects whose copy needs such an attribute in a request.
"""

from __future__ import annotations

from typing import Any

import aiohttp
from aiobotocore.httpsession import AIOHTTPSession


class OctetSession(AIOHTTPSession):
    """A session of the SDK that accepts headers with any octets."""

    async def _get_session(self, proxy_url: str | None) -> aiohttp.ClientSession:
        # There is no public option for this. A test in tests/adapters fails if this changes.
        session: Any = await super()._get_session(proxy_url)  # type: ignore[misc]
        session._response_class = _OctetResponse  # noqa: SLF001
        return session  # type: ignore[no-any-return]


class _OctetResponse(aiohttp.ClientResponse):
    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return tuple((_Octets(name), _Octets(value)) for name, value in super().raw_headers)


class _Octets(bytes):
    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        """Decode as the SDK requests, but never fail."""
        return super().decode(encoding, errors)
