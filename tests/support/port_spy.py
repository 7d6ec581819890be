"""Counting the calls of a port."""

from __future__ import annotations

from collections import Counter
from typing import Any


def spy(port: Any) -> Counter[str]:
    """Count the calls of a port's methods from now on."""
    counts: Counter[str] = Counter()

    def counted(name: str, method: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            counts[name] += 1
            return method(*args, **kwargs)

        return call

    for name in dir(port):
        if not name.startswith("_") and callable(getattr(port, name)):
            setattr(port, name, counted(name, getattr(port, name)))
    return counts
