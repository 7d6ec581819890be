"""One attempt at a leased chunk: its entries in windows, until all are done or it must stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container

from application.execution.deadline import Deadline
from application.execution.fanout import AdaptiveLimit, fan_out
from application.execution.stop_signal import StopSignal
from application.execution.tuning import Tuning
from application.jobs.ingest_backlog import IngestBacklog
from application.multipart.copy_state_file import CopyStateFile
from application.multipart.resumable_copies import ResumableCopies
from application.processor.attempt_context import AttemptContext
from application.processor.attempt_pace import AttemptPace
from application.processor.attempt_result import AttemptResult
from application.processor.process_objects import ObjectProcessor
from application.processor.worker_slot import WorkerSlot
from application.results.files import chunk_key, copies_key, read_entries
from application.results.progress_files import ProgressFiles
from domain.chunk import Chunk, check_lease
from domain.job import Job
from domain.manifest import ManifestEntry
from ports.clock import Clock
from ports.job_store import JobStore
from ports.object_store import ObjectStore
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry


class ChunkAttempts:
    """Runs attempts; changes no chunk."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        objects: ObjectStore,
        results: ResultsStore,
        object_processor: ObjectProcessor,
        ingest_backlog: IngestBacklog,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._objects = objects
        self._results = results
        self._object_processor = object_processor
        self._backlog = ingest_backlog
        self._progress = ProgressFiles(results)
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(
        self, job: Job, chunk: Chunk, deadline: Deadline, slot: WorkerSlot
    ) -> AttemptResult:
        """Process the entries without a final outcome.

        An error that ends the attempt is part of the result: what was done before it still counts.
        """
        context = self._context(job, chunk, deadline, slot)
        try:
            before = await self._progress.load(chunk)
        except Exception as error:  # noqa: BLE001 - the caller decides what follows from it
            return AttemptResult(error=error)
        outcomes = dict(before)
        failure: Exception | None = None

        async def process(window: list[ManifestEntry]) -> None:
            if not await context.pace.may_read(len(window)):
                return
            for outcome in await self._object_processor.process(job, window, context):
                outcomes[outcome.key] = outcome

        try:
            windows = self._windows(chunk, context.pace, done=before)
            await fan_out(windows, process, limit=self._tuning.windows_in_flight)
        except Exception as error:  # noqa: BLE001 - the caller decides what follows from it
            failure = error
        return AttemptResult(
            outcomes=outcomes,
            outcome_count_before=len(before),
            copies_advanced=context.copies.advanced,
            job_ending=context.stop_signal.job_ending,
            job_held=context.stop_signal.job_held,
            error=failure,
        )

    def _context(
        self, job: Job, chunk: Chunk, deadline: Deadline, slot: WorkerSlot
    ) -> AttemptContext:
        stop_signal = StopSignal(
            jobs=self._jobs,
            job=job,
            deadline=deadline,
            clock=self._clock,
            look=self._backlog.before_starting,
            keeps=slot.keep,
            stop_margin_s=self._tuning.stop_margin_s,
            poll_s=self._tuning.ending_poll_s,
        )
        limit = AdaptiveLimit(self._tuning.windows_in_flight * self._tuning.calls_in_flight)
        copies = ResumableCopies(
            objects=self._objects,
            file=CopyStateFile(
                self._results,
                key=copies_key(job.job_id, chunk.index),
                check=lambda: check_lease(chunk, token=chunk.lease_token, now=self._clock.now()),
                telemetry=self._telemetry,
            ),
            clock=self._clock,
            telemetry=self._telemetry,
            tuning=self._tuning,
            bucket=job.request.bucket,
            stop_signal=stop_signal,
            limit=limit,
        )
        pace = AttemptPace(stop_signal, self._clock)
        return AttemptContext(stop_signal=stop_signal, pace=pace, limit=limit, copies=copies)

    async def _windows(
        self, chunk: Chunk, pace: AttemptPace, *, done: Container[str]
    ) -> AsyncIterator[list[ManifestEntry]]:
        window: list[ManifestEntry] = []
        async for entry in read_entries(self._results, chunk_key(chunk)):
            if entry.key in done:
                continue
            if (entry.size_bytes or 0) > self._tuning.single_copy_bytes_max:
                # On its own: its copy takes minutes, and tags read with it would be out of date.
                yield [entry]
                continue
            window.append(entry)
            if len(window) >= pace.window_size(self._tuning.window_object_count):
                yield window
                window = []
        if window:
            yield window
