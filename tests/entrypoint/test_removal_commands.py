"""`asset-sync removals`, and the settings of connectors, over an API in a thread."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest
from api_calls import Api, served
from api_server import listening
from stopped_removals import KEYS, stopped
from typer.testing import CliRunner, Result

from entrypoints.cli.main import app


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway, listening(gateway, monkeypatch):
        gateway.world.buckets.create("media-prod")
        gateway.world.buckets.put("media-prod", "a.jpg", b"content")
        yield gateway


def run(*arguments: str, exit_code: int = 0, typed: str | None = None) -> Result:
    done = CliRunner().invoke(app, [*arguments], input=typed)
    assert done.exit_code == exit_code, done.output
    return done


def test_the_list_in_each_form(gateway: Api) -> None:
    job_id = stopped(gateway)
    table = run("removals", "list", job_id).stdout
    assert "MISSING" in table
    assert "z.jpg" in table
    rows = list(
        csv.DictReader(io.StringIO(run("removals", "list", job_id, "--format", "csv").stdout))
    )
    assert [row["objectKey"] for row in rows] == list(KEYS)
    assert (rows[0]["size"], rows[0]["newObjectKey"]) == ("1", "")
    for options in (("--format", "json"), ("--output", "json")):
        found = json.loads(run("removals", "list", job_id, *options).stdout)["removals"]
        assert list(found[0]) == list(rows[0])
        assert [row["objectKey"] for row in found] == list(KEYS)
    one = json.loads(run("removals", "list", job_id, "--limit", "1", "--output", "json").stdout)
    assert len(one["removals"]) == 1
    none = run("removals", "list", job_id, "--state", "MOVED").stdout
    assert none.startswith("none is MOVED: STOPPED: 3 of the 3 objects are missing")


def test_the_job_shows_why_the_guard_stopped(gateway: Api) -> None:
    shown = run("job", stopped(gateway)).stdout
    assert "STOPPED: 3 of the 3 objects are missing" in shown


def test_a_confirmation_is_asked_for(gateway: Api) -> None:
    job_id = stopped(gateway)
    refused = run("removals", "confirm", job_id, typed="n\n", exit_code=1)
    assert "3 of the 3 objects are missing. Announce 3 objects as removed?" in refused.output
    assert gateway.call("GET", f"/jobs/{job_id}").json["removals"]["status"] == "STOPPED"
    assert (
        "3 missing objects are confirmed" in run("removals", "confirm", job_id, typed="y\n").stdout
    )
    assert gateway.call("GET", f"/jobs/{job_id}").json["removals"]["status"] == "CHECKING"


def test_another_number_is_refused(gateway: Api) -> None:
    job_id = stopped(gateway)
    refused = run("removals", "confirm", job_id, "--missing", "2", exit_code=1)
    assert "3 objects are missing, and 2 were confirmed" in refused.stderr
    shown = run("removals", "confirm", job_id, "--missing", "3", "--output", "json").stdout
    assert json.loads(shown)["removals"]["status"] == "CHECKING"


def test_settings_of_a_connector() -> None:
    run("connectors", "add", "media-prod", "--id", "media", "--removals", "{}")

    def edited(*options: str) -> object:
        text = run("connectors", "edit", "media", *options, "--output", "json").stdout
        return json.loads(text)["removals"]

    assert edited("--removals", '{"announce": true}') == {
        "announce": True,
        "maxShare": 0.05,
        "maxCount": 10_000,
        "minCount": 10,
    }
    assert edited("--clear", "removals") is None
    assert edited("--removals", "report")["announce"] is False
    assert edited("--removals", "announce")["announce"] is True
    wrong = run("connectors", "edit", "media", "--removals", "yes", exit_code=2)
    assert "--removals" in wrong.stderr
