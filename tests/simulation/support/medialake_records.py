"""The asset table in memory, for simulators and property tests: lookups, and applying a reaction.

A table maps inventory ids to records; index order is insertion order. Locks are not part of it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from adapters.local_aws.asset_system.medialake.rules import inventory_id_to_read, react
from adapters.local_aws.asset_system.medialake.values import (
    IngestObject,
    IngestSettings,
    NewIds,
    Reaction,
    Record,
)


def react_within(
    records: Mapping[str, Record],
    seen: IngestObject,
    *,
    settings: IngestSettings,
    new_ids: NewIds,
    now: datetime,
) -> Reaction:
    """Return the reaction to an object, given the records of this table."""
    inventory_id = inventory_id_to_read(seen.tags)
    return react(
        seen,
        tagged=None if inventory_id is None else records.get(inventory_id),
        at_path=[each for each in records.values() if each.storage_path == seen.storage_path],
        same_hash=[
            each
            for each in records.values()
            if each.file_hash is not None and each.file_hash == seen.md5
        ],
        settings=settings,
        new_ids=new_ids,
        now=now,
    )


def records_after(records: Mapping[str, Record], reaction: Reaction) -> dict[str, Record]:
    """Return the table after a reaction."""
    after = {name: record for name, record in records.items() if name not in reaction.delete_ids}
    if reaction.put is not None:
        after[reaction.put.inventory_id] = reaction.put
    if reaction.touch is not None:
        touched = after[reaction.touch.inventory_id]
        after[touched.inventory_id] = replace(touched, last_modified=reaction.touch.last_modified)
    return after


def tags_after(tags: Mapping[str, str], reaction: Reaction) -> dict[str, str]:
    """Return the object's tags after a reaction."""
    return dict(tags if reaction.tags is None else reaction.tags)
