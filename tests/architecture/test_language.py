"""The prose uses the terms of AWS's and Python's own documents, one term per thing.

`TERMS` lists what is not written, and what to write instead. Quoted code and names on the wire
(`givenUp`) are exempt. Names of functions are checked as prose. Generated text is checked where it
comes from: in the source.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECKED = (
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "Makefile",
    "README.md",
    "SECURITY.md",
    ".github",
    "bench",
    "docs",
    "examples",
    "infra",
    "infra.mk",
    "pyproject.toml",
    "src",
    "tests",
    "tools",
)
GENERATED = (
    "docs/conformance.md",
    "docs/decision-table.md",
    "docs/iam.md",
    "docs/state-machines.md",
)
SUFFIXES = {".md", ".mk", ".py", ".toml", ".yaml", ".yml", ""}

TERMS = {
    r"(?<!_)mend(?:s|ed|ing|able)?": "fix, repair, retry",
    r"(?:go|goes|going|gone|went) on with": "resume, continue",
    r"anew": "again",
    r"for ever": "forever, indefinitely",
    r"for good": "permanently",
    r"without a word": "silently",
    r"any more": "no longer",
    r"by (?:itself|themselves)": "on its own, automatically, alone",
    r"(?:has|have|had|having) to be": "must be",
    r"told|tells": "reported, specified, shows, distinguishes",
    r"(?:what became|becomes) of": "the outcome of",
    r"(?:in|out of) step(?! \d)": "in sync, up to date, out of date",
    r"on file": "recorded, stored",
    r"begun": "started, created",
    r"(?:in|by) parts": "multipart",
    r"(?:give|gives|gave|given|giving) (?:\w+ )?up": "fail, abort, stop, time out",
    r"hand(?:s|ed|ing)? (?:\w+ )?back": "release, requeue",
    r"sets? off": "trigger, start",
    r"(?:stand|stands|standing|stood) still": "be stuck, make no progress",
    r"stands? in (?:the way|doubt)|in doubt": "conflicting; uncertain, ambiguous",
    r"beside": "in addition to, alongside, next to",
    r"meanwhile": "in the meantime, concurrently",
    r"(?:come|comes|came) again": "be redelivered, be retried",
    r"(?:is|be|was|are) at it": "process it, hold its lease",
    r"(?:lean|leans|leaning) on": "depend on",
    r"hear(?:s|d)? of|unheard": "receive, be notified; stopped responding",
    r"nobody|somebody": "no process, no one; another process, someone",
    r"laptops?": "local machine, locally",
    r"signs": "characters",
    r"(?:said|says|say|saying|stated?|told) again|restated?": "set again, preserve",
    r"ways? in(?! which)": "entry point, access",
    r"(?:come|comes|came) to nothing": "fail",
    r"(?:take|takes|taken|taking) (?:\w+ )?away": "remove, delete",
    r"a person": "an operator, a user",
    r"made of the code": "generated from the code",
    r"(?:wants?|wanted) (?:that|at least)|S3 wants": "require",
    r"whoever": "the process that, any caller that",
    r"(?<!Glacier\s)instants?": "timestamp, time",
    r"poisonous": "poison message",
    r"but for": "except",
}
# Prose wraps, so a term may go across a line break.
TERM = re.compile(
    "|".join(
        rf"(?P<t{i}>\b(?:{pattern})\b)".replace(" ", r"\s+") for i, pattern in enumerate(TERMS)
    ),
    re.IGNORECASE,
)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
GENERATED_REGION = re.compile(r"<!-- generated: .*?<!-- end generated -->", re.DOTALL)
QUOTED = re.compile(r"`[^`\n]+`")
# Code: a loop over `parts`, and names on the wire.
CODE = re.compile(r"\bfor [\w, ()]+ in \w+|\"begun\"")
FUNCTION = re.compile(r"\bdef \w+")
RELEASED = re.compile(r"^## \[\d.*", re.MULTILINE | re.DOTALL)


def _files() -> Iterator[Path]:
    for name in CHECKED:
        path = ROOT / name
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in found:
            relative = file.relative_to(ROOT)
            if (
                file.is_file()
                and file.suffix in SUFFIXES
                and file != Path(__file__)
                and str(relative) not in GENERATED
                and not {"__pycache__", "node_modules", "cdk.out"} & set(relative.parts)
            ):
                yield file


def _blanked(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "_", match.group())


def _checked_text(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    exempt = [QUOTED]
    if path.suffix == ".md":
        exempt = [FENCE, GENERATED_REGION, QUOTED]
    if path.suffix == ".py":
        # The names of functions, above all of tests, are prose too.
        text = FUNCTION.sub(lambda match: match.group().replace("_", " "), text)
        exempt = [CODE, QUOTED]
    if path.name == "CHANGELOG.md":
        exempt.append(RELEASED)
    for pattern in exempt:
        text = pattern.sub(_blanked, text)
    return text


def _findings(text: str) -> list[str]:
    instead = list(TERMS.values())
    return [
        f"{text.count(chr(10), 0, match.start()) + 1}: {' '.join(match.group().split())!r}: write "
        f"{instead[int((match.lastgroup or 't0')[1:])]}"
        for match in TERM.finditer(text)
    ]


@pytest.mark.parametrize("path", list(_files()), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_prose_uses_standard_terms(path: Path) -> None:
    assert _findings(_checked_text(path)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A job that stands still.", ["1: 'stands still': write be stuck, make no progress"]),
        ("Line one\nhas to be wrapped.", ["2: 'has to be': write must be"]),
        ("It is gone on\nwith.", ["1: 'gone on with': write resume, continue"]),
        ("The log event job_not_mended, an instance, a step.", []),
    ],
)
def test_a_term_is_reported_with_its_line_and_its_replacement(text: str, found: list[str]) -> None:
    assert _findings(text) == found
