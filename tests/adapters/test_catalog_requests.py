"""The DynamoDB catalog: which requests it sends, how many, and how it reads unusual items."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from adapters.aws.catalog import CatalogIndex, DynamoCatalog
from adapters.aws.catalog_record import CatalogAttributes
from domain.catalog import CatalogAnswer, CatalogQuestion, CatalogRecord
from domain.identity import Identity, mint_inventory_id
from ports.errors import Misconfigured, PortError, Throttled, Unavailable

TABLE = "assets"
ATTRIBUTES = CatalogAttributes()


def ask(key: str, inventory_id: str | None = None, asset_id: str | None = None) -> CatalogQuestion:
    identity = Identity(inventory_id=inventory_id, asset_id=asset_id)
    return CatalogQuestion(bucket_name="media", key=key, identity=identity)


class Table:
    """Responds as DynamoDB does, from its items; `pages` for each storage path."""

    def __init__(self, client: Any, **options: Any) -> None:
        self.client = client
        self.items: dict[str, dict[str, Any]] = {}
        self.pages: dict[str, list[list[str]]] = {}
        self.asset_ids: set[str] = set()
        self.in_flight = self.in_flight_max = 0
        client.answers["BatchGetItem"] = self._batch_get
        client.answers["Query"] = self._query
        options = {
            "path_index": CatalogIndex("S3PathIndex", "StoragePath"),
            "sleep": self._sleep,
            **options,
        }
        self.waits: list[float] = []
        self.catalog = DynamoCatalog(client, TABLE, **options)

    def add(self, inventory_id: str, asset_id: str | None = None, path: str | None = None) -> None:
        item: dict[str, Any] = {"InventoryID": {"S": inventory_id}}
        if asset_id is not None:
            item["DigitalSourceAsset"] = {"M": {"ID": {"S": asset_id}}}
        if path is not None:
            item["StoragePath"] = {"S": path}
        self.items[inventory_id] = item

    def requests(self) -> Counter[str]:
        """Count the requests, a query by its index."""
        return Counter(sent.get("IndexName", operation) for operation, sent in self.client.calls)

    def keys(self) -> list[list[str]]:
        """The inventory ids of each BatchGetItem."""
        return [
            [key["InventoryID"]["S"] for key in sent["RequestItems"][TABLE]["Keys"]]
            for operation, sent in self.client.calls
            if operation == "BatchGetItem"
        ]

    async def _sleep(self, duration_s: float) -> None:
        self.waits.append(duration_s)

    def _batch_get(self, sent: Any) -> Any:
        keys = [key["InventoryID"]["S"] for key in sent["RequestItems"][TABLE]["Keys"]]
        assert 0 < len(keys) <= 100
        assert len(set(keys)) == len(keys)
        return {"Responses": {TABLE: [self.items[key] for key in keys if key in self.items]}}

    async def _query(self, sent: Any) -> Any:
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        await asyncio.sleep(0)
        self.in_flight -= 1
        ((_, value),) = sent["ExpressionAttributeValues"].items()
        if sent["IndexName"] == "AssetIDIndex":
            return {"Count": int(value["S"] in self.asset_ids)}
        pages = self.pages.get(value["S"], [[]])
        number = int(sent.get("ExclusiveStartKey", {"page": {"N": "0"}})["page"]["N"])
        answer: dict[str, Any] = {"Items": [self.items[each] for each in pages[number]]}
        if number + 1 < len(pages):
            answer["LastEvaluatedKey"] = {"page": {"N": str(number + 1)}}
        return answer


@pytest.fixture
def open_table(scripted: Callable[[str], Any]) -> Callable[..., Table]:
    return lambda **options: Table(scripted("dynamodb"), **options)


@pytest.fixture
def table(open_table: Callable[..., Table]) -> Table:
    return open_table()


class TestCosts:
    async def test_no_questions_send_no_request(self, table: Table) -> None:
        assert await table.catalog.look_up([]) == []
        assert not table.client.calls

    async def test_a_known_object_costs_its_share_of_one_batch(self, table: Table) -> None:
        questions = [ask(f"{n}.jpg", f"inv-{n}", f"asset-{n}") for n in range(100)]
        for n in range(100):
            table.add(f"inv-{n}", f"asset-{n}", f"media:{n}.jpg")
        answers = await table.catalog.look_up(questions)
        assert all(answer.asset_known for answer in answers)
        assert table.requests() == {"BatchGetItem": 1}

    async def test_records_under_the_minted_ids_cost_their_share_of_a_batch(
        self, table: Table
    ) -> None:
        keys = [f"{n}.jpg" for n in range(250)]
        for key in keys:
            table.add(mint_inventory_id("media", key), f"asset {key}", f"media:{key}")
        found = await table.catalog.records_at("media", keys)
        assert [record.asset_id for (record,) in found] == [f"asset {key}" for key in keys]
        assert table.requests() == {"BatchGetItem": 3}

    async def test_a_record_under_another_id_costs_a_query_too(self, table: Table) -> None:
        for n in range(100):
            table.add(f"inv-{n}", f"asset-{n}", f"media:{n}.jpg")
            table.pages[f"media:{n}.jpg"] = [[f"inv-{n}"]]
        found = await table.catalog.records_at("media", [f"{n}.jpg" for n in range(100)])
        assert [record.inventory_id for (record,) in found] == [f"inv-{n}" for n in range(100)]
        assert table.requests() == {"BatchGetItem": 1, "S3PathIndex": 100}

    async def test_an_untagged_object_costs_a_share_and_one_query(self, table: Table) -> None:
        questions = [ask(f"{n}.jpg") for n in range(100)]
        await table.catalog.look_up(questions)
        assert table.requests() == {"BatchGetItem": 1, "S3PathIndex": 100}
        assert table.keys() == [[mint_inventory_id("media", f"{n}.jpg") for n in range(100)]]

    async def test_an_untagged_object_without_an_index_costs_its_share_alone(
        self, open_table: Callable[..., Table]
    ) -> None:
        table = open_table(path_index=None)
        await table.catalog.look_up([ask(f"{n}.jpg") for n in range(101)])
        assert table.requests() == {"BatchGetItem": 2}

    async def test_an_unknown_inventory_id_costs_a_second_share_and_one_query(
        self, table: Table
    ) -> None:
        await table.catalog.look_up([ask(f"{n}.jpg", f"inv-{n}") for n in range(100)])
        assert table.requests() == {"BatchGetItem": 2, "S3PathIndex": 100}
        assert table.keys()[1] == [mint_inventory_id("media", f"{n}.jpg") for n in range(100)]

    async def test_a_record_of_another_path_costs_the_same(self, table: Table) -> None:
        table.add("inv-1", "asset-1", "media:another.jpg")
        await table.catalog.look_up([ask("a.jpg", "inv-1", "asset-x")])
        assert table.requests() == {"BatchGetItem": 2, "S3PathIndex": 1}

    @pytest.mark.parametrize("path", [None, "media:a.jpg"])
    async def test_a_record_of_its_own_costs_no_query(self, table: Table, path: str | None) -> None:
        table.add("inv-1", None, path)
        await table.catalog.look_up([ask("a.jpg", "inv-1", "asset-x")])
        assert table.requests() == {"BatchGetItem": 1}

    async def test_the_asset_index_is_queried_for_undecided_objects_only(
        self, open_table: Callable[..., Table]
    ) -> None:
        table = open_table(asset_index=CatalogIndex("AssetIDIndex", "DigitalSourceAsset.ID"))
        table.add("inv-1", "asset-1", "media:a.jpg")
        table.asset_ids = {"asset-2"}
        questions = [
            ask("a.jpg", "inv-1", "asset-1"),
            ask("a.jpg", "inv-1"),
            ask("b.jpg", None, "asset-2"),
            ask("c.jpg", None, "asset-2"),
        ]
        known = [answer.asset_known for answer in await table.catalog.look_up(questions)]
        assert known == [True, False, True, True]
        assert table.requests() == {"BatchGetItem": 1, "AssetIDIndex": 1}

    async def test_repetitions_cost_nothing(self, table: Table) -> None:
        await table.catalog.look_up([ask("a.jpg"), ask("a.jpg", "inv-1")] * 50)
        assert table.requests() == {"BatchGetItem": 2, "S3PathIndex": 1}

    async def test_queries_in_flight_are_bounded(self, open_table: Callable[..., Table]) -> None:
        table = open_table(query_count_max=3)
        await table.catalog.look_up([ask(f"{n}.jpg") for n in range(20)])
        assert table.in_flight_max == 3

    async def test_reads_request_only_the_attributes_needed(
        self, open_table: Callable[..., Table]
    ) -> None:
        table = open_table(
            attributes=CatalogAttributes(
                asset_id="a.b", storage_path="path", last_modified="a.c", e_tag="", size_bytes="b"
            )
        )
        await table.catalog.look_up([ask("a.jpg")])
        options = table.client.sent("BatchGetItem")["RequestItems"][TABLE]
        for sent in (options, table.client.sent("Query")):
            names = sent["ExpressionAttributeNames"]
            paths = sent["ProjectionExpression"].split(", ")
            spelt = [".".join(names[step] for step in path.split(".")) for path in paths]
            assert spelt == ["InventoryID", "a.b", "path", "a.c", "b"]


class TestAnswers:
    async def test_all_pages_of_a_path_are_read(self, table: Table) -> None:
        for n in range(3):
            table.add(f"inv-{n}", path="media:a.jpg")
        table.pages["media:a.jpg"] = [["inv-0"], [], ["inv-1", "inv-2"]]
        (answer,) = await table.catalog.look_up([ask("a.jpg")])
        assert [each.inventory_id for each in answer.others] == ["inv-0", "inv-1", "inv-2"]
        assert table.requests()["S3PathIndex"] == 3

    async def test_locks_are_left_out_by_a_prefix(self, open_table: Callable[..., Table]) -> None:
        found = {}
        for prefix in ("LOCK#", "HOLD", ""):
            table = open_table(lock_prefix=prefix)
            for inventory_id in ("LOCK#1", "HOLD-1"):
                table.add(inventory_id, path="media:a.jpg")
            table.pages["media:a.jpg"] = [["LOCK#1", "HOLD-1"]]
            (answer,) = await table.catalog.look_up([ask("a.jpg")])
            found[prefix] = {each.inventory_id for each in answer.others}
        assert found == {"LOCK#": {"HOLD-1"}, "HOLD": {"LOCK#1"}, "": {"LOCK#1", "HOLD-1"}}

    async def test_the_record_is_newer_than_its_entry_in_an_index(self, table: Table) -> None:
        minted = mint_inventory_id("media", "a.jpg")
        table.add(minted, "new", "media:a.jpg")
        current, table.items["stale"] = table.items[minted], {**table.items[minted]}
        table.items["stale"]["DigitalSourceAsset"] = {"M": {"ID": {"S": "old"}}}
        table.pages["media:a.jpg"] = [["stale"]]
        (answer,) = await table.catalog.look_up([ask("a.jpg")])
        assert answer.others == (ATTRIBUTES.records([current])[0],)

    async def test_empty_ids_are_not_looked_up(self, table: Table) -> None:
        question = CatalogQuestion(
            bucket_name="media", key="a", identity=Identity(inventory_id="", asset_id="")
        )
        assert await table.catalog.look_up([question]) == [CatalogAnswer()]
        assert table.keys() == [[mint_inventory_id("media", "a")]]


LOCATION = {"FileInfo": {"M": {"Size": {"N": "12"}, "Hash": {"M": {"Value": {"S": '"abc-2"'}}}}}}
ITEM: dict[str, Any] = {
    "InventoryID": {"S": "inv-1"},
    "StoragePath": {"S": "media:a.jpg"},
    "DigitalSourceAsset": {
        "M": {
            "ID": {"S": "asset-1"},
            "lastModifiedDate": {"S": "2026-01-31T12:00:00Z"},
            "MainRepresentation": {
                "M": {"StorageInfo": {"M": {"PrimaryLocation": {"M": LOCATION}}}}
            },
        }
    },
}
RECORD = CatalogRecord(
    inventory_id="inv-1",
    asset_id="asset-1",
    storage_path="media:a.jpg",
    e_tag="abc-2",
    size_bytes=12,
    last_modified=datetime(2026, 1, 31, 12, tzinfo=UTC),
)


class TestRecords:
    def test_an_item_as_media_lake_writes_it(self) -> None:
        assert ATTRIBUTES.records([ITEM])[0] == RECORD

    @pytest.mark.parametrize(
        "value",
        [
            {"N": "1"},
            {"NULL": True},
            {"L": []},
            {"M": {}},
            {"S": ""},
            {"BOOL": True},
            {"SS": ["a"]},
        ],
    )
    def test_a_text_of_an_unexpected_type_is_none(self, value: Any) -> None:
        attributes = replace(ATTRIBUTES, asset_id="odd", e_tag="odd", last_modified="odd")
        record = attributes.records([{**ITEM, "odd": value, "StoragePath": value}])[0]
        assert record == CatalogRecord(inventory_id="inv-1", size_bytes=12)

    @pytest.mark.parametrize("value", [{"S": "12"}, {"N": "1.5"}, {"NULL": True}, {"L": []}])
    def test_a_size_of_an_unexpected_type_is_none(self, value: Any) -> None:
        attributes = replace(ATTRIBUTES, size_bytes="odd")
        assert attributes.records([{**ITEM, "odd": value}])[0] == replace(RECORD, size_bytes=None)

    @pytest.mark.parametrize("text", ["5E+12", "5000000000000", "5000000000000.0"])
    def test_a_large_size_is_exact(self, text: str) -> None:
        attributes = replace(ATTRIBUTES, size_bytes="size")
        assert attributes.records([{**ITEM, "size": {"N": text}}])[0].size_bytes == 5 * 10**12

    @pytest.mark.parametrize(
        ("text", "timestamp"),
        [
            ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
            ("2026-01-31T12:00:00.25+00:00", datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)),
            ("2026-01-31T14:00:00+02:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
            ("2026-01-31T12:00:00", None),
            ("yesterday", None),
        ],
    )
    def test_a_timestamp_has_an_offset(self, text: str, timestamp: datetime | None) -> None:
        attributes = replace(ATTRIBUTES, last_modified="at")
        assert attributes.records([{**ITEM, "at": {"S": text}}])[0].last_modified == timestamp

    def test_a_value_that_is_not_a_map_is_read_as_an_empty_map(self) -> None:
        record = ATTRIBUTES.records([{**ITEM, "DigitalSourceAsset": {"S": "text"}}])[0]
        assert record == CatalogRecord(inventory_id="inv-1", storage_path="media:a.jpg")


class TestFailures:
    async def test_unprocessed_keys_are_requested_again(self, table: Table) -> None:
        for n in range(7):
            table.add(f"inv-{n}", f"asset-{n}")

        def two_at_once(sent: Any) -> Any:
            keys = sent["RequestItems"][TABLE]["Keys"]
            found = [table.items[key["InventoryID"]["S"]] for key in keys[:2]]
            left = {TABLE: {**sent["RequestItems"][TABLE], "Keys": keys[2:]}} if keys[2:] else {}
            return {"Responses": {TABLE: found}, "UnprocessedKeys": left}

        table.client.answers["BatchGetItem"] = two_at_once
        answers = await table.catalog.look_up(
            [ask("a", f"inv-{n}", f"asset-{n}") for n in range(7)]
        )
        assert all(answer.asset_known for answer in answers)
        assert table.requests() == {"BatchGetItem": 4}

    async def test_keys_that_stay_unprocessed_are_an_error(self, table: Table) -> None:
        table.client.answers["BatchGetItem"] = lambda sent: {
            "Responses": {},
            "UnprocessedKeys": sent["RequestItems"],
        }
        with pytest.raises(Throttled):
            await table.catalog.look_up([ask("a")])
        assert len(table.waits) == 10

    @pytest.mark.parametrize("operation", ["BatchGetItem", "Query"])
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("ValidationException", Misconfigured),
            ("ResourceNotFoundException", Misconfigured),
            ("ProvisionedThroughputExceededException", Throttled),
            ("ServiceUnavailable", Unavailable),
        ],
    )
    async def test_one_failed_request_fails_the_call(
        self,
        table: Table,
        error: Callable[..., Exception],
        operation: str,
        code: str,
        kind: type[PortError],
    ) -> None:
        table.client.answers[operation] = error(code, 503 if kind is Unavailable else 400)
        with pytest.raises(kind) as raised:
            await table.catalog.look_up([ask(f"{n}.jpg") for n in range(20)])
        assert (raised.value.operation, raised.value.vendor_code) == (operation, code)
        assert isinstance(raised.value.__cause__, PortError | ClientError)
