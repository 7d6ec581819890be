"""Builds the Lambda package into build/lambda, without Docker: `python -m tools.build_lambda`.

One package serves all three functions, unless the deployment reads Parquet: then the engine has one
of its own, in build/lambda-parquet, with the library for it (`--parquet`). With `--traces` they
have the libraries for traces, in folders of their own. A package holds the
wheels of its requirements for arm64, the service's code without its local parts, the SDK's data of
the services that are called, and bytecode that stays valid in a zip.

Bytecode: /var/task cannot be written, so what is not compiled here is compiled at every cold
start. The CDK gives every file of a zip the same time, which makes ordinary (time stamped) bytecode
look stale; `unchecked-hash` bytecode is taken as it is. It belongs to one version of Python, so the
build looks for an interpreter of that version.
"""

import argparse
import compileall
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.aws.services import Service

ROOT: Final = Path(__file__).resolve().parents[1]
_REQUIREMENTS: Final = ROOT / "requirements"

# AWS re:Post knowledge center, "Lambda deployment package errors": Lambda reads the code as another
# user, so for Python files have mode 644 and folders 755 (checked 2026-11).
_FILE_MODE: Final = 0o644
_FOLDER_MODE: Final = 0o755
# 1980-01-01, the earliest time that a zip can hold.
_TIME_S: Final = 315_532_800

_LAYERS: Final = ("domain", "ports", "application", "adapters", "entrypoints")
_LOCAL_ONLY: Final = (
    "adapters/local_aws",
    "adapters/memory",
    "entrypoints/cli",
    "entrypoints/console",
    "entrypoints/figures.py",
    "entrypoints/schemas",
    "entrypoints/wiring/local.py",
    "entrypoints/wiring/memory.py",
)
_NEVER_RUN: Final = (
    "*.pyi",
    "*.pyx",
    "*.pxd",
    "*.c",
    "*.h",
    "*.cpp",
    "*.hpp",
    "RECORD",
    "py.typed",
)
_FOLDERS_NEVER_RUN: Final = ("bin", "boto3/data", "boto3/examples")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The target of a package; `platform` None is this machine."""

    platform: str | None
    python_version: str


# Lambda Developer Guide, "Lambda runtimes": python3.13 is on Amazon Linux 2023, with glibc 2.34.
LAMBDA: Final = Target(platform="aarch64-manylinux_2_28", python_version="3.13")
# The same for the machine that tests it.
HOST: Final = Target(platform=None, python_version=f"{sys.version_info[0]}.{sys.version_info[1]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What a package has, and how large it may be.

    Lambda Developer Guide, "Lambda quotas": 250 MB unzipped (hard limit, checked 2026-11). Ours is
    what a cold start may reasonably fetch.
    """

    requirements: str
    folder: Path
    size_bytes_max: int


def package_with(*, parquet: bool = False, traces: bool = False) -> Package:
    """Return the package with the libraries of these extras."""
    extras = {"parquet": parquet, "traces": traces}
    name = "-".join(("lambda", *(extra for extra, chosen in extras.items() if chosen)))
    return Package(
        requirements=f"{name}.txt",
        folder=ROOT / "build" / name,
        size_bytes_max=70_000_000 + 80_000_000 * parquet + 15_000_000 * traces,
    )


EVERY_FUNCTION: Final = package_with()
ENGINE_WITH_PARQUET: Final = package_with(parquet=True)


class BuildFailed(Exception):
    """The package cannot be built; the message says what to do."""


def build(target: Target, folder: Path | None = None, package: Package = EVERY_FUNCTION) -> int:
    """Build the package for `target`; returns its size in bytes.

    `folder`, by default that of the package, is replaced.

    Raises:
        BuildFailed: no interpreter of the version, a package has no wheel, or it got too large.
    """
    interpreter = find_interpreter(target.python_version)
    folder = folder or package.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _install(target, folder, _REQUIREMENTS / package.requirements)
    _copy_code(folder)
    _trim(folder)
    _compile(interpreter, folder)
    _set_modes_and_times(folder)
    size_bytes = sum(path.stat().st_size for path in _files(folder))
    if size_bytes > package.size_bytes_max:
        raise BuildFailed(
            f"the package has {size_bytes:,} bytes, over the budget of {package.size_bytes_max:,}:"
            f" a dependency of requirements/{package.requirements} grew, or needs more trimming"
        )
    return size_bytes


def find_interpreter(version: str) -> Path:
    """Return a Python of this version: ASSET_SYNC_PYTHON, this one, the PATH's, uv's, pyenv's.

    Raises:
        BuildFailed: there is none, and uv cannot fetch one.
    """
    for candidate in _candidates(version):
        if _version_of(candidate) == version:
            return candidate
    if _uv("python", "install", "--no-bin", version).returncode == 0:
        found = _uv("python", "find", "--managed-python", version)
        if found.returncode == 0:
            return Path(found.stdout.strip())
    raise BuildFailed(
        f"bytecode for Lambda must be compiled by Python {version}, and none was found or fetched:"
        f" install it, or name one: ASSET_SYNC_PYTHON=/path/to/python{version}"
    )


def _candidates(version: str) -> Iterator[Path]:
    named = os.environ.get("ASSET_SYNC_PYTHON")
    if named:
        yield Path(named)
        return
    yield Path(sys.executable)
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    managed = _uv("python", "find", "--managed-python", version)
    if managed.returncode == 0:
        yield Path(managed.stdout.strip())
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for found in sorted(pyenv.glob(f"{version}.*"), reverse=True):
        yield found / "bin" / "python"


def _version_of(interpreter: Path) -> str | None:
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(  # noqa: S603 - a Python that was found
            [interpreter, "-I", "-c", program], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    uv = Path(sys.executable).parent / "uv"
    # Certificates and index as pip has them: behind a company's mirror, uv must not ask elsewhere.
    command = [uv, "--quiet", "--system-certs", *arguments]
    environment = {**_pips_index(), **os.environ}
    return subprocess.run(  # noqa: S603 - of requirements/infra.txt
        command, capture_output=True, text=True, check=False, env=environment
    )


@functools.cache
def _pips_index() -> dict[str, str]:
    """Return the setting that gives uv the index that pip is configured with, if it is."""
    index = os.environ.get("PIP_INDEX_URL")
    if not index:
        command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
        answer = subprocess.run(  # noqa: S603 - our own pip
            command, capture_output=True, text=True, check=False
        )
        index = answer.stdout.strip() if answer.returncode == 0 else ""
    return {"UV_DEFAULT_INDEX": index} if index else {}


def _install(target: Target, folder: Path, requirements: Path) -> None:
    options = ["--python-version", target.python_version]
    if target.platform:
        options += ["--python-platform", target.platform]
    answer = _uv(
        "pip",
        "install",
        *options,
        "--target",
        str(folder),
        "--only-binary",
        ":all:",
        "--no-deps",
        "--require-hashes",
        "--link-mode",
        "copy",
        "--requirements",
        str(requirements),
    )
    if answer.returncode:
        raise BuildFailed(f"uv cannot install {requirements.name}:\n{answer.stderr}")


def _copy_code(folder: Path) -> None:
    for layer in _LAYERS:
        shutil.copytree(
            ROOT / "src" / layer, folder / layer, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in _LOCAL_ONLY:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _trim(folder: Path) -> None:
    for name in _FOLDERS_NEVER_RUN:
        shutil.rmtree(folder / name, ignore_errors=True)
    services = set(Service)
    for path in (folder / "botocore" / "data").iterdir():
        if path.is_dir() and path.name not in services:
            shutil.rmtree(path)
    for pattern in _NEVER_RUN:
        for path in folder.rglob(pattern):
            path.unlink()
    for path in [*folder.rglob("tests"), *folder.rglob("__pycache__")]:
        shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob("*.lock"):
        path.unlink()
    (folder / ".lock").unlink(missing_ok=True)


def _compile(interpreter: Path, folder: Path) -> None:
    answer = subprocess.run(  # noqa: S603 - a Python that was found
        [
            interpreter,
            "-I",
            "-m",
            compileall.__name__,
            "-q",
            "--invalidation-mode",
            "unchecked-hash",
            # Tracebacks name the file as Lambda sees it.
            "-s",
            folder,
            "-p",
            "/var/task",
            folder,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise BuildFailed(f"{interpreter} cannot compile the package:\n{answer.stdout}")


def _set_modes_and_times(folder: Path) -> None:
    """Make the package independent of the umask, the checkout and the time of the build."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(_FOLDER_MODE if path.is_dir() else _FILE_MODE)
        os.utime(path, (_TIME_S, _TIME_S))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Build, and report the size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--host", action="store_true", help="for this machine, into build/lambda-host"
    )
    parser.add_argument(
        "--parquet", action="store_true", help="for an engine that reads Parquet, into …-parquet"
    )
    parser.add_argument(
        "--traces", action="store_true", help="for functions that trace, into …-traces"
    )
    given = parser.parse_args()
    package = package_with(parquet=given.parquet, traces=given.traces)
    folder = package.folder
    if given.host:
        folder = folder.with_name(f"{folder.name}-host")
    try:
        size_bytes = build(HOST if given.host else LAMBDA, folder, package)
    except BuildFailed as error:
        sys.exit(f"The package was not built: {error}")
    print(f"{folder.relative_to(ROOT)}: {size_bytes / 1e6:.1f} MB")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
