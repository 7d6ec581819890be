"""The parts of a multipart copy, and its record, which can be read back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.customer_object import Encryption, ObjectHead, ObjectLock
from domain.errors import InvalidManifest
from domain.limits import UPLOAD_PART_BYTES_MAX, UPLOAD_PART_BYTES_MIN, UPLOAD_PART_COUNT_MAX
from domain.part_copy import (
    CopiedPart,
    CopyRecord,
    PartialCopy,
    fingerprint_of,
    from_json,
    plan_parts,
    to_json,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HEAD = ObjectHead(
    key="a",
    size_bytes=10,
    e_tag="abc",
    last_modified=NOW,
    system_metadata={"ContentType": "image/jpeg", "Expires": NOW},
    user_metadata={"b": "1", "a": "2"},
)


@given(
    size_bytes=st.integers(1, 50 * 10**12),
    part_bytes=st.integers(UPLOAD_PART_BYTES_MIN, UPLOAD_PART_BYTES_MAX // 2),
)
def test_parts_cover_any_object_within_s3s_limits(size_bytes: int, part_bytes: int) -> None:
    part_bytes = max(part_bytes, size_bytes // 1_000)  # keeps the example small enough to list
    parts = list(plan_parts(size_bytes, part_bytes=min(part_bytes, 4 * 1024**3)))

    assert len(parts) <= UPLOAD_PART_COUNT_MAX
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert (parts[0].first, parts[-1].last) == (0, size_bytes - 1)
    assert all(part.last + 1 == after.first for part, after in pairwise(parts))
    sizes = [part.size_bytes for part in parts]
    assert sum(sizes) == size_bytes
    assert max(sizes) <= UPLOAD_PART_BYTES_MAX
    assert min(sizes[:-1], default=UPLOAD_PART_BYTES_MIN) >= UPLOAD_PART_BYTES_MIN


_texts = st.text(st.characters(codec="utf-8"), max_size=20)
_parts = st.builds(
    CopiedPart,
    number=st.integers(1, UPLOAD_PART_COUNT_MAX),
    e_tag=_texts,
    checksums=st.dictionaries(_texts, _texts, max_size=2),
)
_copies = st.builds(
    CopyRecord,
    started_count=st.integers(0, 9),
    given_up=st.lists(_texts, max_size=2).map(tuple),
    under_way=st.none()
    | st.builds(
        PartialCopy,
        upload_id=_texts,
        fingerprint=_texts,
        part_bytes=st.integers(1, UPLOAD_PART_BYTES_MAX),
        parts=st.lists(_parts, max_size=3).map(tuple),
    ),
)


@given(st.dictionaries(_texts, _copies, max_size=3))
def test_a_record_can_be_read_back(records: dict[str, CopyRecord]) -> None:
    assert from_json(to_json(records)) == records


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 1}', b'{"a": {"uploadId": "u"}}', b"\xff"])
def test_an_unrecognised_file_is_an_error(content: bytes) -> None:
    with pytest.raises(InvalidManifest):
        from_json(content)


def test_the_same_object_and_tags_have_the_same_fingerprint() -> None:
    again = replace(HEAD, user_metadata={"a": "2", "b": "1"})
    first = fingerprint_of(HEAD, {"x": "1", "y": "2"}, {"GrantRead": "all"})
    assert fingerprint_of(again, {"y": "2", "x": "1"}, {"GrantRead": "all"}) == first


@pytest.mark.parametrize(
    "change",
    [
        {"e_tag": "abd"},
        {"version_id": "v2"},
        {"last_modified": NOW + timedelta(seconds=1)},
        {"storage_class": "STANDARD_IA"},
        {"encryption": Encryption(algorithm="aws:kms", kms_key_id="k")},
        {"lock": ObjectLock(legal_hold="ON")},
        {"user_metadata": {"b": "1"}},
        {"system_metadata": {"ContentType": "image/jpeg", "Expires": NOW + timedelta(days=1)}},
    ],
)
def test_another_object_or_other_metadata_has_another_fingerprint(change: dict[str, Any]) -> None:
    assert fingerprint_of(replace(HEAD, **change), {}, {}) != fingerprint_of(HEAD, {}, {})


def test_other_tags_or_other_grants_have_another_fingerprint() -> None:
    first = fingerprint_of(HEAD, {"x": "1"}, {"GrantRead": "all"})
    assert fingerprint_of(HEAD, {"x": "2"}, {"GrantRead": "all"}) != first
    assert fingerprint_of(HEAD, {"x": "1"}, {}) != first
