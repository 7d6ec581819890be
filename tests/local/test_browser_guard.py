"""The requests that a web page in a local browser can send, to every address of the stack."""

import asyncio
import http.client
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from adapters.local_aws.stack.batch_operations_bridge import batch_operations_emulator
from adapters.local_aws.stack.local_stack import LocalStack
from adapters.local_aws.stack.settings import StackSettings

LISTENERS = {
    "api": "ASSET_SYNC_API_URL",
    "cloud": "AWS_ENDPOINT_URL",
    "lambda": "AWS_ENDPOINT_URL_LAMBDA",
    "batch operations": "AWS_ENDPOINT_URL_S3_CONTROL",
}
# Paths with an effect or a result, at each of them.
TARGETS = {
    "api": "/connectors",
    "cloud": "/",
    "lambda": "/2015-03-31/functions/asset-sync-engine/invocations",
    "batch operations": "/v20180820/jobs",
}
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request"}


@pytest.fixture(scope="module")
def events() -> list[Any]:
    """The events of the functions."""
    return []


@pytest.fixture(scope="module")
def listening_before() -> set[tuple[str, int]]:
    """The addresses of other fixtures of the session."""
    return _listening()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(
    events: list[Any], listening_before: set[tuple[str, int]]
) -> AsyncIterator[LocalStack]:
    def handler(event: Any, _context: Any) -> object:
        events.append(event)
        return {"statusCode": 200, "body": "{}"}

    handlers = {"api": handler, "engine": handler, "processor": handler}
    settings = StackSettings(sweep_interval_s=3_600)
    async with LocalStack(
        handlers, settings=settings, batch_operations=batch_operations_emulator
    ) as stack:
        yield stack


def send(
    url: str, method: str, target: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Send exactly these headers: `{port}` in them is the listener's."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": "127.0.0.1:{port}", **headers}.items():
            connection.putheader(name, value.replace("{port}", str(parts.port)))
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


FROM_PAGES: dict[str, tuple[str, dict[str, str], int]] = {
    "rebound name": ("GET", {"Host": "rebound.example:{port}"}, 403),
    "rebound name without port": ("GET", {"Host": "rebound.example"}, 403),
    "no host": ("GET", {"Host": ""}, 403),
    "name that only begins like ours": ("GET", {"Host": "localhost.example:{port}"}, 403),
    "name that only begins like the address": ("GET", {"Host": "127.0.0.1.example:{port}"}, 403),
    "name that only ends like ours": ("GET", {"Host": "notlocalhost:{port}"}, 403),
    "every interface": ("GET", {"Host": "0.0.0.0:{port}"}, 403),
    "address of a network": ("GET", {"Host": "192.168.1.7:{port}"}, 403),
    "our address as a user name": ("GET", {"Host": "127.0.0.1@rebound.example"}, 403),
    "no name at all": ("GET", {"Host": "[::1"}, 403),
    "page of another site": ("GET", {"Origin": "https://page.example"}, 403),
    "page without an origin": ("GET", {"Origin": "null"}, 403),
    "page of another port": ("GET", {"Origin": "http://127.0.0.1:1"}, 403),
    "page of our other name": ("GET", {"Origin": "http://localhost:{port}"}, 403),
    "image of a page": ("GET", {"Sec-Fetch-Site": "cross-site"}, 403),
    "page of the same site": ("GET", {"Sec-Fetch-Site": "same-site"}, 403),
    "preflight": (
        "OPTIONS",
        {
            "Origin": "https://page.example",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization",
        },
        403,
    ),
    "signed by a page": ("POST", {"Origin": "https://page.example", **SIGNED}, 403),
    "form": ("POST", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "form with files": ("POST", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
    "text form": ("POST", {"Content-Type": "Text/Plain;charset=UTF-8"}, 415),
}


@pytest.mark.parametrize("case", FROM_PAGES)
@pytest.mark.parametrize("name", LISTENERS)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_a_page_can_send_is_refused_and_does_nothing(
    stack: LocalStack, events: list[Any], name: str, case: str
) -> None:
    method, headers, status = FROM_PAGES[case]
    events.clear()
    answer = await _send(stack, name, method, headers, b'{"action": "sweep"}')
    assert answer[0] == status
    assert not [header for header in answer[1] if header.lower().startswith("access-control-")]
    assert b'"message"' in answer[2]
    assert events == []


FROM_PROGRAMS: dict[str, tuple[str, dict[str, str]]] = {
    "by address": ("GET", {}),
    "by another loopback address": ("GET", {"Host": "127.9.9.9:{port}"}),
    "by name": ("GET", {"Host": "LocalHost:{port}"}),
    "by IPv6 address": ("GET", {"Host": "[::1]:{port}"}),
    "account before the name": ("GET", {"Host": "123456789012.localhost:{port}"}),
    "account before the address": ("GET", {"Host": "123456789012.127.0.0.1:{port}"}),
    "address typed into a browser": ("GET", {"Sec-Fetch-Site": "none"}),
    "our own page": ("GET", {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}),
    "JSON": ("POST", {"Content-Type": "application/json"}),
    "no content type": ("POST", {}),
    "signed, in the Query protocol": (
        "POST",
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **SIGNED},
    ),
}


@pytest.mark.parametrize("case", FROM_PROGRAMS)
@pytest.mark.parametrize("name", LISTENERS)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_a_program_sends_is_served(stack: LocalStack, name: str, case: str) -> None:
    status, headers, body = await _send(stack, name, *FROM_PROGRAMS[case], b"{}")
    # Whatever the response to this request is, it comes from the listener.
    assert b"web page" not in body
    assert b"Host header" not in body
    assert status != 415
    assert not [header for header in headers if header.lower().startswith("access-control-")]


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="only Linux shows it")
@pytest.mark.asyncio(loop_scope="module")
async def test_the_stack_listens_nowhere_else(
    stack: LocalStack, listening_before: set[tuple[str, int]]
) -> None:
    ports = [urlsplit(stack.environment[name]).port for name in LISTENERS.values()]
    assert _listening() - listening_before == {("127.0.0.1", port) for port in ports}


async def _send(
    stack: LocalStack, name: str, method: str, headers: dict[str, str], body: bytes
) -> tuple[int, http.client.HTTPMessage, bytes]:
    url = stack.environment[LISTENERS[name]]
    return await asyncio.to_thread(send, url, method, TARGETS[name], headers, body)


def _listening() -> set[tuple[str, int]]:
    """Return the addresses at which this process and its children listen, on Linux."""
    tasks = Path("/proc/self/task").glob("*/children")
    pids = [os.getpid(), *(int(pid) for task in tasks for pid in task.read_text().split())]
    return {address for pid in pids for address in _listening_of(pid)}


def _listening_of(pid: int) -> set[tuple[str, int]]:
    inodes = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                address, port = fields[1].split(":")
                found.add((_address(address), int(port, 16)))
    return found


def _address(words: str) -> str:
    raw = b"".join(
        bytes.fromhex(words[start : start + 8])[::-1] for start in range(0, len(words), 8)
    )
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)
