"""The ingestion decision: SKIP, COPY or PUT, and why.

| AssetID tagged and known | InventoryID tagged and known | decision |
|---|---|---|
| yes | any | SKIP |
| no | yes | COPY |
| no | no | PUT |

A look-up that failed is no answer: it never reaches these functions (the port raises), so it
cannot become a PUT.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.identity import Identity, mint_missing


class Decision(StrEnum):
    """What a sync does with an object."""

    SKIP = "SKIP"
    COPY = "COPY"
    PUT = "PUT"


class Reason(StrEnum):
    """Why a decision fell as it did."""

    ASSET_KNOWN = "ASSET_KNOWN"
    INVENTORY_KNOWN = "INVENTORY_KNOWN"
    NO_IDS = "NO_IDS"
    IDS_UNKNOWN = "IDS_UNKNOWN"
    ALREADY_TRIGGERED = "ALREADY_TRIGGERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogAnswer:
    """What the catalog said of one object's ids; an id that is not tagged is not known."""

    asset_known: bool = False
    inventory_known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A decision with its reason and the ids that the object has or gets.

    For SKIP the ids are those of the tags; for COPY and PUT both are set.
    """

    decision: Decision
    reason: Reason
    identity: Identity


def decide(identity: Identity, answer: CatalogAnswer, *, bucket_name: str, key: str) -> Verdict:
    """Apply the rules to what the object's tags say and what the catalog knows of that."""
    if identity.asset_id is not None and answer.asset_known:
        return Verdict(decision=Decision.SKIP, reason=Reason.ASSET_KNOWN, identity=identity)
    complete = mint_missing(identity, bucket_name, key)
    if identity.inventory_id is not None and answer.inventory_known:
        return Verdict(decision=Decision.COPY, reason=Reason.INVENTORY_KNOWN, identity=complete)
    untagged = identity.asset_id is None and identity.inventory_id is None
    reason = Reason.NO_IDS if untagged else Reason.IDS_UNKNOWN
    return Verdict(decision=Decision.PUT, reason=reason, identity=complete)


def resume(identity: Identity, answer: CatalogAnswer, *, bucket_name: str, key: str) -> Verdict:
    """Return the verdict on an object that already carries this job's id.

    It was triggered by an attempt whose outcome got lost, so only its event is sent again. Which
    action that was follows from the ids: an inventory record without its asset, or under another id
    than we mint, was there before us (COPY); anything else was PUT. What the catalog has ingested
    by now, and a record under our id of an object that had lost its tags, cannot be told from COPY
    any more; the ids, and so the event's effect, are the same.
    """
    complete = mint_missing(identity, bucket_name, key)
    minted = mint_missing(Identity(), bucket_name, key)
    known_before = answer.inventory_known and (
        not answer.asset_known or complete.inventory_id != minted.inventory_id
    )
    decision = Decision.COPY if known_before else Decision.PUT
    return Verdict(decision=decision, reason=Reason.ALREADY_TRIGGERED, identity=complete)
