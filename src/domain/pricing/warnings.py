"""What the owner of a bucket should know before a sync, beyond its price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from domain.bucket_check import figures
from domain.connector import Trigger
from domain.outcome import OutcomeKind
from domain.pricing.estimate import Estimate
from domain.pricing.price_table import PriceTable
from domain.pricing.survey import Survey, Work

_BYTES_PER_GB: Final = 1_000_000_000
_TAGS_PER_OBJECT: Final = 3
_RETRIEVAL_CLASSES: Final = frozenset({"STANDARD_IA", "ONEZONE_IA", "GLACIER_IR"})


def monthly_of(survey: Survey, chosen: Estimate, table: PriceTable) -> Mapping[str, Decimal]:
    """Return what is billed each month afterwards, in dollars: old versions, and tags."""
    written = 0 if chosen.choice.dry_run else chosen.workload.objects.get(Work.WRITE, 0)
    versions = Decimal(0)
    if _leaves_versions(survey, chosen):
        versions = Decimal(chosen.workload.written_bytes) / _BYTES_PER_GB
    return {
        "noncurrentVersions": versions * table.of("s3-storage-month"),
        "tags": Decimal(written * _TAGS_PER_OBJECT) * table.of("s3-tag-month"),
    }


def warnings_of(survey: Survey, chosen: Estimate) -> tuple[str, ...]:
    """Return the warnings, the most expensive first."""
    return tuple(_warnings(survey, chosen))


def _leaves_versions(survey: Survey, chosen: Estimate) -> bool:
    copies = chosen.choice.trigger is Trigger.COPY and not chosen.choice.dry_run
    return copies and survey.bucket.versioned


def _warnings(survey: Survey, chosen: Estimate) -> Iterator[str]:
    work, choice, listed = chosen.workload, chosen.choice, survey.listed
    written = work.objects.get(Work.WRITE, 0)
    if not listed.complete:
        yield (
            f"the listing was not finished in time: the bucket has at least {listed.objects:,}"
            " objects, and every number is a lower bound. For all of it, run a sync with"
            " dryRun: it lists the whole bucket, and shows the price when it has ended"
        )
    if survey.bucket.requester_pays:
        yield "the bucket has Requester Pays turned on: a sync refuses it"
    if chosen.unavailable is not None:
        yield f"this sync cannot start: {chosen.unavailable}"
    if _leaves_versions(survey, chosen) and written:
        yield (
            "the bucket is versioned: each copy leaves a noncurrent version behind, about"
            f" {figures(written, work.written_bytes)}, which is billed until a lifecycle rule"
            " expires it; the triggers 'event' and 'queue' leave none"
        )
    if work.kms_copies and not choice.dry_run:
        yield (
            f"about {work.kms_copies:,} objects are encrypted with a KMS key without a bucket"
            " key: each copy makes two requests to KMS"
        )
    by_kind = {OutcomeKind.ARCHIVED: 0, OutcomeKind.FAILED: 0}
    classes = 0
    for group in survey.groups:
        kind = group.like.kind(choice.trigger, by_catalog=choice.by_catalog)
        if kind in by_kind:
            by_kind[kind] += group.count
        if kind in (OutcomeKind.COPIED, OutcomeKind.PUT):
            classes += group.count * (group.like.storage_class in _RETRIEVAL_CLASSES)
    sampled = survey.sampled
    if by_kind[OutcomeKind.ARCHIVED]:
        yield (
            f"{by_kind[OutcomeKind.ARCHIVED]:,} of {sampled:,} sampled objects are archived, and"
            f" are left as they are with trigger '{choice.trigger}'"
        )
    if classes and choice.trigger is Trigger.COPY and not choice.dry_run:
        yield (
            f"{classes:,} of {sampled:,} sampled objects are in a storage class with a retrieval"
            " fee and a minimum duration, which a copy is charged for; that is not in the price"
        )
    if by_kind[OutcomeKind.FAILED]:
        causes = "; ".join(survey.unread) or "see a dry run"
        yield f"{by_kind[OutcomeKind.FAILED]:,} of {sampled:,} sampled objects failed: {causes}"
    if listed.objects and not sampled:
        yield (
            "no object was read, so nothing is known of the decisions: the price is that of"
            " writing every object, and its lower end that of writing none"
        )
