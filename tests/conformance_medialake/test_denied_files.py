"""A Media Lake connector that denies files: they are triggered three times, or never."""

import json
from datetime import timedelta
from typing import Any

import pytest
from media_lake import MediaLake
from media_syncs.ingest import S3_NOTIFICATIONS

FILTER = {"mode": "deny", "extensions": ["mov"], "mimeTypes": ["audio/*"]}
TUNING = {"ingest_grace_s": 0.001}
VARIABLES = {"CONNECTOR_FILE_FILTER": json.dumps(FILTER)}

CONTENT_TYPES = {
    "a + %.mov": "video/quicktime",
    "a + %.wav": "audio/wav",
    "a + %.jpg": "image/jpeg",
}
DENIED = {"a + %.mov", "a + %.wav"}


@pytest.fixture(autouse=True)
def _depth_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulated queue's depth does not lag; AWS's does, so a sync waits a minute for it."""
    monkeypatch.setattr("application.engine.ingest_watch._DEPTH_LAG", timedelta())


@pytest.fixture(params=["minted", "assigned"])
def ids(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _bucket(system: Any, lake: MediaLake, name: str, **connector: Any) -> str:
    system.bucket(name)
    for key, content_type in CONTENT_TYPES.items():
        system.put(name, key, Body=f"{name} {key}".encode(), ContentType=content_type)
    lake.attach(name)
    lake.drain(S3_NOTIFICATIONS)
    return str(system.api.connect(name, **connector))


def _sync(system: Any, lake: MediaLake, bucket: str, **body: Any) -> tuple[dict[str, str], Any]:
    """Return the reasons by key, and what the function was shown."""
    job = system.api.ended(system.api.sync(bucket, discovery="direct", **body))
    assert job["status"] == "COMPLETED", job
    system.idle()
    reasons = {line["key"]: line["reason"] for line in system.outcomes(job["jobId"])}
    return reasons, lake.drain(S3_NOTIFICATIONS)


@pytest.mark.parametrize("trigger", ["copy", "queue"])
def test_denied_without_a_known_filter_is_triggered_three_times(
    system: Any, lake: MediaLake, trigger: str, ids: str
) -> None:
    more = {"ingestQueueUrl": lake.ingest_url(S3_NOTIFICATIONS)} if trigger == "queue" else {}
    bucket = _bucket(system, lake, f"denied-{trigger}-{ids}", trigger=trigger, ids=ids, **more)

    syncs = [_sync(system, lake, bucket) for _ in range(5)]

    again = "IDS_UNKNOWN" if ids == "minted" else "NO_IDS"
    for key in DENIED:
        assert [reasons[key] for reasons, _ in syncs] == ["NO_IDS", again, again] + 2 * [
            "NOT_TAKEN"
        ], key
        assert [shown[key] for _, shown in syncs] == [1, 1, 1, 0, 0], key
    assert [reasons["a + %.jpg"] for reasons, _ in syncs] == ["NO_IDS"] + 4 * ["ASSET_KNOWN"]
    assert [len(seen.records) for seen in lake.look(bucket).values()] == [1, 0, 0]


def test_not_taken_is_triggered_on_request_or_after_an_upload(system: Any, lake: MediaLake) -> None:
    bucket = _bucket(system, lake, "denied-again")
    for _ in range(4):
        reasons, _ = _sync(system, lake, bucket)
    assert {reasons[key] for key in DENIED} == {"NOT_TAKEN"}

    reasons, shown = _sync(system, lake, bucket, retrigger=True)
    assert {reasons[key] for key in DENIED} == {"IDS_UNKNOWN"}
    assert dict(shown) == dict.fromkeys(DENIED, 1)

    for _ in range(3):
        reasons, _ = _sync(system, lake, bucket)
    assert {reasons[key] for key in DENIED} == {"NOT_TAKEN"}
    system.put(bucket, "a + %.mov", Body=b"new", ContentType="video/quicktime")
    lake.drain(S3_NOTIFICATIONS)
    reasons, shown = _sync(system, lake, bucket)
    assert reasons["a + %.mov"] == "NO_IDS"
    assert dict(shown) == {"a + %.mov": 1}


def test_denied_by_a_known_filter_is_never_touched(system: Any, lake: MediaLake, ids: str) -> None:
    bucket = _bucket(system, lake, f"filtered-{ids}", fileFilter=FILTER, ids=ids)

    first, shown = _sync(system, lake, bucket)
    second, nothing = _sync(system, lake, bucket)

    assert first == {"a + %.wav": "NOT_MEDIA", "a + %.jpg": "NO_IDS"}
    assert second == {"a + %.wav": "NOT_MEDIA", "a + %.jpg": "ASSET_KNOWN"}
    assert (dict(shown), dict(nothing)) == ({"a + %.jpg": 1}, {})
    seen = lake.look(bucket)
    assert [dict(seen[key].tags) for key in sorted(DENIED)] == [{}, {}]
