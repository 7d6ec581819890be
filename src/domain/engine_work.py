"""The engine's work on a job: its lease, and its attempts at one step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from domain.lease import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """The attempts at a piece of work since its last progress.

    An attempt counts when it begins, so one whose process died counts too. `unknown_count` of them
    ended in unknown errors; `cause` is the last error that one reported.
    """

    count: int = 0
    unknown_count: int = 0
    cause: str | None = None

    def started(self) -> Attempts:
        """Return the attempts with one more."""
        return replace(self, count=self.count + 1)

    def failed(self, cause: str, *, unknown: bool) -> Attempts:
        """Return the attempts after an error ended the last one.

        That one is the first if it made progress before, which ended the count.
        """
        return Attempts(
            count=max(self.count, 1), unknown_count=self.unknown_count + unknown, cause=cause
        )


NO_ATTEMPTS: Final = Attempts()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineWork:
    """The engine's work on the job: one invocation at a time lists or splits, by attempts.

    The attempts are those at `place`, which is None without attempts (`domain.attempts.place_of`).
    """

    lease: Lease | None = None
    attempts: Attempts = NO_ATTEMPTS
    place: str | None = None

    def is_held(self, now: datetime) -> bool:
        """Return whether an invocation holds the lease."""
        return self.lease is not None and self.lease.live(now)

    def is_held_by(self, token: str, now: datetime) -> bool:
        """Return whether this invocation holds the lease."""
        return self.lease is not None and self.lease.token == token and self.is_held(now)
