"""docs/architecture.md follows one object through the files: all exist, and none is missing."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
HEADING = "## One object, file by file"
STEPS = ["start", "list", "discover", "split", "process", "settle", "end"]
LINES_MAX = 60


def _walk() -> str:
    return PAGE.split(f"\n{HEADING}\n")[1].split("\n## ")[0]


def _rows() -> dict[str, str]:
    rows = [line for line in _walk().splitlines() if line.startswith("|")][2:]
    return {row.split("|")[1].strip(): row for row in rows}


def _files(text: str) -> list[str]:
    return re.findall(r"`(src/[\w/]+\.py)`", text)


def test_the_page_opens_with_the_packages_and_the_walk() -> None:
    opening = PAGE.split(f"\n{HEADING}\n")[0]
    assert "```mermaid" in opening
    assert "\n## " not in opening
    assert len((opening + _walk()).splitlines()) <= LINES_MAX


def test_the_walk_has_each_step_and_its_files_exist() -> None:
    rows = _rows()
    assert list(rows) == STEPS
    for step, row in rows.items():
        assert _files(row), step
    assert [file for file in _files(_walk()) if not (ROOT / file).is_file()] == []


def test_the_walk_goes_through_every_folder_of_the_use_cases() -> None:
    application = ROOT / "src" / "application"
    folders = {path.parent.name for path in application.glob("*/__init__.py")}
    walked = {Path(file).parent.name for file in _files(_walk())}
    # What bounds the work is in every step.
    assert folders - walked == {"execution"}


def test_the_picture_names_every_folder_of_the_use_cases() -> None:
    opening = PAGE.split(f"\n{HEADING}\n")[0]
    for path in (ROOT / "src" / "application").glob("*/__init__.py"):
        assert f"{path.parent.name}/" in opening
