"""What a check is, what it finds, and the stage that it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.remote.stage_api_client import OpenClient, Outputs


class Verdict(StrEnum):
    """What was found. NOT_SEEN is no fault: it can be seen only after something has happened."""

    OK = "ok"
    WRONG = "WRONG"
    NOT_SEEN = "not seen"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `fix` says what to do where it is not as it should be."""

    subject: str
    verdict: Verdict
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A deployed stage.

    Attributes:
        outputs: The outputs of its stack.
        client: Opens AWS's services in its Region.
        signed: Its API, as a caller with rights asks it.
        unsigned: Its API, as anybody asks it.
    """

    outputs: Outputs
    client: OpenClient
    signed: ApiClient
    unsigned: ApiClient

    @property
    def name(self) -> str:
        """The stack's name, which its functions begin with."""
        return self.outputs["ApiFunctionName"].removesuffix("-api")

    @property
    def account(self) -> str:
        """The account that it is in."""
        return self.outputs["AlarmTopicArn"].split(":")[4]

    def listed(self, output: str) -> list[str]:
        """Return what an output lists; without it, nothing."""
        return [part for part in self.outputs.get(output, "").split(",") if part]


@dataclass(frozen=True, slots=True)
class Check:
    """One look at a stage.

    Attributes:
        title: What is looked at.
        command: How a person sees the same; names of outputs of the stack in braces.
        expected: What is to be seen.
        run: Looks, and finds.
    """

    title: str
    command: str
    expected: str
    run: Callable[[Stage], Iterator[Finding]]

    def command_of(self, stage: Stage) -> str:
        """Return the command for this stage, as it can be pasted."""
        text = self.command.format_map(_Named(stage.outputs))
        return text.replace("STAGE", stage.name.removeprefix("asset-sync-"))

    def described(self) -> tuple[str, str]:
        """Return the command and what is to be seen, with names of outputs for their values."""
        names = _Named()
        return self.command.format_map(names), self.expected.format_map(names)


class _Named(dict[str, str]):
    """Values by name; a name without a value stands for itself."""

    def __missing__(self, name: str) -> str:
        return name


def found(subject: str, good: bool, detail: str, fix: str = "") -> Finding:
    """Return a finding that is either good or wrong."""
    return Finding(subject, Verdict.OK if good else Verdict.WRONG, detail, fix)
