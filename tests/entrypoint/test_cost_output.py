"""The lines of a bill in the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoints.cli.terminal.cost_output import print_lines


def line(operation: str, dollars: str) -> dict[str, Any]:
    return {
        "where": "bucket",
        "service": "s3",
        "operation": operation,
        "requests": 7,
        "units": 7.0,
        "unit": "request",
        "dollars": dollars,
    }


BILL = [line("Cheap", "0.004"), line("Dear", "0.9"), line("Cheaper", "0.003"), line("Less", "0.1")]


def test_the_cheapest_operations_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(BILL, every=False)
    _, first, second, rest = capsys.readouterr().out.splitlines()
    assert "Dear" in first
    assert "Less" in second
    assert rest.split() == ["2", "operations", "more:", "--details", "14", "$0.007000"]


def test_all_of_them_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(BILL, every=True)
    lines = capsys.readouterr().out.splitlines()
    names = ("Dear", "Less", "Cheap", "Cheaper")
    assert [name in each for name, each in zip(names, lines[1:], strict=True)] == [True] * 4


@pytest.mark.parametrize("bill", [[], [line("Only", "0.000001")], [line("Free", "0")]])
def test_small_bills_are_whole(
    bill: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    print_lines(bill, every=False)
    assert "more" not in capsys.readouterr().out
