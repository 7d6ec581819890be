"""The container is complete: mypy does not check providers, so these tests do."""

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from dependency_injector import errors, providers

from application.execution.tuning import Tuning
from domain.discovery import Discovery
from domain.profile import GENERIC
from entrypoints.settings import REQUIRED, InvalidSettings
from entrypoints.wiring.api_app import ApiUseCases, api_app
from entrypoints.wiring.aws import Observers
from entrypoints.wiring.aws_api import open_api_app
from entrypoints.wiring.aws_engine import open_engine_app
from entrypoints.wiring.aws_processor import open_processor_app
from entrypoints.wiring.container import UseCases
from entrypoints.wiring.engine_app import EngineUseCases, engine_app
from entrypoints.wiring.memory import memory_world, ports_of, use_cases
from entrypoints.wiring.ports import (
    CommonPorts,
    Configuration,
    EnginePorts,
    JobPorts,
    ObjectPorts,
    ProcessorPorts,
    container_over,
)
from entrypoints.wiring.processor_app import ProcessorUseCases, processor_app
from entrypoints.wiring.slots import Slots

SLOTS = [
    name for name, each in UseCases.providers.items() if isinstance(each, providers.Dependency)
]
USE_CASES = [name for name in UseCases.providers if name not in SLOTS and name != "__self__"]
OPENERS = [open_api_app, open_engine_app, open_processor_app]


def test_there_are_slots_and_use_cases() -> None:
    assert len(SLOTS) > 10
    assert len(USE_CASES) > 10
    assert {"process_chunk", "engine", "sweep", "start_sync"} <= set(USE_CASES)


@pytest.mark.parametrize("name", USE_CASES)
def test_each_use_case_gets_every_argument_of_the_required_type(name: str) -> None:
    provider = UseCases.providers[name]
    wanted = inspect.signature(provider.cls).parameters
    assert set(provider.kwargs) == set(wanted)
    hints = get_type_hints(provider.cls.__init__)
    for argument, given in provider.kwargs.items():
        assert _type_of(given) == hints[argument].__name__, f"{name}: {argument}"


def _type_of(given: Any) -> str:
    """Return the class that a provider provides; for a slot, the one in its annotation."""
    if isinstance(given, providers.Singleton):
        return str(given.cls.__name__)
    (name,) = [slot for slot in SLOTS if UseCases.providers[slot] is given]
    annotation = str(Slots.__annotations__[name])
    return annotation.partition("[")[2].rstrip("]")


@pytest.mark.parametrize("name", USE_CASES)
def test_each_use_case_can_be_made_over_memory_and_is_made_once(name: str) -> None:
    container = use_cases(memory_world().ports, Tuning())
    container.check_dependencies()
    made = container.providers[name]()
    assert type(made) is UseCases.providers[name].cls
    assert container.providers[name]() is made


def test_each_app_takes_its_own_use_cases() -> None:
    container = use_cases(memory_world().ports, Tuning())
    api = api_app(container, default_discovery=Discovery.DIRECT)
    assert api.default_discovery is Discovery.DIRECT
    assert engine_app(container).engine is container.engine()
    assert processor_app(container, queue_name="q").queue_name == "q"


CONFIGURATION = Configuration(tuning=Tuning(), profile=GENERIC, results_bucket_name="results")

# An app, its function's container, and the ports that the function puts into it.
APPS: Any = {
    "api": (
        partial(api_app, default_discovery=Discovery.DIRECT),
        ApiUseCases,
        [CommonPorts, JobPorts],
    ),
    "engine": (engine_app, EngineUseCases, [CommonPorts, JobPorts, ObjectPorts, EnginePorts]),
    "processor": (
        partial(processor_app, queue_name="q"),
        ProcessorUseCases,
        [CommonPorts, ObjectPorts, ProcessorPorts],
    ),
}


@pytest.mark.parametrize("name", APPS)
def test_an_app_opens_with_the_ports_of_its_function(name: str) -> None:
    open_app, use_cases_of, kinds = APPS[name]
    ports = memory_world().ports
    given = (ports_of(kind, ports) for kind in kinds)
    assert open_app(container_over(use_cases_of, CONFIGURATION, *given))


@pytest.mark.parametrize("name", APPS)
def test_a_function_opens_no_port_that_none_of_its_use_cases_needs(name: str) -> None:
    """Each port opens a client, which takes part of a cold start."""
    open_app, use_cases_of, kinds = APPS[name]
    given = {field.name for kind in kinds for field in fields(kind)}
    here = use_cases_of.providers
    needed = {
        slot
        for provider in here.values()
        if isinstance(provider, providers.Singleton)
        for slot, each in here.items()
        if any(each is argument for argument in provider.kwargs.values())
    }
    ports = memory_world().ports
    app = open_app(
        container_over(use_cases_of, CONFIGURATION, *(ports_of(kind, ports) for kind in kinds))
    )
    taken = {field.name for field in fields(app)}
    assert given - needed - taken == set()


@pytest.mark.parametrize(
    ("kind", "port"),
    [
        (kind, field.name)
        for kind in (CommonPorts, JobPorts, ObjectPorts, EnginePorts, ProcessorPorts)
        for field in fields(kind)
    ],
)
def test_a_port_that_is_missing_is_a_missing_argument(kind: type[Any], port: str) -> None:
    with pytest.raises(TypeError, match=port):
        kind(**{field.name: None for field in fields(kind) if field.name != port})


@pytest.mark.parametrize(
    ("name", "missing"),
    [(name, kind) for name, (_, _, kinds) in APPS.items() for kind in kinds[1:]],
)
def test_an_app_whose_ports_are_missing_does_not_open(name: str, missing: type[Any]) -> None:
    """It fails when the function starts, and names the port; not when a request needs it."""
    open_app, use_cases_of, kinds = APPS[name]
    ports = memory_world().ports
    there = [ports_of(kind, ports) for kind in kinds if kind is not missing]
    container = container_over(use_cases_of, CONFIGURATION, *there)
    names = "|".join(field.name for field in fields(missing))
    with pytest.raises(errors.Error, match=names):
        open_app(container)


def test_mypy_finds_a_port_that_is_missing_or_another(tmp_path: Path) -> None:
    source = tmp_path / "forgotten.py"
    source.write_text(
        "from entrypoints.wiring.ports import EnginePorts, ProcessorPorts\n"
        "from ports.catalog import Catalog\n"
        "def engine() -> EnginePorts:\n"
        "    return EnginePorts()\n"
        "def processor(catalog: Catalog) -> ProcessorPorts:\n"
        "    return ProcessorPorts(catalog=catalog, bus=catalog)\n"
    )
    root = Path(__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(root / "pyproject.toml"), str(source)],
        cwd=root,
        env={**os.environ, "MYPYPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert 'Missing named argument "batch_jobs"' in found
    assert 'Argument "bus" to "ProcessorPorts" has incompatible type "Catalog"' in found


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with an endpoint where no server listens: a call would fail."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "ASSET_SYNC_")):
            monkeypatch.delenv(name)
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    for name in REQUIRED:
        monkeypatch.setenv(name, arn if name.endswith("_ARN") else f"the-{name.lower()}")
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "POWERTOOLS_METRICS_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize("opener", OPENERS, ids=lambda opener: opener.__name__)
async def test_each_function_opens_its_clients_over_aws_and_calls_nothing(
    opener: Callable[..., Any],
) -> None:
    calls: list[Any] = []
    observers = Observers(on_request=lambda *call: calls.append(call))
    async with opener(observers) as app:
        assert all(getattr(app, name) is not None for name in type(app).__slots__)
    assert calls == []


@pytest.mark.usefixtures("aws_environment")
async def test_the_settings_reach_the_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROCESSOR_QUEUE_URL", "https://sqs/123456789012/chunks")
    monkeypatch.setenv("ASSET_SYNC_DEFAULT_DISCOVERY", "direct")
    async with open_processor_app() as processor, open_api_app() as api:
        assert processor.queue_name == "chunks"
        assert api.default_discovery is Discovery.DIRECT


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize("opener", OPENERS, ids=lambda opener: opener.__name__)
async def test_a_function_without_its_settings_names_the_missing_ones(
    opener: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATUS_TOPIC_ARN")
    with pytest.raises(InvalidSettings, match=r"^STATUS_TOPIC_ARN is not set$"):
        async with opener():
            pass


def test_each_log_file_gets_the_lines_of_its_own_stack(tmp_path: Any) -> None:
    """One process may run several stacks, one after the other."""
    from adapters.aws.powertools_telemetry import PowertoolsTelemetry
    from entrypoints.wiring.aws import _logger_to

    for name in ("first", "second"):
        path = tmp_path / f"{name}.log"
        telemetry = PowertoolsTelemetry(_logger_to(str(path)))
        with telemetry.invocation("request-1"):
            telemetry.event(name)
        assert f'"message":"{name}"' in path.read_text()
        assert '"function_request_id":"request-1"' in path.read_text()
