"""Writes the progress of one share: what was listed, and what is handed on."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from application.engine.chunk_recorder import ChunkRecorder
from application.engine.key_range_streams import TakenPage
from application.engine.stream_drafts import StreamDrafts
from application.execution.tuning import Tuning
from application.results.failure_records import cause_of, is_unknown
from domain.errors import LeaseLost
from domain.job import Job
from domain.listing import Listing, Sharing
from domain.listing_share import ListingShare, advance_share, chunk_index, divisible, hand_on
from domain.manifest import ManifestEntry
from ports.clock import Clock
from ports.errors import Conflict
from ports.share_store import ShareStore


class ShareProgress:
    """A leased share, and what was listed of it and is not recorded yet.

    Attributes:
        share: The share as recorded last.
    """

    def __init__(
        self,
        job: Job,
        sharing: Sharing,
        share: ListingShare,
        *,
        shares: ShareStore,
        recorder: ChunkRecorder,
        clock: Clock,
        tuning: Tuning,
    ) -> None:
        self.share = share
        self._job = job
        self._sharing = sharing
        self._shares = shares
        self._recorder = recorder
        self._clock = clock
        self._tuning = tuning
        numbers = count(share.chunk_count)
        self._drafts = StreamDrafts(
            recorder,
            tuning,
            token=share.lease_token,
            indexes=(chunk_index(sharing, share.number, number) for number in numbers),
        )
        self._recorded_at = clock.now()

    def add(self, page: TakenPage, selected: list[ManifestEntry]) -> None:
        """Add the objects of a page that are selected."""
        self._drafts.add(self._job, page, selected)

    def is_due(self, at: Listing) -> bool:
        """Return whether there is as much as should be recorded, or the share is done."""
        if at.prefix_index >= self.share.prefix_end:
            return True
        age_s = (self._clock.now() - self._recorded_at).total_seconds()
        return self._drafts.full or age_s >= self._tuning.checkpoint_after_s

    async def record(self, at: Listing, *, release: bool) -> None:
        """Record the chunks of all that was added, and the progress after it.

        Raises:
            LeaseLost: another worker may have the share by now; nothing was recorded.
            Conflict: another worker has it, or the job is ending; nothing was recorded.
        """
        batch = self._drafts.take(self._job)
        await self._recorder.write(batch)
        now = self._clock.now()
        if self.share.lease is None or not self.share.lease.live(now):
            raise LeaseLost(f"the lease on share {self.share.number} has been lost")
        moved = advance_share(
            self.share, at, added_chunk_count=len(batch.chunks), release=release, now=now
        )
        self.share = await self._shares.record(moved, batch.chunks)
        self._recorded_at = now
        await self._recorder.enqueue(batch)

    async def hand_on(self) -> ListingShare | None:
        """Hand about half of what is left on to an idle share, and return that; None without one.

        Everything that was listed must be recorded.
        """
        share = self.share
        if not divisible(share.listing, share.prefix_end):
            return None
        others = await self._shares.shares(share.job_id, self._sharing.share_count)
        idle = [each for each in others if each.done]
        if not idle:
            return None
        # Shares that hand on at the same time do not all choose the same one.
        idle.sort(key=lambda each: (each.number - share.number) % self._sharing.share_count)
        given = hand_on(share, idle[0], self._clock.now())
        try:
            self.share, taken = await self._shares.hand_on(*given)
        except Conflict:
            # Another share was quicker; or this one is lost, which the next record finds out.
            return None
        return taken

    async def release(self, error: Exception) -> bool:
        """Release the lease after an error; return whether this worker still had it."""
        stored = await self._shares.get(self.share.job_id, self.share.number)
        held = stored.lease is not None and stored.lease.live(self._clock.now())
        if not held or stored.lease_token != self.share.lease_token:
            return False
        attempts = stored.attempts.failed(cause_of(error), unknown=is_unknown(error))
        try:
            self.share = await self._shares.save(replace(stored, lease=None, attempts=attempts))
        except Conflict:
            return False
        return True
