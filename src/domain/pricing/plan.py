"""The plan of a sync: what it would do and cost, with every other way to sync."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.connector import Ingest, Trigger, Verify
from domain.discovery import Discovery
from domain.outcome import OutcomeKind
from domain.pricing.confidence import count_interval
from domain.pricing.estimate import Estimate, estimate
from domain.pricing.model import Model
from domain.pricing.price_table import PriceTable
from domain.pricing.survey import Survey
from domain.pricing.warnings import monthly_of, warnings_of
from domain.pricing.workload import CHOICES, Bound, Choice
from domain.removal_settings import Removals


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionEstimate:
    """Objects with one outcome: how many in the sample, and how many and how large in all."""

    kind: OutcomeKind
    sampled: int
    expected: int
    low: int
    high: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was asked for, with everything to compare it to.

    `cheapest` and `fastest` are of those that can be used.
    """

    survey: Survey
    chosen: Estimate
    decisions: tuple[DecisionEstimate, ...]
    alternatives: tuple[Estimate, ...]
    cheapest: Choice
    fastest: Choice
    monthly: Mapping[str, Decimal]
    warnings: tuple[str, ...]
    table: PriceTable


def unavailable(choice: Choice, survey: Survey, ingest: Ingest) -> str | None:
    """Return why a connector cannot sync like this, None if it can."""
    if choice.trigger is Trigger.QUEUE and ingest.queue_url is None:
        return "the connector has no ingest queue"
    if choice.discovery is Discovery.BATCH and survey.bucket.other_region is not None:
        return f"S3 Batch Operations does not work on a bucket in {survey.bucket.other_region}"
    if choice.verify is Verify.CATALOG and not survey.catalog.table:
        return "there is no catalog to ask"
    return None


def decisions_of(survey: Survey, choice: Choice) -> tuple[DecisionEstimate, ...]:
    """Return the objects by outcome, those of the sample and the estimates for all."""
    total, sampled = survey.listed.objects, survey.sampled
    found = []
    for kind in OutcomeKind:
        groups = [
            group
            for group in survey.groups
            if group.like.kind(choice.trigger, by_catalog=choice.by_catalog) is kind
        ]
        hits = sum(group.count for group in groups)
        if not hits:
            continue
        low, high = count_interval(hits, sampled, total)
        expected = min(max(round(total * hits / sampled), low), high)
        each = sum(group.size_bytes for group in groups) / hits
        size_bytes = min(round(each * expected), survey.listed.size_bytes)
        found.append(
            DecisionEstimate(
                kind=kind,
                sampled=hits,
                expected=expected,
                low=low,
                high=high,
                size_bytes=size_bytes,
            )
        )
    return tuple(found)


def compare(
    survey: Survey,
    choice: Choice,
    ingest: Ingest,
    model: Model,
    table: PriceTable,
    *,
    removals: Removals | None = None,
) -> tuple[Estimate, ...]:
    """Price every way to sync; all as a dry run if the choice is one."""
    found = []
    for each in CHOICES:
        way = Choice(
            discovery=each.discovery,
            trigger=each.trigger,
            verify=each.verify,
            dry_run=choice.dry_run,
        )
        why = unavailable(way, survey, ingest)
        found.append(estimate(survey, way, model, table, unavailable=why, removals=removals))
    return tuple(found)


def plan_of(
    survey: Survey,
    choice: Choice,
    ingest: Ingest,
    model: Model,
    table: PriceTable,
    *,
    removals: Removals | None = None,
) -> Plan:
    """Return the plan for a way to sync; with `removals` it is compared with the sync before."""
    ways = compare(survey, choice, ingest, model, table, removals=removals)
    chosen = next(way for way in ways if way.choice == choice)
    usable = [way for way in ways if way.unavailable is None]
    return Plan(
        survey=survey,
        chosen=chosen,
        decisions=decisions_of(survey, choice),
        alternatives=ways,
        cheapest=min(usable, key=lambda way: way.dollars).choice,
        fastest=min(usable, key=lambda way: way.seconds[Bound.EXPECTED]).choice,
        monthly=monthly_of(survey, chosen, table),
        warnings=warnings_of(survey, chosen),
        table=table,
    )
