"""Reads of DynamoDB over responses that only some versions of the SDK return."""

from typing import Any

import pytest

from adapters.aws.dynamo_reads import of_job, query
from ports.errors import Garbled


class Client:
    """Responds with one page of these items."""

    def __init__(self, *items: Any) -> None:
        self._items = list(items)

    async def query(self, **_: Any) -> dict[str, Any]:
        return {"Items": self._items}


async def _read(*items: Any) -> list[Any]:
    client: Any = Client(*items)
    return [item async for item in query(client, of_job("chunks", "job-1"))]


@pytest.mark.parametrize("item", [None, "", []])
async def test_what_is_no_item_makes_the_page_unreadable(item: Any) -> None:
    """aiobotocore 3 returns a null of a list; 2.25 leaves it out."""
    with pytest.raises(Garbled, match="no item"):
        await _read({"jobId": {"S": "job-1"}}, item)


async def test_the_items_of_a_page_are_read() -> None:
    assert await _read({"jobId": {"S": "job-1"}}) == [{"jobId": {"S": "job-1"}}]
