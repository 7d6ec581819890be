"""A checkout of Media Lake, named by ASSET_SYNC_MEDIALAKE, runs next to a local stack.

Without that variable nothing here is collected: `make conformance-medialake MEDIALAKE=DIR` sets it.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
VARIABLE = "ASSET_SYNC_MEDIALAKE"

if VARIABLE not in os.environ:
    collect_ignore_glob = ["*"]

sys.path.insert(0, str(HERE / "support"))


@pytest.fixture(scope="session")
def checkout() -> Path:
    path = Path(os.environ[VARIABLE]).resolve()
    function = path / "lambdas" / "ingest" / "s3" / "index.py"
    if not function.is_file():
        pytest.exit(f"{path} is not a checkout of Media Lake: {function} is missing", returncode=2)
    return path


@pytest.fixture(scope="session")
def stack_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one log of all stacks: the service opens it once in a process."""
    return tmp_path_factory.mktemp("stack") / "asset-sync.log"


@pytest.fixture(scope="module")
def system(stack_log: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A stack; a module's `TUNING` holds settings of its own."""
    from whole_system import running

    from entrypoints.settings import tuning_name
    from entrypoints.wiring.local import StackSettings

    settings = StackSettings(sweep_interval_s=3_600)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CATALOG_PROFILE", "medialake")
        for name, value in getattr(request.module, "TUNING", {}).items():
            environment.setenv(tuning_name(name), str(value))
        with running(stack_log, settings) as system:
            yield system


@pytest.fixture(scope="module")
def lake(
    system: Any,
    checkout: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Any]:
    """A Media Lake on it; a module's `VARIABLES` are added to its function's environment."""
    from media_lake import media_lake

    log_path = tmp_path_factory.mktemp("media-lake") / "ingest.log"
    variables = getattr(request.module, "VARIABLES", {})
    with media_lake(system, checkout, log_path, variables) as lake:
        yield lake
