"""The commands of docs/tutorial.md, and what the page shows of their output.

A comment before a block of commands has how it is tested: `<!-- tutorial: run, exit 1 -->`. A block
of text that follows shows the output: `…` is any text in a line, `...` any number of lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
_BLOCK = re.compile(
    r"(?:^<!-- tutorial: (?P<marks>[^>]*) -->\n\n)?^```(?P<language>\w*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Step:
    """One block of commands; `shown` is None if the page does not show its output."""

    kind: str
    commands: str
    exit_status: int
    repeated: bool
    shown: list[str] | None = None


def steps(text: str | None = None) -> list[Step]:
    """Return the steps of the page in order."""
    found: list[Step] = []
    for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8") if text is None else text):
        if match["language"] == "sh":
            assert match["marks"], f"how is this tested?\n{match['body']}"
            kind, *others = [mark.strip() for mark in match["marks"].split(",")]
            exits = [int(mark.removeprefix("exit ")) for mark in others if mark.startswith("exit ")]
            found.append(Step(kind, match["body"], sum(exits), "repeated" in others))
        else:
            assert match["language"] == "text"
            assert found, match["body"]
            assert found[-1].shown is None, match["body"]
            found[-1].shown = match["body"].splitlines()
    return found


def matches(shown: list[str], printed: str) -> bool:
    """Return whether the output is what the page shows; spaces at the end of lines do not count."""
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else _line(line) + r"[ ]*\n" for line in shown)
    text = printed if printed.endswith("\n") else printed + "\n"
    return re.fullmatch(pattern, text) is not None


def _line(line: str) -> str:
    return ".*".join(map(re.escape, line.rstrip().split("…")))
