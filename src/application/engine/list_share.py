"""Lists one share of a long listing, and hands a part of it on while another share is idle.

A worker takes the share's lease, lists its keys as the engine lists a bucket, and records chunks
and progress together (`share_progress`). At its deadline it releases the share and requests the
next invocation. A message that comes twice finds the share leased or done. One that is lost, or
whose worker died, is found by the engine (`share_listing`). A worker whose job is ending finds that
out at its next record, and stops.

It is a loop over invocations, with the measure of `list_bucket`: each lists at least one page, or
is one of a bounded number of attempts without progress.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Final

from application.engine.attempt_rules import have_died, is_last
from application.engine.chunk_recorder import ChunkRecorder
from application.engine.empty_prefix import warning_of_nothing, with_warning
from application.engine.end_job import EndJob
from application.engine.key_range_streams import KeyRangeStreams
from application.engine.page_selection import PageSelection
from application.engine.share_progress import ShareProgress
from application.execution.deadline import Deadline
from application.execution.hold_watch import HoldWatch
from application.execution.tuning import Tuning
from application.jobs.engine_invocation import request_advance, request_share
from application.jobs.update_job import update_job
from application.results.failure_records import cause_of, is_final
from domain.errors import LeaseLost, NoProgress, ShareNotOpen
from domain.hold import pause_of
from domain.job import Job
from domain.key_ranges import WHOLE
from domain.listing_share import ListingShare, lease_share
from domain.prefixes import listed_prefixes
from domain.profile import Profile
from ports.clock import Clock
from ports.engine_invoker import EngineInvoker
from ports.errors import Conflict, NotFound
from ports.ids import Ids
from ports.job_store import JobStore
from ports.object_store import ObjectStore
from ports.share_store import ShareStore
from ports.telemetry import Telemetry

_LEASE_TRY_COUNT: Final = 3


class ListShare:
    """The use case behind an invocation for a share."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        shares: ShareStore,
        objects: ObjectStore,
        chunk_recorder: ChunkRecorder,
        end_job: EndJob,
        invoker: EngineInvoker,
        profile: Profile,
        clock: Clock,
        ids: Ids,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._shares = shares
        self._objects = objects
        self._chunk_recorder = chunk_recorder
        self._end_job = end_job
        self._invoker = invoker
        self._profile = profile
        self._clock = clock
        self._ids = ids
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, job_id: str, number: int, deadline: Deadline) -> bool:
        """List the share until it is done or the deadline is near; return whether it did any work.

        Raises:
            Exception: Lambda must retry the invocation; nothing is lost. After a bounded number of
                attempts without progress the job fails instead.
        """
        leased = await self._lease(job_id, number, deadline)
        if leased is None:
            return False
        job, progress = leased
        try:
            held = await self._list(job, progress, deadline)
        except (LeaseLost, Conflict) as lost:
            self._telemetry.event("share_lost", job_id=job_id, share=number, cause=cause_of(lost))
        except Exception as error:
            if not await self._handled(progress, error, deadline):
                raise
        else:
            await self._go_on(progress.share, held=held)
        return True

    async def _lease(
        self, job_id: str, number: int, deadline: Deadline
    ) -> tuple[Job, ShareProgress] | None:
        """Lease the share; None if there is nothing to do, or another worker does it."""
        token = self._ids.new_token()
        lease_s = deadline.remaining_s() + self._tuning.lease_margin_s
        for _ in range(_LEASE_TRY_COUNT):
            with suppress(Conflict):
                try:
                    job = await self._jobs.get(job_id)
                    sharing = job.listing.sharing
                    if sharing is None or job.terminal or job.ending is not None:
                        return None
                    if pause_of(job, self._clock.now()) is not None:
                        return None  # the engine requests it again when the job goes on
                    share = lease_share(
                        await self._shares.get(job_id, number),
                        token=token,
                        now=self._clock.now(),
                        lease_s=lease_s,
                    )
                except (ShareNotOpen, NotFound) as unneeded:
                    self._telemetry.event(
                        "share_not_open", job_id=job_id, share=number, cause=str(unneeded)
                    )
                    return None
                return job, ShareProgress(
                    job,
                    sharing,
                    await self._shares.save(share),
                    shares=self._shares,
                    recorder=self._chunk_recorder,
                    clock=self._clock,
                    tuning=self._tuning,
                )
        return None

    async def _list(self, job: Job, progress: ShareProgress, deadline: Deadline) -> bool:
        """List until the share is done, or released; return whether that is as the job is held."""
        if have_died(progress.share.attempts, self._tuning):
            # The workers' processes die, without an error.
            raise NoProgress(self._no_attempts_left(progress.share))
        prefixes = listed_prefixes(job.request.options.prefixes)
        selection = PageSelection(job, self._profile, self._tuning)
        at = progress.share.listing
        poll_s = self._tuning.hold_poll_s
        watch = HoldWatch(jobs=self._jobs, clock=self._clock, poll_s=poll_s)
        while progress.share.lease is not None:
            prefix = prefixes[at.prefix_index]
            async with KeyRangeStreams(
                self._objects,
                job,
                prefix,
                at.ranges,
                telemetry=self._telemetry,
                tuning=self._tuning,
            ) as pages:
                async for page in pages:
                    if not page.left:
                        if not page.entries and at.ranges[0].after is None and prefix:
                            await self._warn_of_nothing(job, prefix)
                        at = replace(at, prefix_index=at.prefix_index + 1)
                    at, selected = selection.take(at, page.entries)
                    at = replace(at, ranges=page.left or (WHOLE,))
                    progress.add(page, selected)
                    held = await watch.is_held(job.job_id)
                    ending = held or deadline.near(self._tuning.stop_margin_s)
                    if ending or progress.is_due(at):
                        await progress.record(at, release=ending)
                        self._report(progress.share)
                        if progress.share.lease is None:
                            return held
                        if (taken := await progress.hand_on()) is not None:
                            await self._request(taken)
                            at = progress.share.listing
                            break  # the streams still list the keys of that share
        return False

    async def _warn_of_nothing(self, job: Job, prefix: str) -> None:
        warning = await warning_of_nothing(self._objects, job, prefix)
        await update_job(
            self._jobs,
            job.job_id,
            lambda j: j if j.terminal or j.ending is not None else with_warning(j, warning),
        )

    async def _go_on(self, share: ListingShare, *, held: bool) -> None:
        """Request what follows: the rest of the share, or the end of the whole listing."""
        if not share.done:
            # It is released now, so a resume from now on finds it idle.
            job = await self._jobs.get(share.job_id) if held else None
            if job is None or pause_of(job, self._clock.now()) is None:
                await self._request(share)
            return
        job = await self._jobs.get(share.job_id)
        if job.listing.sharing is None:
            return
        others = await self._shares.shares(share.job_id, job.listing.sharing.share_count)
        if all(other.done for other in others):
            await request_advance(self._invoker, share.job_id, telemetry=self._telemetry)

    async def _handled(self, progress: ShareProgress, error: Exception, deadline: Deadline) -> bool:
        """Release the share after an error, and fail the job if no retry can help.

        False if a retry may.
        """
        share = progress.share
        if not await progress.release(error):
            self._telemetry.event(
                "share_lost", job_id=share.job_id, share=share.number, cause=cause_of(error)
            )
            return True
        self._telemetry.warning(
            "share_attempt_failed", job_id=share.job_id, share=share.number, cause=cause_of(error)
        )
        if not is_last(progress.share.attempts, error, self._tuning):
            return False
        reason = None
        if not is_final(error):
            reason = f"{self._no_attempts_left(progress.share)}: {cause_of(error)}"
        if await self._end_job.fail(share.job_id, error, deadline, reason=reason) is None:
            await request_advance(self._invoker, share.job_id, telemetry=self._telemetry)
        return True

    def _no_attempts_left(self, share: ListingShare) -> str:
        return (
            f"{share.attempts.count} attempts at listing share {share.number} of the bucket failed"
            " without progress. Remove the cause and start a new sync: objects that are done are"
            " skipped"
        )

    async def _request(self, share: ListingShare) -> None:
        await request_share(self._invoker, share.job_id, share.number, telemetry=self._telemetry)

    def _report(self, share: ListingShare) -> None:
        self._telemetry.event(
            "share_checkpoint",
            job_id=share.job_id,
            share=share.number,
            objects_listed=share.listing.objects_listed,
            ranges=len(share.listing.ranges),
        )
