"""Looking for some keys of a bucket by its listing, rather than for each object alone.

A page of a listing has a thousand keys. If the keys that are looked for are near to each other, as
those of a removed folder are, one page answers for all of them; if they are far apart, each needs a
page, and never more pages are needed than the whole bucket has.
"""

from __future__ import annotations

from typing import Final

from domain.limits import NOT_IN_XML

_FIRST_SURROGATE: Final = 0xD800
_AFTER_SURROGATES: Final = 0xE000


def just_before(key: str, prefix: str) -> str | None:
    """Return a text from which a listing under `prefix` begins at `key`, or shortly before it.

    It is below the key. None if the listing of the prefix must begin at its first key.
    """
    last = ord(key[-1])
    before = _FIRST_SURROGATE - 1 if last == _AFTER_SURROGATES else last - 1
    text = key[:-1] if last == 0 else key[:-1] + chr(before)
    # A text that XML cannot represent is no text to send to S3.
    text = key[:-1] if NOT_IN_XML.search(text[-1:]) else text
    return text if text > prefix else None
