"""Whether tags and head belong to the same object, and which objects are archived."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.customer_object import ObjectHead, ObjectTags, is_archived, possibly_replaced

READ_AT = datetime(2026, 1, 1, 12, 0, 5, 700_000, tzinfo=UTC)


def head(*, modified_s: float = -60, version_id: str | None = None, **more: object) -> ObjectHead:
    modified = (READ_AT + timedelta(seconds=modified_s)).replace(microsecond=0)
    return ObjectHead(
        key="k",
        size_bytes=1,
        e_tag="e",
        last_modified=modified,
        version_id=version_id,
        **more,  # type: ignore[arg-type]
    )


def tags(version_id: str | None = None) -> ObjectTags:
    return ObjectTags({"a": "1"}, version_id=version_id, read_at=READ_AT)


def test_an_unchanged_object_is_the_same() -> None:
    assert not possibly_replaced(tags(), head(modified_s=-1))


@pytest.mark.parametrize("modified_s", [0, 1, 60])
def test_an_object_of_this_second_is_ambiguous(modified_s: float) -> None:
    """S3 timestamps have a resolution of one second, so the object may be newer than the tags."""
    assert possibly_replaced(tags(), head(modified_s=modified_s))


def test_versions_decide_exactly() -> None:
    assert possibly_replaced(tags("v1"), head(version_id="v2"))
    assert not possibly_replaced(tags("v1"), head(modified_s=60, version_id="v1"))


def test_the_null_version_can_be_overwritten_so_time_decides() -> None:
    assert possibly_replaced(tags("null"), head(modified_s=60, version_id="null"))
    assert not possibly_replaced(tags("null"), head(version_id="null"))


def test_a_store_that_names_no_version_with_the_tags_is_judged_by_time() -> None:
    assert possibly_replaced(tags(), head(modified_s=60, version_id="v1"))
    assert not possibly_replaced(tags(), head(version_id="v1"))


@pytest.mark.parametrize(
    ("tag_count", "changed"), [(None, False), (1, False), (0, True), (4, True)]
)
def test_another_number_of_tags_means_that_it_was_retagged(
    tag_count: int | None, changed: bool
) -> None:
    assert possibly_replaced(tags(), head(tag_count=tag_count)) is changed
    assert possibly_replaced(tags("v1"), head(version_id="v1", tag_count=tag_count)) is changed


@pytest.mark.parametrize(
    ("more", "archived"),
    [
        ({}, False),
        ({"storage_class": "GLACIER"}, True),
        ({"storage_class": "DEEP_ARCHIVE"}, True),
        ({"storage_class": "GLACIER_IR"}, False),
        ({"storage_class": "GLACIER", "restored": True}, True),
        ({"storage_class": "DEEP_ARCHIVE", "restored": True}, True),
        ({"storage_class": "INTELLIGENT_TIERING", "archive_status": "ARCHIVE_ACCESS"}, True),
        (
            {
                "storage_class": "INTELLIGENT_TIERING",
                "archive_status": "DEEP_ARCHIVE_ACCESS",
                "restored": True,
            },
            True,
        ),
        ({"storage_class": "INTELLIGENT_TIERING", "restored": True}, False),
        ({"storage_class": "INTELLIGENT_TIERING"}, False),
    ],
)
def test_which_objects_are_archived(more: dict[str, object], archived: bool) -> None:
    assert is_archived(head(**more)) is archived
