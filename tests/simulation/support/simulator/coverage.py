"""The coverage of runs, as counts that can be added up: over seeds, processes and days."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from simulator.accounts import outcome_lines

from domain.orphan_work import OrphanStatus
from domain.removal_work import RemovalStatus

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
    for name, happened in _features(sim).items():
        counts["runs with feature", name] = int(happened)
    counts["most", "messages in a queue"] = sim.services.queue.longest
    return counts


def _features(sim: Simulation) -> dict[str, bool]:
    """Return for each rare part of the world whether it happened in a run, to its end."""
    jobs = list(sim.world.database.jobs)
    compared = [job.removals for job in jobs if job.removals is not None]
    searches = [job.orphans for job in jobs if job.orphans is not None]
    limits, operators = sim.observer.limits, sim.operators.done
    events = sim.world.ports.bus.removals
    gone = {(event.connector_id, event.object_key, event.event_id) for event in events}
    gone_again = len(gone) > len({(connector_id, key) for connector_id, key, _ in gone})
    return {
        "removal announced": bool(events),
        "removal announced of an object that was gone before": gone_again,
        "event of a removal sent again": len(events) > len(gone),
        "guard stopped": any(
            each.status is RemovalStatus.STOPPED or each.confirmed_at is not None
            for each in compared
        ),
        "guard confirmed": any(each.confirmed_at is not None for each in compared),
        "object moved": any(each.counts.moved for each in compared),
        "job paused": "pause" in operators,
        "job resumed": "resume" in operators,
        "stage paused": "pause all" in operators,
        "chunk parked": sim.observer.holds.parked_count > 0,
        "copies held by queue depth": sim.observer.holds.backlog_count > 0,
        "scheduled sync started": "STARTED" in sim.schedulers.done,
        "connector edited while a job runs": sim.managers.edits_of_running > 0,
        "connector removed": "remove" in sim.managers.done,
        "limits edited": limits.edits > 0,
        "all slots in use": limits.full > 0,
        "objects at a limited rate": limits.paced > 0,
        "active job outside of its windows": limits.closed > 0,
        "orphan search done": any(each.status is OrphanStatus.DONE for each in searches),
        "orphan reported": any(each.counts.orphans for each in searches),
    }


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
