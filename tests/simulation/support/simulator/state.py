"""The state that is compared: a second delivery, or a second run, must change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.simulation import Simulation

_WRITES = ("CopyObject", "PutObjectTagging", "CompleteMultipartUpload")


def state_of(sim: Simulation) -> object:
    """Return all records that can be read, and how much was written and published."""
    readable = {job.job_id for job in sim.jobs}
    return (
        sim.jobs,
        [list(sim.world.database.chunks_of(job.job_id)) for job in sim.jobs],
        writes_of(sim),
        sum(message.job_id in readable for message in sim.world.ports.notifier.messages),
    )


def writes_of(sim: Simulation) -> dict[str, int]:
    """Return how often an object was written, and how much was sent."""
    counts = {name: sim.world.buckets.requests[name] for name in _WRITES}
    sent = sum(len(messages) for messages in sim.observer.messages.values())
    return counts | {"PutEvents": len(sim.world.ports.bus.events), "SendMessage": sent}
