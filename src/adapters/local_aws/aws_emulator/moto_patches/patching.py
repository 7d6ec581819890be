"""How a mend puts its function in the place of moto's."""

from collections.abc import Callable
from typing import Any


def replace(
    owner: object, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> None:
    """Put `wrap(original)` where `owner` has its attribute `name`.

    Raises:
        AttributeError: moto has no such attribute any more, so the mend must be looked at again.
    """
    setattr(owner, name, wrap(getattr(owner, name)))
