"""A lease: the right of one process to work on a job or a chunk, until a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The holder's token, and the time of expiry (exclusive)."""

    token: str
    expires_at: datetime

    def live(self, now: datetime) -> bool:
        """Return whether the lease is live; at the time of expiry it no longer is."""
        return now < self.expires_at
