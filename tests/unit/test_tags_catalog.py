"""The catalog without records: which ids count as given out by this service."""

from __future__ import annotations

import pytest

from adapters.tags.catalog import TagsCatalog
from domain.catalog import CatalogAnswer, CatalogQuestion
from domain.identity import Identity, mint_inventory_id

MINTED = mint_inventory_id("media", "a.jpg")


def ask(
    inventory_id: str | None = None, asset_id: str | None = None, *, triggered: bool = False
) -> CatalogQuestion:
    identity = Identity(inventory_id=inventory_id, asset_id=asset_id)
    return CatalogQuestion(bucket_name="media", key="a.jpg", identity=identity, triggered=triggered)


@pytest.mark.parametrize(
    ("question", "known"),
    [
        pytest.param(ask(MINTED, "asset-1"), True, id="both ids, minted for this key"),
        pytest.param(ask("inv-1", "asset-1", triggered=True), True, id="triggered by us"),
        pytest.param(ask(None, "asset-1", triggered=True), True, id="triggered, one id"),
        pytest.param(ask("inv-1", "asset-1"), False, id="ids of the owner"),
        pytest.param(ask(None, "asset-1"), False, id="an asset id of the owner"),
        pytest.param(
            ask(mint_inventory_id("media", "b.jpg"), "asset-1"), False, id="minted for another key"
        ),
        pytest.param(
            ask(mint_inventory_id("other", "a.jpg"), "asset-1"), False, id="for another bucket"
        ),
        pytest.param(ask(MINTED), False, id="no asset id"),
        pytest.param(ask(MINTED, "", triggered=True), False, id="an empty asset id"),
        pytest.param(ask(triggered=True), False, id="triggered, no ids"),
        pytest.param(ask(), False, id="no tags"),
    ],
)
async def test_ids_given_out_by_this_service_are_known(
    question: CatalogQuestion, known: bool
) -> None:
    assert await TagsCatalog().look_up([question]) == [CatalogAnswer(asset_known=known)]


async def test_one_answer_for_each_in_order() -> None:
    known, unknown = ask(MINTED, "asset-1"), ask()
    answers = await TagsCatalog().look_up([unknown, known, known, unknown])
    assert [answer.asset_known for answer in answers] == [False, True, True, False]
    assert await TagsCatalog().look_up([]) == []
