"""Certificates: only that of the host that was asked for is accepted, also behind a proxy."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.aws import tls
from adapters.aws.clients import ClientSettings, open_clients
from adapters.aws.errors import map_aws_errors
from ports.errors import PortError

pytestmark = pytest.mark.usefixtures("sdk_environment")


@pytest.fixture(autouse=True)
def no_context_of_other_tests() -> None:
    tls._context.cache_clear()


@dataclass
class Certificate:
    """A self-signed certificate of one host."""

    file: Path
    context: ssl.SSLContext


def certificate(folder: Path, host: str) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / f"{host}.pem", folder / f"{host}.key"
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return Certificate(file, context)


@asynccontextmanager
async def https_server(shown: Certificate) -> AsyncIterator[int]:
    """Yield the port of a server of tags on localhost."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<Tagging><TagSet/></Tagging>")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(application, scheme="https")
    await server.start_server(ssl=shown.context)
    try:
        assert server.port is not None
        yield server.port
    finally:
        await server.close()


@asynccontextmanager
async def proxy() -> AsyncIterator[tuple[str, list[str]]]:
    """Yield the URL of a proxy that forwards bytes, and the hosts that it was asked for."""
    asked: list[str] = []
    connections: set[asyncio.Task[None]] = set()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while received := await reader.read(65_536):
                writer.write(received)
                await writer.drain()
        except ConnectionError:
            # The client refused the certificate, and closed the connection.
            return
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        host = request.split()[1]
        asked.append(host)
        there, back = await asyncio.open_connection("127.0.0.1", int(host.partition(":")[2]))
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        async with asyncio.TaskGroup() as group:
            group.create_task(forward(reader, back))
            group.create_task(forward(there, writer))
        for each in (back, writer):
            with suppress(ConnectionError):
                await each.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.create_task(connect(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        await asyncio.wait_for(asyncio.gather(*connections), 10)


async def read(port: int, trusted: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read tags by the SDK and by a lean call.

    Raises:
        PortError: The server could not be reached safely.
    """
    monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted.file))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://localhost:{port}")
    for lean in (False, True):
        settings = ClientSettings(attempt_count_max=1, lean_calls=lean)
        async with open_clients(settings) as clients:
            with map_aws_errors("s3", operation="GetObjectTagging", resource="media/a"):
                await (await clients.s3()).get_object_tagging(Bucket="media", Key="a")


@pytest.mark.parametrize("by_proxy", [False, True])
async def test_only_the_certificate_of_the_host_is_accepted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by_proxy: bool
) -> None:
    right, other = certificate(tmp_path, "localhost"), certificate(tmp_path, "other.example")
    async with proxy() as (url, asked):
        if by_proxy:
            monkeypatch.setenv("HTTPS_PROXY", url)
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
        async with https_server(right) as port:
            await read(port, right, monkeypatch)
            # Neither the SDK nor a lean call passes the proxy by.
            assert len(asked) == (2 if by_proxy else 0)
            with pytest.raises(PortError):
                await read(port, other, monkeypatch)
        async with https_server(other) as port:
            # A trusted authority has signed it, for another host.
            with pytest.raises(PortError):
                await read(port, other, monkeypatch)
    assert bool(asked) is by_proxy


async def test_clients_read_the_authorities_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[Any] = []
    create = tls.create_urllib3_context

    def counted() -> ssl.SSLContext:
        made.append(create())
        return made[-1]

    monkeypatch.setattr(tls, "create_urllib3_context", counted)
    right = certificate(tmp_path, "localhost")
    async with https_server(right) as port:
        await read(port, right, monkeypatch)
    [context] = made
    assert len(context.get_ca_certs()) == 1
    assert context.load_verify_locations.cache_info().misses == 1
    assert context.load_verify_locations.cache_info().hits == 1
