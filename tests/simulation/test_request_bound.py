"""The bound of requests counts what was listed, whether a checkpoint has it or not."""

from __future__ import annotations

from collections.abc import Callable

from simulator.process import Process
from simulator.progress import REQUESTS_PER_THING, request_bound
from simulator.simulation import Simulation

from domain.job import Job
from domain.manifest import ManifestEntry
from ports.object_store import ListedPage


def test_objects_that_no_checkpoint_has_are_counted_once(
    simulate: Callable[[int], Simulation],
) -> None:
    sim = simulate(3)
    job = next(iter(sim.world.database.jobs))
    process = _process_about(sim, job)
    sim.observer.progress.listed[job.job_id].clear()
    before = request_bound(sim, job)

    seen = job.listing.objects_seen
    entries = [
        ManifestEntry(key=f"{number}.mov", size_bytes=1, last_modified=None)
        for number in range(seen + 2)
    ]
    page = ListedPage(entries, token=None)
    sim.observer.progress.listed_page(process, page)
    after = request_bound(sim, job)
    sim.observer.progress.listed_page(process, page)

    attempts = sim.tuning.chunk_attempt_count_max * (1 + job.redrive.number)
    each = REQUESTS_PER_THING * attempts
    assert after == before + 2 * 2 * each, "two more objects, each of at least one part"
    assert request_bound(sim, job) == after


def _process_about(sim: Simulation, job: Job) -> Process:
    now = sim.clock.now()
    return Process(
        sim=sim,
        number=0,
        label="engine",
        function="engine",
        began_at=now,
        deadline=now,
        job_id=job.job_id,
        subject=job.job_id,
        life=None,
    )
