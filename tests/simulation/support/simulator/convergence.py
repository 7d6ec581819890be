"""What must hold after the faults have ended and the system ingests what it can.

The exceptions are: objects that the system does not ingest; and two objects under the same
inventory id that no record has, because an owner copied one with its tags and the record got lost,
so that the ingest of each deletes the other's record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from simulator.accounts import outcome_lines
from simulator.lasting import Lasting
from simulator.scenery import Theme

from domain.connector import Trigger
from domain.job import Job

if TYPE_CHECKING:
    from simulator.simulation import Simulation

_AT_REST = frozenset({"SKIPPED", "NOT_MEDIA", "ARCHIVED", "FAILED"})


def two_syncs_suffice(sim: Simulation, job: Job) -> Iterator[str]:
    """From the third sync on only what the system does not take is triggered."""
    for line in outcome_lines(sim, job.job_id):
        written = line["outcome"] in ("COPIED", "PUT") or line["reason"] == "TAGS_RESTORED"
        if written and not _is_lost(sim, line["key"], [job]):
            yield f"still {line}"


def every_object_is_at_rest(sim: Simulation, job: Job) -> Iterator[str]:
    """In the end every object is known, or cannot be triggered, or was triggered three times for
    nothing.
    """
    for line in outcome_lines(sim, job.job_id):
        key, outcome = line["key"], line["outcome"]
        if outcome in _AT_REST:
            continue
        if outcome != "NOT_TAKEN" or line["triggerCount"] != 3:
            yield f"not at rest: {line}"
        elif not _is_lost(sim, key, None):
            yield f"the system takes it, and yet: {line}"


def _is_lost(sim: Simulation, key: str, jobs: Sequence[Job] | None) -> bool:
    """Return whether the system never ingests an object, or missed its event, or two share an id.

    A missed event counts for these jobs, in calm; None: for all jobs, whatever went wrong then. Two
    that share an id alternate, so any job that saw them counts.
    """
    system, trigger = sim.services.system, sim.connector.ingest.trigger
    if not system.can_take(key, trigger):
        return True
    if any(key in _shared(sim, job) for job in sim.world.database.jobs):
        return True
    lost_at = system.lost_at.get(key)
    if jobs is not None:
        return lost_at is not None and lost_at >= sim.calm_at
    page = sim.observer.ledger.page(key)
    unsent = trigger is Trigger.QUEUE and not page.sent.issuperset(page.marked)
    refused = sim.lasting.has(Lasting.BUS_REFUSES) or sim.theme is Theme.SHORT_LIVES
    return lost_at is not None or unsent or refused


def _shared(sim: Simulation, job: Job) -> set[str]:
    """Return the keys of objects with an inventory id that no record had when the job began, and
    that another object carried, too.
    """
    start = sim.observer.starts[job.job_id]
    tagged = {key: stored.tags.get("InventoryID") for key, stored in start.objects.items()}
    counts = Counter(each for each in tagged.values() if each and each not in start.assets)
    return {key for key, inventory_id in tagged.items() if counts[inventory_id or ""] > 1}
