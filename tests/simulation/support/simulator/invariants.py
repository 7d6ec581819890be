"""What must always hold. Each function is one sentence, and yields a complaint for each violation.

The functions read the shared state and the observer's notes; none of them calls a use case.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from simulator.accounts import is_hurt, listed_keys, outcome_lines
from simulator.lasting import Lasting
from simulator.scenery import BUCKET

from adapters.memory.buckets import StoredObject
from domain.chunk import Chunk, ChunkStatus
from domain.connector import Trigger
from domain.customer_object import ObjectHead
from domain.job import JOB_TRANSITIONS, Job, JobStatus
from domain.limits import OBJECT_TAG_COUNT_MAX
from domain.listing_share import ListingShare
from domain.message import IngestEvent, StatusMessage
from domain.prefixes import overlap
from domain.tally import Tally, tally_of

if TYPE_CHECKING:
    from simulator.observer import Observer
    from simulator.process import Process
    from simulator.simulation import Simulation

_QUIET = frozenset({"SKIPPED", "INGESTING", "NOT_TAKEN", "NOT_MEDIA"})
_OURS = frozenset({"AssetID", "InventoryID", "SyncJobID"})
_COMPLETED = frozenset({JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS})


def i1_every_entry_has_one_outcome(sim: Simulation, job: Job) -> Iterator[str]:
    """A job that COMPLETED* has exactly one outcome line for each object that it listed, and as
    many as objectsListed; a job that FAILED or was CANCELLED has one for no entry twice. Where
    files were lost, no more is asked of any.
    """
    keys = Counter(line["key"] for line in outcome_lines(sim, job.job_id))
    twice = [key for key, count in keys.items() if count > 1]
    if twice and job.job_id not in sim.services.batch.wrong_reports:
        yield f"{twice} have more than one outcome"
    if job.status in _COMPLETED and not is_hurt(sim, job):
        listed = listed_keys(sim, job)
        if set(keys) != set(listed):
            yield f"outcomes and listed objects differ by {set(keys) ^ set(listed)}"
        counts = {len(listed), job.listing.objects_listed, job.tally.statistics.total}
        if len(counts) > 1:
            yield f"files, objectsListed and statistics count {counts}"


def i2_a_terminal_job_has_terminal_chunks(job: Job, chunks: Mapping[int, Chunk]) -> Iterator[str]:
    """A job that is terminal has only terminal chunks; the converse is asked when all is quiet."""
    if job.terminal:
        open_chunks = [chunk.index for chunk in chunks.values() if not chunk.terminal]
        if open_chunks:
            yield f"{job.job_id} is {job.status}, its chunks {open_chunks} are not terminal"
        if job.status in _COMPLETED and not job.splitting.done:
            yield f"{job.job_id} is {job.status} and was not split to the end"


def i3_totals_are_the_fold(job: Job, chunks: Mapping[int, Chunk]) -> Iterator[str]:
    """At every step a job's tally is the fold of its chunks."""
    folded = sum(map(tally_of, chunks.values()), start=Tally())
    if folded != job.tally:
        yield f"{job.job_id} has {job.tally}, its chunks add up to {folded}"


def i4_only_the_lease_holder_settles(
    process: Process | None, before: Chunk | None, chunk: Chunk, job: Job, now: datetime
) -> Iterator[str]:
    """A chunk with a live lease is written by its holder alone, each write makes the next version,
    and only the holder settles it; without a lease it is only ever cancelled, its job ending.
    """
    name = f"chunk {chunk.index}, {before.status if before else 'new'} -> {chunk.status}"
    if before is None:
        if chunk.version != 1:
            yield f"{name} begins at version {chunk.version}"
        return
    if chunk.version != before.version + 1:
        yield f"{name} jumps from version {before.version} to {chunk.version}"
    tokens = process.tokens if process else set()
    holder = before.lease is not None and before.lease.token in tokens
    if before.lease is not None and before.lease.live(now) and not holder:
        yield f"{name} by {process and process.label}, which does not hold the live lease"
    if chunk.lease not in (None, before.lease) and chunk.lease.token not in tokens:
        yield f"{name} gives the lease to another process"
    if chunk.terminal and not before.terminal and not holder:
        dropped = chunk.status is ChunkStatus.CANCELLED and job.ending is not None
        if not dropped:
            yield f"{name} is settled by {process and process.label} without its lease"


def i4_only_the_engine_with_the_lease_goes_on(
    process: Process | None, before: Job | None, job: Job
) -> Iterator[str]:
    """Listing, manifest, batch job and splitting are moved by the holder of the work lease alone,
    and no process takes a live work lease.
    """
    if before is None or process is None:
        return
    fields = ("listing", "discovery", "splitting")
    moved = [name for name in fields if getattr(before, name) != getattr(job, name)]
    holder = before.work.lease is not None and before.work.lease.token in process.tokens
    if moved and not holder:
        yield f"{process.label} moved {moved} without the work lease"
    if moved and before.terminal:
        yield f"{process.label} moved {moved} of a job that is {before.status}"
    taken = (
        before.work.lease is not None
        and job.work.lease is not None
        and before.work.lease.token != job.work.lease.token
    )
    if taken and process.sim.clock.now() < before.work.lease.expires_at:
        yield f"{process.label} took a live work lease"


def i4_only_the_lease_holder_lists_a_share(
    process: Process | None, before: ListingShare | None, share: ListingShare, job: Job
) -> Iterator[str]:
    """What is left of a share that is not done is moved by the holder of its lease alone, and no
    process takes a live lease. A share that is done is given keys by a process that has another.
    """
    if before is None or process is None:
        return
    moved = (before.listing, before.prefix_end) != (share.listing, share.prefix_end)
    if moved and not before.done and before.lease_token not in process.tokens:
        yield f"{process.label} moved share {share.number} of {job.job_id} without its lease"
    if before.done and share.chunk_count != before.chunk_count:
        yield f"{process.label} added chunks to share {share.number}, which was done"
    if share.chunk_count != before.chunk_count and (job.terminal or job.ending is not None):
        yield f"{process.label} added chunks to a job that has ended or is ending"
    live = before.lease is not None and before.lease.live(process.sim.clock.now())
    if live and share.lease_token not in ("", before.lease_token):
        yield f"{process.label} took a live lease on share {share.number}"


def i5_skip_writes_nothing(observer: Observer, job: Job) -> Iterator[str]:
    """An object with the outcome SKIPPED, INGESTING, NOT_TAKEN or NOT_MEDIA was not tagged, copied
    or announced by that job, unless another process changed it in the meantime; except for its own
    ids, which the catalog has.
    """
    if job.job_id in observer.sim.services.batch.wrong_reports:
        return  # an object that is in two chunks is decided twice, and one of them may write it
    for line in outcome_lines(observer.sim, job.job_id):
        writes = observer.writes.get((job.job_id, line["key"]), [])
        if line["outcome"] not in _QUIET or observer.touched_by_others(job, line["key"]):
            continue
        if line["outcome"] == "SKIPPED":
            # Its ids were restored; an earlier attempt may have done that.
            writes = [write for write in writes if write != "restore"]
        if writes:
            yield f"{line['key']} is {line['outcome']} and got {writes}"


def i6_owner_tags_stay(
    observer: Observer,
    process: Process,
    key: str,
    before: StoredObject | None,
    tags: Mapping[str, str],
) -> Iterator[str]:
    """All tags that the object carries are among those written, except for the three of the service
    and the system, unless another process changed them between the service's read and its write.
    """
    read = process.reads.get(key)
    if read is None or before is None:
        yield f"{key} is written by {process.label}, which never read it"
        return
    unchanged = observer.change_numbers[key] == read.change_number
    owned = before.tags if unchanged else read.tags
    lost = {
        name: value
        for name, value in owned.items()
        if name not in _OURS and tags.get(name) != value
    }
    if lost:
        yield f"{key} loses {lost}"
    if len(tags) > OBJECT_TAG_COUNT_MAX:
        yield f"{key} gets {len(tags)} tags"


def i7_a_failed_look_up_never_becomes_put(process: Process, key: str) -> Iterator[str]:
    """No object is written or announced by a process that did not get the catalog's answer about it
    after it read the object's tags.
    """
    read = process.reads.get(key)
    if read is None:
        yield f"{key} is touched by {process.label}, which never read its tags"
    elif process.look_up_of(key) is None and not process.resumes(key, BUCKET):
        yield f"{key} is touched by {process.label}, which got no answer from the catalog"


def i8_nothing_starts_after_the_end(
    observer: Observer, process: Process, job_id: str, key: str, method: str
) -> Iterator[str]:
    """Once CANCELLED (or any other end) is stored, no write or event of that job starts; and none
    in a process that began after the end was requested.
    """
    job = observer.sim.world.database.jobs.find(job_id)
    if job is not None and job.terminal:
        yield f"{method} of {key} starts after {job_id} is {job.status}"
    ordered_at = observer.ending_at.get(job_id)
    if ordered_at is not None and process.began_at > ordered_at:
        yield f"{method} of {key} starts in {process.label}, after the end was ordered"


def i9_faults_end_and_so_do_jobs(sim: Simulation) -> Iterator[str]:
    """When all is quiet every job and chunk is terminal, despite permanent failures."""
    for job in sim.jobs:
        if not job.terminal:
            yield f"{job.job_id} is still {job.status}, ending {job.ending}, work {job.work.lease}"
        chunks = list(sim.world.database.chunks_of(job.job_id))
        waiting = [(chunk.index, chunk.status.value) for chunk in chunks if not chunk.terminal]
        if waiting:
            yield f"{job.job_id} has open chunks {waiting}"


def i10_a_second_run_writes_nothing(before: Counter[str], after: Counter[str]) -> Iterator[str]:
    """A sync of a converged bucket writes no object and sends no event."""
    if before != after:
        yield f"the second run did {after - before}"


def i11_a_second_delivery_changes_nothing(before: object, after: object) -> Iterator[str]:
    """Everything that was ever delivered, delivered once more, changes nothing."""
    if before != after:
        yield f"from {before} to {after}"


def i12_bytes_and_metadata_stay(
    before: StoredObject | None, after: StoredObject | None, head: ObjectHead
) -> Iterator[str]:
    """A write of ours changes the tags and (by a copy) the modification time, and nothing else."""
    if before is None or after is None:
        yield f"{head.key} was written and is not there"
        return
    if before.content != after.content:
        yield f"{head.key}: other bytes"
    kept = (
        "size_bytes",
        "storage_class",
        "restored",
        "encryption",
        "website_redirect",
        "system_metadata",
        "user_metadata",
        "checksum_algorithm",
        "lock",
    )
    lost = [name for name in kept if getattr(before.head, name) != getattr(after.head, name)]
    if lost:
        yield f"{head.key}: other {lost}"


def a_triggered_object_is_not_written_again(
    process: Process, key: str, job_id: str
) -> Iterator[str]:
    """An object that a process read with its job's mark in the tags is announced, not written."""
    if process.resumes(key, BUCKET):
        yield f"{key} carries {job_id} already and is written again"


def only_stored_statuses_are_published(observer: Observer, message: StatusMessage) -> Iterator[str]:
    """A status is stored before it is published."""
    if message.status not in observer.statuses[message.job_id]:
        yield f"{message.job_id} is published as {message.status}, which it never was"


def one_event_id_per_object(observer: Observer, event: IngestEvent) -> Iterator[str]:
    """All events of one job and object have one id for each version of it that they announce, the
    same ids of the object and one action, unless another process changed the object between them;
    the action may also differ where the catalog knows the object by an earlier one of these events,
    or knew the id that it got.
    """
    events = observer.events[event.job_id, event.object_key]
    first = events[0]
    for earlier in events:
        announced = (earlier.e_tag, earlier.version_id) == (event.e_tag, event.version_id)
        if announced is not (earlier.event_id == event.event_id):
            yield f"{event.object_key} is announced by {earlier} and by {event}"
    job = observer.jobs[event.job_id]
    if observer.touched_by_others(job, event.object_key):
        return
    if (event.asset_id, event.inventory_id) != (first.asset_id, first.inventory_id):
        yield f"{event.object_key} is announced with other ids: {first} and {event}"
    ingested = (event.job_id, event.object_key) in observer.ingestions
    recorded = event.inventory_id in observer.starts[event.job_id].assets
    if event.processing_action is not first.processing_action and not (ingested or recorded):
        yield f"{event.object_key} is announced as {first} and as {event}"


def every_announced_object_has_an_event(observer: Observer, job: Job) -> Iterator[str]:
    """Every object with the outcome COPIED or PUT was announced at least once, with its action; and
    in the system's queue, if that is the trigger.
    """
    if job.request.options.dry_run:
        return
    for line in outcome_lines(observer.sim, job.job_id):
        if line["outcome"] in ("COPIED", "PUT"):
            events = observer.events.get((job.job_id, line["key"]))
            if not events:
                yield f"{line['key']} is {line['outcome']} and was never announced"
            elif job.request.ingest.trigger is Trigger.QUEUE and not observer.messages.get(
                (job.job_id, line["key"])
            ):
                yield f"{line['key']} is {line['outcome']} and got no message"
            elif line["decision"] not in {event.processing_action for event in events}:
                yield f"{line['key']} is {line['decision']}, its events say otherwise"


def a_dry_run_writes_nothing(observer: Observer, job: Job) -> Iterator[str]:
    """A dry run writes no object and sends no event."""
    if job.request.options.dry_run:
        written = [key for (job_id, key) in observer.writes if job_id == job.job_id]
        if written:
            yield f"{job.job_id} is a dry run and wrote {written}"


def a_status_follows_the_table(before: Job | None, job: Job) -> Iterator[str]:
    """A job's status changes as its table says, and each change leaves a notice. One write may have
    two changes: the first chunks of a direct discovery start it, and the processing of objects.
    """
    if before is None:
        return
    news = [notice for notice in job.notices.pending if notice.number > before.notices.count]
    steps = [before.status, *(notice.status for notice in news)]
    if steps[-1] is not job.status or len(news) != job.notices.count - before.notices.count:
        yield f"{job.job_id} has the notices {news} of its way from {before.status} to {job.status}"
    for status, following in pairwise(steps):
        if following not in JOB_TRANSITIONS[status].values():
            yield f"{job.job_id} went from {status} to {following}"
    if len(news) > 1 and steps != [
        JobStatus.INITIALIZING,
        JobStatus.DISCOVERING,
        JobStatus.PROCESSING,
    ]:
        yield f"{job.job_id} went through {steps} in one write"


def one_active_job_per_prefix(observer: Observer) -> Iterator[str]:
    """No two active jobs of a bucket, of whatever connector, cover some of the same keys."""
    active = [job for job in observer.sim.world.database.jobs if not job.terminal]
    for number, job in enumerate(active):
        for other in active[:number]:
            same = job.request.bucket.name == other.request.bucket.name
            if same and overlap(job.request.options.prefixes, other.request.options.prefixes):
                yield f"{job.job_id} and {other.job_id} are both active"


def one_batch_job_per_job(sim: Simulation) -> Iterator[str]:
    """A second batch job is never created for one job."""
    created = sim.world.ports.batch_jobs.created.values()
    counts = Counter(order.user_arguments["jobId"] for order in created)
    if any(count > 1 for count in counts.values()):
        yield f"batch jobs by job: {counts}"


def every_status_is_published(sim: Simulation) -> Iterator[str]:
    """Every change of status was published at least once, the last one included, and none is left
    in the record; summary.json has the last one. Unless the topic, or the summary, was permanently
    refused.
    """
    if Lasting.TOPIC_DENIED in sim.lasting.on:
        return
    unwritten = sim.lasting.results_hurt or sim.lasting.has(Lasting.SUMMARY_BUSY)
    stuck = [job.job_id for job in sim.world.database.jobs if sim.lasting.holds_up(job.job_id)]
    for job_id, statuses in sim.observer.statuses.items():
        published = Counter(
            m.status for m in sim.world.ports.notifier.messages if m.job_id == job_id
        )
        missing = Counter(statuses) - published
        if job_id in stuck:
            continue
        job = sim.world.database.jobs.find(job_id)
        if missing:
            yield f"{job_id} never published {missing}"
        if job is not None and job.notices.pending:
            yield f"{job_id} still holds {job.notices.pending}"
        content = sim.world.ports.results.files.get(f"jobs/{job_id}/summary.json")
        summary = json.loads(content) if content else {"status": None}
        if job is not None and summary["status"] != job.status and not unwritten:
            yield f"summary.json of {job_id} says {summary['status']}, its record {job.status}"


def no_copy_is_left(sim: Simulation) -> Iterator[str]:
    """No multipart copy is left that was neither completed nor aborted.

    With faults there may be one whose creation response was lost, so that it has no parts; or one
    whose abort failed, or whose record was lost or could not be read, or whose job cannot be read.
    """
    lost = any(name.endswith("-copies.json") for name in sim.removed)
    if lost or sim.lasting.results_hurt or sim.world.database.unreadable:
        return
    if sim.services.batch.wrong_reports:
        return  # an object that is twice in a chunk is copied twice at once
    left = sim.world.buckets.uploads.values()
    if sim.faults.any:
        left = [upload for upload in left if upload.parts and not sim.aborts_failed]
    if left:
        yield f"copies are left: {list(left)}"


def only_known_errors(
    label: str, error: BaseException, expected: tuple[type, ...]
) -> Iterator[str]:
    """A process ends well, or in an error that its function's contract names."""
    if not isinstance(error, expected):
        yield f"{label} ended in {error!r}"
