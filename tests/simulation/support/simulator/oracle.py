"""The required outcome of each object, by an independent statement of the rules.

Only objects that no other process touched during the job are judged. Whether the system still has
time for an object is judged elsewhere, when it is triggered (`ingest_invariants`); here both will
do.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from simulator.accounts import outcome_lines
from simulator.ledger import is_another, mark_in
from simulator.scenery import BUCKET

from adapters.memory.buckets import StoredObject
from domain.catalog import CatalogRecord
from domain.connector import IdSource, Trigger
from domain.customer_object import is_archived
from domain.job import Job

if TYPE_CHECKING:
    from simulator.observer import Observer

_IDS = ("AssetID", "InventoryID")
_TAG_COUNT_MAX = 10
_NAMESPACE = uuid.UUID("5b0c6a52-3a0e-5d1e-9b57-6f2f3d1c8a77")
_MEDIA = {"jpg", "mov", "wav", "tif", "mxf"}


def outcomes_are_what_the_world_asked_for(observer: Observer, job: Job) -> Iterator[str]:
    """An object that no other process changed gets the outcome that its tags and the catalog
    required when the job began; if that is not possible, FAILED or ARCHIVED.
    """
    if job.job_id in observer.sim.services.batch.wrong_reports:
        return  # the second decision on an object sees what the first one did
    start = observer.starts[job.job_id]
    all_taken = observer.sim.services.system.profile.file_types is None
    for line in outcome_lines(observer.sim, job.job_id):
        key, kind = line["key"], line["outcome"]
        stored = start.objects.get(key)
        if stored is None or observer.touched_by_others(job, key):
            continue
        if kind == "FAILED" and (observer.sim.faults.any or key in observer.denied):
            continue
        if line["reason"] == "GivenUp":
            continue  # short lifetimes suffice for that, if parts of a large object take long
        if line.get("asListed"):
            if not _recorded(stored, start.assets):
                yield f"{key} counts as known, and no record is of it: {line}"
            continue
        wanted = _wanted(job, stored, start.assets, all_taken=all_taken)
        known = (job.job_id, key) in observer.ingestions or line.get("inventoryId") in start.assets
        resumed = line["reason"] == "ALREADY_TRIGGERED" and {kind, *wanted} >= {"COPIED", "PUT"}
        if kind not in wanted and not (known and resumed):
            yield f"{key} is {kind}, not {sorted(wanted)}: {line}"


def _wanted(
    job: Job, stored: StoredObject, assets: Mapping[str, CatalogRecord], *, all_taken: bool
) -> set[str]:
    key, tags = stored.head.key, stored.tags
    asset_id, inventory_id = (tags.get(name) for name in _IDS)
    tagged = assets.get(inventory_id or "")
    if asset_id and tagged is not None and tagged.asset_id == asset_id:
        return {"SKIPPED"}
    # Only with an unknown system the index over asset ids is queried.
    if asset_id and all_taken and asset_id in {each.asset_id for each in assets.values()}:
        return {"SKIPPED"}
    if stored.customer_key:
        return {"FAILED"}
    if not all_taken and not _is_media(stored):
        return {"NOT_MEDIA"}
    path = f"{BUCKET}:{key}"
    own = tagged if tagged is not None and tagged.storage_path in (None, path) else None
    other = None if own is not None else _other(stored, assets, path, tagged)
    if other is not None and other.asset_id is not None and _about(other, stored, path):
        return {"SKIPPED"}
    record = own or other or tagged
    replaced = record is not None and _about(record, stored, path) is False
    copied = record is not None and not replaced and (record is not other or not other.asset_id)
    triggered = {"COPIED" if copied else "PUT"}
    marked = "/" in tags.get("SyncJobID", "")
    if job.request.ingest.trigger is Trigger.COPY and is_archived(stored.head):
        triggered = {"ARCHIVED"}
    if job.request.ingest.trigger is Trigger.QUEUE and is_archived(stored.head):
        triggered = triggered if stored.head.restored else {"ARCHIVED"}
    others_mark = marked and mark_in(tags, BUCKET, key) is None
    none_known = record is None
    if replaced:
        id_count = 0
    elif none_known and job.request.ingest.ids is IdSource.ASSIGNED:
        id_count = 0 if others_mark else sum(1 for name in _IDS if tags.get(name))
    else:
        id_count = len(_IDS)
    if len({*tags, "SyncJobID"} - {*_IDS}) + id_count > _TAG_COUNT_MAX:
        triggered = {"FAILED"}
    mark = mark_in(tags, BUCKET, key)
    if mark is None or job.request.options.retrigger or is_another(mark, stored):
        return triggered
    return {"INGESTING", "NOT_TAKEN", *triggered}


def _recorded(stored: StoredObject, assets: Mapping[str, CatalogRecord]) -> bool:
    """Return whether a record with an asset is of exactly this version, at its path."""
    head = stored.head
    return any(
        record.asset_id is not None
        and record.storage_path == f"{BUCKET}:{head.key}"
        and (record.e_tag, record.size_bytes) == (head.e_tag, head.size_bytes)
        and record.last_modified is not None
        and abs(record.last_modified - head.last_modified) < timedelta(seconds=1)
        for record in assets.values()
    )


def _is_media(stored: StoredObject) -> bool:
    content_type = str(stored.head.system_metadata.get("ContentType", ""))
    extension = stored.head.key.rpartition(".")[2].lower() if "." in stored.head.key else ""
    return content_type.startswith(("image/", "video/", "audio/")) or extension in _MEDIA


def _other(
    stored: StoredObject,
    assets: Mapping[str, CatalogRecord],
    path: str,
    tagged: CatalogRecord | None,
) -> CatalogRecord | None:
    """Return the record of the object under ids that are not in its tags, the best of several."""
    minted = uuid.uuid5(_NAMESPACE, "\0".join(("inventory", BUCKET, stored.head.key)))
    found = [
        record
        for name, record in sorted(assets.items())
        if (record.storage_path == path or name == f"asset:uuid:{minted}")
        and record is not tagged
        and not name.startswith("LOCK#")
    ]
    seen = [record for record in found if _about(record, stored, path)]
    return next(iter([*seen, *found]), None)


def _about(record: CatalogRecord, stored: StoredObject, path: str) -> bool | None:
    """Return whether a record is about this version of the object; None if that is unknown."""
    head = stored.head
    if record.size_bytes is not None and record.size_bytes != head.size_bytes:
        return False
    at = record.last_modified if record.storage_path in (None, path) else None
    if at is not None and abs(at - head.last_modified) < timedelta(seconds=1):
        return True
    if record.e_tag is None or record.size_bytes is None:
        return None if at is None else False
    return (record.e_tag, record.size_bytes) == (head.e_tag, head.size_bytes)
