"""An unexpected error fails one object: whatever a call raises is contained, named and bounded."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from faulty_ports import Call, Faults, faulty

from application.execution.tuning import Tuning
from domain.batch_job import ENDED
from domain.discovery import Discovery
from domain.errors import JobLeaseHeld
from domain.job import Job, JobStatus
from domain.outcome import OutcomeKind
from domain.packing import ChunkSizing
from entrypoints.wiring.memory import use_cases
from ports.errors import Garbled, Unavailable, Unknown

DISCOVERIES = list(Discovery)
TUNING = Tuning(
    sizing=ChunkSizing(object_count_max=20),
    manifest_part_bytes=1,
    calls_in_flight=2,
    windows_in_flight=2,
    window_object_count=10,
)
ROUND_COUNT_MAX = 400


def unknown(call: Call) -> Unknown:
    """Return an error with an unknown code."""
    return Unknown(f"{call[0]}: KMS.NeverHeardOf", vendor_code="KMS.NeverHeardOf", request_id="R1")


def bug(call: Call) -> KeyError:
    """Return a bug of this service or of an SDK."""
    return KeyError(f"ETag of {call[0]}")


class Installation:
    """A story whose ports have faults; failed events are redelivered, as by Lambda and SQS."""

    def __init__(self, story: Any) -> None:
        self.story = story
        self.faults = Faults()
        story.use_cases = use_cases(faulty(story.ports, self.faults), story.tuning)
        self.engine_error_count = 0

    async def start(self, discovery: Discovery, count: int) -> Job:
        """Start a job over some objects."""
        self.story.put(*(f"{number:02d}.jpg" for number in range(count)))
        job: Job = await self.story.start(discovery=discovery)
        self.faults.calls.clear()
        return job

    async def finish(self, job: Job) -> Job:
        """Run everything until the job has ended."""
        for _ in range(ROUND_COUNT_MAX):
            job = await self.story.ports.jobs.get(job.job_id)
            if job.terminal and not job.notices.pending:
                return job
            await self.turn()
        pytest.fail(f"{job.job_id} does not end: {job}")

    async def turn(self, *, chunks: bool = True) -> None:
        """Run once what is due."""
        ports, cases = self.story.ports, self.story.use_cases
        for job_id in ports.invoker.take():
            await self.advance(job_id)
        for batch_job_id, order in list(ports.batch_jobs.created.items()):
            if (await ports.batch_jobs.describe(batch_job_id)).status not in ENDED:
                job_id = order.user_arguments["jobId"]
                task = self.story.task_of(job_id)
                await ports.batch_jobs.run(batch_job_id, task)
                await self.advance(job_id)
        for message in ports.queue.receive() if chunks else ():
            try:
                await cases.process_chunk().process(
                    message.job_id, message.chunk_index, self.story.deadline()
                )
            except Exception:  # noqa: BLE001 - SQS delivers it again
                await ports.queue.send([message])
        ports.clock.advance(400)
        try:
            await cases.sweep().run(self.story.deadline())
        except Exception:  # noqa: BLE001 - the next sweep comes
            return

    async def advance(self, job_id: str) -> None:
        """Invoke the engine, as Lambda does: up to two times more if it fails."""
        for _ in range(3):
            try:
                await self.story.use_cases.engine().advance(job_id, self.story.deadline())
            except JobLeaseHeld:
                return
            except Exception:  # noqa: BLE001 - Lambda tries an asynchronous invocation again
                self.engine_error_count += 1
            else:
                return


@pytest.fixture
def installation(new_story: Callable[..., Any]) -> Installation:
    return Installation(new_story(TUNING, page_object_count=20))


def announced(installation: Installation) -> list[str]:
    return [event.object_key for event in installation.story.ports.bus.events]


@pytest.mark.parametrize("discovery", DISCOVERIES)
@pytest.mark.parametrize("error", [unknown, bug], ids=["unknown code", "bug"])
@pytest.mark.parametrize("method", ["objects.read_tags", "objects.head", "objects.copy_in_place"])
async def test_an_object_that_always_fails_fails_no_other(
    installation: Installation,
    discovery: Discovery,
    error: Callable[[Call], Exception],
    method: str,
) -> None:
    def concerned(call: Call) -> Exception | None:
        name, arguments = call
        if name != method or getattr(arguments[1], "key", arguments[1]) != "07.jpg":
            return None
        return error(call)

    job = await installation.start(discovery, 20)
    installation.faults.before = concerned
    job = await installation.finish(job)

    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert (job.tally.statistics.put, job.tally.statistics.failed) == (19, 1)
    assert sorted(announced(installation)) == [
        f"{number:02d}.jpg" for number in range(20) if number != 7
    ]
    [failure] = await installation.story.failures(job)
    assert failure.key == "07.jpg"
    assert failure.error_class == type(error(("", ()))).__name__
    assert method in failure.message
    assert failure.stack_trace
    if error is unknown:
        assert (failure.vendor_code, failure.request_id) == ("KMS.NeverHeardOf", "R1")
    outcome = installation.story.outcomes(job)["07.jpg"]
    assert outcome["outcome"] == OutcomeKind.FAILED
    # In the attempt in which it failed: no other object waited for it.
    assert {chunk.life.released_count for chunk in installation.story.chunks(job)} == {0}


@pytest.mark.parametrize("discovery", DISCOVERIES)
@pytest.mark.parametrize("turn", range(min(2, int(os.environ.get("ASSET_SYNC_SOAK", "1")))))
@pytest.mark.soak
async def test_one_error_at_any_call_has_no_effect(
    new_story: Callable[..., Any], discovery: Discovery, turn: int
) -> None:
    """With an unknown error at the Nth call, for every N: before or after its effect."""
    number, count = 0, 1
    while number < count:
        installation = Installation(new_story(TUNING, page_object_count=20))
        faults = installation.faults
        job = await installation.start(discovery, 50)
        when, error = (("before", unknown), ("after", bug))[(number + turn) % 2]

        def nth(
            call: Call,
            faults: Faults = faults,
            number: int = number,
            error: Callable[[Call], Exception] = error,
        ) -> Exception | None:
            if len(faults.calls) <= number:
                return None
            faults.stop()
            return error(call)

        setattr(faults, when, nth)
        job = await installation.finish(job)
        context = (when, number, faults.calls[number : number + 1], job.status_reason)
        count = count if number else len(faults.calls)
        faults.stop()
        assert job.status is JobStatus.COMPLETED, context
        assert job.tally.statistics.put == 50, context
        assert len(set(announced(installation))) == 50, context
        assert len({e.event_id for e in installation.story.ports.bus.events}) == 50, context
        assert await installation.story.failures(job) == [], context
        assert job.status_reason is None, context
        number += 1
    assert count > 150


def unavailable(call: Call) -> Unavailable:
    """Return a known, retryable error."""
    return Unavailable(f"{call[0]}: 503", vendor_code="503")


def garbled(call: Call) -> Garbled:
    """Return the error of an unreadable response."""
    return Garbled(f"{call[0]}: the answer lacks ETag")


ERRORS = {"unknown": unknown, "bug": bug, "unavailable": unavailable, "garbled": garbled}

# The end of a job is written to its record and its chunks: without them it cannot end.
RECORDS = ("jobs", "chunks")


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize(
    ("discovery", "method", "step"),
    [
        *((each, "objects.inspect", "listing the bucket") for each in DISCOVERIES),
        *((each, "objects.list_objects", "listing the bucket") for each in DISCOVERIES),
        (Discovery.BATCH, "results.create_upload", "listing the bucket"),
        (Discovery.BATCH, "results.complete_upload", "listing the bucket"),
        (Discovery.DIRECT, "results.put", "listing the bucket"),
        (Discovery.BATCH, "batch_jobs.create", "creating the batch job"),
        (Discovery.BATCH, "batch_jobs.describe", "reading the batch job's report"),
        (Discovery.BATCH, "results.get", "reading the batch job's report"),
        (Discovery.BATCH, "results.stream", "reading the batch job's report"),
    ],
)
async def test_a_step_of_the_engine_that_always_fails_ends_the_job_with_a_reason(
    installation: Installation, discovery: Discovery, method: str, step: str, kind: str
) -> None:
    job = await installation.start(discovery, 5)
    installation.faults.before = lambda call: ERRORS[kind](call) if call[0] == method else None
    waiting = ""
    while not waiting:
        await installation.turn()
        waiting = (await installation.story.ports.jobs.get(job.job_id)).status_reason or ""
    job = await installation.finish(job)

    tuning = installation.story.tuning
    known = kind in ("unavailable", "garbled")
    count = tuning.engine_attempt_count_max if known else tuning.engine_unknown_count_max
    assert job.status is JobStatus.FAILED
    assert job.status_reason is not None
    for part in (f"{count} attempts at {step}", method, "start a new sync"):
        assert part in job.status_reason
    assert installation.engine_error_count == count - 1
    if known:  # the others may have ended within one turn
        assert "will be retried" in waiting
        assert method in waiting
    [failure] = await installation.story.failures(job)
    error = ERRORS[kind](("", ()))
    assert (failure.key, failure.error_class) == (None, type(error).__name__)
    assert failure.message == job.status_reason
    assert failure.vendor_code == getattr(error, "vendor_code", None)
    assert installation.story.statuses(job)[-1] == "FAILED"


@pytest.mark.parametrize("discovery", DISCOVERIES)
@pytest.mark.parametrize("state", ["INITIALIZING", "DISCOVERING", "PROCESSING"])
@pytest.mark.parametrize("kind", ERRORS)
async def test_every_state_ends_when_every_call_fails(
    installation: Installation, discovery: Discovery, state: str, kind: str
) -> None:
    """Except for the records to which the end is written."""
    job = await installation.start(discovery, 25)
    for _ in range(10):
        if (await installation.story.ports.jobs.get(job.job_id)).status.value == state:
            break
        await installation.turn(chunks=False)
    installation.faults.before = lambda call: (
        None if call[0].startswith(RECORDS) else ERRORS[kind](call)
    )
    # Earlier invocations are lost, too; without the invoker, the schedule still runs the engine.
    for _ in range(60):
        await installation.advance(job.job_id)
        await installation.turn()
    installation.faults.before = lambda call: (
        ERRORS[kind](call) if call[0].startswith(("objects", "results", "errors")) else None
    )
    job = await installation.finish(job)
    assert job.terminal
    assert job.status_reason


@pytest.mark.parametrize("discovery", DISCOVERIES)
async def test_an_engine_that_dies_at_one_step_each_time_ends_the_job(
    installation: Installation, discovery: Discovery
) -> None:
    class Killed(BaseException):
        """The process is killed: no cleanup runs."""

    job = await installation.start(discovery, 5)

    def killed(call: Call) -> Exception | None:
        if call[0] == "objects.list_objects":
            raise Killed
        return None

    installation.faults.before = killed
    for _ in range(100):
        with suppress(Killed):
            await installation.advance(job.job_id)
        installation.story.ports.clock.advance(1_000)
        job = await installation.story.ports.jobs.get(job.job_id)
        if job.terminal:
            break
    assert job.status is JobStatus.FAILED
    assert "21 attempts at listing the bucket failed, the process died" in str(job.status_reason)


@pytest.mark.parametrize("kind", ERRORS)
async def test_progress_resets_the_count_of_attempts(installation: Installation, kind: str) -> None:
    """A listing of many pages in which every other page fails is completed."""
    job = await installation.start(Discovery.DIRECT, 50)
    seen = 0

    def every_other(call: Call) -> Exception | None:
        nonlocal seen
        if call[0] != "results.upload_part":
            return None
        seen += 1
        return ERRORS[kind](call) if seen % 4 else None

    installation.faults.before = every_other
    job = await installation.finish(job)
    assert job.status is JobStatus.COMPLETED
    assert job.status_reason is None


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("method", ["results.stream", "results.put", "errors.record"])
async def test_an_error_of_a_whole_chunk_names_the_chunk_and_the_cause(
    installation: Installation, kind: str, method: str
) -> None:
    """A chunk whose files cannot be read or written fails with its last cause, not with a count."""
    job = await installation.start(Discovery.DIRECT, 25)
    await installation.turn(chunks=False)
    installation.story.put("late.jpg")

    def of_chunk_1(call: Call) -> Exception | None:
        concerned = "/00000001" in str(call[1]) or method == "errors.record"
        return ERRORS[kind](call) if call[0] == method and concerned else None

    installation.faults.before = of_chunk_1
    job = await installation.finish(job)
    installation.faults.stop()
    assert job.tally.statistics.put >= 20
    if method == "errors.record":
        assert job.status is JobStatus.COMPLETED
        return
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    [whole] = [f for f in await installation.story.failures(job) if f.key is None]
    assert whole.chunk_index == 1
    assert method in whole.message
