"""The ids that are derived from names are UUIDs of version 5, and never change."""

from __future__ import annotations

import uuid
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from domain.identity import event_id, job_id_for, mint_inventory_id, mint_typed_asset_id

NAMESPACE: Final = uuid.UUID("5b0c6a52-3a0e-5d1e-9b57-6f2f3d1c8a77")
NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60)


@given(NAMES, NAMES)
def test_minted_ids_are_uuids_of_their_names(bucket_name: str, key: str) -> None:
    def of(*parts: str) -> str:
        return str(uuid.uuid5(NAMESPACE, "\0".join(parts)))

    assert mint_inventory_id(bucket_name, key) == f"asset:uuid:{of('inventory', bucket_name, key)}"
    assert mint_typed_asset_id(bucket_name, key).endswith(f":{of('asset', bucket_name, key)}")
    assert job_id_for(bucket_name, key) == f"job-{of('job', bucket_name, key)}"
    event = event_id("job-1", bucket_name, key, e_tag="e", version_id=None)
    assert event == of("event", "job-1", bucket_name, "e", "null", key)


def test_an_id_of_years_ago_is_the_same() -> None:
    assert (
        mint_inventory_id("media", "a b.mov") == "asset:uuid:e80c7d95-db57-5de4-9cfb-0aa955817fe4"
    )
