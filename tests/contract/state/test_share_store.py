"""The contract of ports.share_store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from domain.chunk import Chunk
from domain.engine_work import NO_ATTEMPTS, Attempts
from domain.item_sizes import JOB_OPTIONS_BYTES_MAX
from domain.job import Ending, EndingKind, Job, JobCompleted, evolve
from domain.job_control import request_end
from domain.key_ranges import RANGE_COUNT_MAX, KeyRange
from domain.lease import Lease
from domain.limits import OBJECT_KEY_BYTES_MAX
from domain.listing import Listing, Sharing
from domain.listing_share import SHARE_COUNT_MAX, ListingShare
from domain.tally import Tally, tally_of
from ports.errors import Conflict, NotFound
from ports.share_store import RECORDED_CHUNK_COUNT_MAX

if TYPE_CHECKING:
    from tests.contract.state.conftest import State

COUNT = 3


def share_of(job: Job, number: int, **changes: Any) -> ListingShare:
    """Return a share with something in every field."""
    now = job.times.created_at
    share = ListingShare(
        job_id=job.job_id,
        number=number,
        listing=Listing(
            objects_listed=10 + number,
            objects_filtered=2,
            objects_not_media=3,
            bytes_listed=10**13,
            prefix_index=4,
            ranges=(
                KeyRange(after="é/1", up_to="é/5"),
                KeyRange(after="é/5", token="t"),
            ),
        ),
        prefix_end=7,
        chunk_count=5,
        lease=Lease(token="token", expires_at=now + timedelta(seconds=900)),
        attempts=Attempts(count=3, unknown_count=1, cause="s3 ListObjectsV2: 503"),
        updated_at=now,
    )
    return replace(share, **changes)


@pytest.fixture
async def job(state: State, make_job: Callable[..., Job]) -> Job:
    """A job that is shared out, as it is stored."""
    created = await state.jobs.create(make_job())
    sharing = Sharing(share_count=COUNT, first_chunk=7)
    shared = replace(created, listing=replace(created.listing, sharing=sharing))
    return await state.shares.start(shared, [share_of(created, n) for n in range(COUNT)])


async def test_a_start_stores_the_job_and_its_shares(state: State, job: Job) -> None:
    assert job.version == 2
    assert await state.jobs.get(job.job_id) == job
    stored = await state.shares.shares(job.job_id, COUNT)
    assert stored == [share_of(job, number, version=1) for number in range(COUNT)]
    assert [await state.shares.get(job.job_id, number) for number in range(COUNT)] == stored


async def test_a_share_that_does_not_exist_is_not_found(state: State, job: Job) -> None:
    with pytest.raises(NotFound):
        await state.shares.get(job.job_id, COUNT)
    with pytest.raises(NotFound):
        await state.shares.get("job-none", 0)
    assert await state.shares.shares("job-none", COUNT) == []


async def test_shares_are_no_jobs(state: State, job: Job) -> None:
    page = await state.jobs.list_page(limit=10)
    assert [each.job_id for each in page.items] == [job.job_id]
    open_jobs = [each async for each in state.jobs.open_jobs()]
    assert len(open_jobs) == 1
    for name in ("share#job-1#0", "share#"):
        with pytest.raises(NotFound):
            await state.jobs.get(name)


async def test_shares_of_jobs_are_kept_apart(
    state: State, job: Job, make_job: Callable[..., Job]
) -> None:
    other = await state.jobs.create(make_job("job-2", bucket_name="other", connector_id="con-2"))
    await state.shares.start(other, [share_of(other, 0, prefix_end=9)])
    assert (await state.shares.get("job-1", 0)).prefix_end == 7
    assert (await state.shares.get("job-2", 0)).prefix_end == 9
    assert len(await state.shares.shares("job-2", COUNT)) == 1


@pytest.mark.parametrize("stale", ["job", "share"])
async def test_a_start_is_all_or_nothing(
    state: State, make_job: Callable[..., Job], stale: str
) -> None:
    created = await state.jobs.create(make_job())
    if stale == "share":
        created = await state.shares.start(created, [share_of(created, 1)])
    given = created if stale == "share" else replace(created, version=7)
    with pytest.raises(Conflict):
        await state.shares.start(given, [share_of(created, 0), share_of(created, 1)])
    assert (await state.jobs.get(created.job_id)).version == created.version
    with pytest.raises(NotFound):
        await state.shares.get(created.job_id, 0)


async def test_an_ended_job_is_not_shared_out(state: State, make_job: Callable[..., Job]) -> None:
    created = await state.jobs.create(make_job())
    ended = await state.jobs.save(evolve(created, JobCompleted(), created.times.created_at))
    with pytest.raises(ValueError, match="has ended"):
        await state.shares.start(ended, [share_of(ended, 0)])


# The client warns of a large request; so many long keys are possible, and never seen.
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_the_largest_shares_are_stored(state: State, make_job: Callable[..., Job]) -> None:
    job = make_job()
    options = replace(job.request.options, include=("x" * (JOB_OPTIONS_BYTES_MAX - 1),))
    job = await state.jobs.create(replace(job, request=replace(job.request, options=options)))
    key = "é" * (OBJECT_KEY_BYTES_MAX // 2)
    listing = Listing(ranges=(KeyRange(after=key, up_to=key, token=key),) * RANGE_COUNT_MAX)
    shares = [share_of(job, number, listing=listing) for number in range(SHARE_COUNT_MAX)]
    stored = await state.shares.start(job, shares)
    assert len(await state.shares.shares(job.job_id, SHARE_COUNT_MAX)) == SHARE_COUNT_MAX
    with pytest.raises(ValueError, match="at most"):
        await state.shares.start(stored, [*shares, share_of(job, SHARE_COUNT_MAX)])


async def test_a_save_writes_over_the_version_that_was_read(state: State, job: Job) -> None:
    read = await state.shares.get(job.job_id, 1)
    saved = await state.shares.save(replace(read, lease=None, attempts=NO_ATTEMPTS))
    assert saved == replace(read, lease=None, attempts=NO_ATTEMPTS, version=2)
    assert await state.shares.get(job.job_id, 1) == saved
    with pytest.raises(Conflict):
        await state.shares.save(read)
    with pytest.raises(Conflict):
        await state.shares.save(share_of(job, COUNT, version=1))
    assert await state.shares.get(job.job_id, 1) == saved


async def test_a_record_has_share_chunks_and_tally(
    state: State, job: Job, make_chunk: Callable[..., Chunk]
) -> None:
    read = await state.shares.get(job.job_id, 1)
    chunks = [make_chunk(8), make_chunk(11)]
    saved = await state.shares.record(replace(read, chunk_count=7), chunks)
    assert saved == replace(read, chunk_count=7, version=2)
    assert await state.shares.get(job.job_id, 1) == saved
    stored = [each async for each in state.chunks.chunks(job.job_id)]
    assert stored == [replace(chunk, version=1) for chunk in chunks]
    after = await state.jobs.get(job.job_id)
    assert after == replace(job, tally=sum(map(tally_of, chunks), start=Tally()))


async def test_a_record_without_chunks_moves_the_share_alone(state: State, job: Job) -> None:
    read = await state.shares.get(job.job_id, 1)
    saved = await state.shares.record(replace(read, lease=None), [])
    assert await state.shares.get(job.job_id, 1) == saved
    assert await state.jobs.get(job.job_id) == job


async def test_records_of_several_shares_do_not_disturb_each_other_or_the_engine(
    state: State, job: Job, make_chunk: Callable[..., Chunk]
) -> None:
    for number in range(COUNT):
        share = await state.shares.get(job.job_id, number)
        await state.shares.record(share, [make_chunk(number)])
    saved = await state.jobs.save(replace(job, status_reason="a reason"))
    assert saved.tally.chunks_total == COUNT


@pytest.mark.parametrize("cause", ["stale share", "chunk exists", "ending", "ended", "no job"])
async def test_a_record_is_all_or_nothing(
    state: State, job: Job, make_chunk: Callable[..., Chunk], cause: str
) -> None:
    share = await state.shares.get(job.job_id, 1)
    chunks = [make_chunk(8), make_chunk(11)]
    now = job.times.created_at
    if cause == "stale share":
        await state.shares.save(share)
    elif cause == "chunk exists":
        share = await state.shares.record(share, [make_chunk(11)])
    elif cause == "ending":
        ending = Ending(kind=EndingKind.CANCELLED, reason="a reason")
        await state.jobs.save(request_end(job, ending, now))
    elif cause == "ended":
        await state.jobs.save(evolve(job, JobCompleted(), now))
    else:
        share, chunks = replace(share, job_id="job-2"), [make_chunk(8, job_id="job-2")]
    before = await state.shares.get(job.job_id, 1)
    total = (await state.jobs.get(job.job_id)).tally.chunks_total
    with pytest.raises(Conflict):
        await state.shares.record(replace(share, chunk_count=9), chunks)
    assert await state.shares.get(job.job_id, 1) == before
    assert (await state.jobs.get(job.job_id)).tally.chunks_total == total
    with pytest.raises(NotFound):
        await state.chunks.get(share.job_id, 8)


async def test_a_record_has_room_for_so_many_chunks(
    state: State, job: Job, make_chunk: Callable[..., Chunk]
) -> None:
    share = await state.shares.get(job.job_id, 0)
    chunks = [make_chunk(index) for index in range(RECORDED_CHUNK_COUNT_MAX + 1)]
    with pytest.raises(ValueError, match="at most"):
        await state.shares.record(share, chunks)
    await state.shares.record(share, chunks[1:])
    after = await state.jobs.get(job.job_id)
    assert after.tally.chunks_total == RECORDED_CHUNK_COUNT_MAX


@pytest.mark.parametrize("stale", [0, 1, None])
async def test_handing_on_writes_both_or_neither(state: State, job: Job, stale: int | None) -> None:
    giver, taker = await state.shares.shares(job.job_id, 2)
    if stale is not None:
        await state.shares.save((giver, taker)[stale])
    before = await state.shares.shares(job.job_id, 2)
    moved = (replace(giver, prefix_end=5), replace(taker, prefix_end=6))
    if stale is not None:
        with pytest.raises(Conflict):
            await state.shares.hand_on(*moved)
        assert await state.shares.shares(job.job_id, 2) == before
        return
    saved = await state.shares.hand_on(*moved)
    assert saved == tuple(replace(each, version=2) for each in moved)
    assert await state.shares.shares(job.job_id, 2) == list(saved)


async def test_a_close_saves_the_job_and_removes_the_shares(
    state: State, job: Job, make_chunk: Callable[..., Chunk]
) -> None:
    share = await state.shares.get(job.job_id, 0)
    await state.shares.record(share, [make_chunk(7)])
    shares = await state.shares.shares(job.job_id, COUNT)
    closed = replace(job, listing=Listing(objects_listed=99, prefix_index=1))
    stored = await state.shares.close(closed, shares)
    assert (stored.version, stored.tally.chunks_total) == (job.version + 1, 1)
    assert await state.jobs.get(job.job_id) == stored
    assert stored.listing == closed.listing
    assert await state.shares.shares(job.job_id, COUNT) == []
    for write in (state.shares.save, lambda each: state.shares.record(each, [])):
        with pytest.raises(Conflict):
            await write(shares[0])
    with pytest.raises(Conflict):
        await state.shares.hand_on(shares[0], shares[1])


@pytest.mark.parametrize("stale", ["job", "share", "removed"])
async def test_a_close_is_all_or_nothing(state: State, job: Job, stale: str) -> None:
    shares = await state.shares.shares(job.job_id, COUNT)
    if stale == "job":
        await state.jobs.save(job)
    elif stale == "share":
        await state.shares.save(shares[1])
    else:
        shares = [*shares[:2], replace(shares[2], number=COUNT)]
    before = (await state.jobs.get(job.job_id), await state.shares.shares(job.job_id, COUNT))
    with pytest.raises(Conflict):
        await state.shares.close(replace(job, listing=Listing()), shares)
    after = (await state.jobs.get(job.job_id), await state.shares.shares(job.job_id, COUNT))
    assert after == before


async def test_a_discard_removes_shares_at_any_version_and_twice(state: State, job: Job) -> None:
    share = await state.shares.save(await state.shares.get(job.job_id, 0))
    for _ in range(2):
        await state.shares.discard(job.job_id, COUNT)
        assert await state.shares.shares(job.job_id, COUNT) == []
    with pytest.raises(Conflict):
        await state.shares.save(share)
    assert await state.jobs.get(job.job_id) == job
