"""When a listed object is known without its tags: only if the record is of exactly that version."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.catalog import CatalogRecord
from domain.decision import Decision, Reason
from domain.errors import InvalidManifest
from domain.manifest import ManifestEntry
from domain.verification import (
    decode_known,
    decode_known_entry,
    encode_known,
    known_as_listed,
)

AT = datetime(2026, 1, 31, 12, 30, 15, tzinfo=UTC)
PATH = "media:a.jpg"
ENTRY = ManifestEntry(key="a.jpg", size_bytes=7, last_modified=AT, e_tag="e1")
RECORD = CatalogRecord(
    inventory_id="inv-1",
    asset_id="asset-1",
    storage_path=PATH,
    e_tag="e1",
    size_bytes=7,
    last_modified=AT,
)


def known(entry: ManifestEntry = ENTRY, *records: CatalogRecord) -> bool:
    return known_as_listed(entry, PATH, records or (RECORD,)) is not None


def test_a_record_of_the_listed_version_makes_it_known_under_its_ids() -> None:
    outcome = known_as_listed(ENTRY, PATH, [RECORD])
    assert outcome is not None
    assert (outcome.decision, outcome.reason) == (Decision.SKIP, Reason.ASSET_KNOWN)
    assert (outcome.asset_id, outcome.inventory_id) == ("asset-1", "inv-1")


@pytest.mark.parametrize(
    "change",
    [
        {"asset_id": None},
        {"storage_path": None},
        {"storage_path": "media:A.jpg"},
        {"e_tag": None},
        {"e_tag": "e2"},
        {"size_bytes": None},
        {"size_bytes": 8},
        {"last_modified": None},
        {"last_modified": AT + timedelta(seconds=1)},
        {"last_modified": AT - timedelta(seconds=1)},
    ],
    ids=str,
)
def test_a_record_that_differs_or_lacks_anything_leaves_a_doubt(change: dict[str, Any]) -> None:
    assert not known(ENTRY, replace(RECORD, **change))


@pytest.mark.parametrize("name", ["e_tag", "size_bytes", "last_modified"])
def test_a_listing_that_lacks_anything_leaves_a_doubt(name: str) -> None:
    unlisted: dict[str, Any] = {name: None}
    assert not known(replace(ENTRY, **unlisted))
    assert not known(replace(ENTRY, **unlisted), replace(RECORD, **unlisted))


def test_no_record_or_several_leave_a_doubt() -> None:
    assert known_as_listed(ENTRY, PATH, []) is None
    assert not known(ENTRY, RECORD, replace(RECORD, inventory_id="inv-2"))


def test_a_time_that_a_catalog_truncated_is_the_same() -> None:
    assert known(replace(ENTRY, last_modified=AT + timedelta(milliseconds=999)))


@pytest.mark.parametrize("key", ["a.jpg", 'line\nbreak, "quote" + é/日本.mov', "%2C,"])
def test_a_known_outcome_survives_its_line(key: str) -> None:
    outcome = known_as_listed(
        replace(ENTRY, key=key), PATH, [replace(RECORD, inventory_id="inv, 1\n")]
    )
    assert outcome is not None
    entry = replace(ENTRY, key=key)
    line = encode_known(outcome, entry)
    assert decode_known(line) == outcome
    assert decode_known_entry(line) == entry
    unknown = ManifestEntry(key=key, size_bytes=None, last_modified=None)
    assert decode_known_entry(encode_known(outcome, unknown)) == unknown
    # As earlier versions wrote it.
    before = b",".join(line.split(b",")[:3]) + b"\n"
    assert decode_known(before) == outcome
    assert decode_known_entry(before) == unknown
    assert (line.count(b"\n"), line.count(b'"')) == (1, 0)


@pytest.mark.parametrize("line", [b"", b"a\n", b"a,b\n", b"a,b,c,d\n", b"%ff,b,c\n", b"\xff,b,c\n"])
def test_a_line_that_is_no_known_outcome_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidManifest):
        decode_known(line)
