"""Three whole syncs of a bucket with every case, the local Media Lake taking part.

`make conformance-medialake` runs the same cases with the published ingest function.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from media_syncs.allowed_files import FILTER, allowed_files_are_taken_and_no_others
from media_syncs.cases import (
    Case,
    Past,
    Run,
    all_cases,
    pasts,
    uploaded_again_by_multipart,
)
from media_syncs.comparison import sync_and_compare
from media_syncs.ingest import EVENTBRIDGE, S3_NOTIFICATIONS
from media_syncs.stand_in import StandIn

from entrypoints.wiring.asset_systems import AssetSystem

# Those with an owner's tags, under an awkward key.
_PASTS = [case for case in pasts() if case.owner]

# Both discoveries, all triggers, both choices of ids, both integrations. Keys and types are in the
# first two alone: the rest of the decision does not depend on them.
RUNS = {
    Run(discovery=discovery, trigger=trigger, ids=ids, integration=integration): tuple(cases)
    for discovery, trigger, ids, integration, cases in (
        ("batch", "copy", "minted", EVENTBRIDGE, all_cases()),
        ("direct", "queue", "assigned", S3_NOTIFICATIONS, all_cases()),
        ("direct", "queue", "minted", EVENTBRIDGE, (*_PASTS, *uploaded_again_by_multipart())),
        ("direct", "event", "minted", S3_NOTIFICATIONS, _PASTS),
    )
}

# How a Media Lake differs from a system that ingests everything, and the names of the cases that
# show it. The runs with trigger `event` show how it handles this service's events; every run shows
# that its asset index is not queried.
SHOWN_BY = {
    "media under awkward keys is ingested under the given ids": [
        *(f"awkward key {number}" for number in range(25)),
        "a.mxf, application/mxf",
    ],
    "what is not media is never touched": [
        "not media: .xml",
        "not media: .pdf",
        "a.dng, no content type",
        "a.r3d, no content type",
        "a.heic, no content type",
        "no extension, no content type",
        "no extension, application/octet-stream",
    ],
    "a record keeps its asset id when the object's is lost": [Past.ASSET_TAG_LOST],
    "an object without tags has one record still": [
        Past.TAGS_LOST,
        Past.MULTIPART_TAGS_LOST,
        Past.SAME_AGAIN,
        Past.SAME_AGAIN_WAITING,
        Past.SAME_AGAIN_LOST,
        Past.OURS_TAGS_LOST,
        Past.OURS_SAME_AGAIN_LOST,
    ],
    "other bytes are replaced on the way without ids": [
        Past.OTHER,
        Past.OTHER_WAITING,
        Past.OTHER_LOST,
        Past.OTHER_WITH_INVENTORY_TAG,
        Past.OURS_OTHER_WAITING,
        Past.OURS_OTHER_LOST,
    ],
    "a deleted record is created again": [Past.RECORD_LOST, Past.RECORD_AND_ASSET_TAG_LOST],
    "the same bytes at another key are an asset or a duplicate": [
        f"duplicate, {Past.OLD}",
        f"duplicate, {Past.TAKEN}",
        "known content at a new key",
    ],
    "the type is correct without a known extension": [
        "a.pcm, no content type",
        "a.vob, video/mpeg",
        "a.m2v, video/mpeg",
        "a.amr, audio/amr",
        "a.ac3, audio/ac3",
        "no extension, video/mp4",
        "no extension, audio/wav",
    ],
    "an object that it ingested on its own is unchanged": [Past.TAKEN],
}


def _name(run: Run) -> str:
    return f"{run.discovery}-{run.trigger}-{run.ids}-{run.integration}"


@pytest.fixture(scope="module")
def system(start_system: Any) -> Any:
    return start_system({}, asset_system=AssetSystem.MEDIALAKE)


@pytest.fixture(scope="module")
def ingest(system: Any) -> StandIn:
    return StandIn(system)


@pytest.mark.slow
@pytest.mark.parametrize(("run", "cases"), RUNS.items(), ids=map(_name, RUNS))
def test_three_syncs(system: Any, ingest: StandIn, run: Run, cases: Sequence[Case]) -> None:
    sync_and_compare(system, ingest, run, _name(run).lower(), cases)


@pytest.mark.slow
def test_allowed_files_are_taken_and_no_others(system: Any, ingest: StandIn) -> None:
    ingest.use_filter("allowed-minted", FILTER)
    allowed_files_are_taken_and_no_others(system, ingest, "minted")


@pytest.mark.parametrize("shown", SHOWN_BY)
def test_each_difference_of_a_media_lake_has_its_cases(shown: str) -> None:
    assert set(SHOWN_BY[shown]) <= {case.what for case in all_cases()}


@pytest.mark.parametrize("ids", ["minted", "assigned"])
def test_each_difference_is_in_a_run_with_either_ids(ids: str) -> None:
    tried = {case.what for run, cases in RUNS.items() if run.ids == ids for case in cases}
    assert {name for names in SHOWN_BY.values() for name in names} <= tried


def test_each_variant_of_a_sync_is_in_a_run() -> None:
    assert {run.discovery for run in RUNS} == {"batch", "direct"}
    assert {(run.trigger, run.ids) for run in RUNS} >= {
        ("copy", "minted"),
        ("queue", "minted"),
        ("queue", "assigned"),
        ("event", "minted"),
    }
    assert {run.integration for run in RUNS} == {EVENTBRIDGE, S3_NOTIFICATIONS}


@pytest.mark.slow
@pytest.mark.parametrize("discovery", ["direct", "batch"])
def test_a_second_sync_that_relies_on_the_catalog_asks_s3_for_no_object(
    system: Any, ingest: StandIn, counted: Any, discovery: str
) -> None:
    bucket = system.bucket(f"relies-{discovery}")
    ingest.attach(bucket)
    keys = [f"é +%/{number}.mov" for number in range(12)]
    for key in keys:
        system.put(bucket, key, Body=key.encode())
    system.api.connect(bucket, verify="catalog")
    first = system.api.ended(system.api.sync(bucket, discovery=discovery))
    assert first["statistics"]["put"] == 12
    system.idle()
    ingest.drain(EVENTBRIDGE)
    system.calls.take_kept()
    second = system.api.ended(system.api.sync(bucket, discovery=discovery))
    system.idle()
    assert second["statistics"]["skipped"] == 12, second
    calls = system.calls.take_kept()
    on_bucket = [params for _, _, params in calls if params.get("Bucket") == bucket]
    assert not [params for params in on_bucket if "Key" in params]
    counts = counted(calls)
    on_table = {key[1]: n for key, n in counts.items() if key[2] == system.assets_table}
    assert on_table == {"BatchGetItem": 1}
    assert not [key for key in counts if key[1] == "CreateJob"]
