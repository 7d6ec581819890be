"""The Lambda package: its content, its architecture, its size, and the cost of a start."""

import hashlib
import importlib.util
import json
import os
import shutil
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tools import build_lambda
from tools.build_lambda import (
    ENGINE_WITH_PARQUET,
    EVERY_FUNCTION,
    HOST,
    LAMBDA,
    BuildFailed,
    build,
    find_interpreter,
)

from adapters.aws.services import Service

_AARCH64 = 0xB7
_UNCHECKED_HASH = 0b01
_HANDLERS = ("api", "engine", "processor")
# Processor time of importing a handler, on a machine that may be busy; about 1 s when measured.
_IMPORT_CPU_S_MAX = 3.0

_IMPORT = """
import json, sys, time
package, name = sys.argv[1:]
sys.path.insert(0, package)
started = time.process_time()
module = __import__(f"entrypoints.{name}", fromlist=["handler"])
module.handler
print(json.dumps({"cpu_s": time.process_time() - started, "modules": sorted(sys.modules)}))
"""

# Opens each client that the service can open; one in a role, and one of another Region.
_OPEN = """
import asyncio, inspect, sys
sys.path.insert(0, sys.argv[1])
from adapters.aws.clients import Clients, ClientSettings, open_clients

async def main():
    async with open_clients(ClientSettings()) as clients:
        for name, _ in inspect.getmembers(Clients, inspect.iscoroutinefunction):
            if not name.startswith("_"):
                client = await getattr(clients, name)()
                print(client.meta.service_model.service_name)
        await clients.s3("arn:aws:iam::210987654321:role/media")
        await clients.sqs("us-west-2")

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as deployed."""
    try:
        find_interpreter(LAMBDA.python_version)
    except BuildFailed as error:
        # A machine may lack Lambda's Python; `host_package` is built and tested on each.
        pytest.skip(f"the package for Lambda cannot be built on this machine: {error}")
    folder = tmp_path_factory.mktemp("lambda")
    build(LAMBDA, folder)
    return folder


@pytest.fixture(scope="module")
def imported(host_package: Path) -> dict[str, dict[str, Any]]:
    """The modules that each handler imports, with only the package on the path."""
    found = {}
    for name in _HANDLERS:
        answer = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _IMPORT, host_package, name],
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        found[name] = json.loads(answer.stdout)
    return found


def test_it_keeps_its_budget(package: Path) -> None:
    size_bytes = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
    assert size_bytes < EVERY_FUNCTION.size_bytes_max


@pytest.fixture(scope="module")
def parquet_package(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of an engine that reads Parquet, as deployed."""
    folder = tmp_path_factory.mktemp("lambda-parquet")
    build(LAMBDA, folder, ENGINE_WITH_PARQUET)
    return folder


def test_the_library_for_parquet_is_only_in_the_package_that_is_chosen(
    package: Path, host_package: Path, parquet_package: Path
) -> None:
    for other in (package, host_package):
        assert not (other / "duckdb").exists()
        assert not list(other.glob("_duckdb*"))
        assert (other / "adapters" / "parquet" / "duckdb_reader.py").is_file()
    [library] = parquet_package.glob("_duckdb*.so")
    header = library.read_bytes()[:20]
    assert struct.unpack_from("<H", header, 18) == (_AARCH64,)
    size_bytes = sum(path.stat().st_size for path in parquet_package.rglob("*") if path.is_file())
    assert size_bytes < ENGINE_WITH_PARQUET.size_bytes_max


def test_a_package_over_its_budget_is_refused(tmp_path: Path) -> None:
    small = build_lambda.Package(
        requirements="lambda.txt", folder=tmp_path / "package", size_bytes_max=1_000_000
    )
    with pytest.raises(BuildFailed, match=r"over the budget of 1,000,000: .*lambda\.txt"):
        build(HOST, package=small)


# Reads a file that the library wrote, with only the package on the path.
_READ_PARQUET = """
import asyncio, sys, tempfile
sys.path.insert(0, sys.argv[1])
import duckdb
from pathlib import Path
from adapters.parquet.duckdb_reader import DuckdbParquetReader

async def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.parquet")
        rows = duckdb.sql("SELECT 'k' AS key, TIMESTAMPTZ '2026-01-31 12:00:00Z' AS t")
        rows.write_parquet(str(path))
        content = path.read_bytes()
    async with DuckdbParquetReader().open(len(content)) as file:
        await file.append(content)
        async for page in file.pages(["key", "t"], first_row=0, row_count=10):
            print(page[0][0], page[0][1].isoformat())

asyncio.run(main())
"""


def test_parquet_is_read_in_the_package(tmp_path: Path) -> None:
    """What is trimmed off a package is not needed for it."""
    build(HOST, tmp_path / "package", ENGINE_WITH_PARQUET)
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _READ_PARQUET, tmp_path / "package"],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.stdout, answer.stderr) == ("k 2026-01-31T12:00:00+00:00\n", "")


def test_every_machine_code_is_for_arm64(package: Path) -> None:
    libraries = [path for path in package.rglob("*.so*") if path.is_file()]
    assert libraries
    for path in libraries:
        header = path.read_bytes()[:20]
        assert header[:4] == b"\x7fELF", path
        assert struct.unpack_from("<H", header, 18) == (_AARCH64,), path


def test_bytecode_stays_valid_in_a_zip(package: Path) -> None:
    _check_bytecode(package, b"\xf3\x0d\r\n")  # 3571: Python 3.13


def test_bytecode_of_the_hosts_package_too(host_package: Path) -> None:
    _check_bytecode(host_package, importlib.util.MAGIC_NUMBER)


def _check_bytecode(folder: Path, magic: bytes) -> None:
    # Some packages bring modules for other versions of Python, which this one cannot compile.
    compiled = list(folder.rglob("*.pyc"))
    assert len(compiled) >= 0.98 * len(list(folder.rglob("*.py")))
    for path in compiled:
        head = path.read_bytes()[:8]
        assert head[:4] == magic, path
        assert struct.unpack_from("<I", head, 4) == (_UNCHECKED_HASH,), path


def test_nothing_of_the_local_service_is_in_it(host_package: Path) -> None:
    for name in (
        "adapters/local_aws",
        "adapters/memory",
        "entrypoints/cli",
        "moto",
        "rich",
        "typer",
    ):
        assert not (host_package / name).exists()


def test_the_sdks_data_is_that_of_the_services_that_are_called(host_package: Path) -> None:
    data = {path.name for path in (host_package / "botocore" / "data").iterdir() if path.is_dir()}
    assert data == set(Service)


def test_every_client_opens_in_the_package(host_package: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _OPEN, host_package],
        env={"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    # STS is opened for the client in a role.
    assert {*answer.stdout.split(), "sts"} == set(Service)


def test_a_package_depends_on_neither_umask_nor_checkout_nor_time(
    host_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(build_lambda.ROOT / "src", checkout / "src")
    for path in (checkout / "src").rglob("*.py"):
        path.chmod(0o600)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    monkeypatch.setattr(build_lambda, "ROOT", checkout)
    umask = os.umask(0o027)
    try:
        build(HOST, tmp_path / "again")
    finally:
        os.umask(umask)
    first, second = _entries(host_package), _entries(tmp_path / "again")
    different = {name for name, entry in first.items() if second.get(name) != entry}
    assert different == set()
    assert first.keys() == second.keys()
    # Lambda requires this, to read the code as another user.
    assert {mode for mode, _, content in first.values() if content} == {0o644}
    assert {mode for mode, _, content in first.values() if not content} == {0o755}


def _entries(folder: Path) -> dict[str, tuple[int, float, str]]:
    """Return mode, time and content of each file and folder; a folder has no content."""
    entries = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.stat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        name = str(path.relative_to(folder))
        entries[name] = (stat.S_IMODE(status.st_mode), status.st_mtime, content)
    return entries


def test_importing_a_handler_is_cheap(imported: dict[str, dict[str, Any]]) -> None:
    assert {n: i["cpu_s"] for n, i in imported.items() if i["cpu_s"] > _IMPORT_CPU_S_MAX} == {}


@pytest.mark.parametrize(
    ("name", "foreign"),
    [
        (
            "api",
            (
                "entrypoints.engine",
                "entrypoints.processor",
                "entrypoints.http.openapi",
                "adapters.aws.object_store",
                "adapters.aws.batch_jobs",
                "adapters.aws.catalog",
                "adapters.aws.chunk_queue",
                "adapters.aws.ingest_bus",
            ),
        ),
        (
            "engine",
            (
                "entrypoints.http",
                "entrypoints.api",
                "entrypoints.processor",
            ),
        ),
        (
            "processor",
            (
                "entrypoints.http",
                "entrypoints.api",
                "entrypoints.engine",
                "adapters.aws.batch_jobs",
            ),
        ),
    ],
)
def test_a_handler_imports_what_it_uses(
    imported: dict[str, dict[str, Any]], name: str, foreign: tuple[str, ...]
) -> None:
    modules = imported[name]["modules"]
    everyone: tuple[str, ...] = ("adapters.local_aws", "adapters.memory", "moto", "rich", "typer")
    if name != "api":
        everyone += ("aws_lambda_powertools.event_handler",)
    assert not set(_under(modules, (*foreign, *everyone)))


def _under(modules: list[str], packages: tuple[str, ...]) -> Iterator[str]:
    for module in modules:
        if any(module == name or module.startswith(f"{name}.") for name in packages):
            yield module


def test_the_package_runs_where_it_is_tested() -> None:
    assert HOST.python_version == f"{sys.version_info[0]}.{sys.version_info[1]}"
