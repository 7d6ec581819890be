"""Which syncs are compared with each other, and the guard over what follows.

The guard is for what looks like many removed objects and is none: a lost prefix, a changed role, a
wrong filter.
"""

from __future__ import annotations

import hashlib

from domain.connector import Connector
from domain.filter_view import filters_view
from domain.removal_settings import Removals
from domain.sync_request import SyncOptions, SyncRequest


def removals_of(connector: Connector, options: SyncOptions) -> Removals | None:
    """Return what a sync with these options does about removed objects; None for nothing.

    Only a sync of all that its connector is about can say that an object is gone. One that is
    narrowed, or takes its keys from a file, has not looked for the others. A dry run is no sync.
    """
    narrowed = (
        options.prefixes != connector.prefixes
        or options.modified_since is not None
        or bool(options.include or options.exclude)
        or options.filters.given
        or options.source is not None
    )
    return None if narrowed or options.dry_run else connector.removals


def scope_of(request: SyncRequest) -> str:
    """Return a text that changes with what a whole sync is about."""
    named = request.ingest.file_filter
    facts = (
        request.bucket.name,
        request.options.prefixes,
        filters_view(request.filters),
        named and (named.mode.value, sorted(named.extensions), sorted(named.mime_types)),
    )
    return hashlib.sha256(repr(facts).encode(errors="backslashreplace")).hexdigest()[:32]


def guard_reason(removals: Removals, *, before: int, missing: int) -> str | None:
    """Return why the guard stops, None if it does not.

    Args:
        removals: The settings of the sync's connector.
        before: How many objects were seen before.
        missing: How many of these were not seen now.
    """
    if not missing:
        return None
    if missing >= before:
        return f"none of the {before:,} objects that were seen before is left"
    if missing > removals.max_count:
        limit = f"maxCount is {removals.max_count:,}"
    elif missing >= removals.min_count and missing > removals.max_share * before:
        limit = f"maxShare is {removals.max_share}"
    else:
        return None
    return f"{missing:,} of the {before:,} objects that were seen before are missing, and {limit}"
