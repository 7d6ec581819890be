"""`asset-sync retrigger`: chosen objects are triggered again, and no others are looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from api_calls import Api, Json, served
from api_server import listening
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from application.execution.deadline import Deadline
from domain.glob import Glob, glob_error
from entrypoints import api
from entrypoints.chosen_objects import literal, outermost
from entrypoints.cli.main import app
from entrypoints.cli.remote import retrigger_command

KEYS = ["a/1.jpg", "a/1.jpg.bak", "a/2 [x]*?.jpg", "b.jpg"]


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(monkeypatch) as gateway, listening(gateway, monkeypatch):
        gateway.world.buckets.create("media-prod")
        for key in KEYS:
            gateway.world.buckets.put("media-prod", key, b"content")
        body = {"connectorId": "media", "bucketName": "media-prod"}
        assert gateway.call("POST", "/connectors", body).status == 201
        yield gateway


def run(*arguments: str, exit_code: int = 0) -> Result:
    done = CliRunner().invoke(app, ["retrigger", "media", *arguments])
    assert done.exit_code == exit_code, done.output
    return done


def synced(gateway: Api) -> set[str]:
    """Run the only job to its end; return the keys of its outcomes."""
    ports, use_cases = gateway.world.ports, gateway.container

    async def finish(_: object) -> None:
        deadline = Deadline.after(ports.clock, 600)
        ports.clock.advance(2)
        for job_id in ports.invoker.take():
            await use_cases.engine().advance(job_id, deadline)
        for message in ports.queue.receive():
            await use_cases.process_chunk().process(message.job_id, message.chunk_index, deadline)

    api.RUNTIME.run(finish)
    files = [name for name in ports.results.files if "/outcomes/" in name]
    return {
        json.loads(line)["key"] for name in files for line in ports.results.files[name].splitlines()
    }


@pytest.mark.parametrize("chosen", [[KEYS[0]], [KEYS[2], KEYS[3]], [KEYS[1], KEYS[0]]])
def test_only_the_chosen_keys(gateway: Api, chosen: list[str]) -> None:
    shown = run(*(part for key in chosen for part in ("--key", key)))
    assert "next: asset-sync job " in shown.stdout
    [job] = gateway.world.database.jobs
    assert job.request.options.retrigger
    assert synced(gateway) == set(chosen)


@pytest.mark.parametrize(
    ("option", "wanted"), [("--not-taken", "NOT_TAKEN"), ("--ingesting", "INGESTING")]
)
def test_those_of_an_outcome(
    gateway: Api, monkeypatch: pytest.MonkeyPatch, option: str, wanted: str
) -> None:
    asked: list[tuple[str, Json]] = []

    def pages(_: object, path: str, query: Json) -> Iterator[Json]:
        asked.append((path, query))
        yield from ({"objectKey": key} for key in KEYS[2:])

    monkeypatch.setattr("entrypoints.cli.remote.api_client.ApiClient.pages", pages)
    document = json.loads(run(option, "job-1", "--output", "json").stdout)
    assert asked == [("/connectors/media/jobs/job-1/outcomes", {"outcome": wanted, "limit": 50})]
    assert document["prefixes"] == KEYS[2:]
    assert synced(gateway) == set(KEYS[2:])


def test_something_must_be_chosen_and_not_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no objects are chosen" in run(exit_code=2).stderr
    assert "is a folder" in run("--key", "a/", exit_code=2).stderr
    monkeypatch.setattr(retrigger_command, "KEY_COUNT_MAX", 1)
    refused = run("--key", "a", "--key", "b", exit_code=2)
    assert "--retrigger" in refused.stderr


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), st.text(max_size=8)
)
def test_the_glob_of_a_key_matches_no_other(key: str, other: str) -> None:
    if key.endswith("/"):
        return  # such a glob matches all below it: the command refuses these keys
    glob = f"/{literal(key)}"
    assert glob_error(glob) is None
    assert Glob.compile(glob).matches(other) is (key == other)
    assert Glob.compile(glob).matches(key)


@given(st.lists(st.text("ab/", min_size=1, max_size=4), unique=True))
def test_prefixes_do_not_overlap_and_cover_all(keys: list[str]) -> None:
    found = outermost(sorted(keys))
    assert all(any(key.startswith(prefix) for prefix in found) for key in keys)
    assert not any(a != b and a.startswith(b) for a in found for b in found)
