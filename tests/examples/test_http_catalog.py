"""The example of a catalog over HTTP: its requests, and its handling of a DAM's errors.

That it keeps the port's contract is asked by tests/contract/catalog/.
"""

from __future__ import annotations

import ast
import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from domain.catalog import CatalogAnswer, CatalogQuestion
from domain.identity import Identity, mint_inventory_id
from http_catalog.catalog import HttpCatalog, open_http_catalog
from http_catalog.client import DamClient, Patience
from http_catalog.fake_dam import TOKEN, Failure, FakeDam
from ports.errors import (
    AccessDenied,
    CorruptData,
    Misconfigured,
    PortError,
    Throttled,
    TimedOut,
    Unavailable,
)

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "http_catalog"
BUSY = Failure(status=429)
DOWN = Failure(status=503)


def ask(key: str, inventory_id: str | None = None, asset_id: str | None = None) -> CatalogQuestion:
    identity = Identity(inventory_id=inventory_id, asset_id=asset_id)
    return CatalogQuestion(bucket_name="media", key=key, identity=identity)


def asset(inventory_id: str, key: str = "a.jpg", **values: Any) -> dict[str, Any]:
    return {
        "id": inventory_id,
        "assetId": f"asset of {inventory_id}",
        "status": "ready",
        "source": {"bucket": "media", "key": key},
        "file": {"etag": "abc", "size": 1, "modifiedAt": "2026-01-31T12:00:00Z"},
        **values,
    }


@pytest.fixture
async def dam() -> AsyncIterator[FakeDam]:
    async with FakeDam.serving() as serving:
        yield serving


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
async def make_catalog(
    dam: FakeDam, waits: list[float]
) -> AsyncIterator[Callable[..., HttpCatalog]]:
    """Make a catalog that records its waits and does not wait."""

    async def sleep(duration_s: float) -> None:
        waits.append(duration_s)

    headers = {"Authorization": f"Bearer {TOKEN}"}
    timeout = aiohttp.ClientTimeout(total=1.0)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        def make(url: str = dam.url, **patience: Any) -> HttpCatalog:
            client = DamClient(session, url, patience=Patience(**patience), sleep=sleep)
            return HttpCatalog(client, request_count_max=3)

        yield make


@pytest.fixture
def catalog(make_catalog: Callable[..., HttpCatalog]) -> HttpCatalog:
    return make_catalog()


class TestCosts:
    async def test_no_questions_send_no_request(self, dam: FakeDam, catalog: HttpCatalog) -> None:
        assert await catalog.look_up([]) == []
        assert dam.requests == []

    async def test_known_objects_cost_a_request_for_fifty(
        self, dam: FakeDam, catalog: HttpCatalog
    ) -> None:
        dam.page_size = 50
        dam.assets = {f"inv-{n}": asset(f"inv-{n}", f"{n}.jpg") for n in range(100)}
        asked = [ask(f"{n}.jpg", f"inv-{n}", f"asset of inv-{n}") for n in range(100)]
        assert all(answer.asset_known for answer in await catalog.look_up(asked))
        assert Counter(dam.requests) == {"POST /assets:batchGet": 2}

    async def test_an_untagged_object_costs_one_more(
        self, dam: FakeDam, catalog: HttpCatalog
    ) -> None:
        await catalog.look_up([ask(f"{n}.jpg") for n in range(50)])
        assert Counter(dam.requests) == {"POST /assets:batchGet": 1, "GET /assets": 50}

    async def test_an_unknown_inventory_id_costs_two_more(
        self, dam: FakeDam, catalog: HttpCatalog
    ) -> None:
        await catalog.look_up([ask(f"{n}.jpg", f"inv-{n}") for n in range(50)])
        assert Counter(dam.requests) == {"POST /assets:batchGet": 2, "GET /assets": 50}

    async def test_requests_in_flight_are_bounded(self, dam: FakeDam, catalog: HttpCatalog) -> None:
        dam.work_s = 0.002
        await catalog.look_up([ask(f"{n}.jpg") for n in range(30)])
        assert dam.in_flight_max == 3

    async def test_and_so_are_the_connections_of_many_calls(self, dam: FakeDam) -> None:
        dam.work_s = 0.002
        async with (
            open_http_catalog(f"{dam.url}/", TOKEN, connection_count_max=2) as catalog,
            asyncio.TaskGroup() as group,
        ):
            for n in range(4):
                group.create_task(catalog.look_up([ask(f"{n}.jpg"), ask(f"x{n}.jpg")]))
        assert len(dam.requests) == 12
        assert dam.in_flight_max == 2


class TestRecords:
    async def test_odd_values_are_none(self, dam: FakeDam, catalog: HttpCatalog) -> None:
        odd: list[Any] = [None, 7, True, "", [], {}, "2026-01-31T12:00:00"]
        for value in odd:
            file = {"etag": value if value != odd[-1] else 1, "size": str(value)}
            dam.assets["inv-1"] = asset(
                "inv-1", assetId=None, source=None, file={**file, "modifiedAt": value}
            )
            (answer,) = await catalog.look_up([ask("a.jpg", "inv-1")])
            assert answer.record is not None
            fields = ("asset_id", "storage_path", "e_tag", "size_bytes", "last_modified")
            assert {getattr(answer.record, name) for name in fields} == {None}

    @pytest.mark.parametrize("size", [True, 1.5, "1", None])
    async def test_a_size_is_a_whole_number(
        self, dam: FakeDam, catalog: HttpCatalog, size: Any
    ) -> None:
        dam.assets["inv-1"] = asset("inv-1", file={"size": size})
        (answer,) = await catalog.look_up([ask("a.jpg", "inv-1")])
        assert answer.record is not None
        assert answer.record.size_bytes is None

    async def test_an_upload_that_is_not_finished_is_no_asset(
        self, dam: FakeDam, catalog: HttpCatalog
    ) -> None:
        dam.assets["inv-1"] = asset("inv-1", status="uploading")
        assert await catalog.look_up([ask("a.jpg", "inv-1")]) == [CatalogAnswer()]


class TestRetries:
    @pytest.mark.parametrize("failures", [[BUSY], [DOWN], [BUSY, DOWN, Failure(status=500)]])
    async def test_what_may_pass_is_tried_again(
        self, dam: FakeDam, catalog: HttpCatalog, waits: list[float], failures: list[Failure]
    ) -> None:
        dam.assets["inv-1"] = asset("inv-1")
        dam.failures = [*failures]
        (answer,) = await catalog.look_up([ask("a.jpg", "inv-1", "asset of inv-1")])
        assert answer.asset_known
        assert len(dam.requests) == 1 + len(failures)
        assert len(waits) == len(failures)

    @pytest.mark.parametrize(("failure", "kind"), [(BUSY, Throttled), (DOWN, Unavailable)])
    async def test_and_that_has_an_end(
        self,
        dam: FakeDam,
        catalog: HttpCatalog,
        waits: list[float],
        failure: Failure,
        kind: type[PortError],
    ) -> None:
        dam.failures = [failure] * 100
        with pytest.raises(kind) as raised:
            await catalog.look_up([ask("a.jpg")])
        assert raised.value.vendor_code == str(failure.status)
        assert raised.value.operation == "POST /assets:batchGet"
        assert len(dam.requests) == 4
        for wait_s, ceiling_s in zip(waits, (0.2, 0.4, 0.8), strict=True):
            assert 0 <= wait_s <= ceiling_s

    @pytest.mark.parametrize(
        ("headers", "wait_s"),
        [
            ({"Retry-After": "3"}, 3.0),
            (
                {
                    "Date": "Sat, 31 Jan 2026 12:00:00 GMT",
                    "Retry-After": "Sat, 31 Jan 2026 12:00:07 GMT",
                },
                7.0,
            ),
        ],
    )
    @pytest.mark.parametrize("status", [429, 503])
    async def test_retry_after_is_honoured(
        self,
        dam: FakeDam,
        catalog: HttpCatalog,
        waits: list[float],
        status: int,
        headers: dict[str, str],
        wait_s: float,
    ) -> None:
        dam.failures = [Failure(status=status, headers=headers)]
        await catalog.look_up([ask("a.jpg")])
        assert waits == [wait_s]

    async def test_a_wait_that_is_too_long_is_the_callers(
        self, dam: FakeDam, catalog: HttpCatalog, waits: list[float]
    ) -> None:
        dam.failures = [Failure(status=429, headers={"Retry-After": "11"})]
        with pytest.raises(Throttled):
            await catalog.look_up([ask("a.jpg")])
        assert waits == []
        assert len(dam.requests) == 1

    @pytest.mark.parametrize("text", ["soon", "-5", "", "1e9", "\N{SUPERSCRIPT TWO}"])
    async def test_a_retry_after_that_cannot_be_read_is_as_none(
        self, dam: FakeDam, catalog: HttpCatalog, waits: list[float], text: str
    ) -> None:
        dam.failures = [Failure(status=429, headers={"Retry-After": text})]
        await catalog.look_up([ask("a.jpg")])
        assert len(waits) == 1
        assert waits[0] <= 0.2

    async def test_an_answer_that_does_not_come(
        self, dam: FakeDam, make_catalog: Callable[..., HttpCatalog]
    ) -> None:
        dam.work_s = 30
        with pytest.raises(TimedOut):
            await make_catalog(attempt_count_max=1).look_up([ask("a.jpg")])

    async def test_a_dam_that_is_not_there(
        self, make_catalog: Callable[..., HttpCatalog], waits: list[float]
    ) -> None:
        async with FakeDam.serving() as gone:
            url = gone.url
        with pytest.raises(Unavailable):
            await make_catalog(url).look_up([ask("a.jpg")])
        assert len(waits) == 3


class TestFailures:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, Misconfigured),
            (401, AccessDenied),
            (403, AccessDenied),
            (404, Misconfigured),
            (302, Misconfigured),
        ],
    )
    async def test_what_an_operator_must_fix_is_tried_once(
        self, dam: FakeDam, catalog: HttpCatalog, status: int, kind: type[PortError]
    ) -> None:
        dam.failures = [Failure(status=status, headers={"Location": "http://elsewhere.invalid"})]
        with pytest.raises(kind, match=f"{status}: .*by the test"):
            await catalog.look_up([ask("a.jpg")])
        assert len(dam.requests) == 1

    async def test_a_wrong_token(self, dam: FakeDam) -> None:
        async with open_http_catalog(dam.url, "another") as catalog:
            with pytest.raises(AccessDenied, match="a wrong one"):
                await catalog.look_up([ask("a.jpg")])

    async def test_an_address_that_is_none(self, make_catalog: Callable[..., HttpCatalog]) -> None:
        with pytest.raises(Misconfigured):
            await make_catalog("http://[dam").look_up([ask("a.jpg")])

    @pytest.mark.parametrize(
        "body",
        [
            "<html>",
            "",
            '{"assets": [',
            "[]",
            "{}",
            '{"assets": null}',
            '{"assets": {}}',
            '{"assets": [], "nextToken": 7}',
            '{"assets": [7]}',
            '{"assets": [{"id": null}]}',
            '{"assets": [{"id": ""}]}',
        ],
    )
    async def test_a_response_of_another_form_is_an_error(
        self, dam: FakeDam, catalog: HttpCatalog, body: str
    ) -> None:
        """Least of all that there is no such asset."""
        dam.failures = [Failure(status=200, body=body)]
        with pytest.raises(CorruptData):
            await catalog.look_up([ask("a.jpg")])
        assert len(dam.requests) == 1

    async def test_pages_without_end_come_to_one(self, dam: FakeDam, catalog: HttpCatalog) -> None:
        page = Failure(status=200, body='{"assets": [], "nextToken": "again"}')
        dam.failures = [page] * 100
        with pytest.raises(CorruptData):
            await catalog.look_up([ask("a.jpg")])
        assert len(dam.requests) == 2

    async def test_one_failed_request_fails_the_call(
        self, dam: FakeDam, make_catalog: Callable[..., HttpCatalog]
    ) -> None:
        dam.assets = {mint_inventory_id("media", "a.jpg"): asset("inv-1")}
        dam.failures = [None] * 10 + [DOWN]
        with pytest.raises(Unavailable):
            await make_catalog(attempt_count_max=1).look_up([ask(f"{n}.jpg") for n in range(20)])


def test_the_example_imports_only_the_port_of_this_project() -> None:
    """As an adapter must: it could be moved to src/adapters/ as it is."""
    imported = set()
    for path in EXAMPLE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
            elif isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
    ours = imported & {"domain", "ports", "application", "adapters", "entrypoints"}
    assert ours == {"domain", "ports"}
