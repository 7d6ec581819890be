"""Which tags an object carries after our write: the owner's, all of them, and ours."""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import TagLimitExceeded
from domain.identity import ASSET_ID_TAG, INVENTORY_ID_TAG, SYNC_JOB_ID_TAG, Identity
from domain.limits import OBJECT_TAG_COUNT_MAX


def merge_tags(tags: Mapping[str, str], identity: Identity, job_id: str) -> dict[str, str]:
    """Return the tags to write: what is there, the ids, and the job that wrote them.

    Ids that the object has already are in `identity` unchanged, so no owner's value is replaced;
    only `SyncJobID`, which is ours, moves on from job to job.

    Raises:
        TagLimitExceeded: more than ten tags in all; nothing may be written then.
    """
    ours = {SYNC_JOB_ID_TAG: job_id}
    if identity.asset_id:
        ours[ASSET_ID_TAG] = identity.asset_id
    if identity.inventory_id:
        ours[INVENTORY_ID_TAG] = identity.inventory_id
    merged = {**tags, **ours}
    if len(merged) > OBJECT_TAG_COUNT_MAX:
        excess = len(merged) - OBJECT_TAG_COUNT_MAX
        raise TagLimitExceeded(
            f"the object has {len(tags)} tags and needs {len(merged)}; S3 allows"
            f" {OBJECT_TAG_COUNT_MAX}. Remove {excess} and redrive the job"
        )
    return merged
