"""Sessions of aioboto3 and of aiobotocore serve alike; one function chooses."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from adapters.aws import sessions
from adapters.aws.clients import ClientSettings, open_clients
from adapters.aws.sessions import new_session

pytestmark = pytest.mark.usefixtures("sdk_environment")

AIOBOTO3 = find_spec("aioboto3") is not None


async def _is_of_aioboto3(**options: Any) -> bool:
    """Return whether the client of S3 has the methods for files, which only aioboto3 adds."""
    async with new_session(**options)("s3") as client:
        return hasattr(client, "upload_file")


async def test_aioboto3_is_the_default_if_it_is_installed() -> None:
    assert ClientSettings().aioboto3_sessions
    assert await _is_of_aioboto3() is AIOBOTO3


async def test_aiobotocore_makes_the_clients_if_it_is_chosen() -> None:
    assert not await _is_of_aioboto3(by_aioboto3=False)


async def test_aiobotocore_makes_the_clients_if_aioboto3_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "find_spec", lambda _: None)
    assert not await _is_of_aioboto3()


@pytest.mark.parametrize("by_aioboto3", [True, False])
async def test_the_setting_reaches_every_client(by_aioboto3: bool) -> None:
    async with open_clients(ClientSettings(aioboto3_sessions=by_aioboto3)) as clients:
        client = await clients.s3()
        assert hasattr(client, "upload_file") is (by_aioboto3 and AIOBOTO3)
        assert (await clients.dynamodb()).meta.region_name == "us-east-1"
