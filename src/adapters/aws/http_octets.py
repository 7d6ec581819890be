"""HTTP headers octet by octet, whether they are UTF-8 or not, in responses and in requests.

S3 returns the headers of an object as they were stored, and other tools store Latin-1. The SDK
decodes them as UTF-8 and fails for such headers, so that the object could not even be read. Here an
octet that is not UTF-8 becomes a surrogate in the text (PEP 383, `surrogateescape`).

A copy that sets such a text explicitly sends the same octets. The SDK handles only text, so within
it each octet beyond ASCII is replaced by a private-use character. The signature and the request on
the wire are built from the octets again, so the signature is of what is sent (IAM User Guide,
"Create a signed AWS API request"; read in 2026-11). UTF-8 is handled in the same way: the SDK would
sign a no-break space as a space.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp import client_reqrep
from aiohttp.http import StreamWriter
from botocore.auth import AUTH_TYPE_MAPS, S3SigV4Auth
from botocore.exceptions import HTTPClientError
from botocore.handlers import set_operation_specific_signer, validate_ascii_metadata
from multidict import CIMultiDict
from yarl import URL

from adapters.aws.tls import VerifyingSession

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

# U+10FF80 to U+10FFFF, for private use, replace the octets 80 to FF.
_PRIVATE_USE: Final = 0x10FF00
_PRIVATE_USE_IN_UTF_8: Final = re.compile(rb"\xf4\x8f[\xbe\xbf][\x80-\xbf]")

_SIGNATURE: Final = "s3v4"
_SIGNATURE_OF_OCTETS: Final = "asset-sync-s3v4"


class OctetSession(VerifyingSession):
    """A session of the SDK that accepts headers with any octets."""

    async def _get_session(self, proxy_url: str | None) -> aiohttp.ClientSession:
        # There is no public option for this. A test in tests/adapters fails if this changes.
        session: Any = await super()._get_session(proxy_url)  # type: ignore[misc]
        session._response_class = _OctetResponse  # noqa: SLF001
        return session  # type: ignore[no-any-return]

    async def exchange(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        """Send a request; return status, headers by their names in lower case, and the whole body.

        `send` does the same in twice the CPU time: it also makes what the SDK's other parts need.
        The body of the request must be bytes or None. Behind a proxy, `send` is used.

        Raises:
            HTTPClientError: the request failed.
        """
        if self._proxy_config._proxies:  # type: ignore[attr-defined]  # noqa: SLF001
            sent: Any = await self.send(request)
            return sent.status_code, dict(sent.headers.items()), await sent.content
        headers = CIMultiDict(request.headers)
        # As `send` does: aiohttp would accept compressed bodies.
        headers["Accept-Encoding"] = "identity"
        try:
            session = await self._get_session(None)
            response = await session.request(
                request.method, URL(request.url, encoded=True), headers=headers, data=request.body
            )
            body = await response.read()
        except Exception as error:
            raise HTTPClientError(error=error) from error
        received = {name.decode().lower(): value.decode() for name, value in response.raw_headers}
        return response.status, received, body


def carry_octets(client: S3Client) -> None:
    """Make the client send headers of any octets, signed as they are sent."""
    events: Any = client.meta.events
    for operation in ("CopyObject", "CreateMultipartUpload"):
        # It rejects values that S3 itself has returned.
        events.unregister(f"before-parameter-build.s3.{operation}", validate_ascii_metadata)
        events.register_last(f"before-call.s3.{operation}", _replace_octets)
        events.register_first(f"choose-signer.s3.{operation}", _choose_signature)


class _OctetResponse(aiohttp.ClientResponse):
    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return tuple((_Octets(name), _Octets(value)) for name, value in super().raw_headers)


class _Octets(bytes):
    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        """Decode as the SDK requests, but never fail."""
        return super().decode(encoding, errors)


def _replace_octets(params: dict[str, Any], **_: object) -> None:
    """Replace the octets beyond ASCII in the headers of a request by private-use characters."""
    headers: dict[str, Any] = params["headers"]
    for name, value in headers.items():
        if isinstance(value, str) and not value.isascii():
            octets = value.encode(errors="surrogateescape")
            headers[name] = "".join(chr(_PRIVATE_USE + o if o > 0x7F else o) for o in octets)


def _octets_of(encoded: bytes) -> bytes:
    """Return UTF-8 text with the private-use characters replaced by their octets."""
    return _PRIVATE_USE_IN_UTF_8.sub(lambda found: bytes([ord(found[0].decode()) & 0xFF]), encoded)


def _choose_signature(
    signature_version: object, context: dict[str, Any], signing_name: str, **_: object
) -> str | None:
    """Return the name of our signature where the SDK chooses its own for S3."""
    chosen = set_operation_specific_signer(context, signing_name) or signature_version
    return _SIGNATURE_OF_OCTETS if chosen == _SIGNATURE else None


class _SignatureOfOctets(S3SigV4Auth):
    def string_to_sign(self, request: Any, canonical_request: str) -> str:
        return super().string_to_sign(request, _SentText(canonical_request))


class _SentText(str):
    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the octets that are sent for the text."""
        return _octets_of(super().encode(encoding, errors))


class _OctetWriter(StreamWriter):
    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        await super().write_headers(status_line, headers)
        if self._headers_buf is not None:
            self._headers_buf = _octets_of(self._headers_buf)


AUTH_TYPE_MAPS[_SIGNATURE_OF_OCTETS] = _SignatureOfOctets
# aiohttp has no option for the encoding of a request's headers either.
setattr(client_reqrep, "StreamWriter", _OctetWriter)  # noqa: B010 - the stubs hide it
