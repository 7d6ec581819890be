"""Every method of the port is forwarded to the store of the bucket's role."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.aws.role_object_store import RoleObjectStore
from domain.connector import Bucket
from ports.object_store import ObjectStore

ROLE_ARN = "arn:aws:iam::210987654321:role/media"
METHODS = [name for name, found in vars(ObjectStore).items() if inspect.isfunction(found)]


class Noting:
    """A store that records its calls."""

    def __init__(self, role_arn: str | None) -> None:
        self.role_arn = role_arn
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        async def call(*_: Any, **__: Any) -> None:
            self.asked.append(name)

        async def pages(*_: Any, **__: Any) -> AsyncIterator[list[Any]]:
            self.asked.append(name)
            yield []

        return pages if name == "list_objects" else call


@pytest.mark.parametrize("name", [name for name in METHODS if not name.startswith("_")])
async def test_each_method_goes_to_the_store_of_the_role(name: str) -> None:
    opened: list[Noting] = []

    async def open_store(role_arn: str | None) -> Any:
        opened.append(Noting(role_arn))
        return opened[-1]

    method = getattr(RoleObjectStore(open_store), name)
    others = [p for p in inspect.signature(method).parameters.values() if p.name != "bucket"]
    by_position = [None for p in others if p.kind is p.POSITIONAL_OR_KEYWORD]
    by_name = {p.name: None for p in others if p.kind is p.KEYWORD_ONLY}

    answer = method(Bucket(name="media", role_arn=ROLE_ARN), *by_position, **by_name)
    if inspect.isasyncgen(answer):
        assert [page async for page in answer] == [[]]
    else:
        await answer

    assert [(store.role_arn, store.asked) for store in opened] == [(ROLE_ARN, [name])]
