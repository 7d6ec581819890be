"""Random sequences of calls on jobs and chunks: DynamoDB does as the memory adapter does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from domain.chunk import Chunk, ChunkStatus
from domain.connector import Bucket
from domain.job import JobStatus, StatusNotices, new_job
from domain.outcome import Statistics
from domain.sync_request import SyncOptions, SyncRequest
from domain.tally import Tally, tally_change
from ports.errors import AlreadyExists, Conflict, ExpectedError, NotFound
from ports.job_store import OverlappingJob

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
CONNECTORS = ("con-0", "con-1")
LEAVES = (AlreadyExists, Conflict, NotFound)
PREFIXES = ((), ("a/",), ("a/b/",), ("b/", "c/"))
CHUNKS = st.lists(st.integers(0, 5), min_size=0, max_size=3, unique=True)


class Stores(RuleBasedStateMachine):
    """Calls both adapters alike; both must return the same.

    `jobs` and `chunks` are all values ever returned; a rule writes a late one, often a stale one.
    """

    def __init__(self, open_both: Callable[[], Any]) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.context = open_both()
        self.worlds = self.runner.run(self.context.__aenter__())
        self.jobs: list[Any] = []
        self.chunks: list[Any] = []

    def teardown(self) -> None:
        try:
            self.compare()
        finally:
            self.runner.run(self.context.__aexit__(None, None, None))
            self.runner.close()

    def both(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        """Return what both worlds return; an error counts as a result."""
        answers = []
        for world in self.worlds:
            try:
                answers.append(self.runner.run(self._awaited(call(world))))
            except OverlappingJob as error:
                answers.append((OverlappingJob, error.job_id))
            except ExpectedError as error:
                # An adapter may raise a subclass of its own.
                answers.append(next(kind for kind in LEAVES if isinstance(error, kind)))
        memory, dynamo = answers
        assert memory == dynamo
        return memory

    @staticmethod
    async def _awaited(awaitable: Awaitable[Any]) -> Any:
        return await awaitable

    @rule(
        number=st.integers(0, 2),
        connector=st.sampled_from(CONNECTORS),
        prefixes=st.sampled_from(PREFIXES),
    )
    def create(self, number: int, connector: str, prefixes: tuple[str, ...]) -> None:
        job = new_job(
            job_id=f"job-{number}",
            request=SyncRequest(
                connector_id=connector,
                bucket=Bucket(name="media"),
                options=SyncOptions(prefixes=prefixes),
            ),
            now=NOW + timedelta(seconds=number),
        )
        self._keep_job(self.both(lambda world: world.jobs.create(job)))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), status=st.sampled_from(JobStatus), silent=st.booleans())
    def save(self, data: Any, status: JobStatus, silent: bool) -> None:
        job = data.draw(st.sampled_from(self.jobs[-3:]))
        # Only `reopen` makes an ended job active again.
        changed = replace(
            job,
            status=job.status if job.terminal else status,
            notices=StatusNotices() if silent else job.notices,
            tally=Tally(chunks_total=1000),
        )
        self._keep_job(self.both(lambda world: world.jobs.save(changed)))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def reopen(self, data: Any) -> None:
        job = data.draw(st.sampled_from(self.jobs[-3:]))
        current = self.both(lambda world: world.jobs.get(job.job_id))
        reopened = replace(current, status=JobStatus.PROCESSING)
        self._keep_job(self.both(lambda world: world.jobs.reopen(reopened)))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), indexes=CHUNKS)
    def add(self, data: Any, indexes: list[int]) -> None:
        job = data.draw(st.sampled_from(self.jobs[-3:]))
        if job.terminal:
            return
        chunks = [self._new_chunk(job.job_id, index) for index in indexes]
        answer = self.both(lambda world: world.chunks.add(job, chunks))
        self._keep_job(answer)
        if not isinstance(answer, type):
            self.chunks += [replace(chunk, version=1) for chunk in chunks]

    @precondition(lambda self: self.chunks)
    @rule(data=st.data(), attempt_count=st.integers(0, 3))
    def save_chunk(self, data: Any, attempt_count: int) -> None:
        chunk = replace(data.draw(st.sampled_from(self.chunks[-4:])), attempt_count=attempt_count)
        self._keep_chunk(self.both(lambda world: world.chunks.save(chunk)))

    @precondition(lambda self: self.chunks)
    @rule(data=st.data(), put=st.integers(0, 3), status=st.sampled_from(ChunkStatus))
    def settle(self, data: Any, put: int, status: ChunkStatus) -> None:
        chunk = data.draw(st.sampled_from(self.chunks[-4:]))
        after = replace(chunk, status=status, statistics=Statistics(put=put))
        change = tally_change(chunk, after)
        self._keep_chunk(self.both(lambda world: world.chunks.settle(after, change)))

    def compare(self) -> None:
        """Check that both worlds hold the same."""

        async def everything(world: Any) -> Any:
            ids = sorted({chunk.job_id for chunk in self.chunks})
            chunks = [[chunk async for chunk in world.chunks.chunks(job_id)] for job_id in ids]
            page = await world.jobs.list_page(limit=10)
            return chunks, page.items, [job async for job in world.jobs.open_jobs()]

        self.both(everything)

    def _keep_job(self, answer: Any) -> None:
        if not isinstance(answer, type | tuple):
            self.jobs.append(answer)

    def _keep_chunk(self, answer: Any) -> None:
        if not isinstance(answer, type):
            self.chunks.append(answer)

    def _new_chunk(self, job_id: str, index: int) -> Chunk:
        return Chunk(
            job_id=job_id,
            index=index,
            status=ChunkStatus.PENDING,
            object_count=3,
            entry_count=3,
            size_bytes=0,
            first_key="a",
            last_key="b",
            created_at=NOW,
            updated_at=NOW,
        )


def test_dynamodb_does_as_memory_does(open_both: Callable[[], Any]) -> None:
    class Machine(Stores):
        def __init__(self) -> None:
            super().__init__(open_both)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=4,
            stateful_step_count=20,
            report_multiple_bugs=False,
            phases=(Phase.explicit, Phase.generate),  # shrinking takes minutes over HTTP
            suppress_health_check=list(HealthCheck),
        ),
    )
