"""Budgets of a cold start: the modules that a function imports, and the clients that it opens.

Numbers, not times: they are the same on a busy machine. Each handler starts in a fresh process with
the modules of the Lambda package only (bench/cold_start.py).
"""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _bench() -> Any:
    spec = importlib.util.spec_from_file_location("cold_start", ROOT / "bench" / "cold_start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # It imports modules of its folder.
    with pytest.MonkeyPatch.context() as paths:
        paths.syspath_prepend(ROOT / "bench")
        spec.loader.exec_module(module)
    return module


COLD_START = _bench()
SESSIONS = [sdk for sdk in COLD_START.SESSIONS if sdk != "aioboto3" or find_spec("aioboto3")]
RECORDED: dict[str, dict[str, int]] = json.loads(COLD_START.RECORD.read_text(encoding="utf-8"))

# Above what is recorded: room for a few modules, and for the next versions of libraries.
MARGIN = 1.03

CLIENTS = {
    "api": {"dynamodb", "s3", "lambda", "sns"},
    "engine": {"dynamodb", "s3", "lambda", "sns", "sqs", "s3control"},
    "processor": {"dynamodb", "s3", "sns", "sqs", "events"},
}

# What a function must not import, by the first words of its modules' names.
OF_OTHERS = {
    "api": (
        "application.engine",
        "application.processor",
        "application.multipart",
        "entrypoints.events",
        "adapters.aws.object_",
        "adapters.aws.batch_jobs",
        "adapters.aws.chunk_queue",
        "adapters.aws.ingest_bus",
        "adapters.aws.ingest_queue",
    ),
    "engine": (
        "application.processor",
        "application.connectors",
        "application.schedules.schedules",
        "entrypoints.http",
        "entrypoints.processor",
        "aws_lambda_powertools.event_handler",
    ),
    "processor": (
        "application.engine",
        "application.connectors",
        "application.jobs.start_sync",
        "entrypoints.http",
        "entrypoints.engine",
        "adapters.aws.batch_jobs",
        "adapters.aws.connector_store",
        "adapters.aws.engine_invoker",
        "aws_lambda_powertools.event_handler",
    ),
}
NOT_IN_LAMBDA = ("adapters.local_aws", "adapters.memory", "entrypoints.cli", "moto", "typer")
OF_AIOBOTO3 = ("aioboto3", "boto3", "s3transfer", "aiofiles")


@cache
def _started(handler: str, sdk: str) -> dict[str, Any]:
    """Return what one cold start imported and opened."""
    started: dict[str, Any] = COLD_START.start(handler, sdk)
    return {**started, "modules": [*started["imported"], *started["opened"]]}


@pytest.fixture(params=list(COLD_START.HANDLERS))
def handler(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=SESSIONS)
def sdk(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def found(handler: str, sdk: str) -> dict[str, Any]:
    return _started(handler, sdk)


def test_its_modules_are_within_the_budget(found: dict[str, Any], handler: str) -> None:
    modules = [name for name in found["modules"] if COLD_START.package(name) not in OF_AIOBOTO3]
    counts = COLD_START.counts(modules)
    recorded = RECORDED[handler]
    more = [
        f"{package}: {recorded.get(package, 0)} recorded, {count} now: "
        + ", ".join(name for name in modules if COLD_START.package(name) == package)
        for package, count in counts.items()
        if count > recorded.get(package, 0)
    ]
    total, budget = sum(counts.values()), int(sum(recorded.values()) * MARGIN)
    assert total <= budget, (
        f"{handler} imports {total} modules, its budget is {budget}. Import less, or record what is"
        " needed: make bench-cold ARGS=--record. More than recorded:\n" + "\n".join(more)
    )


def test_it_opens_only_the_clients_that_it_uses(found: dict[str, Any], handler: str) -> None:
    assert sorted(found["clients"]) == sorted(CLIENTS[handler])


def test_it_imports_nothing_of_other_functions(
    found: dict[str, Any], handler: str, sdk: str
) -> None:
    foreign = (*OF_OTHERS[handler], *NOT_IN_LAMBDA)
    assert [name for name in found["modules"] if name.startswith(foreign)] == []
    packages = {COLD_START.package(name) for name in found["modules"]}
    assert (packages & set(OF_AIOBOTO3) != set()) == (sdk == "aioboto3")


def test_what_it_must_not_import_exists(handler: str, sdk: str) -> None:
    """A name that is out of date would find nothing."""
    others = [_started(other, sdk) for other in COLD_START.HANDLERS if other != handler]
    modules = [name for other in others for name in other["modules"]]
    missing = {
        prefix
        for prefix in OF_OTHERS[handler]
        if not any(name.startswith(prefix) for name in modules)
    }
    assert missing == set()


def test_the_first_call_imports_no_module_of_this_project(found: dict[str, Any]) -> None:
    """They come with the handler, so that one that is missing fails at the start."""
    assert COLD_START.own(found["opened"]) == []


def test_collections_are_rare_before_the_first_import(handler: str) -> None:
    source = (ROOT / "src" / "entrypoints" / f"{handler}.py").read_text(encoding="utf-8")
    imports = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
    assert imports[0] == "from __future__ import annotations"
    assert imports[1].startswith("import entrypoints.collector ")
