"""A look at one object, now: what the bucket and the catalog have of it, and what a sync would do.

What could not be read is not left out: it is named, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.catalog import CatalogRecord, Seen
from domain.customer_object import ObjectHead
from domain.decision import RULES, Rule
from domain.outcome import Outcome
from domain.sync_request import SyncRequest


class Looked(StrEnum):
    """The parts of a look."""

    OBJECT = "object"
    TAGS = "tags"
    CATALOG = "catalog"
    DECISION = "decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRequest:
    """The object of a key, for a sync as it would be requested now."""

    request: SyncRequest
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenObject:
    """What HeadObject shows of an object."""

    size_bytes: int
    e_tag: str
    last_modified: datetime
    version_id: str | None = None
    storage_class: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectLook:
    """What was found.

    Attributes:
        exists: Whether there is such an object; None if that could not be found out.
        seen: The object.
        tags: All of its tags.
        records: The catalog's records of it: under the InventoryID in its tags, under the id that
            this service generates, and at its path. None if the catalog was not asked.
        outcome: What a sync would do now; nothing was written.
        unread: Why a part is missing.
    """

    exists: bool | None = None
    seen: SeenObject | None = None
    tags: Mapping[str, str] | None = None
    records: tuple[CatalogRecord, ...] | None = None
    outcome: Outcome | None = None
    unread: Mapping[Looked, str] = field(default_factory=dict)


def seen_object(head: ObjectHead) -> SeenObject:
    """Return what is shown of an object."""
    return SeenObject(
        size_bytes=head.size_bytes,
        e_tag=head.e_tag,
        last_modified=head.last_modified,
        version_id=head.version_id,
        storage_class=head.storage_class,
        content_type=head.content_type or None,
    )


def rules_of(reason: str) -> list[str]:
    """Return the rows of the decision table that have this reason, in words."""
    return [
        f"row {number} of the decision table: {_conditions(rule)}"
        for number, rule in enumerate(RULES, start=1)
        if rule.reason == reason
    ]


def _conditions(rule: Rule) -> str:
    found: list[str] = []
    if rule.standing:
        found.append(" or ".join(each.value for each in rule.standing))
    if rule.seen:
        found.append("its record describes " + " or ".join(map(_version, rule.seen)))
    if rule.taken is False:
        found.append("the system takes no files of its type")
    found += (each.value for each in rule.history)
    if rule.tagged is not None:
        found.append("its tags have an id" if rule.tagged else "its tags have no id")
    return ", and ".join(found)


def _version(seen: Seen) -> str:
    return "a version that is not known" if seen is Seen.UNKNOWN else seen.value
