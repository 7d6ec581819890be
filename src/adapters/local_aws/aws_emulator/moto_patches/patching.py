"""How a patch replaces a function of moto."""

from collections.abc import Callable
from typing import Any


def patch(
    owner: object, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> None:
    """Replace the attribute `name` of `owner` with `wrap(original)`.

    Raises:
        AttributeError: moto no longer has the attribute, so the patch must be reviewed.
    """
    setattr(owner, name, wrap(getattr(owner, name)))
