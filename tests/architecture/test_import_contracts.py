"""The import contracts of pyproject.toml, run here so that `make test` guards the architecture."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]


def _lint(*arguments: str) -> subprocess.CompletedProcess[str]:
    # A process of its own: import-linter configures itself globally, and its graph is cached there.
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); "
        "from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_contract_is_kept() -> None:
    result = _lint()
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in result.stdout


def test_each_folder_of_use_cases_has_layers_that_name_all_of_its_modules() -> None:
    containers = {
        container
        for contract in CONTRACTS
        if contract["type"] == "layers" and contract.get("exhaustive")
        for container in contract.get("containers", [])
    }
    folders = (path.parent for path in (ROOT / "src" / "application").rglob("__init__.py"))
    assert {".".join(folder.relative_to(ROOT / "src").parts) for folder in folders} <= containers


def test_each_technology_of_adapters_is_independent_of_the_others() -> None:
    (families,) = (c["modules"] for c in CONTRACTS if c.get("id") == "adapter-families")
    folders = (path.parent.name for path in (ROOT / "src" / "adapters").glob("*/__init__.py"))
    assert {f"adapters.{name}" for name in folders} == set(families)


@pytest.mark.parametrize(
    "kind", ["layers", "independence", "protected", "forbidden", "acyclic_siblings"]
)
def test_each_kind_of_contract_is_there(kind: str) -> None:
    assert kind in {contract["type"] for contract in CONTRACTS}
