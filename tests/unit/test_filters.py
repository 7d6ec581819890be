"""Filters of connectors and of syncs."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.connector import Bucket
from domain.filters import NO_FILTERS, Filters, MediaType, StorageClass, nothing_passes
from domain.job import new_job
from domain.manifest import ManifestEntry
from domain.selection import selection_of
from domain.sync_request import SyncOptions, SyncRequest

NOW = datetime(2026, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)
ENTRY = ManifestEntry(key="a/b.mov", size_bytes=10, last_modified=NOW - DAY)


def passes(filters: Filters, margin: timedelta = timedelta(0), **entry: Any) -> bool:
    return filters.selects(replace(ENTRY, **entry), started_at=NOW, margin=margin)


def test_without_filters_all_pass() -> None:
    assert not NO_FILTERS.given
    assert passes(NO_FILTERS)
    unknown = {"size_bytes": None, "last_modified": None, "storage_class": None}
    assert passes(NO_FILTERS, **unknown)


@pytest.mark.parametrize(("size", "passed"), [(9, False), (10, True), (20, True), (21, False)])
def test_sizes_include_their_bounds(size: int, passed: bool) -> None:
    assert passes(Filters(size_min=10, size_max=20), size_bytes=size) is passed


def test_a_bound_of_zero_is_one() -> None:
    assert Filters(size_min=0).given
    assert passes(Filters(size_max=0), size_bytes=0)
    assert not passes(Filters(size_max=0), size_bytes=1)


def test_an_unknown_size_or_time_passes_no_bound() -> None:
    for bound in (Filters(size_min=0), Filters(size_max=5)):
        assert not passes(bound, size_bytes=None)
    for bound in (
        Filters(modified_since=NOW),
        Filters(modified_before=NOW),
        Filters(age_min_s=0),
    ):
        assert not passes(bound, last_modified=None)


def test_modified_since_includes_it_and_before_does_not() -> None:
    at = NOW - DAY
    assert passes(Filters(modified_since=at))
    assert not passes(Filters(modified_since=at + timedelta(seconds=1)))
    assert passes(Filters(modified_since=at + timedelta(hours=1)), margin=timedelta(hours=1))
    assert not passes(Filters(modified_since=NOW), margin=timedelta(hours=23))
    assert passes(Filters(modified_before=at + timedelta(seconds=1)))
    assert not passes(Filters(modified_before=at))


def test_an_age_counts_from_the_start_of_the_job() -> None:
    assert passes(Filters(age_min_s=86_400))
    assert not passes(Filters(age_min_s=86_401))
    assert not passes(Filters(age_min_s=60, modified_before=NOW - 2 * DAY))


def test_a_listing_that_is_continued_later_selects_the_same() -> None:
    request = SyncRequest(
        connector_id="c", bucket=Bucket(name="media"), filters=Filters(age_min_s=2 * 86_400)
    )
    job = new_job(job_id="j", request=request, now=NOW)
    later = replace(job, times=replace(job.times, updated_at=NOW + 5 * DAY))
    assert not selection_of(later, timedelta(0)).selects(ENTRY)


def test_storage_classes() -> None:
    only = Filters(storage_classes=(StorageClass.STANDARD, StorageClass.GLACIER))
    assert passes(only)
    assert passes(only, storage_class="GLACIER")
    assert not passes(only, storage_class="DEEP_ARCHIVE")
    assert not passes(only, storage_class="OF_A_LATER_YEAR")
    assert not passes(Filters(storage_classes=(StorageClass.GLACIER,)))


@pytest.mark.parametrize(
    ("key", "media_type"),
    [
        ("a.MOV", MediaType.VIDEO),
        ("a.jpg", MediaType.IMAGE),
        ("a.wav", MediaType.AUDIO),
        ("a.pdf", MediaType.DOCUMENT),
        ("a", MediaType.OTHER),
        ("mov", MediaType.OTHER),
    ],
)
def test_media_types_by_extension(key: str, media_type: MediaType) -> None:
    for each in MediaType:
        assert passes(Filters(media_types=(each,)), key=key) is (each is media_type)


def test_globs() -> None:
    filters = Filters(include=("*.mov", "*.jpg"), exclude=("tmp/",))
    assert passes(filters)
    assert not passes(filters, key="a/b.wav")
    assert not passes(filters, key="tmp/b.mov")


TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 12), timezones=st.just(UTC))  # noqa: DTZ001
CHOICES = st.builds(
    Filters,
    include=st.sampled_from([(), ("*.mov",), ("a/",)]),
    exclude=st.sampled_from([(), ("b/",)]),
    size_min=st.none() | st.integers(0, 20),
    size_max=st.none() | st.integers(0, 20),
    modified_since=st.none() | TIMES,
    modified_before=st.none() | TIMES,
    age_min_s=st.none() | st.integers(0, 10**6),
    storage_classes=st.lists(st.sampled_from(list(StorageClass)), max_size=2).map(tuple),
    media_types=st.lists(st.sampled_from(list(MediaType)), max_size=2).map(tuple),
)
ENTRIES = st.builds(
    ManifestEntry,
    key=st.sampled_from(["a/1.mov", "b/2.jpg", "3.wav", "a/4"]),
    size_bytes=st.integers(0, 20),
    last_modified=TIMES,
    storage_class=st.none() | st.sampled_from(list(StorageClass)),
)


@given(CHOICES, CHOICES, ENTRIES)
def test_a_sync_narrows_its_connectors_filters(
    connector: Filters, own: Filters, entry: ManifestEntry
) -> None:
    request = SyncRequest(
        connector_id="c",
        bucket=Bucket(name="media"),
        options=SyncOptions(filters=own),
        filters=connector,
    )
    job = new_job(job_id="j", request=request, now=NOW)
    selected = selection_of(job, timedelta(0)).selects(entry)
    each = [f.selects(entry, started_at=NOW, margin=timedelta(0)) for f in (connector, own)]
    assert selected is all(each)
    if nothing_passes((connector, own)) is not None:
        assert not selected


def test_what_lets_nothing_pass_is_named() -> None:
    assert nothing_passes((NO_FILTERS,)) is None
    assert nothing_passes((Filters(size_min=2), Filters(size_max=1))) == "maxSizeBytes"
    assert nothing_passes((Filters(size_min=1, size_max=1),)) is None
    since = Filters(modified_since=NOW)
    assert nothing_passes((since, Filters(modified_before=NOW))) == "modifiedBefore"
    one, other = (Filters(storage_classes=(c,)) for c in (StorageClass.SNOW, StorageClass.GLACIER))
    assert nothing_passes((one, other)) == "storageClasses"
    assert nothing_passes((one, NO_FILTERS)) is None
    video, audio = (Filters(media_types=(t,)) for t in (MediaType.VIDEO, MediaType.AUDIO))
    assert nothing_passes((video, audio)) == "mediaTypes"


def test_every_filter_counts_as_given() -> None:
    """A field that `given` forgets would be neither stored nor applied."""
    some: dict[str, Any] = {
        "include": ("a",),
        "exclude": ("a",),
        "size_min": 0,
        "size_max": 0,
        "modified_since": NOW,
        "modified_before": NOW,
        "age_min_s": 0,
        "storage_classes": (StorageClass.SNOW,),
        "media_types": (MediaType.OTHER,),
    }
    assert set(some) == {each.name for each in fields(Filters)}
    for name, value in some.items():
        assert Filters(**{name: value}).given


def test_what_the_key_decides_alone() -> None:
    assert NO_FILTERS.by_key
    assert Filters(include=("a",), exclude=("b",), media_types=(MediaType.VIDEO,)).by_key
    for other in (
        Filters(size_min=0),
        Filters(size_max=0),
        Filters(modified_since=NOW),
        Filters(modified_before=NOW),
        Filters(age_min_s=0),
        Filters(storage_classes=(StorageClass.SNOW,)),
    ):
        assert not other.by_key
