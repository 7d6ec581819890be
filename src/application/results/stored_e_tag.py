"""The ETag that a conditional write of a file must name."""

from __future__ import annotations

from ports.errors import NotFound
from ports.results_store import ResultsStore


async def stored_e_tag(results: ResultsStore, key: str) -> str | None:
    """Return the file's ETag for `ResultsStore.replace`; None if there is no file."""
    try:
        return await results.e_tag(key)
    except NotFound:
        return None
