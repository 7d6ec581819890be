"""The values of a form's fields: texts, as the browser sends them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

_WHOLE: Final = re.compile(r"-?\d{1,18}", re.ASCII)
_DECIMAL: Final = re.compile(r"-?\d{0,9}\.\d{1,9}", re.ASCII)


class Posted(Protocol):
    """The fields of a form that was sent."""

    def getall(self, key: str) -> Sequence[Any]:
        """Return all values of a field."""
        ...

    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a form's fields; a field that is missing is empty."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of_form(cls, posted: Posted) -> Values:
        """Return what a browser sent; files are ignored."""
        return cls(
            {
                name: tuple(v for v in posted.getall(name) if isinstance(v, str))
                for name in set(posted)
            }
        )

    def text(self, name: str, default: str = "") -> str:
        """Return the value of a field, without surrounding spaces."""
        return (self.fields.get(name) or (default,))[0].strip()

    def area(self, name: str) -> str:
        """Return the value of a field of several lines, with line breaks as LF."""
        return (self.fields.get(name) or ("",))[0].replace("\r\n", "\n")

    def lines(self, name: str) -> list[str]:
        """Return the lines of a field; empty ones are left out, spaces are kept."""
        return [line for line in self.area(name).split("\n") if line]

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of a field."""
        return self.fields.get(name, ())

    def on(self, name: str) -> bool:
        """Return whether a box is ticked."""
        return bool(self.fields.get(name))


def number(text: str) -> int | float | str | None:
    """Return a number; any other text as it is, so that the API reports it."""
    if not text:
        return None
    if _DECIMAL.fullmatch(text):
        return float(text)
    return int(text) if _WHOLE.fullmatch(text) else text
