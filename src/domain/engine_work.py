"""The engine's work on a job: its lease, and its attempts at one step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.lease import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """The engine's attempts at the job's step since its last progress, to `place`.

    `unknown_count` of them ended in unknown errors; `cause` is the last error.
    """

    place: str
    count: int = 0
    unknown_count: int = 0
    cause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineWork:
    """The engine's work on the job: one invocation at a time lists or splits, by attempts."""

    lease: Lease | None = None
    attempts: Attempts | None = None

    def is_held(self, now: datetime) -> bool:
        """Return whether an invocation holds the lease."""
        return self.lease is not None and self.lease.live(now)

    def is_held_by(self, token: str, now: datetime) -> bool:
        """Return whether this invocation holds the lease."""
        return self.lease is not None and self.lease.token == token and self.is_held(now)
