"""JSON Schemas of what leaves the service, by name and version, for those who receive it.

A version only gets fields and values in addition, so receivers must ignore those that they do not
know. Any other change is a new version, in addition to the old one. Nothing validates what is sent
at run time; tests do.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Final

_SUFFIX: Final = ".json"


def schema_names() -> tuple[str, ...]:
    """Return the names, such as `status-message.1`, in order."""
    return tuple(sorted(_names()))


def schema_text(name: str) -> str:
    """Return a schema as JSON.

    Raises:
        KeyError: there is no schema of that name.
    """
    if name not in schema_names():
        raise KeyError(name)
    return (files(__name__) / f"{name}{_SUFFIX}").read_text(encoding="utf-8")


def _names() -> Iterator[str]:
    for entry in files(__name__).iterdir():
        if entry.name.endswith(_SUFFIX):
            yield entry.name.removesuffix(_SUFFIX)
