"""What became of each object, and the counts that are folded from it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum

from domain.decision import Decision, Verdict
from domain.errors import InvalidManifest


class OutcomeKind(StrEnum):
    """The one end of each manifest entry. ARCHIVED and GONE are no failures."""

    SKIPPED = "SKIPPED"
    COPIED = "COPIED"
    PUT = "PUT"
    ARCHIVED = "ARCHIVED"
    GONE = "GONE"
    FAILED = "FAILED"


KIND_OF_DECISION = {
    Decision.SKIP: OutcomeKind.SKIPPED,
    Decision.COPY: OutcomeKind.COPIED,
    Decision.PUT: OutcomeKind.PUT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Objects by outcome. Addition and subtraction are per field."""

    skipped: int = 0
    copied: int = 0
    put: int = 0
    archived: int = 0
    gone: int = 0
    failed: int = 0

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
        return self.skipped + self.copied + self.put + self.archived + self.gone + self.failed


NOTHING = Statistics()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one manifest entry.

    `reason` is a stable word (a decision's reason or an error class), `message` is for people and
    set for what a person may have to act on. `retryable` tells a failure that another attempt may
    mend; it is not part of the record.
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
    message: str | None = None
    stack_trace: str | None = None
    retryable: bool = False


def decided(key: str, verdict: Verdict, *, size_bytes: int | None = None) -> Outcome:
    """Return the outcome of an object whose decision was carried out (or, dry, only made)."""
    return Outcome(
        key=key,
        kind=KIND_OF_DECISION[verdict.decision],
        reason=verdict.reason,
        decision=verdict.decision,
        asset_id=verdict.identity.asset_id,
        inventory_id=verdict.identity.inventory_id,
        size_bytes=size_bytes,
    )


def fold(outcomes: Iterable[Outcome]) -> Statistics:
    """Count outcomes by kind; the totals of chunks and jobs are sums of this and nothing else."""
    counts = Counter(outcome.kind for outcome in outcomes)
    return Statistics(**{kind.value.lower(): count for kind, count in counts.items()})


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
    "message": "message",
}


def to_json_line(outcome: Outcome, *, job_id: str, chunk_index: int) -> str:
    """Return the outcome as one line of JSON (pure ASCII, so any key fits), without line end."""
    record = {name: getattr(outcome, attribute) for name, attribute in _RECORD_FIELDS.items()}
    kept = {name: value for name, value in record.items() if value is not None}
    return json.dumps({"jobId": job_id, "chunkIndex": chunk_index, **kept})


def from_json_line(line: str | bytes) -> Outcome:
    """Read back what `to_json_line` wrote.

    Raises:
        InvalidManifest: the line is not such a record.
    """
    try:
        record = json.loads(line)
        values = {attr: record.get(name) for name, attr in _RECORD_FIELDS.items()}
        values["kind"] = OutcomeKind(record["outcome"])
        values["decision"] = Decision(record["decision"]) if "decision" in record else None
        return Outcome(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidManifest(f"not an outcome record: {error}") from error
