"""Globs: what they match, their error messages, and their speed."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.glob import Glob, glob_error


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*.jpg", ["a.jpg", "x/y/a.jpg", ".jpg"], ["a.JPG", "a.jpg/b", "a.jpeg"]),
        ("a?c", ["abc", "x/abc"], ["ac", "a/c", "abbc"]),
        ("x/*.jpg", ["x/a.jpg"], ["x/y/a.jpg", "a.jpg", "z/x/a.jpg"]),
        ("/x/*.jpg", ["x/a.jpg"], ["x/y/a.jpg"]),
        ("x/**", ["x", "x/a", "x/y/z"], ["xa", "y/x/a"]),
        ("**/x.jpg", ["x.jpg", "a/x.jpg", "a/b/x.jpg"], ["ax.jpg", "a/bx.jpg"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb", "a/b/c"]),
        ("a/**/b/**/c", ["a/b/c", "a/x/b/y/c", "a/b/b/c"], ["a/c", "a/bc", "x/a/b/c"]),
        ("a/**/b/**", ["a/b", "a/x/b/y"], ["a/x", "a/xb/y", "a/bx"]),
        ("**/a/**/b/*c", ["a/b/c", "x/a/y/b/xc", "a/a/b/b/c"], ["b/a/c", "a/b/x/c"]),
        ("**", ["a", "a/b", ""], []),
        ("**/**", ["a", "a/b"], []),
        ("//**", ["/a", "/a/b", "/"], ["a", "a/b", "a//b"]),
        ("a/**//b", ["a//b", "a/x//b"], ["a/b", "a/x/b"]),
        ("a/**//", ["a//x", "a/y//x"], ["a/x", "a/y/x"]),
        ("/**//**", ["a//b", "/a", "a/b//c/d"], ["a", "a/b"]),
        ("a//**", ["a//b", "a//b/c"], ["a/b"]),
        ("a**b", ["ab", "axb", "x/ab"], ["a/b"]),
        ("[ab].txt", ["a.txt", "b.txt"], ["c.txt", "ab.txt"]),
        ("[!ab].txt", ["c.txt"], ["a.txt", "/.txt"]),
        ("[^ab].txt", ["c.txt", "^.txt"], ["a.txt", "b.txt"]),
        ("[^a]", ["b", "^", "x/b"], ["a"]),
        ("[a^]", ["a", "^"], ["b"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[!]a]", ["b"], ["]", "a"]),
        ("[a-c]", ["b"], ["d", "-"]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[c-a]", [], ["a", "b", "c"]),
        (r"[\]x]", ["]", "x"], ["\\"]),
        (r"[a\-c]", ["a", "-", "c"], ["b", "\\"]),
        ("[[:digit:]]x", ["1x"], ["ax", ":x"]),
        ("[[:alpha:]_]", ["a", "_"], ["1", ":"]),
        ("[-&&||~~[]", ["&", "|", "~", "-", "["], ["a"]),
        ("a/[!x]/b", ["a/y/b"], ["a//b", "a/x/b"]),
        (r"\*", ["*", "x/*"], ["a", "\\*", "\\"]),
        (r"\[a\]", ["[a]"], ["a"]),
        (r"\!a", ["!a"], ["a"]),
        (r"\\", ["\\"], ["\\\\"]),
        (r"a\b", ["ab"], ["a\\b"]),
        ("!a", ["!a"], ["a", "b"]),
        ("#a", ["#a"], ["a"]),
        ("tmp/", ["tmp/a", "x/tmp/a", "tmp/x/a", "tmp/"], ["tmp", "xtmp/a", "x/tmp"]),
        ("/old/", ["old/a", "old/x/a"], ["x/old/a", "old"]),
        ("a/tmp/", ["a/tmp/x", "a/tmp/y/z"], ["tmp/x", "x/a/tmp/y", "a/tmp"]),
        ("a/**/tmp/", ["a/tmp/x", "a/b/tmp/x"], ["tmp/x", "a/tmp"]),
        ("a/*/", ["a/b/c", "a/b/c/d"], ["a/b", "x/a/b/c"]),
        ("*.RDC/", ["x/A001.RDC/1.R3D"], ["A001.RDC"]),
        ("tmp", ["tmp", "x/tmp"], ["tmp/a"]),
        ("a[", ["a["], ["a"]),
        ("a+(b)", ["a+(b)"], ["aab"]),
        ("a\nb", ["a\nb"], ["ab"]),
        ("*", ["anything", "a/b", "line\nbreak"], []),
        ("*\n", ["a\n", "\n"], ["a", "a\nb"]),
        ("a", ["a"], ["a\n", "\na"]),
    ],
)
def test_globs(pattern: str, matching: list[str], other: list[str]) -> None:
    glob = Glob.compile(pattern)
    assert [key for key in matching if not glob.matches(key)] == []
    assert [key for key in other if glob.matches(key)] == []


@given(st.text(max_size=12) | st.text("*?[]!^-\\/a:", max_size=16), st.text(max_size=12))
def test_every_string_is_a_pattern(pattern: str, key: str) -> None:
    Glob.compile(pattern).matches(key)
    glob_error(pattern)


@given(st.text(st.characters(exclude_characters="*?[\\/", exclude_categories=("Cs",)), min_size=1))
def test_a_pattern_without_wildcards_matches_only_itself(name: str) -> None:
    assert Glob.compile(name).matches(name)
    assert Glob.compile(name).matches(f"folder/{name}")
    assert not Glob.compile(name).matches(f"{name}x")


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_within_a_segment_it_matches_as_fnmatch(pattern: str, name: str) -> None:
    if pattern != "**":
        assert Glob.compile(pattern).matches(name) == fnmatch.fnmatchcase(name, pattern)


def _slow(pattern: list[str], names: list[str]) -> bool:
    """Match segments by trying everything."""
    if not pattern:
        return not names
    if pattern[0] == "**":
        return any(_slow(pattern[1:], names[start:]) for start in range(len(names) + 1))
    return bool(names) and pattern[0] in ("*", names[0]) and _slow(pattern[1:], names[1:])


@given(
    st.lists(st.sampled_from(["a", "b", "*", "**", ""]), min_size=2, max_size=6),
    st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=6),
)
def test_any_segments_are_found_wherever_they_are(pattern: list[str], names: list[str]) -> None:
    assume(pattern[-1])  # a slash at the end or at the start has a special meaning
    pattern = pattern if pattern[0] else ["", *pattern]
    assert Glob.compile("/".join(pattern)).matches("/".join(names)) == _slow(
        pattern if pattern[0] else pattern[1:], names
    )


_PATTERN_CHARS_MAX = 256
SLOW = [
    ("*a*a*a*a*a*a*b", "a" * 1024),
    ("*a" * 127 + "b", "a" * 1024),
    ("**/" * 30 + "b", "a/" * 512),
    ("**/" * 85, "a/" * 512),
    ("**/" * 85 + "b", "a/" * 511 + "a"),
    ("**/a/" * 51 + "b", "a/" * 511 + "a"),
    ("**/" + "a/" * 120 + "b", "a/" * 511 + "a"),
    ("**/*a*a*b/" * 25 + "c", "aaaaaaa/" * 127),
    ("*/" * 127, "a/" * 512),
    ("[a-z]*" * 40, "a" * 1023 + "/"),
    ("?" * 255 + "b", "a" * 1024),
]


@pytest.mark.parametrize(("pattern", "key"), SLOW, ids=range(len(SLOW)))
def test_no_pattern_is_slow(pattern: str, key: str) -> None:
    assert len(pattern) <= _PATTERN_CHARS_MAX
    assert len(key) <= 1024
    glob = Glob.compile(pattern)
    best = min(_time_of(glob, key) for _ in range(5))
    # The limit is far above the usual time, for a busy machine.
    assert best < 0.02


def _time_of(glob: Glob, key: str) -> float:
    started = time.perf_counter()
    glob.matches(key)
    return time.perf_counter() - started


@pytest.mark.parametrize(
    ("pattern", "cause"),
    [
        ("", "matches nothing"),
        ("/", "matches nothing"),
        ("//", "matches nothing"),
        ("!*.mov", "exclamation mark"),
        ("a[", "opening bracket"),
        ("a[]", "opening bracket"),
        ("[a/b]", "opening bracket"),
        (r"[a\]", "opening bracket"),
        ("a\\", "backslash"),
        ("a\\\\\\", "backslash"),
    ],
)
def test_a_pattern_that_is_likely_a_mistake_is_refused(pattern: str, cause: str) -> None:
    fault = glob_error(pattern)
    assert fault is not None
    assert cause in fault


@pytest.mark.parametrize(
    "pattern",
    ["*", "tmp/", "/a/", "**", "[!a]", "[]]", r"\[", r"\!a", "a]", "a\\\\", "#a", "{a,b}"],
)
def test_any_other_pattern_is_accepted(pattern: str) -> None:
    assert glob_error(pattern) is None
