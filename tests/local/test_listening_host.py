"""`asset-sync up --host 0.0.0.0`: the HTTP API listens on all interfaces, and only the HTTP API."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

_MAIN = "from entrypoints.cli.main import main; main()"
COMMAND = [sys.executable, "-c", _MAIN, "up", "--port", "0"]
SRC = Path(__file__).resolve().parents[2] / "src"
ALL = "0.0.0.0"  # noqa: S104  # the option under test
WAIT_S = 60


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SRC)}


def _address_of_this_machine() -> str:
    """Return an address that is not loopback, without sending anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no route, so it has no address except loopback")
        return str(probe.getsockname()[0])


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    with subprocess.Popen(
        [*COMMAND, "--host", ALL, "--output", "json"],
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            document = ""
            for line in process.stdout:
                document += line
                if line.startswith("}"):
                    break
            yield json.loads(document)["environment"]
        finally:
            process.terminate()
            _, err = process.communicate(timeout=WAIT_S)
    assert "without authentication" in err


def _status(address: str, url: str, host: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    connection = http.client.HTTPConnection(address, port, timeout=WAIT_S)
    try:
        connection.request("GET", "/connectors", headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8600", 200),
        ("127.0.0.1:8600", 200),
        ("192.168.0.7:8600", 403),
        ("attacker.example", 403),
    ],
)
def test_the_host_header_must_still_be_a_loopback_name(
    urls: dict[str, str], host: str, status: int
) -> None:
    assert _status(_address_of_this_machine(), urls["ASSET_SYNC_API_URL"], host) == status


@pytest.mark.parametrize(
    "variable",
    ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_S3_CONTROL"],
)
def test_the_emulators_stay_on_loopback(urls: dict[str, str], variable: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        _status(_address_of_this_machine(), urls[variable], "localhost")


def test_clients_on_this_machine_still_get_a_loopback_url(urls: dict[str, str]) -> None:
    assert urlsplit(urls["ASSET_SYNC_API_URL"]).hostname == "127.0.0.1"


@pytest.mark.parametrize("host", ["192.168.0.7", "localhost", "::", ""])
def test_another_host_is_rejected_with_the_allowed_ones(host: str) -> None:
    done = subprocess.run(
        [*COMMAND, "--host", host],
        env={**_environment(), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert "127.0.0.1" in done.stderr
    assert ALL in done.stderr
