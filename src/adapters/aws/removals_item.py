"""What connectors and jobs have about removed objects, as attributes of their items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any

from adapters.aws.attempts_item import attempts_values, to_attempts
from adapters.aws.attributes import Value, to_optional_timestamp
from adapters.aws.lease_item import lease_values, to_lease
from adapters.aws.row_upload_item import to_upload, upload_values
from domain.removal_settings import NO_BASELINE, Baseline, Removals
from domain.removal_work import (
    ComparedFiles,
    RemovalCounts,
    RemovalStatus,
    RemovalWork,
)

Values = dict[str, Value | None]


def settings_values(removals: Removals | None) -> Values | None:
    """Return the attribute of a connector's settings, None if nothing is wanted."""
    if removals is None:
        return None
    return {
        "announce": removals.announce,
        "maxShare": str(removals.max_share),
        "maxCount": removals.max_count,
        "minCount": removals.min_count,
    }


def to_settings(values: Mapping[str, Any] | None) -> Removals | None:
    """Return the settings of the attribute."""
    if values is None:
        return None
    return Removals(
        announce=values["announce"],
        max_share=Decimal(values["maxShare"]),
        max_count=values["maxCount"],
        min_count=values["minCount"],
    )


def stored_baseline(baseline: Baseline) -> Values | None:
    """Return the attribute of a new connector, None without a baseline."""
    return None if baseline == NO_BASELINE else baseline_values(baseline)


def baseline_values(baseline: Baseline) -> Values:
    """Return the attribute of what the next whole sync is compared with."""
    return {
        "jobId": baseline.job_id,
        "createdAt": baseline.created_at,
        "indexNumber": baseline.index_number,
        "scope": baseline.scope,
        "objectCount": baseline.object_count,
        "carriedKey": baseline.carried_key,
        "claimedBy": baseline.claimed_by,
    }


def to_baseline(values: Mapping[str, Any] | None) -> Baseline:
    """Return the baseline of the attribute."""
    if values is None:
        return NO_BASELINE
    return Baseline(
        job_id=values.get("jobId"),
        created_at=to_optional_timestamp(values.get("createdAt")),
        index_number=values.get("indexNumber"),
        scope=values["scope"],
        object_count=values["objectCount"],
        carried_key=values.get("carriedKey"),
        claimed_by=values.get("claimedBy"),
    )


def work_values(work: RemovalWork | None) -> Values | None:
    """Return the attribute of a comparison, None if there is none."""
    if work is None:
        return None
    counts = work.counts
    return {
        "status": work.status,
        "reason": work.reason,
        "baselineJobId": work.baseline_job_id,
        "indexNumber": work.index_number,
        "after": work.after,
        "position": work.position,
        "counts": {each.name: getattr(counts, each.name) for each in fields(RemovalCounts)},
        "files": {each.name: upload_values(getattr(work.files, each.name)) for each in _FILES},
        "addedKept": work.added_kept,
        "confirmedAt": work.confirmed_at,
        "lease": lease_values(work.lease),
        **attempts_values(work.attempts),
    }


def to_work(values: Mapping[str, Any] | None) -> RemovalWork | None:
    """Return the comparison of the attribute."""
    if values is None:
        return None
    return RemovalWork(
        status=RemovalStatus(values["status"]),
        reason=values.get("reason"),
        baseline_job_id=values.get("baselineJobId"),
        index_number=values.get("indexNumber"),
        after=values.get("after"),
        position=values["position"],
        counts=RemovalCounts(**values["counts"]),
        files=ComparedFiles(
            **{each.name: to_upload(values["files"][each.name]) for each in _FILES}
        ),
        added_kept=values["addedKept"],
        confirmed_at=to_optional_timestamp(values.get("confirmedAt")),
        lease=to_lease(values.get("lease")),
        attempts=to_attempts(values),
    )


_FILES = fields(ComparedFiles)
