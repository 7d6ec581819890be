"""Shares a long listing out to several invocations, and watches over them.

A direct job that is not listed after `listing_alone_objects` is shared out, in one transaction:
from then on the keys that are left are in shares (`domain.listing_share`), and not in the job. Each
share is listed by a worker (`list_share`) under a lease of its own. The engine only watches: at
each advance, which the sweep requests every few minutes, it invokes a worker for each share that
has none, and sums the counts. When all shares are done it removes them. That is one transaction
too, and it names the version of each share. So it fails if one has handed keys on to another in the
meantime, although both looked done when they were read, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from application.engine.chunk_output import with_chunks
from application.engine.job_lease import JobLease
from application.execution.tuning import Tuning
from application.jobs.engine_invocation import request_share
from domain.discovery import Discovery
from domain.job import Job
from domain.key_ranges import WHOLE
from domain.listing import Sharing
from domain.listing_share import (
    SHARE_COUNT_MAX,
    ListingShare,
    divisible,
    share_out,
    total_of,
)
from domain.prefixes import listed_prefixes
from ports.clock import Clock
from ports.engine_invoker import EngineInvoker
from ports.errors import Conflict, CorruptData
from ports.job_store import JobStore
from ports.share_store import ShareStore
from ports.telemetry import Telemetry

_CLOSE_TRY_COUNT: Final = 3


class ShareListing:
    """What the engine does for a listing that has shares."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        shares: ShareStore,
        invoker: EngineInvoker,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._shares = shares
        self._invoker = invoker
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    def is_due(self, job: Job, prefix_count: int) -> bool:
        """Return whether the listing, as recorded, is long, and others can list a part of it."""
        return (
            job.request.options.discovery is Discovery.DIRECT
            and job.request.options.source is None
            and job.listing.objects_seen >= self._tuning.listing_alone_objects
            and self._tuning.listing_workers > 1
            and divisible(job.listing, prefix_count)
        )

    async def start(self, job: Job, lease: JobLease, prefix_count: int) -> Job:
        """Share out what is left; the job counts as processing, whether it has chunks yet or not.

        Raises:
            LeaseLost: the job's lease is lost; nothing was shared out.
        """
        share_count = min(self._tuning.listing_workers, SHARE_COUNT_MAX)
        now = self._clock.now()
        shares = share_out(
            job.job_id, job.listing, prefix_count=prefix_count, share_count=share_count, now=now
        )

        def shared(job: Job) -> Job:
            sharing = Sharing(share_count=share_count, first_chunk=job.tally.chunks_total)
            return with_chunks(replace(job, listing=replace(job.listing, sharing=sharing)), now)

        while True:
            try:
                job = await self._shares.start(lease.changed(job, shared), shares)
                break
            except Conflict:
                # A status was published, or the lease is lost, which `changed` finds out.
                job = await self._jobs.get(job.job_id)
        self._telemetry.event("listing_shared", job_id=job.job_id, shares=share_count)
        for share in shares:
            if not share.done:
                await self._request(share)
        return job

    async def watch(self, job: Job, lease: JobLease) -> Job:
        """Invoke workers for the shares that have none; end the sharing when all are done.

        Raises:
            LeaseLost: the job's lease is lost.
            CorruptData: a share's record is missing.
        """
        for _ in range(_CLOSE_TRY_COUNT):
            sharing = job.listing.sharing
            if sharing is None:
                return job
            shares = await self._shares.shares(job.job_id, sharing.share_count)
            if len(shares) != sharing.share_count:
                raise CorruptData(
                    f"job {job.job_id} has {len(shares)} of {sharing.share_count} shares"
                )
            now = self._clock.now()
            for share in shares:
                if not share.done and self._idle(job, share, now):
                    await self._request(share)
            if not all(share.done for share in shares):
                return await self._count(job, lease, shares)
            try:
                return await self._close(job, lease, shares)
            except Conflict:
                # A status was published, the lease is lost, or one has handed on to another.
                job = await self._jobs.get(job.job_id)
        return job

    async def _count(self, job: Job, lease: JobLease, shares: Sequence[ListingShare]) -> Job:
        """Show in the job how much is listed so far."""
        if total_of(shares, job.listing) == job.listing:
            return job
        return await lease.update(
            job.job_id, lambda j: replace(j, listing=total_of(shares, j.listing))
        )

    async def _close(self, job: Job, lease: JobLease, shares: Sequence[ListingShare]) -> Job:
        """Return the job whose listing has been completed, and is its own again."""

        def closed(job: Job) -> Job:
            total = total_of(shares, job.listing)
            prefix_count = len(listed_prefixes(job.request.options.prefixes))
            listing = replace(total, prefix_index=prefix_count, ranges=(WHOLE,), sharing=None)
            return replace(job, listing=listing)

        return await self._shares.close(lease.changed(job, closed), shares)

    def _idle(self, job: Job, share: ListingShare, now: datetime) -> bool:
        """Return whether no worker lists an open share, and none is about to.

        A share that was released before its job was resumed has no invocation on its way.
        """
        if share.lease is not None:
            return not share.lease.live(now)
        if job.resumes.at is not None and share.updated_at <= job.resumes.at:
            return True
        return (now - share.updated_at).total_seconds() >= self._tuning.stuck_after_s

    async def _request(self, share: ListingShare) -> None:
        await request_share(self._invoker, share.job_id, share.number, telemetry=self._telemetry)
