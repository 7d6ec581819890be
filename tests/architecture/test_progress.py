"""docs/progress.md names every state, event and setting as the code does."""

import re
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from application.execution.tuning import Tuning
from domain.chunk import CHUNK_TRANSITIONS, ChunkStatus
from domain.job import JOB_TRANSITIONS, JobStatus
from domain.machine import Table

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "progress.md").read_text(encoding="utf-8")
ALARM = re.compile(r"^### (\w+)$", re.MULTILINE)
WORD = re.compile(r"`(\w+)`")
MACHINES = [
    pytest.param("Jobs", JobStatus, JOB_TRANSITIONS, id="job"),
    pytest.param("Chunks", ChunkStatus, CHUNK_TRANSITIONS, id="chunk"),
]


def rows(heading: str) -> dict[str, list[str]]:
    """Return the table under a heading: the cells after the first, by the first."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


@pytest.mark.parametrize(("heading", "states", "transitions"), MACHINES)
def test_each_state_has_a_row_with_the_events_that_leave_it(
    heading: str, states: type[StrEnum], transitions: Table[Any]
) -> None:
    table = rows(heading)
    assert list(table) == list(dict.fromkeys(table))
    assert set(table) == {state.value for state in states}
    for state in states:
        named = WORD.findall(table[state.value][0])
        assert sorted(named) == sorted(event.__name__ for event in transitions[state]), state


@pytest.mark.parametrize(("heading", "states", "transitions"), MACHINES)
def test_a_state_that_is_left_has_a_measure_a_bound_and_a_witness(
    heading: str, states: type[StrEnum], transitions: Table[Any]
) -> None:
    for state, cells in rows(heading).items():
        assert len(cells) == 5, state
        _, durable, measure, bound, witness = cells
        assert durable, state
        reopened = any("Redriven" in event.__name__ for event in transitions[states(state)])
        if transitions[states(state)] and not reopened:
            assert measure, state
            assert bound, state
            assert witness, state


def test_what_it_names_exists() -> None:
    known = {field.name for field in fields(Tuning)}
    named = {word for word in WORD.findall(PAGE) if word.islower() and "_" in word}
    assert named
    assert named <= known
    alarms = set(ALARM.findall((DOCS / "runbook.md").read_text(encoding="utf-8")))
    for cells in (*rows("Jobs").values(), *rows("Chunks").values()):
        for group in re.findall(r"alarms ([\w, ]+)", cells[-1]):
            assert set(group.split(", ")) <= alarms
