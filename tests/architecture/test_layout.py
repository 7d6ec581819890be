"""Rules that import-linter lacks: names of packages, allowed dependencies, sizes of modules."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement

import entrypoints

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
PACKAGES = ("domain", "ports", "application", "adapters", "entrypoints")
OURS = "asset-sync"
LINES_MAX = 400
VAGUE_NAMES = {"base", "common", "helpers", "manager", "misc", "utils"}
# Joined here, so that this file does not name what it forbids.
REGISTRY_HOSTS = (
    ".".join(("pypi", "org")),
    ".".join(("pythonhosted", "org")),
    "registry.npmjs" + ".org",
)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def _modules() -> Iterator[Path]:
    for folder in (SRC, ROOT / "infra"):
        for path in folder.rglob("*.py"):
            if not {"__pycache__", "node_modules"} & set(path.parts):
                yield path


def _project_files() -> Iterator[Path]:
    """Every file that is tracked or could be; where there is no git, the whole tree."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode == 0:
        paths = (ROOT / name for name in listing.stdout.split("\0") if name)
    else:
        paths = (
            path
            for path in ROOT.rglob("*")
            if not any(
                part in {"__pycache__", "build", "dist", "node_modules", "cdk.out"}
                or (part.startswith(".") and part not in {".ci", ".gitignore", ".editorconfig"})
                for part in path.relative_to(ROOT).parts
            )
        )
    return (path for path in paths if path.is_file())


@pytest.mark.parametrize("name", PACKAGES)
def test_each_top_level_package_is_of_this_project(name: str) -> None:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin == str(SRC / name / "__init__.py")
    assert set(packages_distributions().get(name, ())) <= {OURS}
    assert (SRC / name / "py.typed").is_file()


def test_src_holds_the_five_layers_and_nothing_else() -> None:
    found = {path.name for path in SRC.iterdir() if not path.name.startswith((".", "__"))}
    assert {name for name in found if not name.endswith(".egg-info")} == set(PACKAGES)


def test_the_import_graph_is_not_empty(graph: grimp.ImportGraph) -> None:
    """With a wrong root name every contract passes, on no edge at all; so one edge is asserted."""
    assert graph.direct_import_exists(importer="ports.job_store", imported="domain.job")


@pytest.mark.parametrize("layer", ["domain", "ports"])
def test_the_core_depends_on_pydantic_at_most(graph: grimp.ImportGraph, layer: str) -> None:
    modules = {layer} | graph.find_descendants(layer)
    imported = {
        name.partition(".")[0]
        for module in modules
        for name in graph.find_modules_directly_imported_by(module)
    }
    third_parties = imported - set(PACKAGES) - set(sys.stdlib_module_names)
    assert third_parties <= {"pydantic"}


def test_every_package_is_a_real_package() -> None:
    """A folder without `__init__.py` is invisible to import-linter, mypy and the wheel."""
    missing = {
        str(path.parent.relative_to(SRC))
        for path in SRC.rglob("*.py")
        if not (path.parent / "__init__.py").is_file()
    }
    assert not missing


def test_tests_are_not_packages() -> None:
    """An `__init__.py` in tests/ could make a test folder answer to the name of a layer."""
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_no_module_has_a_vague_name() -> None:
    vague = {str(path) for path in _modules() if VAGUE_NAMES & {path.stem, path.parent.name}}
    assert not vague


def test_no_module_is_too_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in _modules()
    }
    assert {name: n for name, n in lengths.items() if n >= LINES_MAX} == {}


def test_no_file_names_a_package_registry() -> None:
    """A lock or a URL that names one registry breaks the build behind a mirror."""
    hosts = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)).encode())
    named = {
        str(path.relative_to(ROOT)) for path in _project_files() if hosts.search(path.read_bytes())
    }
    assert not named


OF_LAMBDA = ["lambda", "lambda-parquet", "lambda-traces", "lambda-parquet-traces"]
LOCKS = ["bench", "browser", "dev", *OF_LAMBDA, "local", "aiobotocore3"]
# What aioboto3 needs, and the other lock has in other versions or not at all.
OF_THE_SDK = {"aioboto3", "aiobotocore", "aiofiles", "boto3", "botocore", "s3transfer"}


def _lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def _pins(lock: str) -> dict[str, str]:
    """Return the version of each package; some have one for each version of Python."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", _lock(lock), flags=re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_a_hash_for_every_pin_and_no_source(lock: str) -> None:
    text = _lock(lock)
    pins = re.findall(r"^[^#\s].*(?:\n .*)*", text, flags=re.MULTILINE)
    assert pins
    assert not [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin]
    assert not re.search(r"://|^-|file:|@ ", text, flags=re.MULTILINE)


def test_the_smaller_locks_agree_with_the_development_lock() -> None:
    """The demo and the Lambda functions run with the versions that the tests ran with."""
    assert _pins("lambda").items() <= _pins("local").items() <= _pins("dev").items()
    for lock in OF_LAMBDA:
        assert _pins("lambda").items() <= _pins(lock).items() <= _pins("dev").items()


def test_only_the_lock_of_an_engine_with_parquet_has_its_library() -> None:
    assert _pins("lambda-parquet").keys() - _pins("lambda").keys() == {"duckdb"}
    assert "duckdb" not in _pins("local")
    with_both = _pins("lambda-parquet-traces").keys() - _pins("lambda-traces").keys()
    assert with_both == {"duckdb"}


def test_only_the_locks_of_functions_that_trace_have_opentelemetry() -> None:
    for lock in OF_LAMBDA:
        assert ("opentelemetry-sdk" in _pins(lock)) is ("traces" in lock)


def test_the_lock_with_aiobotocore_3_differs_only_in_the_sdk() -> None:
    """Otherwise a failure or a figure of one of the two could have other reasons."""
    different = {name for name, _ in _pins("dev").items() ^ _pins("aiobotocore3").items()}
    assert different == OF_THE_SDK


@pytest.mark.parametrize("lock", ["dev", "aiobotocore3"])
def test_a_lock_has_what_pyproject_requires(lock: str) -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = pyproject["project"], pyproject["dependency-groups"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["cli"], *extras["console"], *extras["local"]]
    lines += extras["parquet"]
    lines += extras["traces"]
    lines += [*groups["test"], *groups["lint"]]
    wanted = {each.name: each for each in map(Requirement, lines) if each.name != "asset-sync"}
    if lock == "aiobotocore3":
        del wanted["aioboto3"]
        wanted.update({each.name: each for each in map(Requirement, groups["aiobotocore3"])})
    pins = _pins(lock)
    wrong = [
        str(each)
        for name, each in wanted.items()
        if name not in pins or pins[name] not in each.specifier
    ]
    assert wrong == []


def test_the_version_is_written_once_more_and_the_same() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == entrypoints.VERSION
