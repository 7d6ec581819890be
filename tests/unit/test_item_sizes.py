"""The content of one record stays below DynamoDB's 400 KB per item."""

from __future__ import annotations

import pytest

from domain.connector import Ingest
from domain.errors import ManifestTooLarge
from domain.file_types import FileFilter
from domain.item_sizes import (
    CONNECTOR_BYTES_MAX,
    JOB_OPTIONS_BYTES_MAX,
    MANIFEST_PART_COUNT_MAX,
    active_prefix_bytes,
    connector_issues,
    option_issues,
    part_bytes,
)
from domain.sync_request import SyncOptions

MIB = 1024**2


def test_parts_grow_so_that_few_of_them_hold_a_large_manifest() -> None:
    sizes = [part_bytes(8 * MIB, count) for count in range(MANIFEST_PART_COUNT_MAX)]
    assert [sizes[0], sizes[999], sizes[1_000], sizes[4_999]] == [8 * MIB] * 2 + [
        16 * MIB,
        128 * MIB,
    ]
    assert sizes == sorted(sizes)
    assert sum(sizes) == 31_000 * 8 * MIB
    # A row of 130 bytes for each object.
    assert sum(sizes) // 130 > 1_900_000_000


def test_every_part_number_fits_into_a_record() -> None:
    with pytest.raises(ManifestTooLarge, match="5000 parts"):
        part_bytes(1, MANIFEST_PART_COUNT_MAX)


def test_options_count_in_bytes() -> None:
    half = "ü" * (JOB_OPTIONS_BYTES_MAX // 2 - 1)
    assert option_issues(SyncOptions(prefixes=(half,), include=("",)), Ingest()) == []
    [fault] = option_issues(SyncOptions(prefixes=(half,), exclude=("x",)), Ingest())
    assert fault.path == "body"
    assert "190,000 are allowed" in fault.message


def test_the_connector_s_filter_counts() -> None:
    names = tuple(f"{number:0200}" for number in range(800))
    ingest = Ingest(file_filter=FileFilter(extensions=names[:400], mime_types=names[400:]))
    assert 150_000 < 800 * 201 < 190_000
    assert option_issues(SyncOptions(), ingest) == []
    assert option_issues(SyncOptions(prefixes=("x" * 40_000,)), ingest)
    [fault] = connector_issues((), ingest)
    assert f"{CONNECTOR_BYTES_MAX:,} are allowed" in fault.message
    assert connector_issues(("x" * 149_999,), Ingest()) == []
    assert connector_issues(("x" * 150_000,), Ingest())


def test_jobs_and_prefixes_count_in_a_guard() -> None:
    assert active_prefix_bytes([]) == 0
    assert active_prefix_bytes([(), ("ü", "ab")]) == 100 + 100 + 3 + 3
