"""Where a listing puts the objects that it selected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from application.engine.key_range_streams import TakenPage
from domain.job import Job
from domain.listing import Listing
from domain.manifest import ManifestEntry


class ListingOutput(Protocol):
    """The output of one invocation; `save` and `complete` may raise LeaseLost.

    `at` is the progress of the listing with everything that was added, which only `save` and
    `complete` record in the job.
    """

    async def begin(self, job: Job) -> Listing:
        """Start the output, or continue that of an earlier invocation; return the progress.

        It differs from the recorded one if something was started, and the caller records it.
        """
        ...

    async def add(
        self, job: Job, at: Listing, page: TakenPage, selected: Sequence[ManifestEntry]
    ) -> Listing:
        """Add the page's objects that are selected; return `at` with what the output counts."""
        ...

    def is_due(self, job: Job, at: Listing) -> bool:
        """Return whether there is as much as a checkpoint should save."""
        ...

    async def save(self, job: Job, at: Listing) -> Job:
        """Write what was added, and record the progress."""
        ...

    async def discard(self, job: Job, at: Listing) -> None:
        """Remove what was started: nothing was listed."""
        ...

    async def complete(self, job: Job, at: Listing, warnings: tuple[str, ...]) -> Job | None:
        """Write the rest, and record the end of the listing with its warnings.

        Returns:
            The job; None if what was written is not usable, and the listing must start again.
        """
        ...
