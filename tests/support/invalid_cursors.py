"""Invalid cursors that a client may send, for every list to refuse."""

import base64
import json
from collections.abc import Iterator

GARBAGE = (
    "",
    "x",
    "ÿ",
    "bm90IGpzb24=",
    "W10=",
    "e30=",
    "MQ==",
    "W1tb" * 1000,
)
# Neither a key of DynamoDB nor a position in a list.
_NOT_A_PLACE: tuple[object, ...] = (
    "",
    "x" * 1025,
    "é" * 513,
    "\ud800",
    None,
    True,
    -1,
    2**53,
    10**100,
    1.5,
    [],
    {},
)


def invalid_cursors(cursor: str) -> Iterator[str]:
    """Yield texts that are not cursors, and `cursor` with one value changed."""
    yield from GARBAGE
    yield cursor[:-4]
    values = json.loads(base64.urlsafe_b64decode(cursor))
    for position, _ in enumerate(values):
        for bad in _NOT_A_PLACE:
            if values[position] is None and bad is None:
                continue
            changed = [*values[:position], bad, *values[position + 1 :]]
            yield base64.urlsafe_b64encode(json.dumps(changed).encode()).decode()
    yield base64.urlsafe_b64encode(json.dumps([*values, "more"]).encode()).decode()
    yield base64.urlsafe_b64encode(json.dumps(values[:-1]).encode()).decode()
