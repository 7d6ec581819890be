"""The contract of ports.catalog, sentence by sentence."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.catalog import CatalogAnswer, CatalogQuestion, CatalogRecord, storage_path
from domain.identity import Identity, mint_inventory_id
from ports.errors import AccessDenied, Misconfigured, PortError, Retryable

pytestmark = pytest.mark.asyncio(loop_scope="session")

BUCKET = "media"
KEY = "raw/a.jpg"
PATH = storage_path(BUCKET, KEY)
MINTED = mint_inventory_id(BUCKET, KEY)
AWKWARD_KEYS = (
    "a b.jpg",
    "a+b%2Bc.jpg",
    "a&b=c?d#e.jpg",
    "ä/日本語/🎞.mov",
    "a:b//c/../d;e.jpg",
    "line\nbreak\ttab.jpg",
    'quote"and\\back.jpg',
)


def ask(
    inventory_id: str | None = None, asset_id: str | None = None, *, key: str = KEY
) -> CatalogQuestion:
    identity = Identity(inventory_id=inventory_id, asset_id=asset_id)
    return CatalogQuestion(bucket_name=BUCKET, key=key, identity=identity)


def full(inventory_id: str, asset_id: str | None = None, *, key: str = KEY) -> CatalogRecord:
    """Return a record with every field that a catalog may keep."""
    return CatalogRecord(
        inventory_id=inventory_id,
        asset_id=asset_id,
        storage_path=storage_path(BUCKET, key),
        e_tag="9b2cf535f27731c974343645a3985328-2",
        size_bytes=5 * 10**12,
        last_modified=datetime(2026, 1, 31, 12, 30, 15, tzinfo=UTC),
    )


def kept(world: Any, record: CatalogRecord) -> CatalogRecord:
    """Return the record with the fields that this catalog keeps."""
    lost = {"asset_id", "storage_path", "e_tag", "size_bytes", "last_modified"} - world.keeps
    return replace(record, **dict.fromkeys(lost))


async def answer_to(world: Any, question: CatalogQuestion) -> CatalogAnswer:
    (answer,) = await world.catalog.look_up([question])
    assert isinstance(answer, CatalogAnswer)
    return answer


class TestRecord:
    """`record` is the record under the InventoryID in the tags."""

    async def test_it_is_returned_unchanged(self, world: Any) -> None:
        record = full("inv-1", "asset-1")
        await world.write(record)
        assert await answer_to(world, ask("inv-1")) == CatalogAnswer(record=kept(world, record))

    async def test_without_one_there_is_none(self, world: Any) -> None:
        await world.write(full("inv-1", "asset-1", key="another.jpg"))
        assert await answer_to(world, ask("inv-2")) == CatalogAnswer()

    async def test_an_asset_id_is_not_an_inventory_id(self, world: Any) -> None:
        await world.write(full("inv-1", "asset-1", key="another.jpg"))
        assert await answer_to(world, ask("asset-1", "inv-1")) == CatalogAnswer()

    async def test_what_is_not_kept_is_none(self, world: Any) -> None:
        await world.write(CatalogRecord(inventory_id="inv-1"))
        assert (await answer_to(world, ask("inv-1"))).record == CatalogRecord(inventory_id="inv-1")

    async def test_it_may_be_another_objects(self, world: Any) -> None:
        record = full("inv-1", "asset-1", key="another.jpg")
        await world.write(record)
        assert (await answer_to(world, ask("inv-1"))).record == kept(world, record)

    async def test_it_is_returned_for_a_known_asset_too(self, world: Any) -> None:
        record = full("inv-1", "asset-1")
        await world.write(record)
        assert (await answer_to(world, ask("inv-1", "asset-1"))).record == kept(world, record)

    async def test_it_follows_the_catalog(self, world: Any) -> None:
        await world.write(full("inv-1", "asset-1"))
        await world.write(newer := full("inv-1", "asset-2"))
        assert (await answer_to(world, ask("inv-1"))).record == kept(world, newer)
        await world.remove("inv-1")
        assert await answer_to(world, ask("inv-1", "asset-2")) == CatalogAnswer()

    async def test_a_lock_is_none(self, world: Any) -> None:
        await world.lock("inv-1", PATH)
        assert await answer_to(world, ask("LOCK#inv-1", "asset-1")) == CatalogAnswer()


class TestAssetKnown:
    """`asset_known`: the AssetID in the tags is that record's, or an index has it."""

    async def test_by_the_record(self, world: Any) -> None:
        await world.write(full("inv-1", "asset-1"))
        assert (await answer_to(world, ask("inv-1", "asset-1"))).asset_known

    async def test_by_the_record_whatever_its_path(self, world: Any) -> None:
        await world.write(full("inv-1", "asset-1", key="another.jpg"))
        assert (await answer_to(world, ask("inv-1", "asset-1"))).asset_known

    async def test_not_by_a_record_with_another_asset(self, world: Any) -> None:
        await world.write(full("inv-1", "asset-1"))
        assert not (await answer_to(world, ask("inv-1", "asset-2"))).asset_known

    async def test_not_by_a_record_without_one(self, world: Any) -> None:
        await world.write(full("inv-1"))
        assert not (await answer_to(world, ask("inv-1", "asset-1"))).asset_known

    async def test_without_an_id_it_is_unknown(self, world: Any) -> None:
        await world.write(full("inv-1"))
        await world.write(full("inv-2"))
        for question in (ask(), ask("inv-1"), ask("inv-3")):
            assert not (await answer_to(world, question)).asset_known

    @pytest.mark.parametrize("inventory_id", [None, "inv-2", "inv-3"])
    async def test_another_records_asset_by_an_index_alone(
        self, world: Any, inventory_id: str | None
    ) -> None:
        await world.write(full("inv-1", "asset-1", key="another.jpg"))
        await world.write(full("inv-2", "asset-2", key="third.jpg"))
        answer = await answer_to(world, ask(inventory_id, "asset-1"))
        assert answer.asset_known is world.asset_index

    async def test_nothing_more_is_looked_up_of_a_known_asset(self, world: Any) -> None:
        await world.write(full("inv-1", "asset-1", key="another.jpg"))
        await world.write(full(MINTED, "asset-2"))
        assert (await answer_to(world, ask("inv-1", "asset-1"))).others == ()
        if world.asset_index:
            assert await answer_to(world, ask(None, "asset-1")) == CatalogAnswer(asset_known=True)


class TestOthers:
    """`others` are records of the object under other ids."""

    @pytest.mark.parametrize(
        ("inventory_id", "asset_id"), [(None, None), (None, "asset-x"), ("inv-x", "asset-x")]
    )
    async def test_under_the_minted_inventory_id(
        self, world: Any, inventory_id: str | None, asset_id: str | None
    ) -> None:
        record = full(MINTED, "asset-1")
        await world.write(record)
        answer = await answer_to(world, ask(inventory_id, asset_id))
        assert answer == CatalogAnswer(others=(kept(world, record),))

    @pytest.mark.parametrize(
        ("inventory_id", "asset_id"), [(None, None), (None, "asset-x"), ("inv-x", "asset-x")]
    )
    async def test_at_the_storage_path(
        self, world: Any, inventory_id: str | None, asset_id: str | None
    ) -> None:
        records = [full(f"inv-{n}", f"asset-{n}") for n in range(3)]
        for record in records:
            await world.write(record)
        answer = await answer_to(world, ask(inventory_id, asset_id))
        found = sorted(answer.others, key=lambda each: each.inventory_id)
        assert found == ([kept(world, record) for record in records] if world.path_index else [])

    async def test_many_at_one_path(self, world: Any) -> None:
        ids = {f"inv-{n:03d}" for n in range(120)}
        for inventory_id in ids:
            await world.write(full(inventory_id))
        answer = await answer_to(world, ask())
        assert {each.inventory_id for each in answer.others} == (ids if world.path_index else set())

    async def test_each_is_returned_once(self, world: Any) -> None:
        record = full(MINTED, "asset-1")
        await world.write(record)
        assert (await answer_to(world, ask())).others == (kept(world, record),)

    async def test_none_with_a_record_of_its_own(self, world: Any) -> None:
        await world.write(full("inv-1", "asset-1"))
        await world.write(full("inv-2", "asset-2"))
        await world.write(full(MINTED, "asset-3"))
        assert (await answer_to(world, ask("inv-1", "asset-x"))).others == ()

    async def test_none_with_a_record_without_a_path(self, world: Any) -> None:
        await world.write(CatalogRecord(inventory_id="inv-1", asset_id="asset-1"))
        await world.write(full(MINTED, "asset-2"))
        assert (await answer_to(world, ask("inv-1"))).others == ()

    async def test_with_a_record_of_another_path(self, world: Any) -> None:
        await world.write(full("inv-1", "asset-1", key="another.jpg"))
        await world.write(minted := full(MINTED, "asset-2"))
        answer = await answer_to(world, ask("inv-1", "asset-x"))
        # Where paths are not kept, the record may as well be this object's.
        expected = (kept(world, minted),) if "storage_path" in world.keeps else ()
        assert answer.others == expected

    async def test_the_record_itself_is_no_other(self, world: Any) -> None:
        """Not even where the InventoryID in the tags is the minted one."""
        record = full(MINTED, "asset-1", key="another.jpg")
        await world.write(record)
        assert await answer_to(world, ask(MINTED)) == CatalogAnswer(record=kept(world, record))

    async def test_not_at_a_path_that_is_only_alike(self, world: Any) -> None:
        for n, key in enumerate([KEY.upper(), f"{KEY}x", KEY[:-1], f"/{KEY}", "a.jpg"]):
            await world.write(full(f"inv-{n}", key=key))
        assert await answer_to(world, ask()) == CatalogAnswer()

    async def test_items_that_are_not_assets_are_left_out(self, world: Any) -> None:
        await world.lock("inv-1", PATH)
        assert await answer_to(world, ask()) == CatalogAnswer()

    @pytest.mark.parametrize("key", AWKWARD_KEYS)
    async def test_of_an_awkward_key(self, world: Any, key: str) -> None:
        await world.write(minted := full(mint_inventory_id(BUCKET, key), "asset-1", key=key))
        await world.write(at_path := full("inv-1", "asset-2", key=key))
        answer = await answer_to(world, ask(key=key))
        expected = {kept(world, minted)} | ({kept(world, at_path)} if world.path_index else set())
        assert set(answer.others) == expected


class TestManyQuestions:
    """One answer for each question, in order; any number, repetitions are fine."""

    async def test_none(self, world: Any) -> None:
        assert await world.catalog.look_up([]) == []

    async def test_in_order_with_repetitions(self, world: Any) -> None:
        record = full("inv-1", "asset-1")
        await world.write(record)
        lost, known = ask("inv-x", "asset-x", key="b"), ask("inv-1", "asset-1")
        half, bare = ask("inv-1"), ask(key="c")
        asked = [lost, known, bare, half, known, lost]
        nothing, has = CatalogAnswer(), kept(world, record)
        yes, no = CatalogAnswer(asset_known=True, record=has), CatalogAnswer(record=has)
        assert await world.catalog.look_up(asked) == [nothing, yes, nothing, no, yes, nothing]

    async def test_any_number(self, world: Any) -> None:
        keys = [f"many/{n}.jpg" for n in range(205)]
        for key in keys[::5]:
            await world.write(full(mint_inventory_id(BUCKET, key), f"asset {key}", key=key))
        untagged = await world.catalog.look_up([ask(key=key) for key in keys])
        assert [len(each.others) for each in untagged] == [1, 0, 0, 0, 0] * 41
        tagged = [ask(mint_inventory_id(BUCKET, key), f"asset {key}", key=key) for key in keys]
        answers = await world.catalog.look_up(tagged)
        assert [each.asset_known for each in answers] == [True, *[False] * 4] * 41

    async def test_an_object_is_answered_as_if_alone_in_its_call(self, world: Any) -> None:
        """The records of the other objects were read, and must not be used for it."""
        await world.write(full("inv-1", "asset-1", key="another.jpg"))
        asked = [ask("inv-1", "asset-1", key="another.jpg"), ask(None, "asset-1"), ask()]
        first, by_asset, bare = await world.catalog.look_up(asked)
        assert first.asset_known
        assert by_asset == CatalogAnswer(asset_known=world.asset_index)
        assert bare == CatalogAnswer()

    @pytest.mark.parametrize("seed", range(5))
    async def test_any_questions_to_any_catalog(self, world: Any, seed: int) -> None:
        """Together and one by one, the answers are those of the rule as written down here."""
        rng = random.Random(seed)
        keys = [f"{name}.jpg" for name in "abc"]
        inventory_ids = [mint_inventory_id(BUCKET, key) for key in keys] + ["inv-1", "inv-2"]
        asset_ids = [f"asset-{n}" for n in range(4)]
        records = [
            full(each, rng.choice([None, *asset_ids]), key=rng.choice(keys))
            for each in rng.sample(inventory_ids, 4)
        ]
        for record in records:
            await world.write(record)
        known = [kept(world, record) for record in records]
        asked = [
            ask(
                rng.choice([None, *inventory_ids]),
                rng.choice([None, *asset_ids]),
                key=rng.choice(keys),
            )
            for _ in range(25)
        ]
        expected = [_by_the_rule(world, known, records, each) for each in asked]
        answers = await world.catalog.look_up(asked)
        assert [_sorted(each) for each in answers] == expected
        for question, answer in zip(asked[:5], expected, strict=False):
            assert _sorted(await answer_to(world, question)) == answer


def _by_the_rule(
    world: Any,
    known: Sequence[CatalogRecord],
    records: Sequence[CatalogRecord],
    question: CatalogQuestion,
) -> CatalogAnswer:
    identity = question.identity
    own = next((each for each in known if each.inventory_id == identity.inventory_id), None)
    asset_known = identity.asset_id is not None and (
        (own is not None and own.asset_id == identity.asset_id)
        or (world.asset_index and identity.asset_id in {each.asset_id for each in records})
    )
    if asset_known or (own is not None and own.storage_path in (None, question.storage_path)):
        return CatalogAnswer(asset_known=asset_known, record=own)
    minted_id = mint_inventory_id(question.bucket_name, question.key)
    others = [
        shown
        for record, shown in zip(records, known, strict=True)
        if shown is not own
        and (
            record.inventory_id == minted_id
            or (world.path_index and record.storage_path == question.storage_path)
        )
    ]
    return _sorted(CatalogAnswer(record=own, others=tuple(others)))


def _sorted(answer: CatalogAnswer) -> CatalogAnswer:
    return replace(answer, others=tuple(sorted(answer.others, key=lambda each: each.inventory_id)))


class TestRecordsAt:
    """`records_at` returns the records of an object whatever its tags are."""

    async def test_the_one_under_the_minted_inventory_id(self, world: Any) -> None:
        record = full(MINTED, "asset-1")
        await world.write(record)
        await world.write(full("inv-1", "asset-2"))
        assert await world.catalog.records_at(BUCKET, [KEY]) == [(kept(world, record),)]

    async def test_without_one_those_at_its_path(self, world: Any) -> None:
        records = [full(f"inv-{n}", f"asset-{n}") for n in range(3)]
        for record in records:
            await world.write(record)
        (found,) = await world.catalog.records_at(BUCKET, [KEY])
        expected = {kept(world, record) for record in records} if world.path_index else set()
        assert set(found) == expected

    async def test_not_one_that_names_another_path(self, world: Any) -> None:
        await world.write(minted := full(MINTED, "asset-1", key="another.jpg"))
        await world.write(at_path := full("inv-1", "asset-2"))
        (found,) = await world.catalog.records_at(BUCKET, [KEY])
        if "storage_path" not in world.keeps:
            assert found == (kept(world, minted),)
        else:
            assert found == ((kept(world, at_path),) if world.path_index else ())

    async def test_locks_are_left_out(self, world: Any) -> None:
        await world.lock("inv-1", PATH)
        assert await world.catalog.records_at(BUCKET, [KEY]) == [()]

    @pytest.mark.parametrize("key", AWKWARD_KEYS)
    async def test_of_an_awkward_key(self, world: Any, key: str) -> None:
        await world.write(record := full(mint_inventory_id(BUCKET, key), "asset-1", key=key))
        assert await world.catalog.records_at(BUCKET, [key]) == [(kept(world, record),)]

    async def test_any_number_in_order_with_repetitions(self, world: Any) -> None:
        keys = [f"many/{n}.jpg" for n in range(205)]
        for key in keys[::5]:
            await world.write(full(mint_inventory_id(BUCKET, key), f"asset {key}", key=key))
        found = await world.catalog.records_at(BUCKET, [*keys, keys[0], keys[1]])
        assert [len(each) for each in found] == [1, 0, 0, 0, 0] * 41 + [1, 0]
        assert [each[0].asset_id for each in found[:205:5]] == [f"asset {key}" for key in keys[::5]]

    async def test_none(self, world: Any) -> None:
        assert await world.catalog.records_at(BUCKET, []) == []

    @pytest.mark.parametrize("kind", [Retryable, AccessDenied, Misconfigured])
    async def test_a_failure_is_the_ports_own(
        self, breakable_world: Any, kind: type[PortError]
    ) -> None:
        world = breakable_world
        with world.broken(kind, after=0), pytest.raises(kind):
            await world.catalog.records_at(BUCKET, [KEY])
        assert await world.catalog.records_at(BUCKET, [KEY]) == [()]


class TestErrors:
    """A failed lookup is an error: there are no partial results."""

    @pytest.mark.parametrize("kind", [Retryable, AccessDenied, Misconfigured])
    @pytest.mark.parametrize("after", [0, 1])
    async def test_a_failure_is_the_ports_own(
        self, breakable_world: Any, kind: type[PortError], after: int
    ) -> None:
        """On the first request, and on a later one."""
        world = breakable_world
        asked = [ask("inv-x", "asset-x"), ask(key="b.jpg")]
        with world.broken(kind, after=after), pytest.raises(kind):
            await world.catalog.look_up(asked)
        assert await world.catalog.look_up(asked) == [CatalogAnswer()] * 2
