"""The Asset Management System's table of assets: read, never written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.decision import CatalogAnswer
from domain.identity import Identity


class Catalog(Protocol):
    """Answers what is known of objects' ids."""

    async def look_up(self, identities: Sequence[Identity]) -> list[CatalogAnswer]:
        """Return one answer for each identity, in order; any number, repetitions are fine.

        `asset_known`: some record's asset has this AssetID. `inventory_known`: a record has this
        InventoryID. An id that is None is not known, and an identity without ids costs no request.
        Inventory ids are asked by the hundred; only asset ids that this leaves open go to the
        index. Reads may lag behind the last write.

        Raises:
            Retryable: some answer could not be had; there are no partial answers.
            Misconfigured: the table or its index does not exist.
            AccessDenied: the table cannot be read.
        """
        ...
