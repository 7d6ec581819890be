"""`asset-sync console`, and the console of `asset-sync up`."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from api_calls import Api as Gateway
from console_site import console_client
from typer.testing import CliRunner

from entrypoints.cli.local.up_command import _console_port
from entrypoints.cli.main import app
from entrypoints.cli.remote import console_command
from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.remote.console_api import ConsoleApi
from entrypoints.console.api import ApiError
from entrypoints.console.server import ConsoleServer

SRC = Path(__file__).resolve().parents[2] / "src"
COMMAND = [sys.executable, "-c", "from entrypoints.cli.main import main; main()", "console"]


def answer(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as response:  # noqa: S310 - our own server
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_command_serves_who_has_its_url_until_it_is_stopped(gateway: Gateway) -> None:
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--no-browser", "--output", "json"],
        env={**os.environ, "PYTHONPATH": str(SRC), "PYTHONWARNINGS": "error"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            document = "".join(iter(process.stdout.readline, "}\n")) + "}"
            url = json.loads(document)["url"]
            assert answer(url.partition("?")[0])[0] == 401
            opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            with opener.open(url, timeout=20) as page:
                assert "Overview" in page.read().decode()
                assert page.url == url.partition("?")[0]
        finally:
            process.terminate()
            _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["console", "--no-browser", *arguments])


def test_who_cannot_use_the_api_sees_why_before_anything_is_served() -> None:
    result = run("--api-url", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "cannot be reached" in result.stderr
    assert "Console of" not in result.stdout


def test_a_port_in_use_is_reported_with_the_next_step(gateway: Gateway) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run("--port", port)
    assert result.exit_code == 1
    assert f"cannot listen on port {port}: " in result.stderr
    assert "try --port 0" in result.stderr


def test_without_its_library_the_command_names_the_extra(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = run()
    assert result.exit_code == 1
    assert "asset-sync[console]" in result.stderr


@pytest.mark.parametrize(
    ("platform", "environment", "opens"),
    [
        ("darwin", {}, True),
        ("linux", {}, False),  # a browser in the terminal would take it over
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
    ],
)
def test_a_browser_is_opened_where_it_has_a_window(
    platform: str, environment: dict[str, str], *, opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert console_command._has_display() is opens


@pytest.mark.parametrize(
    ("chosen", "api_port", "port"),
    [(None, 8080, 8081), (None, 0, 0), (None, 65535, 0), (9000, 8080, 9000), (0, 8080, 0)],
)
def test_the_console_of_up_is_on_the_next_port(
    chosen: int | None, api_port: int, port: int
) -> None:
    assert _console_port(chosen, api_port) == port


def test_up_refuses_a_port_in_use_before_it_starts_anything() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(app, ["up", "--port", "0", "--console-port", port])
    assert result.exit_code == 1
    assert "try --console-port 0" in result.stderr


def test_the_other_commands_do_not_import_the_console() -> None:
    code = (
        "import sys; import entrypoints.cli.main;"
        "print(sorted(n for n in sys.modules if n.startswith(('aiohttp', 'jinja2',"
        " 'entrypoints.console'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


async def test_the_server_listens_on_loopback_only(gateway: Gateway) -> None:
    api = console_client("local")
    async with ConsoleServer(api, port=0, refresh_s=1.0) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert {address[0] for address in server._runner.addresses} == {"127.0.0.1"}
        status, page = await asyncio.to_thread(answer, server.url)
        assert (status, "Overview" in page) == (200, True)
    # Its threads have ended with it.
    with pytest.raises(RuntimeError, match="shutdown"):
        await api.get("/jobs")


async def test_the_client_of_the_console_sends_what_the_port_promises(gateway: Gateway) -> None:
    api = console_client("local")
    gateway.world.buckets.create("media")
    saved = await api.post("/connectors?check=false", {"bucketName": "media", "connectorId": "m"})
    assert saved["connectorId"] == "m"
    connector, tag = await api.get_with_tag("/connectors/m")
    changed = await api.patch("/connectors/m", {"status": "DISABLED"}, if_match=tag)
    assert (connector["status"], changed["status"]) == ("ENABLED", "DISABLED")
    with pytest.raises(ApiError) as stale:
        await api.delete("/connectors/m", if_match=tag)
    assert (stale.value.kind, stale.value.status) == ("precondition-failed", 412)
    await api.delete("/connectors/m", if_match=None)
    with pytest.raises(ApiError) as unreachable:
        await ConsoleApi(ApiClient("http://127.0.0.1:9"), "local").get("/jobs")
    assert (unreachable.value.kind, unreachable.value.status) == ("", 502)
    api.close()
