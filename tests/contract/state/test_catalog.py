"""The contract of the catalog."""

from __future__ import annotations

from typing import Any

import pytest

from domain.decision import CatalogAnswer
from domain.identity import Identity
from ports.catalog import Catalog

NEITHER = CatalogAnswer()
ASSET = CatalogAnswer(asset_known=True)
INVENTORY = CatalogAnswer(inventory_known=True)
BOTH = CatalogAnswer(asset_known=True, inventory_known=True)


@pytest.fixture
async def catalog(state: Any) -> Catalog:
    await state.ingest("inv-1", "asset-1")
    await state.ingest("inv-2", "asset-2")
    await state.ingest("inv-bare", None)
    catalog: Catalog = state.catalog
    return catalog


@pytest.mark.parametrize(
    ("inventory_id", "asset_id", "answer"),
    [
        pytest.param("inv-1", "asset-1", BOTH, id="the record has this asset"),
        pytest.param("inv-1", "asset-2", BOTH, id="another record has this asset"),
        pytest.param("inv-1", "asset-x", INVENTORY, id="the record has another asset"),
        pytest.param("inv-1", None, INVENTORY, id="no asset id is tagged"),
        pytest.param("inv-bare", "asset-x", INVENTORY, id="the record has no asset"),
        pytest.param("inv-bare", "asset-1", BOTH, id="the record has none, another has this"),
        pytest.param("inv-x", "asset-1", ASSET, id="the record is not known, its asset is"),
        pytest.param("inv-x", "asset-x", NEITHER, id="neither is known"),
        pytest.param("inv-x", None, NEITHER, id="the record is not known, no asset id"),
        pytest.param(None, "asset-1", ASSET, id="no inventory id is tagged"),
        pytest.param(None, "asset-x", NEITHER, id="no inventory id, asset is not known"),
        pytest.param(None, None, NEITHER, id="no ids"),
        pytest.param("asset-1", "inv-1", NEITHER, id="the ids are the wrong way round"),
    ],
)
async def test_one_identity(
    catalog: Catalog, inventory_id: str | None, asset_id: str | None, answer: CatalogAnswer
) -> None:
    identity = Identity(inventory_id=inventory_id, asset_id=asset_id)
    assert await catalog.look_up([identity]) == [answer]


async def test_none(catalog: Catalog) -> None:
    assert await catalog.look_up([]) == []


async def test_in_order_with_repetitions(catalog: Catalog) -> None:
    first = Identity(inventory_id="inv-1", asset_id="asset-1")
    lost = Identity(inventory_id="inv-x", asset_id="asset-x")
    by_asset = Identity(asset_id="asset-2")
    asked = [lost, first, Identity(), by_asset, first, lost, by_asset]
    answers = [NEITHER, BOTH, NEITHER, ASSET, BOTH, NEITHER, ASSET]
    assert await catalog.look_up(asked) == answers
    assert asked == [lost, first, Identity(), by_asset, first, lost, by_asset]


async def test_any_number(catalog: Catalog, state: Any) -> None:
    ids = range(205)
    for n in ids[::5]:
        await state.ingest(f"many-{n}", f"asset-many-{n}")
    by_inventory = [Identity(inventory_id=f"many-{n}") for n in ids]
    assert await catalog.look_up(by_inventory) == [INVENTORY, *[NEITHER] * 4] * 41
    by_asset = [Identity(asset_id=f"asset-many-{n}") for n in ids[:30]]
    assert await catalog.look_up(by_asset) == [ASSET, *[NEITHER] * 4] * 6


async def test_an_answer_follows_the_table(catalog: Catalog, state: Any) -> None:
    await state.ingest("inv-1", "asset-new")
    asked = [Identity(inventory_id="inv-1", asset_id=a) for a in ("asset-1", "asset-new")]
    assert await catalog.look_up(asked) == [INVENTORY, BOTH]
