r"""How a key, or any text that others wrote, is shown to a person: on one line, and as what it is.

Keys hold anything, line breaks and the control sequences of terminals included. A printable
character is shown as it is, any other as in a string of Python (`\n`, `\x1b`, `\u2028`,
`\U000e0001`), and a backslash is doubled, so that two keys are never shown alike. A stream that
cannot encode a printable character writes it by its number in the same way ("backslashreplace").
"""

from __future__ import annotations


def shown(text: str) -> str:
    """Return the key as one printable line; another key has another one."""
    return one_line(text.replace("\\", "\\\\"))


def one_line(text: str) -> str:
    """Return a sentence as one printable line; keys in it are `shown` already."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
