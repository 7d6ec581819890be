"""The documents are up to date with the code, and the files and names in them exist."""

import re
import tomllib
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main
from tools import generate_docs as docs

from application.execution.tuning import Tuning
from domain.packing import ChunkSizing
from entrypoints import settings
from entrypoints.cli.main import app
from entrypoints.cli.remote.api_client import API_URL_VARIABLE
from entrypoints.wiring.aws import LOG_FILE_VARIABLE
from entrypoints.wiring.tracing import TRACES_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
ADRS = sorted((DOCS / "adr").glob("*.md"))
ADR_LINES_MAX = 60
ADR_SECTIONS = ["Context", "Decision", "Consequences", "What would change our mind"]
DIAGRAMS = ("flowchart", "sequenceDiagram", "stateDiagram-v2")

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
REPOSITORY_PATH = re.compile(r"`((?:src|tests|docs|bench|requirements)/[\w./-]*)`")
COMMAND = re.compile(r"^(?:\$ )?asset-sync ([^\n|>]*)", re.MULTILINE)
TARGET = re.compile(r"\bmake ([a-z]+(?:-[a-z0-9]+)*)")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _text(path: Path) -> str:
    """The page, with the blocks of its lists at the start of lines like all others."""
    return re.sub(r"^ {1,3}", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def _prose(path: Path) -> str:
    return FENCE.sub("", _text(path))


def _anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    seen: Counter[str] = Counter()
    anchors = set()
    for heading in HEADING.findall(_prose(path)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return anchors


def test_the_generated_documents_are_up_to_date() -> None:
    assert [_name(path) for path in docs.stale(ROOT)] == []


def test_the_check_names_stale_documents_and_the_command_that_writes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "page.md"
    page.write_text("By hand.\n<!-- generated: routes -->\nold\n<!-- end generated -->\n")
    assert docs.main(["--check"], tmp_path) == 1
    errors = capsys.readouterr().err
    assert "docs/page.md is out of date" in errors
    assert "docs/state-machines.md is out of date" in errors
    assert "-m tools.generate_docs" in errors
    assert "old" in page.read_text()
    assert docs.main([], tmp_path) == 0
    assert docs.main(["--check"], tmp_path) == 0
    assert page.read_text().startswith("By hand.\n")
    assert "POST /connectors" in page.read_text()


def test_a_region_that_nothing_generates_is_refused() -> None:
    with pytest.raises(docs.UnknownRegion, match="weather"):
        docs.regenerated("<!-- generated: weather -->\n<!-- end generated -->")


def test_every_tuning_value_is_described() -> None:
    texts = docs._attribute_texts(Tuning)
    assert {field.name for field in fields(Tuning)} - {"sizing"} <= set(texts)
    assert all(texts.values())


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    dead = []
    for link in LINK.findall(_prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = unquote(link).partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            dead.append(link)
    assert not dead


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_path_of_the_repository_that_is_named_exists(page: Path) -> None:
    named = set(REPOSITORY_PATH.findall(page.read_text(encoding="utf-8")))
    assert {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_diagram_draws_something(page: Path) -> None:
    for language, body in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "mermaid":
            first, *rest = [line.strip() for line in body.splitlines() if line.strip()]
            assert first.startswith(DIAGRAMS)
            assert len(rest) > 1
            # Mermaid ends a message at a semicolon, and fails on what comes after it.
            assert first != "sequenceDiagram" or not [line for line in rest if ";" in line]


def test_the_readme_shows_the_flow_as_a_diagram() -> None:
    languages = [language for language, _ in FENCE.findall((ROOT / "README.md").read_text())]
    assert "mermaid" in languages


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_command_line_is_one_that_the_cli_has(page: Path) -> None:
    wrong = [line for line in _command_lines(page) if not _understood(line)]
    assert not wrong


def test_the_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [name for name in _cli().commands if f"asset-sync {name}" not in text]
    assert not missing


def _command_lines(page: Path) -> list[str]:
    blocks = "".join(body for _, body in FENCE.findall(_text(page)))
    inline = re.findall(r"`asset-sync ([^`]+)`", _prose(page))
    return [*COMMAND.findall(blocks.replace("\\\n", " ")), *inline]


def _cli() -> Any:
    # Some versions of typer bring a click of their own, so its classes cannot be named here.
    return typer.main.get_command(app)


def _understood(line: str) -> bool:
    command = _cli()
    words = line.split()
    while words and hasattr(command, "commands"):
        command = command.commands.get(words.pop(0))
    if command is None:
        return False
    known = {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    return {word for word in words if re.match("--?[a-z]", word)} <= known | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    makefiles = "".join(path.read_text() for path in [ROOT / "Makefile", *ROOT.glob("*.mk")])
    targets = set(re.findall(r"^([a-z0-9-]+):", makefiles, flags=re.MULTILINE))
    code = re.findall(r"`([^`\n]+)`", _prose(page))
    code += [body for _, body in FENCE.findall(_text(page))]
    assert {name for text in code for name in TARGET.findall(text)} <= targets


def test_every_environment_variable_is_documented() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    tuned = [settings.tuning_name(f.name) for kind in (Tuning, ChunkSizing) for f in fields(kind)]
    names = {
        *settings.REQUIRED,
        *settings.OF_SCHEDULES,
        *(settings.catalog_variable(f.name) for f in fields(settings.CatalogNames)),
        settings.PRICES_VARIABLE,
        settings.PROFILE_VARIABLE,
        *tuned,
        f"{settings.TUNING_PREFIX}DEFAULT_DISCOVERY",
        API_URL_VARIABLE,
        LOG_FILE_VARIABLE,
        TRACES_VARIABLE,
    } - {settings.tuning_name("sizing")}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_the_settings_read_no_variable_by_another_name() -> None:
    """`settings` names no variables except those that the test above reads."""
    source = (ROOT / "src" / "entrypoints" / "settings.py").read_text(encoding="utf-8")
    named = set(re.findall(r'"([A-Z][A-Z_]{5,})"', source))
    assert named == {
        *settings.REQUIRED,
        *settings.OF_SCHEDULES,
        settings.CATALOG_PREFIX,
        settings.PRICES_VARIABLE,
        settings.PROFILE_VARIABLE,
        settings.TUNING_PREFIX,
    }


@pytest.mark.parametrize("adr", ADRS, ids=_name)
def test_a_decision_record_is_short_and_has_its_four_parts(adr: Path) -> None:
    text = adr.read_text(encoding="utf-8")
    assert len(text.splitlines()) < ADR_LINES_MAX
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == ADR_SECTIONS
    assert text.startswith(f"# {int(adr.name[:4])}. ")


def test_decision_records_are_numbered_without_gaps() -> None:
    numbers = [int(adr.name[:4]) for adr in ADRS]
    assert numbers == list(range(1, len(ADRS) + 1))


def test_the_changelog_has_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text
    assert f"[{project['version']}]" in text
