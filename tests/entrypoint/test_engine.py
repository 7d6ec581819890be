"""The engine's function: advance requests, batch job events, the sweep, and unknown events."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from application.execution.tuning import Tuning
from domain.batch_job import BatchJob, BatchJobStatus
from domain.discovery import Discovery
from domain.errors import InvalidMessage, JobLeaseHeld
from domain.job import JobStatus
from domain.job_control import acquire_work_lease
from domain.orphan_work import OrphanStatus, OrphanWork
from domain.packing import ChunkSizing
from domain.removal_settings import Removals
from domain.removal_work import RemovalStatus
from entrypoints import processor
from entrypoints.wiring.processor_app import ProcessorApp
from ports.errors import NotFound, Unavailable

Json = dict[str, Any]


def advance(job_id: str) -> Json:
    return {"action": "advance", "jobId": job_id}


@pytest.mark.parametrize("event", [{"action": "advance"}, {}], ids=["with action", "bare"])
def test_a_new_job_is_listed_and_split(service: Any, event: Json) -> None:
    service.put("a b+c.jpg", "é%.mov")
    job_id = service.start()
    answer = service.engine({**event, "jobId": job_id})
    assert answer == {"jobId": job_id, "status": "PROCESSING"}
    assert [m.chunk_index for m in service.ports.queue.messages] == [0]
    assert service.job(job_id).work.lease is None
    assert {entry.request_id for entry in service.ports.telemetry.events[1:]} == {"request-1"}


def test_a_repeated_request_changes_nothing(service: Any) -> None:
    service.put("a")
    job_id = service.split()
    before = service.job(job_id)
    assert service.engine(advance(job_id))["status"] == "PROCESSING"
    after = service.job(job_id)
    assert replace(after, version=before.version) == before
    assert len(service.ports.queue.messages) == 1


def test_a_request_is_left_to_the_invocation_with_the_lease(service: Any) -> None:
    job_id = service.start()
    _hold(service, job_id)
    assert service.engine(advance(job_id)) == {"jobId": job_id, "status": "BUSY"}
    assert service.job(job_id).status is JobStatus.INITIALIZING


def test_a_request_for_a_missing_job_raises(service: Any) -> None:
    with pytest.raises(NotFound):
        service.engine(advance("job-unknown"))


def test_a_retryable_error_raises_so_that_lambda_retries(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.put("a")
    job_id = service.start()

    def fail(*_: Any, **__: Any) -> Any:
        raise Unavailable("S3 is away")

    with monkeypatch.context() as patch:
        patch.setattr(service.ports.objects, "list_objects", fail)
        with pytest.raises(Unavailable, match="S3 is away"):
            service.engine(advance(job_id))
    assert service.job(job_id).work.lease is None
    assert service.engine(advance(job_id))["status"] == "PROCESSING"


def test_at_the_deadline_another_invocation_is_requested_for_the_rest(service: Any) -> None:
    service.put("a")
    job_id = service.start()
    answer = service.engine(advance(job_id), remaining_s=19.9)
    assert answer == {"jobId": job_id, "status": "PROCESSING"}
    assert not service.job(job_id).listed
    assert service.ports.invoker.take() == [job_id]
    service.engine(advance(job_id), remaining_s=60)
    assert service.job(job_id).listed
    assert service.ports.invoker.take() == []


def test_the_lease_on_a_job_outlives_the_invocation_by_the_margin(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = service.start()
    seen = []
    save = service.ports.jobs.save

    async def noting(job: Any) -> Any:
        seen.append(job.work.lease)
        return await save(job)

    monkeypatch.setattr(service.ports.jobs, "save", noting)
    service.engine(advance(job_id), remaining_s=100)
    lasts = seen[0].expires_at - service.ports.clock.now()
    assert lasts.total_seconds() == 100 + service.tuning.lease_margin_s


# --- events of batch jobs


def _hold(service: Any, job_id: str) -> None:
    now = service.ports.clock.now()
    held = acquire_work_lease(service.job(job_id), token="other", now=now, lease_s=60)
    service.run(service.ports.jobs.save(held))


@pytest.fixture
def discovering(service: Any) -> tuple[str, str]:
    """Create a job of two objects with a batch job; return both ids."""
    service.put("a b+c.jpg", "é%.mov")
    job_id = service.split(discovery=Discovery.BATCH)
    batch_job_id = service.job(job_id).discovery.batch_job_id
    assert service.job(job_id).status is JobStatus.DISCOVERING
    return job_id, batch_job_id


@pytest.fixture
def batch_event(recorded: Callable[[str], Json]) -> Callable[[str, str], Json]:
    def make(name: str, batch_job_id: str) -> Json:
        event = recorded(name)
        event["detail"]["serviceEventDetails"]["jobId"] = batch_job_id
        return event

    return make


def run_batch_job(service: Any, batch_job_id: str) -> None:
    """Run the batch job, with the processor's own results."""

    parse, answer = processor.parse_processor_event, processor._tasks

    async def use(app: ProcessorApp) -> None:
        async def invoke(event: Json) -> Json:
            parsed: Any = parse(event)
            return await answer(app, parsed)

        await service.ports.batch_jobs.run(batch_job_id, invoke)

    processor.RUNTIME.run(use)


def test_the_end_of_a_batch_job_creates_chunks_from_its_report(
    service: Any, discovering: tuple[str, str], batch_event: Callable[[str, str], Json]
) -> None:
    job_id, batch_job_id = discovering
    created = service.ports.batch_jobs.created[batch_job_id]
    assert created.user_arguments["jobId"] == job_id
    run_batch_job(service, batch_job_id)
    event = batch_event("engine_job_complete", batch_job_id)
    assert service.engine(event) == {"jobId": job_id, "status": "PROCESSING"}
    assert service.chunk(job_id, 0).entry_count == 2
    assert len(service.ports.queue.messages) == 1
    # EventBridge delivers at least once.
    before = service.job(job_id)
    assert service.engine(event) == {"jobId": job_id, "status": "PROCESSING"}
    assert replace(service.job(job_id), version=before.version) == before
    assert len(service.ports.queue.messages) == 1


def test_an_event_before_the_batch_jobs_id_is_recorded_is_understood(
    service: Any, discovering: tuple[str, str], batch_event: Callable[[str, str], Json]
) -> None:
    job_id, batch_job_id = discovering
    run_batch_job(service, batch_job_id)
    job = service.job(job_id)
    discovery = replace(job.discovery, batch_job_id=None)
    service.run(service.ports.jobs.save(replace(job, discovery=discovery)))
    event = batch_event("engine_job_complete", batch_job_id)
    assert service.engine(event) == {"jobId": job_id, "status": "PROCESSING"}
    assert service.job(job_id).discovery.batch_job_id == batch_job_id


def test_a_batch_job_that_failed_fails_the_job_with_its_cause(
    service: Any, discovering: tuple[str, str], batch_event: Callable[[str, str], Json]
) -> None:
    job_id, batch_job_id = discovering
    service.ports.batch_jobs.set(
        BatchJob(
            batch_job_id=batch_job_id,
            job_id=job_id,
            status=BatchJobStatus.FAILED,
            failure_reasons=("exceeding the failure threshold",),
        )
    )
    event = batch_event("engine_job_failed", batch_job_id)
    assert service.engine(event) == {"jobId": job_id, "status": "FAILED"}
    assert "exceeding the failure threshold" in service.job(job_id).status_reason
    (failure,) = service.failures(job_id)
    assert failure.error_class == "DiscoveryFailed"


def test_a_batch_job_that_has_not_ended_is_unchanged(
    service: Any, discovering: tuple[str, str], batch_event: Callable[[str, str], Json]
) -> None:
    job_id, batch_job_id = discovering
    before = service.job(job_id)
    for status in ("New", "Preparing", "Active", "Completing", "Suspended", "SomethingNew"):
        event = batch_event("engine_job_created", batch_job_id)
        event["detail"]["serviceEventDetails"]["status"] = status
        answer = service.engine(event)
        assert answer == {"batchJobId": batch_job_id, "ignored": f"it is {status}"}
    assert service.job(job_id) == before


def test_a_batch_job_that_s3_does_not_list_yet_raises_so_that_the_event_is_retried(
    service: Any, batch_event: Callable[[str, str], Json]
) -> None:
    with pytest.raises(NotFound):
        service.engine(batch_event("engine_job_complete", "batch-unknown"))


def test_batch_jobs_of_others_are_ignored(
    service: Any, batch_event: Callable[[str, str], Json]
) -> None:
    for batch_job_id, job_id in (("theirs", None), ("installation-2", "job-of-installation-2")):
        service.ports.batch_jobs.set(
            BatchJob(batch_job_id=batch_job_id, job_id=job_id, status=BatchJobStatus.COMPLETE)
        )
    theirs = service.engine(batch_event("engine_job_complete", "theirs"))
    assert theirs == {"batchJobId": "theirs", "ignored": "it is not this service's"}
    other = service.engine(batch_event("engine_job_complete", "installation-2"))
    assert other == {"batchJobId": "installation-2", "ignored": "its job is not in the job table"}
    assert [e.name for e in service.ports.telemetry.events] == ["unrelated_batch_job"]


def test_an_end_while_another_invocation_has_the_lease_raises_so_that_it_is_retried(
    service: Any, discovering: tuple[str, str], batch_event: Callable[[str, str], Json]
) -> None:
    job_id, batch_job_id = discovering
    run_batch_job(service, batch_job_id)
    _hold(service, job_id)
    event = batch_event("engine_job_complete", batch_job_id)
    with pytest.raises(JobLeaseHeld):
        service.engine(event)
    service.ports.clock.advance(60)
    assert service.engine(event)["status"] == "PROCESSING"


# --- the sweep


def test_the_sweep_starts_a_job_whose_invocation_was_lost(
    service: Any, recorded: Callable[[str], Json]
) -> None:
    sweep = recorded("engine_sweep")
    assert service.engine(sweep) == {"jobsChecked": 0}
    job_id = service.start()
    assert service.engine(sweep) == {"jobsChecked": 1}
    assert service.ports.invoker.take() == []
    service.ports.clock.advance(service.tuning.stuck_after_s)
    assert service.engine(sweep) == {"jobsChecked": 1}
    assert service.ports.invoker.take() == [job_id]


def test_the_sweep_finds_the_end_of_a_batch_job_without_its_event(
    service: Any, discovering: tuple[str, str], recorded: Callable[[str], Json]
) -> None:
    job_id, batch_job_id = discovering
    run_batch_job(service, batch_job_id)
    service.ports.clock.advance(service.tuning.stuck_after_s)
    service.engine(recorded("engine_sweep"))
    (ordered,) = service.ports.invoker.take()
    assert service.engine(advance(ordered))["status"] == "PROCESSING"
    assert ordered == job_id


def test_the_sweep_stops_in_time(service: Any, recorded: Callable[[str], Json]) -> None:
    service.start()
    assert service.engine(recorded("engine_sweep"), remaining_s=19.9) == {"jobsChecked": 0}
    assert [e.name for e in service.ports.telemetry.warnings] == ["sweep_incomplete"]


SHARED = Tuning(
    sizing=ChunkSizing(object_count_max=3),
    added_chunk_count=2,
    listing_streams=4,
    listing_pages_per_probe=1,
    listing_workers=4,
    listing_alone_objects=15,
)


def list_share(job_id: str, share: Any) -> Json:
    return {"action": "list", "jobId": job_id, "share": share}


def test_an_event_for_a_share_of_a_listing_lists_it(service: Any) -> None:
    service.tuning = SHARED
    service.ports.objects._page_object_count = 3
    service.put(*(f"{number:03}.jpg" for number in range(120)))
    job_id = service.start()
    service.engine(advance(job_id))
    requested = service.ports.invoker.take_shares()
    assert {named for named, _ in requested} == {job_id}

    _, first = requested[0]
    answer = service.engine(list_share(job_id, first))
    assert answer == {"jobId": job_id, "share": first, "worked": True}
    # The same event again: Lambda delivers at least once.
    assert service.engine(list_share(job_id, first))["worked"] is False
    assert service.engine(list_share("job-unknown", 0))["worked"] is False


@pytest.mark.parametrize("share", [-1, 64, "1", 1.5, True, None])
def test_an_event_for_no_share_is_refused(service: Any, share: Any) -> None:
    with pytest.raises(InvalidMessage, match="share"):
        service.engine(list_share("j", share))


def test_an_event_for_removals_compares_the_job(service: Any) -> None:
    service.put("a")
    connector = service.world.database.connectors["media"]
    wanted = replace(connector, removals=Removals())
    service.world.database.connectors["media"] = wanted
    job_id = service.split()
    service.processor(service.messages((job_id, 0)))
    service.engine(advance(job_id))
    assert service.ports.invoker.take_compared() == [job_id]
    event = {"action": "removals", "jobId": job_id}
    assert service.engine(event) == {"jobId": job_id, "worked": True}
    assert service.job(job_id).removals.status is RemovalStatus.DONE
    assert service.engine(event) == {"jobId": job_id, "worked": False}
    with pytest.raises(NotFound):
        service.engine({"action": "removals", "jobId": "job-none"})


def test_an_event_for_orphans_searches_after_the_job(service: Any) -> None:
    service.put("a")
    job_id = service.split()
    service.processor(service.messages((job_id, 0)))
    service.engine(advance(job_id))
    event = {"action": "orphans", "jobId": job_id}
    assert service.engine(event) == {"jobId": job_id, "worked": False}
    job = replace(service.job(job_id), orphans=OrphanWork(requested_at=service.ports.clock.now()))
    service.world.database.jobs._rows[job_id] = job
    assert service.engine(event) == {"jobId": job_id, "worked": True}
    assert service.job(job_id).orphans.status is OrphanStatus.DONE
    with pytest.raises(NotFound):
        service.engine({"action": "orphans", "jobId": "job-none"})


@pytest.mark.parametrize("event", [{}, {"jobId": ""}, {"jobId": 1}, {"jobId": "j", "more": 1}])
def test_an_event_for_no_removals_is_refused(service: Any, event: Json) -> None:
    with pytest.raises(InvalidMessage):
        service.engine({"action": "removals", **event})
    with pytest.raises(InvalidMessage):
        service.engine({"action": "orphans", **event})
