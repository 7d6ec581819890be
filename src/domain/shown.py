r"""How a key, or any text from elsewhere, is shown to a user: on one line and unambiguously.

Keys can hold anything, including line breaks and the control sequences of terminals. A printable
character is shown as it is, any other as in a Python string (`\n`, `\x1b`, `\u2028`, `\U000e0001`).
A backslash is doubled, so that no two keys look alike. A stream that cannot encode a printable
character writes it by its number in the same way ("backslashreplace").
"""

from __future__ import annotations


def shown(text: str) -> str:
    """Return the key as one printable line; different keys give different lines."""
    return one_line(text.replace("\\", "\\\\"))


def one_line(text: str) -> str:
    """Return a sentence as one printable line; keys in it are already `shown`."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
