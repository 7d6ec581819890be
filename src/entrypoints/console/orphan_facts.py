"""What a search for orphans says: how far it is, and what it found."""

from __future__ import annotations

from typing import Final

from domain.orphan_work import OrphanStatus
from domain.views import Json
from entrypoints.console import text
from entrypoints.console.job_facts import Phase

_STEPS: Final = {
    OrphanStatus.WANTED: "Wait for the index",
    OrphanStatus.SCANNING: "Scan the catalog",
    OrphanStatus.COMPARING: "Compare",
    OrphanStatus.CHECKING: "Look again",
    OrphanStatus.DONE: "Report",
}
_LEADS: Final = {
    OrphanStatus.WANTED: "The search waits for the index of the job's outcomes.",
    OrphanStatus.SCANNING: "The catalog is being scanned.",
    OrphanStatus.COMPARING: "The records are compared with what the sync listed.",
    OrphanStatus.CHECKING: "What the sync did not list is looked for once more.",
    OrphanStatus.GIVEN_UP: "The search failed.",
}


def lead(search: Json | None) -> str:
    """Return the answer to "is there an asset without an object?" in a sentence."""
    if search is None:
        return "No search was asked for after this job yet."
    if search["status"] in _LEADS:
        return _LEADS[search["status"]]
    if not search["recordsInScope"]:
        nameless = text.plural(search["recordsWithoutPath"], "record")
        return (
            "Nothing can be said: no record of the catalog names a path in this bucket under the"
            f" prefixes of the job; {nameless} without a path."
        )
    records = text.plural(search["recordsInScope"], "record")
    if not search["orphans"]:
        return f"There is no orphan: each of {records} has its object."
    return f"{text.count(search['orphans'])} of {records} have no object."


def steps(search: Json) -> list[Phase]:
    """Return the steps of a search that has not failed."""
    names = list(_STEPS)
    now = names.index(search["status"])
    details = {
        OrphanStatus.SCANNING: text.plural(search["recordsScanned"], "record"),
        OrphanStatus.COMPARING: f"{search['recordsInScope']:,} in scope",
        OrphanStatus.CHECKING: f"{search['existing'] + search['orphans']:,} of"
        f" {search['unlisted']:,}",
        OrphanStatus.DONE: text.plural(search["orphans"], "orphan"),
    }
    done = search["status"] == OrphanStatus.DONE
    return [
        Phase(
            name=_STEPS[name],
            state="done" if done or place < now else "current" if place == now else "next",
            detail=details.get(name, "") if place <= now else "",
        )
        for place, name in enumerate(names)
    ]
