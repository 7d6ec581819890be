"""A check, its findings, and the stage that it checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.remote.stage_api_client import OpenClient, Outputs


class Verdict(StrEnum):
    """The result. NOT_SEEN is not an error: there has been no activity to check yet."""

    OK = "ok"
    WRONG = "WRONG"
    NOT_SEEN = "not seen"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result for one resource; `fix` says what to do if the check failed."""

    subject: str
    verdict: Verdict
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A deployed stage.

    Attributes:
        outputs: The outputs of its stack.
        client: Opens clients of AWS services in its Region.
        signed: Its API, called with permission.
        unsigned: Its API, called without authorisation.
    """

    outputs: Outputs
    client: OpenClient
    signed: ApiClient
    unsigned: ApiClient

    @property
    def name(self) -> str:
        """The stack's name, a prefix of its functions' names."""
        return self.outputs["ApiFunctionName"].removesuffix("-api")

    @property
    def account(self) -> str:
        """The account of the stage."""
        return self.outputs["AlarmTopicArn"].split(":")[4]

    def listed(self, output: str) -> list[str]:
        """Return the values of an output that is a list; empty if it is missing."""
        return [part for part in self.outputs.get(output, "").split(",") if part]


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a stage.

    Attributes:
        title: What is checked.
        command: A command that shows the same, with names of stack outputs in braces.
        expected: The expected output of the command.
        run: Performs the check.
    """

    title: str
    command: str
    expected: str
    run: Callable[[Stage], Iterator[Finding]]

    def command_of(self, stage: Stage) -> str:
        """Return the command for this stage, ready to paste."""
        text = self.command.format_map(_Named(stage.outputs))
        return text.replace("STAGE", stage.name.removeprefix("asset-sync-"))

    def described(self) -> tuple[str, str]:
        """Return the command and the expected output, with names of outputs instead of values."""
        names = _Named()
        return self.command.format_map(names), self.expected.format_map(names)


class _Named(dict[str, str]):
    """Values by name; a missing value is replaced by its name."""

    def __missing__(self, name: str) -> str:
        return name


def found(subject: str, good: bool, detail: str, fix: str = "") -> Finding:
    """Return a finding that is either OK or WRONG."""
    return Finding(subject, Verdict.OK if good else Verdict.WRONG, detail, fix)
