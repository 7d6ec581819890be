"""Finds out which of some keys a bucket has now, page by page of its listing (`domain.presence`).

HeadObject would cost a twelfth of a page, for each key, and another permission. A page answers for
all keys that are in it, says what the filters ask for, and a removed folder needs one. So this
costs as much as one listing of the bucket at most, whatever is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

from application.execution.fanout import fan_out
from domain.connector import Bucket
from domain.manifest import ManifestEntry
from domain.prefixes import listed_prefixes
from domain.presence import just_before
from ports.object_store import ListedPage, ObjectStore


class ObjectFinder:
    """Finds objects under the prefixes of a bucket.

    Args:
        objects: The bucket's store.
        bucket: The bucket.
        prefixes: Its prefixes; a role may be allowed to list under these only.
        in_flight: How many pages are requested at once.
    """

    def __init__(
        self, objects: ObjectStore, bucket: Bucket, prefixes: Sequence[str], *, in_flight: int
    ) -> None:
        self._objects = objects
        self._bucket = bucket
        self._prefixes = listed_prefixes(prefixes)
        self._in_flight = in_flight

    async def find(self, keys: Sequence[str]) -> dict[str, ManifestEntry]:
        """Return what the listing has of these keys, which are sorted and below the prefixes.

        Raises:
            Retryable, AccessDenied, Misconfigured: as `ObjectStore.list_objects`.
        """
        found: dict[str, ManifestEntry] = {}
        size = max(1, -(-len(keys) // self._in_flight))
        slices = [keys[start : start + size] for start in range(0, len(keys), size)]

        async def search(part: Sequence[str]) -> None:
            found.update(await self._search(part))

        await fan_out(slices, search, limit=self._in_flight)
        return found

    async def _search(self, keys: Sequence[str]) -> dict[str, ManifestEntry]:
        found: dict[str, ManifestEntry] = {}
        position = 0
        while position < len(keys):
            key = keys[position]
            prefix = next(each for each in self._prefixes if key.startswith(each))
            page = await self._page(prefix, just_before(key, prefix))
            if page.token is not None and not _reaches(page, key):
                # Many keys are between: the listing under the key itself begins with it.
                page = await self._page(key, None)
                answered = [key]
            else:
                answered = [
                    each
                    for each in keys[position:]
                    if each.startswith(prefix) and (page.token is None or _reaches(page, each))
                ]
            entries = {entry.key: entry for entry in page.entries}
            found.update((each, entries[each]) for each in answered if each in entries)
            position += len(answered)
        return found

    async def _page(self, prefix: str, start_after: str | None) -> ListedPage:
        """Return the first page that has objects, or the last one; S3 may send empty ones."""
        pages = self._objects.list_objects(self._bucket, prefix=prefix, start_after=start_after)
        async for page in pages:
            if page.entries or page.token is None:
                return page
        raise ValueError("a listing has no page")


def _reaches(page: ListedPage, key: str) -> bool:
    """Return whether the page ends at the key or after it."""
    return bool(page.entries) and page.entries[-1].key >= key
