"""The kinds of objects in the demo's bucket, and their expected outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.decision import Reason
from domain.file_types import Taken
from domain.outcome import OutcomeKind
from domain.profile import PROFILES, CatalogProfile, Profile
from entrypoints.wiring.asset_systems import AssetSystem


class ObjectKind(StrEnum):
    """The history or type of an object."""

    NEW = "new"
    BY_CONTENT_TYPE = "new, media by its content type alone"
    OTHER_TYPE = "new, not media"
    DUPLICATE = "new, same bytes as another object"
    KNOWN = "in the system"
    ASSET_TAG_LOST = "in the system, its AssetID tag lost"
    TAGS_LOST = "in the system, both tags lost"
    REPLACED = "in the system, replaced by other content"
    INGESTING = "triggered an hour ago, not taken yet"
    NOT_TAKEN = "triggered three times, days ago, never taken"
    NOT_MEDIA = "unknown extension, not media by its content type"
    LEFT_OUT = "sidecar, document or archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedEnds:
    """The expected outcomes of an object in the first and the second sync."""

    first: tuple[OutcomeKind, Reason]
    second: tuple[OutcomeKind, Reason] = (OutcomeKind.SKIPPED, Reason.ASSET_KNOWN)


def _unchanged(outcome: OutcomeKind, reason: Reason) -> ExpectedEnds:
    return ExpectedEnds(first=(outcome, reason), second=(outcome, reason))


EXPECTED_ENDS: Final[Mapping[ObjectKind, ExpectedEnds]] = {
    ObjectKind.NEW: ExpectedEnds(first=(OutcomeKind.PUT, Reason.NO_IDS)),
    ObjectKind.BY_CONTENT_TYPE: ExpectedEnds(first=(OutcomeKind.PUT, Reason.NO_IDS)),
    ObjectKind.OTHER_TYPE: ExpectedEnds(first=(OutcomeKind.PUT, Reason.NO_IDS)),
    ObjectKind.DUPLICATE: ExpectedEnds(first=(OutcomeKind.PUT, Reason.NO_IDS)),
    ObjectKind.KNOWN: _unchanged(OutcomeKind.SKIPPED, Reason.ASSET_KNOWN),
    ObjectKind.ASSET_TAG_LOST: ExpectedEnds(first=(OutcomeKind.COPIED, Reason.INVENTORY_KNOWN)),
    ObjectKind.TAGS_LOST: ExpectedEnds(first=(OutcomeKind.SKIPPED, Reason.TAGS_RESTORED)),
    ObjectKind.REPLACED: ExpectedEnds(first=(OutcomeKind.PUT, Reason.REPLACED)),
    ObjectKind.INGESTING: _unchanged(OutcomeKind.INGESTING, Reason.INGESTING),
    ObjectKind.NOT_TAKEN: _unchanged(OutcomeKind.NOT_TAKEN, Reason.NOT_TAKEN),
    ObjectKind.NOT_MEDIA: _unchanged(OutcomeKind.NOT_MEDIA, Reason.NOT_MEDIA),
}
"""Kinds that are not in it are excluded from the listing and have no outcome."""

TRIGGERED: Final = frozenset(
    kind
    for kind, ends in EXPECTED_ENDS.items()
    if ends.first[0] in (OutcomeKind.COPIED, OutcomeKind.PUT)
)
TAKEN: Final = TRIGGERED | {ObjectKind.KNOWN, ObjectKind.TAGS_LOST}
"""Kinds with a record in the system after the first sync."""

IN_SYSTEM: Final = frozenset(
    {ObjectKind.KNOWN, ObjectKind.ASSET_TAG_LOST, ObjectKind.TAGS_LOST, ObjectKind.REPLACED}
)
"""Kinds that the system has before the first sync."""

# One round; most objects are new. The system that ingests everything finds records by tags only,
# and removes no tags.
_ROUNDS: Final[Mapping[AssetSystem, Sequence[ObjectKind]]] = {
    AssetSystem.MEDIALAKE: (
        ObjectKind.NEW,
        ObjectKind.DUPLICATE,
        ObjectKind.KNOWN,
        ObjectKind.ASSET_TAG_LOST,
        ObjectKind.TAGS_LOST,
        ObjectKind.REPLACED,
        ObjectKind.LEFT_OUT,
        ObjectKind.NEW,
        ObjectKind.BY_CONTENT_TYPE,
        ObjectKind.NOT_MEDIA,
        ObjectKind.INGESTING,
        ObjectKind.NOT_TAKEN,
        ObjectKind.NEW,
        ObjectKind.LEFT_OUT,
        *[ObjectKind.NEW] * 9,
    ),
    AssetSystem.EVERYTHING: (
        *[ObjectKind.NEW] * 4,
        ObjectKind.KNOWN,
        ObjectKind.ASSET_TAG_LOST,
        ObjectKind.OTHER_TYPE,
        *[ObjectKind.NEW] * 4,
        ObjectKind.OTHER_TYPE,
        ObjectKind.NEW,
    ),
}


def kinds_of(system: AssetSystem) -> Sequence[ObjectKind]:
    """Return the kinds of one round of generated objects."""
    return _ROUNDS[system]


def profile_of(system: AssetSystem) -> Profile:
    """Return the catalog profile of a system."""
    return PROFILES[CatalogProfile(system.catalog_profile)]


def kind_of_file(system: AssetSystem, key: str, content_type: str) -> ObjectKind:
    """Return the kind of a file that is new to the system."""
    profile = profile_of(system)
    listed = profile.takes(key, None, None)
    if listed is Taken.NO:
        return ObjectKind.LEFT_OUT
    if profile.takes(key, content_type, None) is not Taken.YES:
        return ObjectKind.NOT_MEDIA
    return ObjectKind.NEW if listed is Taken.YES else ObjectKind.BY_CONTENT_TYPE
