"""The exit statuses that docs/logs.md lists; 0 and 1 are tested with each command."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from entrypoints.cli import main
from entrypoints.cli.main import app
from entrypoints.cli.remote.api_client import ApiClient


def test_an_invalid_command_line() -> None:
    assert CliRunner().invoke(app, ["sync"]).exit_code == 2
    assert CliRunner().invoke(app, ["sync", "c", "--discovery", "other"]).exit_code == 2


def test_an_interrupted_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ApiClient, "get", interrupted)
    monkeypatch.setattr(ApiClient, "pages", interrupted)
    monkeypatch.setattr("sys.argv", ["asset-sync", "job", "job-1", "--api-url", "http://127.0.0.1"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 130
