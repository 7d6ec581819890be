"""The slots of connectors that have limits: a worker holds one while it works on a chunk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.lease import Lease


class SlotStore(Protocol):
    """Stores the leases on slots, which are numbered from 0 per connector id.

    Reads are strongly consistent. A slot has one holder at a time: until its lease has expired, or
    is given back, no other process gets it. Every method may raise the Retryable and Fatal errors
    of `ports.errors`. After TimedOut a write was done completely or not at all.
    """

    async def take(
        self, connector_id: str, count: int, lease: Lease, now: datetime, *, job_id: str
    ) -> int | None:
        """Lease one of the first `count` slots (1 to 100) for a job, and return its number.

        A token that has one of them already, with a live lease, gets the same again. None if no
        slot is free at `now`; also if others kept taking those that were.
        """
        ...

    async def give_back(self, connector_id: str, number: int, token: str) -> None:
        """End the lease of this token; nothing happens if the slot is not leased by it."""
        ...

    async def holders(self, connector_id: str, count: int, now: datetime) -> Sequence[str]:
        """Return the jobs that have one of the first `count` slots at `now`, an id for each slot.

        It is empty for a slot that a worker of an earlier version has. The other slots are free.
        """
        ...
