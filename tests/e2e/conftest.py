"""Stacks for the modules, and a count of the AWS requests of their functions."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from whole_system import Json, System, running

from entrypoints.wiring.asset_systems import AssetSystem
from entrypoints.wiring.local import StackSettings


@pytest.fixture(scope="session")
def log_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack") / "asset-sync.log"


@pytest.fixture(scope="module")
def start_system(log_path: Path) -> Iterator[Callable[..., System]]:
    """Starts a stack for a module: `start_system(tuning, settings)`."""
    environment_before = dict(os.environ)
    with pytest.MonkeyPatch.context() as environment, ExitStack() as stack:

        def start(tuning: Mapping[str, object], **settings: Any) -> System:
            for name, value in tuning.items():
                environment.setenv(f"ASSET_SYNC_{name.upper()}", str(value))
            chosen = StackSettings(
                **{
                    "sweep_interval_s": 3_600,
                    "asset_system": AssetSystem.EVERYTHING,
                    **settings,
                }
            )
            return stack.enter_context(running(log_path, chosen))

        yield start
    assert dict(os.environ) == environment_before


@pytest.fixture
def counted() -> Callable[..., Counter[tuple[str, str, str]]]:
    """Counts calls by service, operation, and bucket or table."""

    def count(kept: list[tuple[str, str, Json]]) -> Counter[tuple[str, str, str]]:
        return Counter((service, operation, _place(params)) for service, operation, params in kept)

    return count


def _place(params: Json) -> str:
    if "RequestItems" in params:
        return ",".join(params["RequestItems"])
    if "TransactItems" in params:
        return "transaction"
    return str(params.get("Bucket") or params.get("TableName") or "")
