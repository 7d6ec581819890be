"""Routes the service's requests through proxies; the tests' own go directly to the servers."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from faults.proxy import Decide, FaultProxy
from whole_system import System

_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_S3_CONTROL")


@contextmanager
def detour(system: System, decide: Decide) -> Iterator[Mapping[str, str]]:
    """Run a proxy for each endpoint of the stack; yields the environment variables for them."""
    with ExitStack() as stack:
        urls = {}
        for name in _ENDPOINTS:
            proxy = FaultProxy(system.environment[name], decide)
            system.call(proxy.__aenter__())
            stack.callback(lambda proxy=proxy: system.call(proxy.__aexit__()))
            urls[name] = proxy.url
        yield urls
