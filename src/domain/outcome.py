"""The outcome of each object, and the counts of outcomes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from json.encoder import encode_basestring_ascii as _text
from operator import attrgetter
from typing import Any, Final

from domain.decision import Decision, Reason, Verdict
from domain.errors import NOT_OF_OUR_JSON, InvalidManifest


class OutcomeKind(StrEnum):
    """The final result of each manifest entry. Only FAILED is a failure.

    INGESTING: an earlier trigger is still within its grace period. NOT_TAKEN: the system did not
    ingest the object, however often it was triggered. NOT_MEDIA: the system accepts no such files.
    """

    SKIPPED = "SKIPPED"
    COPIED = "COPIED"
    PUT = "PUT"
    INGESTING = "INGESTING"
    NOT_TAKEN = "NOT_TAKEN"
    NOT_MEDIA = "NOT_MEDIA"
    ARCHIVED = "ARCHIVED"
    GONE = "GONE"
    FAILED = "FAILED"


_KIND_OF_DECISION: Final = {
    Decision.SKIP: OutcomeKind.SKIPPED,
    Decision.COPY: OutcomeKind.COPIED,
    Decision.PUT: OutcomeKind.PUT,
}
_KIND_OF_REASON: Final = {
    Reason.INGESTING: OutcomeKind.INGESTING,
    Reason.NOT_TAKEN: OutcomeKind.NOT_TAKEN,
    Reason.NOT_MEDIA: OutcomeKind.NOT_MEDIA,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Objects by outcome. Addition and subtraction are per field.

    `tags_restored` and `known_as_listed` count parts of `skipped`.
    """

    skipped: int = 0
    copied: int = 0
    put: int = 0
    ingesting: int = 0
    not_taken: int = 0
    not_media: int = 0
    archived: int = 0
    gone: int = 0
    failed: int = 0
    tags_restored: int = 0
    known_as_listed: int = 0

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )

    def __sub__(self, other: Statistics) -> Statistics:
        return Statistics(
            **{f.name: getattr(self, f.name) - getattr(other, f.name) for f in fields(self)}
        )

    @property
    def total(self) -> int:
        """Objects with an outcome."""
        return sum(getattr(self, name) for name in _COUNT_OF_KIND.values())


_COUNT_OF_KIND: Final = {kind: kind.value.lower() for kind in OutcomeKind}


def count_of(statistics: Statistics, kind: OutcomeKind) -> int:
    """Return how many objects have this outcome."""
    count: int = getattr(statistics, _COUNT_OF_KIND[kind])
    return count


COUNT_NAMES: Final[Mapping[str, str]] = {
    "skipped": "skipped",
    "copied": "copied",
    "put": "put",
    "ingesting": "ingesting",
    "not_taken": "notTaken",
    "not_media": "notMedia",
    "archived": "archived",
    "gone": "gone",
    "failed": "failed",
    "tags_restored": "tagsRestored",
    "known_as_listed": "knownAsListed",
}
"""The names of the counts in the API, in messages and in tables, by field of `Statistics`."""


def counts_by_name(statistics: Statistics) -> dict[str, int]:
    """Return the counts under their public names."""
    return {name: getattr(statistics, field) for field, name in COUNT_NAMES.items()}


NOTHING = Statistics()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of one manifest entry.

    `reason` is a stable name (a decision's reason or an error class). `message` is for people, and
    set if a user may have to act. `triggered_at` and `trigger_count` are those of the last trigger,
    if the outcome is about it. `as_listed` is True if the object was not read, because the catalog
    has it as it was listed; None for all others. `vendor_code` and `request_id` are AWS's error
    code and request id. `tags_before` are the tags of an object that was written, as they were
    read before, and `mark` is the trigger mark that it got.
    Not part of the record: `retryable` marks a failure that another attempt may fix, and `again`
    one that the same attempt checks again.
    """

    key: str
    kind: OutcomeKind
    reason: str
    decision: Decision | None = None
    asset_id: str | None = None
    inventory_id: str | None = None
    size_bytes: int | None = None
    e_tag: str | None = None
    version_id: str | None = None
    triggered_at: str | None = None
    trigger_count: int | None = None
    message: str | None = None
    as_listed: bool | None = None
    vendor_code: str | None = None
    request_id: str | None = None
    tags_before: Mapping[str, str] | None = None
    mark: str | None = None
    stack_trace: str | None = None
    retryable: bool = False
    again: bool = False


def decided(key: str, verdict: Verdict, *, size_bytes: int | None = None) -> Outcome:
    """Return the outcome of an object whose decision was applied (or, in a dry run, only made)."""
    return Outcome(
        key=key,
        kind=_KIND_OF_REASON.get(verdict.reason, _KIND_OF_DECISION[verdict.decision]),
        reason=verdict.reason,
        decision=verdict.decision,
        asset_id=verdict.identity.asset_id,
        inventory_id=verdict.identity.inventory_id,
        size_bytes=size_bytes,
    )


def count_outcomes(outcomes: Iterable[Outcome]) -> Statistics:
    """Count outcomes by kind; the totals of chunks and jobs are sums of these counts only."""
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts[_COUNT_OF_KIND[outcome.kind]] += 1
        if outcome.reason == Reason.TAGS_RESTORED:
            counts["tags_restored"] += 1
        if outcome.as_listed:
            counts["known_as_listed"] += 1
    return Statistics(**counts)


_RECORD_FIELDS = {
    "key": "key",
    "outcome": "kind",
    "reason": "reason",
    "decision": "decision",
    "assetId": "asset_id",
    "inventoryId": "inventory_id",
    "size": "size_bytes",
    "eTag": "e_tag",
    "versionId": "version_id",
    "triggeredAt": "triggered_at",
    "triggerCount": "trigger_count",
    "message": "message",
    "asListed": "as_listed",
    "vendorCode": "vendor_code",
    "requestId": "request_id",
    "tagsBefore": "tags_before",
    "triggerMark": "mark",
}

_record_values = attrgetter(*_RECORD_FIELDS.values())
_RECORD_PREFIXES = [f'"{name}": ' for name in _RECORD_FIELDS]


def outcome_values(outcome: Outcome) -> dict[str, Any]:
    """Return the values of the record by name, without those that are None."""
    values = zip(_RECORD_FIELDS, _record_values(outcome), strict=True)
    return {name: value for name, value in values if value is not None}


def outcome_of_values(record: Mapping[str, Any]) -> Outcome:
    """Return the outcome of what `outcome_values` returned; other names are ignored.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: It is not such a record.
    """
    values: dict[str, Any] = {a: record.get(name) for name, a in _RECORD_FIELDS.items()}
    values["kind"] = OutcomeKind(record["outcome"])
    values["decision"] = Decision(record["decision"]) if "decision" in record else None
    return Outcome(**values)


def to_json_line(outcome: Outcome, *, job_id: str, chunk_index: int) -> str:
    """Return the outcome as one line of JSON (ASCII only, for any key), without line end."""
    # A JSON object member by member: `json.dumps` of a dictionary takes twice as long.
    members = [f'{{"jobId": {_text(job_id)}, "chunkIndex": {chunk_index}']
    for prefix, value in zip(_RECORD_PREFIXES, _record_values(outcome), strict=True):
        if value is not None:
            encoded = _text(value) if isinstance(value, str) else json.dumps(value)
            members.append(prefix + encoded)
    return ", ".join(members) + "}"


def from_json_line(line: str | bytes) -> Outcome:
    """Parse what `to_json_line` wrote.

    Raises:
        InvalidManifest: The line is not such a record.
    """
    try:
        return outcome_of_values(json.loads(line))
    except NOT_OF_OUR_JSON as error:
        raise InvalidManifest(f"not an outcome record: {error}") from error
