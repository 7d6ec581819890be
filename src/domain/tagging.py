"""Which tags an object has after this service writes: the owner's, all of them, and its own."""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import TagLimitExceeded
from domain.identity import ASSET_ID_TAG, INVENTORY_ID_TAG, SYNC_JOB_ID_TAG, Identity
from domain.limits import OBJECT_TAG_COUNT_MAX


def tags_after(
    tags: Mapping[str, str], identity: Identity, mark: str | None = None
) -> dict[str, str]:
    """Return the tags to write: the existing ones, the ids of `identity` and no others, the mark.

    The two id tags are the system's: they get the values of `identity`, and are removed if it has
    none. Without a mark (None) the existing mark stays. Every other tag stays.

    Raises:
        TagLimitExceeded: There are more than ten tags in all. Nothing may be written then.
    """
    owned = {
        name: value for name, value in tags.items() if name not in (ASSET_ID_TAG, INVENTORY_ID_TAG)
    }
    own: dict[str, str] = {}
    if mark is not None:
        own[SYNC_JOB_ID_TAG] = mark
    if identity.asset_id:
        own[ASSET_ID_TAG] = identity.asset_id
    if identity.inventory_id:
        own[INVENTORY_ID_TAG] = identity.inventory_id
    merged = {**owned, **own}
    if len(merged) > OBJECT_TAG_COUNT_MAX:
        excess = len(merged) - OBJECT_TAG_COUNT_MAX
        raise TagLimitExceeded(
            f"the object has {len(tags)} tags and needs {len(merged)}; S3 allows"
            f" {OBJECT_TAG_COUNT_MAX}. Remove {excess} and redrive the job"
        )
    return merged
