"""A key on a line: printable, and no two keys alike."""

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.shown import one_line, shown

CASES = {
    "2026/a b+é.jpg": "2026/a b+é.jpg",
    "写真 🎬": "写真 🎬",
    "a\nb": r"a\nb",
    "a\\nb": r"a\\nb",
    "a\\x0ab": r"a\\x0ab",
    "\x1b[31mred\x07": r"\x1b[31mred\x07",
    "tab\tcr\r": r"tab\tcr\r",
    "\x9bcsi\x7f": r"\x9bcsi\x7f",
    "line\u2028end\x85": r"line\u2028end\x85",
    "\u202egpj.exe": r"\u202egpj.exe",
    "zero\u200bwidth\u00a0": r"zero\u200bwidth\xa0",
    "\uffff\ufffe": r"\uffff\ufffe",
    "\U000e0001": r"\U000e0001",
    "\udcff": r"\udcff",
    "[bold]:smile:[/x]": "[bold]:smile:[/x]",
}


@pytest.mark.parametrize("key", CASES)
def test_a_printable_key_is_shown_unchanged(key: str) -> None:
    assert shown(key) == CASES[key]


KEYS = st.text(st.characters() | st.sampled_from("\\nx01abu\n\x1b\u2028é"), max_size=8)


@given(KEYS, KEYS)
@example("a\nb", "a\\nb")
@example("\\", "\\\\")
def test_no_two_keys_are_shown_alike_whatever_the_stream_can_encode(one: str, other: str) -> None:
    for encoding in ("ascii", "cp1252", "utf-8"):
        lines = [shown(key).encode(encoding, "backslashreplace") for key in (one, other)]
        assert (lines[0] == lines[1]) == (one == other)


def test_characters_are_one_line_and_shown_twice_it_is_the_same() -> None:
    for number in range(0, sys.maxunicode + 1, 7):
        line = one_line(chr(number))
        assert line.isprintable()
        assert one_line(line) == line
