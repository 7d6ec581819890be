"""Work that the engine does on a job that has ended, in steps and under a lease of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from domain.engine_work import NO_ATTEMPTS, Attempts
from domain.errors import LeaseLost
from domain.lease import Lease

Work = TypeVar("Work", bound="LeasedWork")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedWork(ABC):
    """What the records of all such work have.

    Attributes:
        lease: The right of one invocation to work on it.
        attempts: The attempts at the same place.
    """

    lease: Lease | None = None
    attempts: Attempts = NO_ATTEMPTS

    @property
    @abstractmethod
    def open(self) -> bool:
        """Whether the engine must still work on it."""

    @property
    @abstractmethod
    def place(self) -> tuple[object, ...]:
        """What changes whenever the work makes progress."""

    def held_by(self, token: str, now: datetime) -> bool:
        """Return whether this invocation holds the lease."""
        return self.lease is not None and self.lease.token == token and self.lease.live(now)

    def needs_engine(self, now: datetime) -> bool:
        """Return whether there is work to do, and no invocation does it."""
        return self.open and (self.lease is None or not self.lease.live(now))


def lease_work(work: Work, *, token: str, now: datetime, lease_s: float) -> Work:
    """Return the work with its lease given to `token`, counted as an attempt.

    Raises:
        LeaseLost: There is nothing to do, or another invocation does it.
    """
    if not work.open:
        raise LeaseLost("nothing is left to do")
    if work.lease is not None and work.lease.token != token and work.lease.live(now):
        raise LeaseLost(f"another invocation has the lease until {work.lease.expires_at}")
    lease = Lease(token=token, expires_at=now + timedelta(seconds=lease_s))
    return replace(work, lease=lease, attempts=work.attempts.started())
