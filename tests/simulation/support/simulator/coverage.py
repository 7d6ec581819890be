"""The coverage of runs, as counts that can be added up: over seeds, processes and days."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from simulator.accounts import outcome_lines

if TYPE_CHECKING:
    from simulator.simulation import Simulation

Coverage = Counter[tuple[str, str]]
"""How often each member of a group was seen."""


def coverage_of(sim: Simulation) -> Coverage:
    """Return one run's coverage; `runs with` counts runs, all other groups count occurrences."""
    jobs = list(sim.world.database.jobs)
    observer = sim.observer
    lines = [line for job in jobs for line in outcome_lines(sim, job.job_id)]
    counts: Coverage = Counter()
    counts["in all", "runs"] = 1
    counts["in all", "steps"] = sim.step_count
    counts["in all", "jobs"] = len(jobs)
    counts["in all", "chunks"] = sum(job.tally.chunks_total for job in jobs)
    counts["in all", "invocations"] = sim.process_count
    counts["in all", "killed at their deadline"] = sim.death_count
    counts["in all", "handed over at their deadline"] = sum(observer.progress.hand_overs.values())
    counts["in all", "redrives"] = sum(job.redrive.number for job in jobs)
    counts["in all", "cancels ordered"] = len(observer.cancelled)
    counts["in all", "dead letters"] = len(sim.services.queue.letters)
    counts["in all", "ingest events"] = sum(map(len, observer.events.values()))
    counts["in all", "shares listed"] = sum(
        share.chunk_count > 0 for shares in observer.shares.values() for share in shares.values()
    )
    for job in jobs:
        counts["jobs that ended", job.status] += job.terminal
    for status in observer.chunk_statuses:
        counts["runs with chunks", status] += 1
    for statuses in observer.statuses.values():
        for job_status in statuses:
            counts["changes of jobs to", job_status] += 1
    for line in lines:
        counts["outcomes", line["outcome"]] += 1
        counts["reasons", line["reason"]] += 1
    for kind, count in sim.faults.counts.items():
        counts["faults", kind] += count
    for lasting in sim.lasting.had:
        counts["runs with lasting faults", lasting] += 1
    for taking, count in sim.services.system.outcomes.items():
        counts["answers of a Media Lake", taking] += count
    for kind in sim.managers.done:
        counts["connectors", kind] += 1
    for kind in sim.operators.done:
        counts["pauses", kind] += 1
    counts["pauses", "waits for ingest"] = sim.observer.holds.backlog_count
    counts["pauses", "chunks parked"] = sim.observer.holds.parked_count
    for kind in sim.schedulers.done:
        counts["schedules", kind] += 1
    counts["most", "messages in a queue"] = sim.services.queue.longest
    return counts


def added(all_counts: Coverage, counts: Coverage) -> None:
    """Add what another run covered."""
    for name, count in counts.items():
        if name[0] == "most":
            all_counts[name] = max(all_counts[name], count)
        else:
            all_counts[name] += count


def described(counts: Coverage) -> str:
    """Return the counts as text, a group per line."""
    groups: dict[str, list[str]] = {}
    for (group, name), count in sorted(counts.items(), key=lambda item: -item[1]):
        groups.setdefault(group, []).append(f"{name} {count:,}")
    return "".join(f"{group}: {', '.join(names)}\n" for group, names in groups.items())
