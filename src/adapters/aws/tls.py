"""TLS of connections to AWS: host names are verified, and certificates are read once.

aiobotocore before 3 takes botocore's context, which leaves the host name to urllib3, but it
connects with aiohttp, which leaves the host name to the context. So the certificate of any host was
accepted if a trusted authority had signed it. Through a proxy, no certificate was verified at all.

To read the certificates of all authorities takes 19 ms of CPU time. The clients of a process that
trust the same authorities share one context.
"""

from __future__ import annotations

import functools
import ssl

from aiobotocore.httpsession import AIOHTTPSession
from botocore.httpsession import create_urllib3_context


class VerifyingSession(AIOHTTPSession):
    """A session of the SDK that verifies the host name, also behind a proxy.

    There are no public options for this. A test in tests/adapters fails if these parts change.
    """

    def _get_ssl_context(self) -> ssl.SSLContext:
        return _context(self._verify)  # type: ignore[attr-defined]

    def _setup_proxy_ssl_context(self, proxy_url: str) -> ssl.SSLContext:
        # None if the proxy has no settings of its own, and then nothing would be verified.
        own: ssl.SSLContext | None = super()._setup_proxy_ssl_context(proxy_url)  # type: ignore[misc]
        return own or self._get_ssl_context()


@functools.cache
def _context(verify: bool | str | None) -> ssl.SSLContext:
    """Return the context for a value of the SDK's option `verify`: a file of authorities, or True.

    The SDK loads the authorities into each context that it gets; here only the first load works.
    """
    context: ssl.SSLContext = create_urllib3_context()
    context.check_hostname = True
    load = functools.cache(context.load_verify_locations)
    setattr(context, "load_verify_locations", load)  # noqa: B010 - a method of its class
    return context
