"""Requests, prices and times of a sync, and what a sample says of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from adapter_calls import GOOD
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog import CatalogAnswer, CatalogQuestion, CatalogRecord
from domain.connector import BucketInfo, Ingest, Trigger, Verify
from domain.discovery import Discovery
from domain.errors import InvalidRequest
from domain.identity import Identity
from domain.manifest import ManifestEntry
from domain.outcome import OutcomeKind
from domain.packing import ChunkSizing
from domain.pricing.afterwards import Scanned, comparison_of
from domain.pricing.bill import bill_of, shown_dollars
from domain.pricing.confidence import count_interval, wilson
from domain.pricing.duration import duration_s
from domain.pricing.model import Model
from domain.pricing.plan import plan_of
from domain.pricing.price_table import LIST_PRICES, with_changes
from domain.pricing.requests import chunks_of, requests_of
from domain.pricing.sample import Sample
from domain.pricing.survey import (
    CatalogReads,
    CatalogShape,
    Listed,
    Sampled,
    SampleGroup,
    Survey,
    Work,
    lookup_reads,
)
from domain.pricing.usage import FREE, PRICE_OF
from domain.pricing.workload import CHOICES, Bound, Choice, Workload, workload_of
from domain.removal_rules import guard_reason
from domain.removal_settings import Removals

MODEL = Model(catalog=CatalogShape(path_index=True))
DIRECT = Choice(discovery=Discovery.DIRECT, trigger=Trigger.COPY, verify=Verify.TAGS)
BATCH = replace(DIRECT, discovery=Discovery.BATCH)


def sampled(kind: OutcomeKind, **more: Any) -> Sampled:
    written = kind in (OutcomeKind.PUT, OutcomeKind.COPIED)
    headed = kind is not OutcomeKind.SKIPPED or more.get("restored", False)
    return Sampled(
        **{
            "kinds": dict.fromkeys(Trigger, kind),
            "headed": headed,
            "reads": CatalogReads(items=1, queries=int(written)),
            "listed_reads": CatalogReads(items=1),
            **more,
        }
    )


KNOWN = sampled(OutcomeKind.SKIPPED)
AS_LISTED = sampled(OutcomeKind.SKIPPED, as_listed=True)
PUT = sampled(OutcomeKind.PUT)
WAITING = sampled(OutcomeKind.INGESTING)
RESTORED = sampled(OutcomeKind.SKIPPED, restored=True)


def survey(total: int, *groups: tuple[Sampled, int], **more: Any) -> Survey:
    return Survey(
        **{
            "bucket": BucketInfo(),
            "listed": Listed(
                objects=total, size_bytes=total * 5_000_000, page_count=total // 1000 + 1
            ),
            "catalog": MODEL.catalog,
            "groups": tuple(
                SampleGroup(like=like, count=count, size_bytes=count * 5_000_000)
                for like, count in groups
            ),
            **more,
        }
    )


def counted(workload: Workload, choice: Choice, model: Model = MODEL) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for usage in requests_of(workload, choice, model):
        counts[f"{usage.where}", usage.operation] += usage.requests
    return counts


# --- requests


def test_a_known_object_costs_one_read_and_its_share_of_a_lookup() -> None:
    counts = counted(workload_of(survey(1_000, (KNOWN, 1_000)), DIRECT), DIRECT)
    assert counts["bucket", "GetObjectTagging"] == 1_000
    assert counts["catalog", "BatchGetItem"] == 10
    assert not {
        "HeadObject",
        "CopyObject",
        "PutObjectTagging",
        "PutEvents",
    } & {operation for where, operation in counts if where not in ("results", "index")}


@pytest.mark.parametrize(
    ("trigger", "write"),
    [
        (Trigger.COPY, "CopyObject"),
        (Trigger.EVENT, "PutObjectTagging"),
        (Trigger.QUEUE, "PutObjectTagging"),
    ],
)
@pytest.mark.parametrize(("discovery", "reads"), [(Discovery.DIRECT, 1), (Discovery.BATCH, 2)])
def test_a_put_costs_two_reads_in_each_pass_and_one_write(
    trigger: Trigger, write: str, discovery: Discovery, reads: int
) -> None:
    choice = Choice(discovery=discovery, trigger=trigger, verify=Verify.TAGS)
    counts = counted(workload_of(survey(500, (PUT, 500)), choice), choice)
    assert counts["bucket", "GetObjectTagging"] == counts["bucket", "HeadObject"] == 500 * reads
    assert counts["bucket", write] == 500
    assert counts["events", "PutEvents"] == 50
    assert counts["events", "SendMessageBatch"] == (50 if trigger is Trigger.QUEUE else 0)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_dry_run_writes_nothing_to_the_bucket_and_announces_nothing(choice: Choice) -> None:
    dry = replace(choice, dry_run=True)
    counts = counted(workload_of(survey(500, (PUT, 300), (RESTORED, 200)), dry), dry)
    operations = {operation for where, operation in counts if where in ("bucket", "events")}
    assert operations <= {
        "ListObjectsV2",
        "GetBucketVersioning",
        "GetBucketRequestPayment",
        "HeadBucket",
        "GetObjectTagging",
        "HeadObject",
    }
    assert counts["bucket", "GetObjectTagging"] == counts["bucket", "HeadObject"] == 500


@pytest.mark.parametrize("discovery", Discovery)
def test_objects_known_as_listed_cost_no_request_to_s3(discovery: Discovery) -> None:
    choice = Choice(discovery=discovery, trigger=Trigger.COPY, verify=Verify.CATALOG)
    counts = counted(workload_of(survey(2_000, (AS_LISTED, 2_000)), choice), choice)
    assert counts["bucket", "GetObjectTagging"] == 0
    assert counts["catalog", "BatchGetItem"] == 20
    assert counts["discovery", "Job"] == counts["discovery", "Object"] == 0


def test_a_large_object_is_copied_by_multipart_copy() -> None:
    listed = Listed(objects=10, size_bytes=10 * 20_000_000_000, large_objects=10, large_parts=750)
    found = survey(10, (PUT, 10), listed=listed)
    counts = counted(workload_of(found, DIRECT), DIRECT)
    assert counts["bucket", "UploadPartCopy"] == 750
    assert counts["bucket", "CreateMultipartUpload"] == 10
    assert counts["bucket", "CompleteMultipartUpload"] == 10
    assert counts["bucket", "CopyObject"] == 0


def test_kms_is_billed_for_copies_only() -> None:
    found = survey(100, (replace(PUT, kms=True), 100))
    assert counted(workload_of(found, DIRECT), DIRECT)["bucket", "Decrypt"] == 100
    event = replace(DIRECT, trigger=Trigger.EVENT)
    assert counted(workload_of(found, event), event)["bucket", "Decrypt"] == 0


def test_an_empty_bucket_costs_its_checks() -> None:
    for choice in CHOICES:
        found = survey(0, listed=Listed())
        counts = counted(workload_of(found, choice), choice)
        assert counts["bucket", "ListObjectsV2"] == 1
        assert not {operation for where, operation in counts if where == "catalog"}
        assert chunks_of(workload_of(found, choice), choice, MODEL).total == 0


@pytest.mark.parametrize(
    ("count", "size_bytes", "chunks"),
    [(1, 1, 1), (1_000, 1, 1), (1_001, 1, 2), (1_000, 1_000_000_000, 9), (3, 10**12, 3)],
)
def test_chunks_follow_the_packing(count: int, size_bytes: int, chunks: int) -> None:
    work = Workload(objects={Work.WRITE: count}, size_bytes=count * size_bytes)
    assert chunks_of(work, DIRECT, MODEL).worked == chunks


# --- every operation has a price


def test_every_operation_of_the_adapters_has_a_price_or_is_named_free() -> None:
    priced = {operation for _, operation in (*PRICE_OF, *FREE)}
    assert set(GOOD) - priced == set()
    assert not PRICE_OF.keys() & FREE.keys()
    assert set(PRICE_OF.values()) <= set(LIST_PRICES.prices)


@pytest.mark.parametrize("choice", CHOICES)
def test_every_line_has_a_price(choice: Choice) -> None:
    found = survey(9_000, (PUT, 30), (KNOWN, 30), (RESTORED, 30), (replace(PUT, kms=True), 10))
    usages = requests_of(workload_of(found, choice), choice, MODEL)
    bill = bill_of(usages, LIST_PRICES)
    assert len(bill.lines) == len(usages)
    assert all(line.dollars > 0 for line in bill.lines)


# --- prices

WORKS = st.fixed_dictionaries({work: st.integers(0, 200_000) for work in Work})
ANY_CHOICE = st.sampled_from(CHOICES) | st.sampled_from(CHOICES).map(
    lambda choice: replace(choice, dry_run=True)
)


def workload(objects: dict[Work, int]) -> Workload:
    return Workload(
        objects=objects,
        lookups={
            work: CatalogReads(items=count, queries=count * (work > Work.TAGS))
            for work, count in objects.items()
            if work > Work.LISTED
        },
        listed_reads=CatalogReads(items=sum(objects.values())),
        page_count=sum(objects.values()) // 1_000 + 1,
    )


def dollars(work: Workload, choice: Choice) -> Decimal:
    return bill_of(requests_of(work, choice, MODEL), LIST_PRICES).dollars


@given(objects=WORKS, choice=ANY_CHOICE, more=st.sampled_from(Work), count=st.integers(1, 5_000))
def test_more_objects_cost_more(
    objects: dict[Work, int], choice: Choice, more: Work, count: int
) -> None:
    fewer, larger = workload(objects), workload({**objects, more: objects[more] + count})
    assert dollars(fewer, choice) < dollars(larger, choice)


@given(objects=WORKS, choice=ANY_CHOICE)
def test_ten_times_as_many_objects_take_longer_when_all_workers_are_busy(
    objects: dict[Work, int], choice: Choice
) -> None:
    # A second chunk is a second worker; with more chunks than workers, more work is more time.
    many = {work: count + 100_000 for work, count in objects.items()}
    more = {work: 10 * count for work, count in many.items()}
    times = [duration_s(workload(each), choice, MODEL) for each in (many, more)]
    assert times[0] < times[1]


@given(objects=WORKS, choice=ANY_CHOICE)
def test_the_total_is_the_sum_of_its_lines(objects: dict[Work, int], choice: Choice) -> None:
    bill = bill_of(requests_of(workload(objects), choice, MODEL), LIST_PRICES)
    assert bill.dollars == sum((line.dollars for line in bill.lines), Decimal(0))
    for line in bill.lines:
        assert line.dollars == line.usage.units * LIST_PRICES.of(line.price_name)


@given(objects=WORKS, choice=ANY_CHOICE, name=st.sampled_from(sorted(LIST_PRICES.prices)))
def test_a_price_that_rises_lowers_no_bill(
    objects: dict[Work, int], choice: Choice, name: str
) -> None:
    dearer = with_changes(LIST_PRICES, {"prices": {name: str(LIST_PRICES.of(name) * 3)}})
    usages = requests_of(workload(objects), choice, MODEL)
    assert bill_of(usages, LIST_PRICES).dollars <= bill_of(usages, dearer).dollars


def test_the_price_of_a_million_known_objects_is_that_of_the_facts() -> None:
    """Known objects, discovery direct: 0.40 for tags, 0.06 for the catalog, 0.005 for the list."""
    found = survey(1_000_000, (KNOWN, 400))
    bill = bill_of(requests_of(workload_of(found, DIRECT), DIRECT, MODEL), LIST_PRICES)
    by_operation = {(line.usage.where, line.usage.operation): line.dollars for line in bill.lines}
    assert by_operation["bucket", "GetObjectTagging"] == Decimal("0.4")  # type: ignore[index]
    assert by_operation["catalog", "BatchGetItem"] == Decimal("0.0625")  # type: ignore[index]
    assert by_operation["bucket", "ListObjectsV2"] < Decimal("0.006")  # type: ignore[index]
    assert Decimal("0.45") < bill.dollars < Decimal("0.60")
    batch = bill_of(requests_of(workload_of(found, BATCH), BATCH, MODEL), LIST_PRICES)
    assert batch.dollars > bill.dollars + Decimal("1.25")


# --- a user's prices


def test_a_price_is_replaced_and_its_source_says_so() -> None:
    table = with_changes(
        LIST_PRICES, {"region": "eu-west-1", "date": "2027-01-01", "prices": {"s3-read": "1e-6"}}
    )
    assert (table.region, table.date, table.changed) == ("eu-west-1", "2027-01-01", ("s3-read",))
    assert table.of("s3-read") == Decimal("0.000001")
    assert table.prices["s3-read"].source == "yours"
    assert table.of("s3-write") == LIST_PRICES.of("s3-write")


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], "prices"),
        ({"price": {}}, "prices.price"),
        ({"region": 7}, "prices.region"),
        ({"date": ""}, "prices.date"),
        ({"prices": []}, "prices.prices"),
        ({"prices": {"s3-reads": 1}}, "prices.prices.s3-reads"),
        ({"prices": {"s3-read": "much"}}, "prices.prices.s3-read"),
        ({"prices": {"s3-read": -1}}, "prices.prices.s3-read"),
        ({"prices": {"s3-read": True}}, "prices.prices.s3-read"),
        ({"prices": {"s3-read": float("nan")}}, "prices.prices.s3-read"),
        ({"prices": {"s3-read": "Infinity"}}, "prices.prices.s3-read"),
        ({"prices": {"s3-read": 1001}}, "prices.prices.s3-read"),
    ],
)
def test_prices_that_cannot_be_read_are_refused(document: object, path: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        with_changes(LIST_PRICES, document)
    assert [issue.path for issue in refused.value.issues] == [path]


# --- the sample and its confidence


@given(sampled=st.integers(1, 2_000), data=st.data())
def test_the_interval_contains_the_share_and_narrows_with_the_sample(
    sampled: int, data: st.DataObject
) -> None:
    hits = data.draw(st.integers(0, sampled))
    low, high = wilson(hits, sampled)
    assert 0 <= low <= hits / sampled <= high <= 1
    wide = wilson(hits, sampled)
    narrow = wilson(4 * hits, 4 * sampled)
    assert narrow[1] - narrow[0] <= wide[1] - wide[0]


@given(sampled=st.integers(0, 500), more=st.integers(0, 10_000), data=st.data())
def test_what_was_seen_is_certain(sampled: int, more: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, sampled))
    total = sampled + more
    low, high = count_interval(hits, sampled, total)
    assert hits <= low <= high <= total - (sampled - hits)
    if not more:
        assert low == high == hits


def test_wilson_is_that_of_the_books() -> None:
    """10 of 100: 5.5 to 17.4 percent (Agresti and Coull, 1998)."""
    low, high = wilson(10, 100)
    assert (round(low, 3), round(high, 3)) == (0.055, 0.174)


def entries(count: int) -> list[ManifestEntry]:
    return [
        ManifestEntry(key=f"2026/{number:06d}.mov", size_bytes=1, last_modified=None)
        for number in range(count)
    ]


def test_a_sample_is_the_same_in_every_order_and_spread_over_the_keys() -> None:
    found = entries(10_000)
    samples = []
    for ordered in (found, found[::-1]):
        sample = Sample(400)
        for entry in ordered:
            sample.offer(entry)
        samples.append(sample.entries)
    assert samples[0] == samples[1]
    assert len(samples[0]) == 400
    quarters = Counter(int(entry.key[5:11]) // 2_500 for entry in samples[0])
    # 100 each; four standard deviations of a binomial distribution are 35.
    assert all(65 <= quarters[number] <= 135 for number in range(4))


@pytest.mark.parametrize(("size", "count"), [(0, 5), (5, 0), (5, 3), (3, 3)])
def test_a_sample_of_few_is_all_of_them(size: int, count: int) -> None:
    sample = Sample(size)
    for entry in entries(count):
        sample.offer(entry)
    assert len(sample.entries) == min(size, count)


GROUPS = st.lists(
    st.tuples(
        st.sampled_from([KNOWN, AS_LISTED, PUT, WAITING, RESTORED, replace(PUT, kms=True)]),
        st.integers(1, 100),
    ),
    max_size=6,
    unique_by=lambda group: repr(group[0]),
)


# A part, its completion and a read: more than one object less costs.
KNOWN_FILE = Decimal("0.0000104")


@given(groups=GROUPS, more=st.integers(0, 100_000), choice=ANY_CHOICE)
def test_the_ends_of_an_estimate_enclose_it(
    groups: list[tuple[Sampled, int]], more: int, choice: Choice
) -> None:
    found = survey(sum(count for _, count in groups) + more, *groups)
    works = {bound: workload_of(found, choice, bound) for bound in Bound}
    for work in works.values():
        assert work.total == found.listed.objects
        assert min(work.objects.values()) >= 0
        if not choice.by_catalog:
            assert work.objects[Work.LISTED] == 0
    for step in Work:
        low, expected, high = (works[bound].at_least(step) for bound in Bound)
        assert low <= expected <= high
    low, expected, high = (dollars(works[bound], choice) for bound in Bound)
    assert low <= expected + KNOWN_FILE
    assert expected <= high + KNOWN_FILE
    if found.exact and groups:
        assert low == expected == high


def test_an_exact_survey_has_the_numbers_of_the_objects() -> None:
    found = survey(60, (KNOWN, 10), (PUT, 20), (RESTORED, 30))
    assert workload_of(found, DIRECT).objects == {
        Work.WRITE: 20,
        Work.RETAG: 30,
        Work.HEAD: 0,
        Work.TAGS: 10,
        Work.LISTED: 0,
    }


# --- lookups


@pytest.mark.parametrize(
    ("identity", "answer", "reads"),
    [
        (Identity(), CatalogAnswer(), (1, 1)),
        (Identity(asset_id="a"), CatalogAnswer(), (1, 2)),
        (Identity(inventory_id="i"), CatalogAnswer(), (2, 1)),
        (Identity(asset_id="a", inventory_id="i"), CatalogAnswer(), (2, 2)),
        (
            Identity(asset_id="a", inventory_id="i"),
            CatalogAnswer(asset_known=True, record=CatalogRecord(inventory_id="i", asset_id="a")),
            (1, 0),
        ),
        (
            Identity(asset_id="b", inventory_id="i"),
            CatalogAnswer(record=CatalogRecord(inventory_id="i", asset_id="a")),
            (1, 1),
        ),
    ],
)
def test_the_reads_of_a_lookup_are_those_of_the_catalog(
    identity: Identity, answer: CatalogAnswer, reads: tuple[int, int]
) -> None:
    question = CatalogQuestion(bucket_name="b", key="k", identity=identity)
    shape = CatalogShape(asset_index=True, path_index=True)
    items, queries = reads
    assert lookup_reads(shape, question, answer) == CatalogReads(items=items, queries=queries)
    assert lookup_reads(CatalogShape(table=False), question, answer) == CatalogReads()


# --- plans


def test_a_plan_names_the_cheapest_and_the_fastest_of_those_that_can_be_used() -> None:
    plan = plan_of(survey(50_000, (KNOWN, 380), (PUT, 20)), BATCH, Ingest(), MODEL, LIST_PRICES)
    assert len(plan.alternatives) == len(CHOICES)
    usable = [way for way in plan.alternatives if way.unavailable is None]
    assert {way.choice.trigger for way in usable} == {Trigger.COPY, Trigger.EVENT}
    assert plan.cheapest.discovery is plan.fastest.discovery is Discovery.DIRECT
    assert min(way.dollars for way in usable) == next(
        way.dollars for way in usable if way.choice == plan.cheapest
    )
    assert [(each.kind, each.sampled) for each in plan.decisions] == [
        (OutcomeKind.SKIPPED, 380),
        (OutcomeKind.PUT, 20),
    ]
    put = plan.decisions[1]
    assert (put.low, put.expected, put.high) == (1630, 2500, 3798)


def test_a_plan_warns_of_what_a_price_does_not_say() -> None:
    archived = sampled(
        OutcomeKind.PUT,
        kinds={
            Trigger.COPY: OutcomeKind.ARCHIVED,
            Trigger.EVENT: OutcomeKind.PUT,
            Trigger.QUEUE: OutcomeKind.ARCHIVED,
        },
    )
    groups = (
        (replace(PUT, kms=True), 10),
        (archived, 5),
        (replace(PUT, storage_class="STANDARD_IA"), 5),
    )
    found = survey(20, *groups, bucket=BucketInfo(versioned=True, other_region="eu-west-1"))
    plan = plan_of(found, BATCH, Ingest(), MODEL, LIST_PRICES)
    text = "\n".join(plan.warnings)
    for part in (
        "this sync cannot start: S3 Batch Operations does not work on a bucket in eu-west-1",
        "leaves a noncurrent version behind, about 15 objects and 75.0 MB (75,000,000 bytes)",
        "10 objects are encrypted with a KMS key",
        "5 of 20 sampled objects are archived",
        "5 of 20 sampled objects are in a storage class with a retrieval fee",
    ):
        assert part in text
    assert plan.monthly["noncurrentVersions"] == Decimal("0.075") * Decimal("0.023")
    event = plan_of(found, replace(DIRECT, trigger=Trigger.EVENT), Ingest(), MODEL, LIST_PRICES)
    assert event.warnings == ()
    assert event.monthly["noncurrentVersions"] == 0


def test_an_unfinished_listing_and_an_empty_sample_are_said() -> None:
    found = survey(9_000, listed=Listed(complete=False, objects=9_000))
    plan = plan_of(found, DIRECT, Ingest(), MODEL, LIST_PRICES)
    assert "at least 9,000 objects" in plan.warnings[0]
    assert "no object was read" in plan.warnings[-1]
    bills = plan.chosen.bills
    assert bills[Bound.LOW].dollars < bills[Bound.EXPECTED].dollars == bills[Bound.HIGH].dollars


def test_discovery_batch_takes_longer_for_few_objects() -> None:
    found = survey(10, (PUT, 10))
    times = {c: duration_s(workload_of(found, c), c, MODEL) for c in (DIRECT, BATCH)}
    assert times[DIRECT] < 10 < times[BATCH]


def test_smaller_chunks_cost_more() -> None:
    found = survey(10_000, (KNOWN, 400))
    small = replace(MODEL, sizing=ChunkSizing(object_count_max=10))
    work = workload_of(found, DIRECT)
    assert (
        bill_of(requests_of(work, DIRECT, small), LIST_PRICES).dollars
        > bill_of(requests_of(work, DIRECT, MODEL), LIST_PRICES).dollars
    )


def test_dollars_are_shown_without_an_exponent() -> None:
    assert shown_dollars(Decimal("4E-7")) == "0.000000"
    assert shown_dollars(Decimal("12.5")) == "12.500000"


# --- what a sync brings with it


def test_a_comparison_is_in_the_price_and_its_high_end_has_what_the_guard_lets_pass() -> None:
    found = survey(9_500, (KNOWN, 400))
    without = workload_of(found, DIRECT)
    removals = Removals(announce=True, max_share=Decimal("0.05"))
    low, expected, high = (
        counted(workload_of(found, DIRECT, bound, removals=removals), DIRECT) for bound in Bound
    )
    assert not any(where == "removals" for where, _ in counted(without, DIRECT))
    assert low["removals", "PutEvents"] == expected["removals", "PutEvents"] == 0
    # 500 of 10,000 objects are missing: a share of 0.05.
    assert high["removals", "PutEvents"] == 50
    assert high["removals", "ListObjectsV2"] == 26
    assert expected["removals", "CompleteMultipartUpload"] == 4


@pytest.mark.parametrize(
    ("removals", "gone"),
    [
        (Removals(max_share=Decimal(1), max_count=70), 70),
        (Removals(max_share=Decimal("0.5"), max_count=70), 70),
        (Removals(max_share=Decimal(0), min_count=10), 9),
        (Removals(max_share=Decimal(0), min_count=0), 0),
    ],
)
def test_the_guard_bounds_what_is_looked_for(removals: Removals, gone: int) -> None:
    compared = comparison_of(removals, 1_000, at_most=True)
    assert compared is not None
    assert (compared.missing, compared.announced) == (gone, 0)
    assert guard_reason(removals, before=compared.before, missing=gone) is None
    assert guard_reason(removals, before=compared.before + 1, missing=gone + 1) is not None


def test_a_snapshot_is_a_scan_and_files_instead_of_questions() -> None:
    scanned = Scanned(size_bytes=10 * 1024**2, records=10_000, partitions=8)
    work = Workload(objects={Work.LISTED: 5_000}, snapshot=scanned)
    usages = requests_of(work, replace(DIRECT, verify=Verify.CATALOG), MODEL)
    (scan,) = [each for each in usages if each.operation == "Scan"]
    assert (scan.requests, scan.units) == (10, Decimal(1_280))
    counts = counted(work, replace(DIRECT, verify=Verify.CATALOG))
    assert counts["catalog", "PutObject"] == 2 * (1 + 8) + 1
    assert counts["catalog", "GetObject"] == 2 * 8 + 1 + 8 + 10
