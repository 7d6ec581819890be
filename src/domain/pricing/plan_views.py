"""The JSON form of plans. Dollars are decimal strings."""

from __future__ import annotations

from typing import Any

from domain.pricing.bill import shown_dollars
from domain.pricing.confidence import CONFIDENCE
from domain.pricing.estimate import Estimate
from domain.pricing.plan import Plan
from domain.pricing.views import line_views
from domain.pricing.workload import Bound, Choice
from domain.sync_request import SyncRequest

Json = dict[str, Any]


def plan_view(plan: Plan, request: SyncRequest) -> Json:
    """Return the plan in the API's form."""
    listed, bills = plan.survey.listed, plan.chosen.bills
    return {
        "connectorId": request.connector_id,
        "bucketName": request.bucket.name,
        "prefixes": list(request.options.prefixes),
        "dryRun": request.options.dry_run,
        **_choice(plan.chosen.choice),
        "listing": {
            "complete": listed.complete,
            "objects": listed.objects,
            "bytes": listed.size_bytes,
            "filtered": listed.filtered,
            "notMedia": listed.not_media,
        },
        "sample": {
            "objects": plan.survey.sampled,
            "exact": plan.survey.exact,
            "confidence": CONFIDENCE,
            "text": confidence_text(plan),
        },
        "decisions": [
            {
                "outcome": each.kind.value,
                "sampled": each.sampled,
                "objects": each.expected,
                "objectsLow": each.low,
                "objectsHigh": each.high,
                "bytes": each.size_bytes,
            }
            for each in plan.decisions
        ],
        "estimate": _estimate(plan.chosen),
        "lines": line_views(bills[Bound.EXPECTED], plan.table),
        "monthly": {name: shown_dollars(amount) for name, amount in plan.monthly.items()},
        "alternatives": [
            {
                **_choice(way.choice),
                **_estimate(way),
                "cheapest": way.choice == plan.cheapest,
                "fastest": way.choice == plan.fastest,
                "unavailable": way.unavailable,
            }
            for way in plan.alternatives
        ],
        "warnings": list(plan.warnings),
        "prices": {
            "region": plan.table.region,
            "date": plan.table.date,
            "changed": list(plan.table.changed),
        },
    }


def confidence_text(plan: Plan) -> str:
    """Return in words how sure the numbers are."""
    listed, sampled = plan.survey.listed, plan.survey.sampled
    if not listed.objects:
        return "no objects are selected" + ("" if listed.complete else " so far")
    if plan.survey.exact:
        return f"all {listed.objects:,} objects were read: the counts are exact"
    known = "all" if listed.complete else "at least"
    if not sampled:
        return (
            f"{known} {listed.objects:,} objects were listed and none was read: the ends of the"
            " estimate are a sync that writes none of them, and one that writes all"
        )
    text = (
        f"{sampled:,} of {'' if listed.complete else 'at least '}{listed.objects:,} objects were"
        f" read: each range holds with {CONFIDENCE:.0%} confidence"
    )
    return text if listed.complete else f"{text}, for what was listed"


def _choice(choice: Choice) -> Json:
    return {
        "discovery": choice.discovery.value,
        "trigger": choice.trigger.value,
        "verify": choice.verify.value,
    }


def _estimate(way: Estimate) -> Json:
    bills, seconds = way.bills, way.seconds
    return {
        "dollars": shown_dollars(bills[Bound.EXPECTED].dollars),
        "dollarsLow": shown_dollars(bills[Bound.LOW].dollars),
        "dollarsHigh": shown_dollars(bills[Bound.HIGH].dollars),
        "requests": bills[Bound.EXPECTED].requests,
        "seconds": round(seconds[Bound.EXPECTED], 1),
        "secondsLow": round(min(seconds.values()), 1),
        "secondsHigh": round(max(seconds.values()), 1),
    }
