"""Bugs that are planted for one test, to prove that the simulator finds them.

Each bug is a change of one line or two of a function's source, which is compiled and replaces the
function's code while the context manager is open. A bug whose line is no longer in the source
cannot be planted; the error says so, and the entry must be updated.
"""

from __future__ import annotations
import __future__

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType

from simulator.schedulers import FIRST_SEED as SCHEDULE_SEED


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """Each change is a place (`module:function` or `module:Class.method`), a line, its substitute.

    `caught_by` are the invariants that may be the first to complain, `seed` is one that found it.
    """

    name: str
    seed: int
    changes: tuple[tuple[str, str, str], ...]
    caught_by: frozenset[str]


def first_seed_of(bug: Bug) -> int:
    """Return the first of the seeds among which the bug's is: some parts of the world have seeds of
    their own, in steps of a million; those below are the main ones, and those of schedules.
    """
    own = bug.seed - bug.seed % 1_000_000
    return own or (SCHEDULE_SEED if bug.seed >= SCHEDULE_SEED else 0)


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Plant the bug for the length of the context."""
    sound: list[tuple[FunctionType, CodeType]] = []
    try:
        for place, line, instead in bug.changes:
            function = _find(place)
            code = _changed(function, place, line, instead)
            sound.append((function, function.__code__))
            function.__code__ = code
        yield
    finally:
        for function, code in sound:
            function.__code__ = code


def _find(place: str) -> FunctionType:
    module_name, _, path = place.partition(":")
    found: object = importlib.import_module(module_name)
    for name in path.split("."):
        found = inspect.getattr_static(found, name)
    if isinstance(found, property):
        found = found.fget
    assert isinstance(found, FunctionType), place
    return found


def _changed(function: FunctionType, place: str, line: str, instead: str) -> CodeType:
    source = textwrap.dedent(inspect.getsource(function)).removeprefix("@property\n")
    assert source.count(line) == 1, f"{place} no longer has {line!r} exactly once"
    flags = __future__.annotations.compiler_flag
    code = compile(source.replace(line, instead), place, "exec", flags=flags, dont_inherit=True)
    namespace = dict(function.__globals__)
    exec(code, namespace)  # noqa: S102  # our own source, with one line changed
    changed: FunctionType = namespace[function.__name__]
    return changed.__code__


def bug(
    name: str,
    seed: int,
    place: str,
    line: str,
    instead: str,
    *caught_by: str,
    also: tuple[tuple[str, str, str], ...] = (),
) -> Bug:
    """Return a bug of one change, and of those that have to go with it."""
    changes = ((place, line, instead), *also)
    return Bug(name=name, seed=seed, changes=changes, caught_by=frozenset(caught_by))


BUGS = (
    bug(
        "settling without a version guard",
        14,
        "adapters.memory.chunk_store:MemoryChunkStore.settle",
        "table.write(chunk.index, saved, expected_version=chunk.version)",
        "table.write(chunk.index, saved, expected_version=table.find(chunk.index).version)",
        "i3_totals_are_the_fold",
        "i4_only_the_lease_holder_settles",
    ),
    bug(
        "announcing before saving",
        0,
        "application.jobs.status_publisher:StatusPublisher.finish_if_settled",
        "    job = await update_job(",
        "    job = await self._jobs.get(job_id)\n"
        "    await self.publish_pending(finish_if_settled(job, self._clock.now()))\n"
        "    job = await update_job(",
        "only_stored_statuses_are_published",
    ),
    bug(
        "forgetting a status before it is published",
        40,
        "application.jobs.status_publisher:StatusPublisher.publish_pending",
        "    published: set[int] = set()\n",
        "    published: set[int] = {notice.number for notice in job.notices.pending}\n",
        "every_status_is_published",
    ),
    bug(
        "counting again on redelivery",
        2,
        "application.processor.process_chunk:ProcessChunk._lease",
        "    await self._status_publisher.finish_if_settled(job_id)\n",
        "    from domain.tally import tally_of\n"
        "    chunk = await self._settlement._chunks.get(job_id, index)\n"
        "    await self._settlement._chunks.settle(chunk, tally_of(chunk))\n"
        "    await self._status_publisher.finish_if_settled(job_id)\n",
        "i3_totals_are_the_fold",
    ),
    bug(
        "leasing a chunk whose lease is live",
        38,
        "domain.chunk:lease_chunk",
        "if chunk.lease.live(now):",
        "if False:",
        "i4_only_the_lease_holder_settles",
    ),
    bug(
        "working on a job whose work lease is live",
        7,
        "domain.job_control:acquire_work_lease",
        "if held is not None and held.token != token and held.live(now):",
        "if False:",
        "i4_only_the_engine_with_the_lease_goes_on",
        "i2_a_terminal_job_has_terminal_chunks",
    ),
    bug(
        "writing without looking whose work lease it is",
        18,
        "domain.job_control:check_work_lease",
        "if job.terminal or job.ending is not None or not job.work.is_held_by(token, now):",
        "if False:",
        "i4_only_the_engine_with_the_lease_goes_on",
        "i2_a_terminal_job_has_terminal_chunks",
        "only_known_errors",
    ),
    bug(
        "taking a failed look-up for an answer",
        113,
        "application.processor.decide_objects:ObjectDecisions.candidates",
        "outcomes.update((each.key, failed_outcome(each.key, error)) for each in asked)\n"
        "        answered = {}",
        "answered = {each.key: CatalogAnswer() for each in asked}",
        "i7_a_failed_look_up_never_becomes_put",
        "outcomes_are_what_the_world_asked_for",
    ),
    bug(
        "ending a cancelled job while a chunk is worked on",
        9,
        "domain.job:Job.settled",
        "return all_chunks and",
        "return (all_chunks or self.ending is not None) and",
        "i1_every_entry_has_one_outcome",
        "i2_a_terminal_job_has_terminal_chunks",
        "i8_nothing_starts_after_the_end",
    ),
    bug(
        "cancelling a chunk over a live lease",
        2,
        "application.engine.cancel_chunk:CancelChunk.run",
        "        return None\n        released =",
        "        pass\n        released =",
        "i4_only_the_lease_holder_settles",
    ),
    bug(
        "sending a message before its record",
        2,
        "application.engine.chunk_recorder:ChunkRecorder.record",
        "    while True:\n",
        "    from domain.message import chunk_message\n"
        "    await self._queueing._queue.send([chunk_message(c) for c in batch.chunks])\n"
        "    while True:\n",
        "what_was_sent_is_marked",
        "only_known_errors",
    ),
    bug(
        "announcing what is skipped",
        1,
        "application.processor.decide_objects:ObjectDecisions.candidates",
        "if answer is not None and answer.asset_known:",
        "if False:",
        "i5_skip_writes_nothing",
        "outcomes_are_what_the_world_asked_for",
        "one_event_id_per_object",
        "a_dry_run_writes_nothing",
        also=(
            (
                "application.processor.write_object:ObjectWriter.write",
                "if writes_nothing(item):",
                "if False:",
            ),
        ),
    ),
    bug(
        "writing again what carries this job's id",
        14,
        "application.processor.write_object:ObjectWriter.write",
        "if item.verdict.reason is not Reason.ALREADY_TRIGGERED:",
        "if True:",
        "a_triggered_object_is_not_written_again",
    ),
    bug(
        "deciding again on what carries this job's id",
        14,
        "application.processor.decide_objects:ObjectDecisions.candidates",
        "if each.mark is None or each.mark.job_id != job.job_id",
        "",
        "i5_skip_writes_nothing",
        "outcomes_are_what_the_world_asked_for",
        "a_triggered_object_is_not_written_again",
    ),
    bug(
        "losing the owner's tags",
        0,
        "domain.tagging:tags_after",
        "{**owned, **own}",
        "dict(own)",
        "i6_owner_tags_stay",
    ),
    bug(
        "saving the checkpoint before the chunks",
        53,
        "application.engine.chunk_recorder:ChunkRecorder.record",
        "    while True:\n",
        "    job = await lease.update(job.job_id, change)\n    while True:\n",
        "i1_every_entry_has_one_outcome",
        "i2_a_terminal_job_has_terminal_chunks",
        "only_known_errors",
    ),
    bug(
        "continuing a chunk whose job is ending",
        67,
        "application.execution.stop_signal:StopSignal.__init__",
        "self.job_ending = job.ending is not None",
        "self.job_ending = False",
        "i8_nothing_starts_after_the_end",
    ),
    bug(
        "releasing without a message, and a sweep that does not miss it",
        4,
        "application.processor.lease_chunk:ChunkLeases._release",
        "    await self._queue.send(",
        "    0 and await self._queue.send(",
        "i9_faults_end_and_so_do_jobs",
        also=(
            (
                "application.engine.repair_chunks:RepairChunks.repair",
                "chunk.status is ChunkStatus.QUEUED",
                "False",
            ),
        ),
    ),
    bug(
        "not freeing chunks whose lease ran out",
        38,
        "domain.chunk:lease_expired",
        "return chunk.lease is not None and not chunk.lease.live(now)",
        "return False",
        "i9_faults_end_and_so_do_jobs",
    ),
    bug(
        "not sending lost messages again",
        101,
        "application.engine.repair_chunks:RepairChunks._requeue",
        "if chunks:",
        "if False:",
        "i9_faults_end_and_so_do_jobs",
    ),
    bug(
        "not waking a job whose engine died",
        50,
        "application.engine.repair_job:RepairJob._idle",
        "return not job.work.lease.live(now)",
        "return False",
        "i9_faults_end_and_so_do_jobs",
    ),
    bug(
        "dropping what was done of a cancelled chunk",
        230,
        "application.engine.cancel_chunk:CancelChunk.run",
        "cancel_chunk(released, count_outcomes(done.values()), now=now)",
        "cancel_chunk(released, count_outcomes([]), now=now)",
        "outcome_files_add_up",
    ),
    bug(
        "counting a chunk's old outcomes in addition to its new ones",
        9,
        "domain.chunk:settle_chunk",
        "statistics = chunk.discovered + processed",
        "statistics = chunk.statistics + processed",
        "outcome_files_add_up",
    ),
    bug(
        "making another batch job at each try",
        87,
        "adapters.memory.batch_jobs:MemoryBatchJobs.create",
        "token = (job.job_id, job.discovery.manifest.e_tag)",
        "token = (job.job_id, str(len(self._jobs)))",
        "one_batch_job_per_job",
    ),
    bug(
        "writing in a dry run",
        2,
        "application.processor.process_objects:ObjectProcessor._decide_and_write",
        "if job.request.options.dry_run:",
        "if False:",
        "a_dry_run_writes_nothing",
    ),
    bug(
        "resuming a copy that has other tags",
        274,
        "application.multipart.resumable_copies:ResumableCopies._resume_or_start",
        "if record.under_way is not None and record.under_way.fingerprint != fingerprint:",
        "if False:",
        "i6_owner_tags_stay",
    ),
    bug(
        "finishing a copy before its last part",
        113,
        "application.multipart.resumable_copies:ResumableCopies._copy_parts",
        "if stop is not None:\n        raise stop",
        "if False:\n        raise stop",
        "i12_bytes_and_metadata_stay",
    ),
    bug(
        "leaving copies behind in a chunk that is cancelled",
        46,
        "application.multipart.unfinished_copies:UnfinishedCopies.abort",
        " or request.options.dry_run or not was_leased:",
        " or True:",
        "no_copy_is_left",
    ),
)
