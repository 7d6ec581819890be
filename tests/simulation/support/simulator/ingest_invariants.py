"""What must hold between the service and the system: the number of triggers, the ids, the losses.

As in `invariants`, each function is one sentence. What an object's owner or the system itself does
between the service's read of its tags and its write does not count: S3 has no conditional write of
tags. So a record or an asset counts as harmed by the service only if the catalog showed it when it
was queried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from simulator.accounts import outcome_lines
from simulator.ledger import has_mark_of_another, mark_in
from simulator.scenery import BUCKET

from adapters.local_aws.asset_system.medialake.values import IngestOutcome, Reaction, Record
from domain.connector import IdSource
from domain.customer_object import ObjectHead
from domain.job import Job

if TYPE_CHECKING:
    from simulator.observer import Observer
    from simulator.process import Process

_TRIGGER_COUNT_MAX = 3
_NOT_MEDIA = ("pdf", "xml")


def three_triggers_in_all(observer: Observer, key: str) -> Iterator[str]:
    """An object that does not change is triggered by three jobs at most, as long as it keeps its
    mark and no user requests more.
    """
    triggers = observer.ledger.page(key).triggers
    if len(triggers) > _TRIGGER_COUNT_MAX and key not in observer.late_writes:
        yield f"{key} is triggered by {triggers}"


def the_system_gets_its_time(
    observer: Observer, process: Process, job: Job, key: str
) -> Iterator[str]:
    """An object that another job triggered is not triggered within the grace period, nor before the
    system's queue, where it can be read, was seen empty since; unless the object changed, or a user
    requested it.
    """
    mark = mark_in(process.reads[key].tags, BUCKET, key)
    changed_at = observer.ledger.page(key).changed_at
    if mark is None or mark.job_id == job.job_id or job.request.options.retrigger:
        return
    if changed_at > mark.triggered_at:
        return
    age = observer.sim.clock.now() - mark.triggered_at
    if age < timedelta(seconds=observer.sim.tuning.ingest_grace_s):
        yield f"{key} is triggered again after {age}"
    seen_at = observer.queue_empty_at
    if job.request.ingest.queue_url is not None and (
        seen_at is None or seen_at < mark.triggered_at
    ):
        yield f"{key} is triggered again; the queue was seen empty at {seen_at} last"


def the_ids_are_the_records(process: Process, key: str, tags: Mapping[str, str]) -> Iterator[str]:
    """An object that is triggered under the inventory id of a record that had an asset id when the
    catalog was asked gets this asset id.
    """
    look_up = process.look_up_of(key)
    record = look_up and look_up.records.get(tags.get("InventoryID", ""))
    if record and record.asset_id and tags.get("AssetID") != record.asset_id:
        yield f"{key} gets {tags.get('AssetID')}, the record has {record.asset_id}"


def ids_of_another_are_not_used(
    process: Process, key: str, tags: Mapping[str, str]
) -> Iterator[str]:
    """Ids that were copied with the tags of another object are not used if no record has them: the
    system would confuse the two objects.
    """
    had, look_up = process.reads[key].tags, process.look_up_of(key)
    if look_up is None or not has_mark_of_another(had, BUCKET, key):
        return
    inventory_id = had.get("InventoryID", "")
    known = not inventory_id or inventory_id in look_up.records
    if not known and tags.get("InventoryID") == inventory_id:
        yield f"{key} is triggered under {inventory_id}"


def the_system_makes_ids_where_it_is_to(
    process: Process, job: Job, key: str, tags: Mapping[str, str]
) -> Iterator[str]:
    """If the system assigns the ids, an object without a record gets none from the service."""
    look_up = process.look_up_of(key)
    if job.request.ingest.ids is not IdSource.ASSIGNED or look_up is None:
        return
    if tags.get("InventoryID") in look_up.records:
        return
    had = process.reads[key].tags
    made = [
        name for name in ("AssetID", "InventoryID") if tags.get(name, "") not in ("", had.get(name))
    ]
    if made:
        yield f"{key} gets {made}: {tags}"


def restored_tags_are_the_records(
    process: Process, job: Job, key: str, tags: Mapping[str, str]
) -> Iterator[str]:
    """Tags are restored only if configured, and from an existing record."""
    look_up = process.look_up_of(key)
    record = look_up and look_up.records.get(tags.get("InventoryID", ""))
    if not job.request.ingest.restore_tags:
        yield f"{key} gets its tags back, which is not configured"
    if record is None or record.asset_id != tags.get("AssetID"):
        yield f"{key} gets {tags}, the record is {record}"


def no_second_record_by_us(
    observer: Observer,
    key: str,
    before: Mapping[str, Record],
    made_at: Mapping[str, datetime],
    reaction: Reaction,
) -> Iterator[str]:
    """No object gets a second record under ids that the service wrote, unless the other one was
    made between the catalog query and the write.
    """
    ours, made = observer.ledger.page(key).ours, reaction.put
    if ours is None or made is None or not ours.undisturbed:
        return
    path = f"{BUCKET}:{key}"
    there = [name for name, record in before.items() if record.storage_path == path]
    if made.inventory_id in there or set(there) & set(reaction.delete_ids):
        return  # it takes the place of one
    for name in there:
        if not ours.looked_up_at <= made_at[name] <= ours.written_at:
            yield f"{key} has {name} and gets {made.inventory_id}, by {ours}"


def _in_the_same_second(record: Record, head: ObjectHead) -> bool:
    """Return whether the object was replaced in the second in which the system read it, by as many
    bytes: nothing in S3 or the record shows that.
    """
    seen_at = datetime.fromisoformat(record.last_modified or "")
    return (
        abs(seen_at - head.last_modified) < timedelta(seconds=1) and record.size == head.size_bytes
    )


def no_asset_is_lost_by_us(
    observer: Observer,
    key: str,
    before: Mapping[str, Record],
    made_at: Mapping[str, datetime],
    reaction: Reaction,
) -> Iterator[str]:
    """No asset is deleted without another in its place because of ids that the service wrote,
    unless its record was made after the catalog query.
    """
    ours = observer.ledger.page(key).ours
    if reaction.outcome is not IngestOutcome.DELETED_ONLY or ours is None or not ours.undisturbed:
        return
    for name in reaction.delete_ids:
        if _in_the_same_second(before[name], ours.head):
            continue
        if made_at[name] < ours.looked_up_at:
            yield f"{key} loses {before[name]}, by {ours}"


def what_is_said_of_triggers_is_true(observer: Observer, job: Job) -> Iterator[str]:
    """An INGESTING object was triggered, a NOT_TAKEN one three times; both by the service."""
    for line in outcome_lines(observer.sim, job.job_id):
        needed = {"INGESTING": 1, "NOT_TAKEN": _TRIGGER_COUNT_MAX}.get(line["outcome"])
        if needed is None or observer.touched_by_others(job, line["key"]):
            continue
        marked = observer.ledger.page(line["key"]).marked
        if len(marked) < needed or line["triggerCount"] > _TRIGGER_COUNT_MAX:
            yield f"{line['key']} was triggered by {marked}: {line}"


def every_object_is_counted(observer: Observer, job: Job) -> Iterator[str]:
    """All objects of the bucket are listed, filtered or not media, if none came or went."""
    start, listing = observer.starts[job.job_id], job.listing
    if not job.splitting.done or any(
        change.by == "owner" and change.at >= job.times.created_at for change in observer.changes
    ):
        return
    prefixes = job.request.options.prefixes or ("",)
    keys = [key for key in start.objects if key.startswith(tuple(prefixes))]
    counted = listing.objects_listed + listing.objects_filtered + listing.objects_not_media
    if counted != len(keys):
        yield f"{job.job_id} counts {counted} of {len(keys)}: {listing}"
    if job.request.options.modified_since is not None:
        return
    sidecars = [key for key in keys if key.rpartition(".")[2].lower() in _NOT_MEDIA]
    takes_all = observer.sim.services.system.profile.file_types is None
    if listing.objects_not_media != (0 if takes_all else len(sidecars)):
        yield f"{job.job_id} counts {listing.objects_not_media} as no media, not {sidecars}"
