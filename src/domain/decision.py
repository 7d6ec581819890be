"""The ingestion decision: SKIP, COPY or PUT, why, and under which ids.

The rule is one table, `RULES`: the first row that fits an object decides. Its input is the object's
tags, the catalog's records and HeadObject. A failed lookup is not treated as "not found": the port
raises, so it never reaches the table and cannot become a PUT.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.catalog import (
    CatalogAnswer,
    CatalogQuestion,
    CatalogRecord,
    Seen,
    seen_version,
)
from domain.connector import IdSource
from domain.customer_object import ObjectHead
from domain.identity import Identity
from domain.profile import Profile
from domain.trigger_mark import History


class Decision(StrEnum):
    """What a sync does with an object."""

    SKIP = "SKIP"
    COPY = "COPY"
    PUT = "PUT"


class Reason(StrEnum):
    """Why a decision was made."""

    ASSET_KNOWN = "ASSET_KNOWN"
    TAGS_RESTORED = "TAGS_RESTORED"
    KNOWN_BY_PATH = "KNOWN_BY_PATH"
    NOT_MEDIA = "NOT_MEDIA"
    INGESTING = "INGESTING"
    NOT_TAKEN = "NOT_TAKEN"
    INVENTORY_KNOWN = "INVENTORY_KNOWN"
    REPLACED = "REPLACED"
    IDS_OF_ANOTHER = "IDS_OF_ANOTHER"
    NO_IDS = "NO_IDS"
    IDS_UNKNOWN = "IDS_UNKNOWN"
    ALREADY_TRIGGERED = "ALREADY_TRIGGERED"


class Standing(StrEnum):
    """How the catalog knows an object."""

    ASSET = "its AssetID is in the catalog"
    INVENTORY = "its InventoryID is in the catalog, its AssetID is not"
    OTHER_IDS = "it is in the catalog under ids that are not in its tags"
    ANOTHERS = "its InventoryID is in the catalog as another object's"
    COPIED = "the catalog has no record of it, and its ids were copied with another object's tags"
    UNKNOWN = "the catalog has no record of it"


class Ids(StrEnum):
    """Which ids an object has after its decision was applied."""

    TAGGED = "those in its tags"
    RECORDED = "those of the record; a missing asset id is generated"
    COMPLETED = "those in its tags; missing ones are generated, here or by the system"
    NEW = "new ones are generated, here or by the system"
    NONE = "none: the system finds the object by its path, or generates new ones"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. An empty condition matches everything."""

    decision: Decision
    reason: Reason
    ids: Ids
    standing: tuple[Standing, ...] = ()
    seen: tuple[Seen, ...] = ()
    history: tuple[History, ...] = ()
    taken: bool | None = None
    tagged: bool | None = None

    def fits(self, case: Case) -> bool:
        """Return whether the row applies to this case."""
        return (
            (not self.standing or case.standing in self.standing)
            and (not self.seen or case.seen in self.seen)
            and (not self.history or case.history in self.history)
            and self.taken in (None, case.taken)
            and self.tagged in (None, case.tagged)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The table's input for one object.

    Attributes:
        standing: How the catalog identifies the object.
        seen: Whether the record describes this version of the object.
        history: Its state with respect to this service's own triggers.
        taken: Whether the system accepts files of its type.
        tagged: Whether its tags have any id.
    """

    standing: Standing
    seen: Seen
    history: History
    taken: bool
    tagged: bool


RULES: Final[tuple[Rule, ...]] = (
    Rule(Decision.SKIP, Reason.ASSET_KNOWN, Ids.TAGGED, standing=(Standing.ASSET,)),
    Rule(Decision.SKIP, Reason.NOT_MEDIA, Ids.TAGGED, taken=False),
    Rule(
        Decision.SKIP,
        Reason.TAGS_RESTORED,
        Ids.RECORDED,
        standing=(Standing.OTHER_IDS,),
        seen=(Seen.THIS_VERSION,),
    ),
    Rule(Decision.SKIP, Reason.INGESTING, Ids.TAGGED, history=(History.WAITING,)),
    Rule(Decision.SKIP, Reason.NOT_TAKEN, Ids.TAGGED, history=(History.EXHAUSTED,)),
    # Both ids together with a record of other content make Media Lake delete that record and create
    # none. Without ids it replaces the asset (v1.18.3, lambdas/ingest/s3/index.py, process_asset).
    Rule(
        Decision.PUT,
        Reason.REPLACED,
        Ids.NONE,
        standing=(Standing.INVENTORY, Standing.OTHER_IDS),
        seen=(Seen.ANOTHER_VERSION,),
    ),
    Rule(
        Decision.PUT,
        Reason.IDS_OF_ANOTHER,
        Ids.NONE,
        standing=(Standing.ANOTHERS,),
        seen=(Seen.ANOTHER_VERSION,),
    ),
    Rule(
        Decision.COPY,
        Reason.INVENTORY_KNOWN,
        Ids.RECORDED,
        standing=(Standing.INVENTORY, Standing.ANOTHERS),
        seen=(Seen.THIS_VERSION, Seen.UNKNOWN),
    ),
    Rule(
        Decision.PUT,
        Reason.IDS_UNKNOWN,
        Ids.RECORDED,
        standing=(Standing.OTHER_IDS,),
        seen=(Seen.UNKNOWN,),
        tagged=True,
    ),
    Rule(
        Decision.PUT,
        Reason.NO_IDS,
        Ids.RECORDED,
        standing=(Standing.OTHER_IDS,),
        seen=(Seen.UNKNOWN,),
        tagged=False,
    ),
    # Two objects with the same ids: the one ingested last would replace the other.
    Rule(Decision.PUT, Reason.IDS_OF_ANOTHER, Ids.NEW, standing=(Standing.COPIED,)),
    Rule(Decision.PUT, Reason.IDS_UNKNOWN, Ids.COMPLETED, tagged=True),
    Rule(Decision.PUT, Reason.NO_IDS, Ids.COMPLETED, tagged=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A decision with its reason, and the ids that the object has after it was applied."""

    decision: Decision
    reason: Reason
    identity: Identity

    @property
    def triggers(self) -> bool:
        """Whether the object's ingestion is triggered."""
        return self.decision is not Decision.SKIP


@dataclass(frozen=True, slots=True, kw_only=True)
class Minting:
    """Who generates missing ids, and in which form."""

    profile: Profile
    ids: IdSource


def known(question: CatalogQuestion) -> Verdict:
    """Return the verdict on an object whose AssetID the catalog has; it needs no HeadObject."""
    return Verdict(decision=Decision.SKIP, reason=Reason.ASSET_KNOWN, identity=question.identity)


def decide(
    question: CatalogQuestion,
    answer: CatalogAnswer,
    head: ObjectHead,
    *,
    history: History,
    taken: bool,
    minting: Minting,
) -> Verdict:
    """Apply the table to one object."""
    standing, record = _standing(question, answer, head)
    case = Case(
        standing=standing,
        seen=Seen.UNKNOWN if record is None else seen_version(record, head, question.storage_path),
        history=history,
        taken=taken,
        tagged=question.identity != Identity(),
    )
    rule = next(rule for rule in RULES if rule.fits(case))
    identity = _identity(rule.ids, question, record, head, minting)
    return Verdict(decision=rule.decision, reason=rule.reason, identity=identity)


def resume(question: CatalogQuestion, action: str | None) -> Verdict:
    """Return the verdict on an object that this job has already triggered.

    The outcome of that attempt was lost, so only the event is sent again, unchanged: `action` is
    what the attempt recorded. The ids are those that it wrote.
    """
    decision = Decision.COPY if action == Decision.COPY else Decision.PUT
    return Verdict(decision=decision, reason=Reason.ALREADY_TRIGGERED, identity=question.identity)


def _standing(
    question: CatalogQuestion, answer: CatalogAnswer, head: ObjectHead
) -> tuple[Standing, CatalogRecord | None]:
    if answer.asset_known:
        return Standing.ASSET, answer.record
    path = question.storage_path
    tagged = answer.record
    if tagged is not None and tagged.may_be_at(path):
        return Standing.INVENTORY, tagged
    other = _best(answer.others, head, path)
    if other is not None:
        standing = Standing.INVENTORY if other.asset_id is None else Standing.OTHER_IDS
        return standing, other
    if tagged is not None:
        return Standing.ANOTHERS, tagged
    copied = question.copied and question.identity != Identity()
    return (Standing.COPIED if copied else Standing.UNKNOWN), None


def _best(records: Sequence[CatalogRecord], head: ObjectHead, path: str) -> CatalogRecord | None:
    """Return the record to use if there are several: one of this version, the first by id."""
    return min(
        records,
        key=lambda record: (
            seen_version(record, head, path) is not Seen.THIS_VERSION,
            record.inventory_id,
        ),
        default=None,
    )


def _identity(
    ids: Ids,
    question: CatalogQuestion,
    record: CatalogRecord | None,
    head: ObjectHead,
    minting: Minting,
) -> Identity:
    tagged = Identity() if ids is Ids.NEW else question.identity

    def minted_asset_id() -> str:
        return minting.profile.mint_asset_id(question.bucket_name, question.key, head.content_type)

    match ids:
        case Ids.NONE:
            return Identity()
        case Ids.RECORDED if record is not None:
            return Identity(
                asset_id=record.asset_id or tagged.asset_id or minted_asset_id(),
                inventory_id=record.inventory_id,
            )
        case Ids.COMPLETED | Ids.NEW if minting.ids is IdSource.MINTED:
            return Identity(
                asset_id=tagged.asset_id or minted_asset_id(),
                inventory_id=tagged.inventory_id or question.minted_inventory_id,
            )
        case _:
            return tagged
