"""Why an object was decided about as it was, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.decision import Reason

_SENTENCES: Final[Mapping[str, str]] = {
    Reason.ASSET_KNOWN: "the system has it, and its tags name the asset",
    Reason.TAGS_RESTORED: "the system has it at this path, and its lost id tags were restored",
    Reason.KNOWN_BY_PATH: "the system has it at this path",
    Reason.NOT_MEDIA: "the system does not take files of its type",
    Reason.INGESTING: "it was triggered before, and the system is still waited for",
    Reason.NOT_TAKEN: "it was triggered as often as allowed, and the system has no record of it",
    Reason.INVENTORY_KNOWN: "the system has its inventory record, but no asset yet",
    Reason.REPLACED: "the system has other content at this path",
    Reason.IDS_OF_ANOTHER: "the ids in its tags are those of another object",
    Reason.NO_IDS: "it has no ids, and the system does not have it",
    Reason.IDS_UNKNOWN: "the system has no record of the ids in its tags",
    Reason.ALREADY_TRIGGERED: "an earlier attempt of this job triggered it",
}


def sentence(reason: str) -> str:
    """Return the reason in words; the class of a failure, and what is not known, as it is."""
    return _SENTENCES.get(reason, reason)
