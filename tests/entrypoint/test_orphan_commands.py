"""`asset-sync orphans`, over an API in a thread."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

import pytest
from api_calls import Api, served
from api_server import listening
from searched_orphans import LOST, completed, search
from typer.testing import CliRunner

from entrypoints.cli.main import app
from ports.errors import AccessDenied


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway, listening(gateway, monkeypatch):
        gateway.world.buckets.create("media-prod")
        gateway.world.buckets.put("media-prod", "a.jpg", b"content")
        yield gateway


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_cost_is_shown_before_a_search_is_started(gateway: Api) -> None:
    job_id = completed(gateway)
    shown = run("orphans", "plan", job_id)
    assert "the catalog has 4 records" in shown
    assert "Scan" in shown
    assert json.loads(run("job", job_id, "--output", "json"))["orphans"] is None
    done = CliRunner().invoke(app, ["orphans", "find", job_id])
    assert done.exit_code == 0, done.output
    assert "the catalog has 4 records" in done.stderr
    assert "search 1 is WANTED" in done.stdout


def test_a_search_is_started_also_if_its_cost_is_not_known(
    gateway: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = completed(gateway)

    async def denied() -> None:
        raise AccessDenied("no DescribeTable", operation="DescribeTable")

    monkeypatch.setattr(gateway.world.ports.catalog_scan, "size", denied)
    done = CliRunner().invoke(app, ["orphans", "find", job_id])
    assert done.exit_code == 0, done.output
    assert "what it will cost is not known: " in done.stderr
    assert "no DescribeTable" in " ".join(done.stderr.split())


def test_finding_and_listing(gateway: Api) -> None:
    job_id = completed(gateway)
    assert run("orphans", "list", job_id) == f"no search yet: asset-sync orphans find {job_id}\n"
    asked = run("orphans", "find", job_id)
    assert "search 1 is WANTED" in asked
    assert f"asset-sync orphans list {job_id}" in asked
    shown = run("job", job_id)
    assert "WANTED" in shown
    assert re.search(r"time +created [^ ,]+Z, ended [^ ,]+Z, after \d+ s", shown)
    assert run("orphans", "list", job_id).startswith("none: WANTED: it begins when ")
    search(gateway)
    assert "3 of 4 records have no object" in run("job", job_id)
    assert "z.jpg" in run("orphans", "list", job_id)
    rows = list(csv.DictReader(io.StringIO(run("orphans", "list", job_id, "--format", "csv"))))
    assert [row["objectKey"] for row in rows] == list(LOST)
    assert rows[0]["inventoryId"] == f"i:{LOST[0]}"
    for options in (("--format", "json"), ("--output", "json")):
        found = json.loads(run("orphans", "list", job_id, *options))["orphans"]
        assert list(found[0]) == list(rows[0])
        assert [row["objectKey"] for row in found] == list(LOST)
    one = json.loads(run("orphans", "list", job_id, "--limit", "1", "--output", "json"))
    assert len(one["orphans"]) == 1
