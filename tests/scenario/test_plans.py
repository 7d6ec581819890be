"""Plans: what is surveyed is what a sync does, nothing is written, and maxCost is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from application.execution.tuning import Tuning
from application.jobs.plan_sync import AboveMaxCost, BucketNotReadable, PlanOptions
from application.jobs.start_sync import IdempotencyKeyReused
from domain.connector import Trigger, Verify
from domain.discovery import Discovery
from domain.errors import InvalidRequest
from domain.job import JobStatus
from domain.outcome import OutcomeKind, count_of
from domain.pricing.plan import Plan
from domain.pricing.survey import Work
from domain.pricing.workload import CHOICES, Bound, Choice, workload_of_job
from domain.sync_request import SyncOptions
from ports.errors import AccessDenied, NotFound

BUCKET = "media"
WHOLE = SyncOptions(discovery=Discovery.DIRECT)


@pytest.fixture
def planned(new_story: Callable[..., Any]) -> Callable[..., Any]:
    """A story whose surveys are answered by its own use case."""

    def make(tuning: Tuning = Tuning(), **settings: Any) -> Any:  # noqa: B008 - it is frozen
        story = new_story(tuning, **settings)
        story.ports.surveyor.answer = story.use_cases.survey_bucket().run
        return story

    return make


async def plan(story: Any, options: SyncOptions = WHOLE, **more: Any) -> Plan:
    if not story.world.database.connectors:
        job = await story.start(prefixes=("nothing/",))
        await story.finish(job.job_id)
    planned = await story.use_cases.plan_sync().plan("c1", options, PlanOptions(**more))
    made: Plan = planned.plan
    return made


def fill(story: Any) -> None:
    """Put objects of every kind."""
    for number in range(7):
        story.put_known(f"known/{number}.jpg")
    for number in range(5):
        story.put_half_known(f"half/{number}.jpg")
    story.put(*(f"new/{number}.jpg" for number in range(9)))
    story.put("frozen/1.jpg", "frozen/2.jpg", storage_class="GLACIER")
    story.put("thawed.jpg", storage_class="GLACIER", restored=True)
    story.put("full.jpg", tags={f"tag {number}": "x" for number in range(10)})
    story.put("folder/")


def counts(plan: Plan) -> dict[OutcomeKind, int]:
    return {each.kind: each.expected for each in plan.decisions}


@pytest.mark.parametrize("choice", CHOICES, ids=lambda c: f"{c.discovery}-{c.trigger}-{c.verify}")
async def test_a_plan_that_reads_every_object_decides_as_the_sync_does(
    planned: Callable[..., Any], choice: Choice
) -> None:
    story = planned(trigger=choice.trigger)
    fill(story)
    await story.sync(prefixes=("new/",))
    story.ingest()
    for event in story.ports.bus.events:
        story.record(event)
    story.put(*(f"newer/{number}.jpg" for number in range(3)))
    options = SyncOptions(discovery=choice.discovery, verify=choice.verify)
    made = await plan(story, options)
    assert made.survey.exact
    job = await story.sync(discovery=choice.discovery, verify=choice.verify)
    statistics = job.tally.statistics
    assert counts(made) == {
        kind: count_of(statistics, kind) for kind in OutcomeKind if count_of(statistics, kind)
    }
    assert made.survey.listed.objects == job.listing.objects_listed
    assert made.survey.listed.size_bytes == job.listing.bytes_listed
    assert made.chosen.choice == choice
    of_job = workload_of_job(job, made.survey.catalog)
    found = made.chosen.workload.objects
    assert of_job.objects[Work.WRITE] == found[Work.WRITE] == statistics.copied + statistics.put
    assert of_job.objects == found
    assert found[Work.LISTED] == (9 if choice.verify is Verify.CATALOG else 0)


async def test_a_plan_writes_nothing(planned: Callable[..., Any]) -> None:
    story = planned()
    fill(story)
    await plan(story)
    story.requests.clear()
    before = {key: dict(story.tags(key)) for key in story.buckets.keys(BUCKET)}
    jobs = list(story.world.database.jobs)
    await plan(story)
    assert sum(story.writes().values()) == 0
    assert before == {key: dict(story.tags(key)) for key in story.buckets.keys(BUCKET)}
    assert list(story.world.database.jobs) == jobs
    assert not story.ports.invoker.job_ids


async def test_a_plan_reads_no_more_objects_than_its_sample(planned: Callable[..., Any]) -> None:
    story = planned()
    story.put(*(f"{number:03d}.jpg" for number in range(250)))
    await plan(story)
    story.requests.clear()
    made = await plan(story, sample_size=40)
    assert story.requests["GetObjectTagging"] == story.requests["HeadObject"] == 40
    assert (made.survey.sampled, made.survey.listed.objects) == (40, 250)
    assert made.chosen.bills[Bound.LOW].dollars < made.chosen.bills[Bound.HIGH].dollars
    story.requests.clear()
    assert (await plan(story, sample_size=0)).survey.sampled == 0
    assert story.requests["GetObjectTagging"] == 0


async def test_a_listing_that_takes_too_long_is_a_lower_bound(
    planned: Callable[..., Any],
) -> None:
    story = planned(Tuning(plan_listing_s=0.000001), page_object_count=10)
    story.put(*(f"{number:03d}.jpg" for number in range(50)))
    clock = story.ports.clock
    listed = story.ports.objects.list_objects

    def slow(*arguments: Any, **named: Any) -> Any:
        clock.advance(1)
        return listed(*arguments, **named)

    story.ports.objects.list_objects = slow
    made = await plan(story)
    assert not made.survey.listed.complete
    assert made.survey.listed.objects == 10
    assert "at least 10 objects" in made.warnings[0]


async def test_the_plan_has_the_filters_of_the_sync(planned: Callable[..., Any]) -> None:
    story = planned()
    fill(story)
    options = replace(WHOLE, prefixes=("known/", "new/"), exclude=("*0.jpg",))
    made = await plan(story, options)
    assert (made.survey.listed.objects, made.survey.listed.filtered) == (14, 2)
    assert made.survey.listed.page_count == 2


async def test_another_trigger_can_be_planned(planned: Callable[..., Any]) -> None:
    story = planned()
    fill(story)
    copied = counts(await plan(story))
    tagged = counts(await plan(story, trigger=Trigger.EVENT))
    assert copied[OutcomeKind.ARCHIVED] == 3
    assert OutcomeKind.ARCHIVED not in tagged
    assert tagged[OutcomeKind.PUT] == copied[OutcomeKind.PUT] + 3


async def test_one_survey_decides_for_every_trigger(planned: Callable[..., Any]) -> None:
    """Archived objects are copied by no sync; they can be tagged."""
    story = planned()
    fill(story)
    made = await plan(story)
    written = {way.choice.trigger: way.workload.objects[Work.WRITE] for way in made.alternatives}
    assert written == {
        Trigger.COPY: written[Trigger.COPY],
        Trigger.EVENT: written[Trigger.COPY] + 3,
        # The restored one can be read by the system's ingest.
        Trigger.QUEUE: written[Trigger.COPY] + 1,
    }


async def test_a_bucket_that_cannot_be_listed_is_the_cause(planned: Callable[..., Any]) -> None:
    story = planned(bucket_exists=False)
    job = await story.start(prefixes=("nothing/",))
    with pytest.raises(BucketNotReadable, match="media"):
        await plan(story)
    with pytest.raises(BucketNotReadable):
        await story.use_cases.start_sync().start("c1", WHOLE, max_cost=Decimal(1))
    assert job


async def test_a_catalog_that_cannot_be_queried_is_the_cause(planned: Callable[..., Any]) -> None:
    story = planned()
    fill(story)
    await plan(story)

    async def denied(*_: Any) -> Any:
        raise AccessDenied("dynamodb:BatchGetItem on Assets")

    story.ports.catalog.records_at = denied
    with pytest.raises(BucketNotReadable, match="dynamodb:BatchGetItem"):
        await plan(story)


async def test_an_object_that_cannot_be_read_is_one_of_the_sample(
    planned: Callable[..., Any],
) -> None:
    story = planned()
    fill(story)
    await plan(story)
    head = story.ports.objects.head

    async def denied(bucket: Any, key: str) -> Any:
        if key == "new/3.jpg":
            raise AccessDenied(f"kms:Decrypt for {key}")
        if key == "new/4.jpg":
            raise NotFound(key)
        return await head(bucket, key)

    story.ports.objects.head = denied
    made = await plan(story)
    found = counts(made)
    # The other one has no room for three tags more.
    assert (found[OutcomeKind.FAILED], found[OutcomeKind.GONE]) == (2, 1)
    assert any("kms:Decrypt for new/3.jpg" in warning for warning in made.warnings)


async def test_a_plan_of_no_connector_or_of_other_prefixes_is_refused(
    planned: Callable[..., Any],
) -> None:
    story = planned()
    with pytest.raises(NotFound):
        await story.use_cases.plan_sync().plan("other", WHOLE, PlanOptions())
    fill(story)
    with pytest.raises(InvalidRequest):
        await plan(story, replace(WHOLE, prefixes=("a/", "a/b/")))
    with pytest.raises(InvalidRequest, match="s3-reads"):
        await plan(story, prices={"prices": {"s3-reads": 1}})


# --- maxCost


async def test_a_sync_starts_below_its_maximum_and_keeps_the_estimate(
    planned: Callable[..., Any],
) -> None:
    story = planned()
    fill(story)
    made = await plan(story)
    high = made.chosen.bills[Bound.HIGH].dollars
    started = await story.use_cases.start_sync().start("c1", WHOLE, max_cost=high)
    job = await story.finish(started.job.job_id)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    estimate = job.request.estimate
    assert (estimate.dollars, estimate.dollars_max) == (made.chosen.dollars, high)
    shown = story.summary(job)
    assert shown["estimate"]["dollarsHigh"] <= shown["estimate"]["maxCost"]
    estimated, actual = (Decimal(shown[name]["dollars"]) for name in ("estimate", "actual"))
    assert abs(actual - estimated) / estimated < Decimal("0.1")


async def test_a_sync_above_its_maximum_does_not_start(planned: Callable[..., Any]) -> None:
    story = planned()
    fill(story)
    high = (await plan(story)).chosen.bills[Bound.HIGH].dollars
    jobs = list(story.world.database.jobs)
    with pytest.raises(AboveMaxCost) as refused:
        await story.use_cases.start_sync().start("c1", WHOLE, max_cost=high - Decimal("0.0000001"))
    for part in ("maxCost is", f"{high:.6f}", "26 objects", "Nothing was started"):
        assert part in str(refused.value)
    assert list(story.world.database.jobs) == jobs
    assert not story.ports.invoker.job_ids


async def test_the_cost_of_a_bucket_that_is_not_listed_in_time_is_not_known(
    planned: Callable[..., Any],
) -> None:
    story = planned(Tuning(plan_listing_s=0.000001), page_object_count=10)
    story.put(*(f"{number:03d}.jpg" for number in range(50)))
    await plan(story)
    inspect = story.ports.objects.inspect

    async def slow(bucket: Any) -> Any:
        return await inspect(bucket)

    story.ports.objects.inspect = slow
    listed = story.ports.objects.list_objects

    def slowly(*arguments: Any, **named: Any) -> Any:
        story.ports.clock.advance(1)
        return listed(*arguments, **named)

    story.ports.objects.list_objects = slowly
    with pytest.raises(AboveMaxCost, match=r"not known: at least .* first 10 objects"):
        await story.use_cases.start_sync().start("c1", WHOLE, max_cost=Decimal(1_000))


async def test_a_repeated_request_with_a_maximum_is_not_planned_again(
    planned: Callable[..., Any],
) -> None:
    story = planned()
    fill(story)
    await plan(story)
    start = story.use_cases.start_sync().start
    first = await start("c1", WHOLE, idempotency_key="k", max_cost=Decimal("1.0"))
    story.ports.surveyor.answer = None
    again = await start("c1", WHOLE, idempotency_key="k", max_cost=Decimal("1.00"))
    assert (again.created, again.job.job_id) == (False, first.job.job_id)
    for other in (None, Decimal(2)):
        with pytest.raises(IdempotencyKeyReused):
            await start("c1", WHOLE, idempotency_key="k", max_cost=other)


# --- what a job shows


async def test_a_job_shows_its_actual_cost_when_it_has_ended(planned: Callable[..., Any]) -> None:
    story = planned()
    fill(story)
    job = await story.sync()
    shown = story.summary(job)
    assert shown["estimate"] is None
    actual = shown["actual"]
    assert Decimal(actual["dollars"]) > 0
    by_operation = {
        (line["where"], line["operation"]): line["requests"] for line in actual["lines"]
    }
    for operation in ("GetObjectTagging", "HeadObject", "CopyObject"):
        assert by_operation["bucket", operation] == story.requests[operation]


async def test_a_job_that_did_not_complete_shows_no_cost(planned: Callable[..., Any]) -> None:
    """It used more than its counts show, such as a batch job whose report was never read."""
    story = planned()
    fill(story)
    job = await story.start(dry_run=True, discovery=Discovery.BATCH)
    await story.use_cases.cancel_job().cancel(job.job_id)
    ended = await story.finish(job.job_id)
    assert ended.status is JobStatus.CANCELLED
    shown = story.summary(ended)
    assert (shown["estimate"], shown["actual"]) == (None, None)


@pytest.mark.parametrize("discovery", Discovery)
async def test_a_dry_run_shows_what_the_sync_costs(
    planned: Callable[..., Any], discovery: Discovery
) -> None:
    story = planned()
    fill(story)
    dry = story.summary(await story.sync(dry_run=True, discovery=discovery))
    real = story.summary(await story.sync(discovery=discovery))
    assert dry["estimate"]["dollars"] == real["actual"]["dollars"]
    assert Decimal(dry["actual"]["dollars"]) < Decimal(real["actual"]["dollars"])
    operations = {line["operation"] for line in dry["actual"]["lines"]}
    assert not operations & {"CopyObject", "PutEvents"}
