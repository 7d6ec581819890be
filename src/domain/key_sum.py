"""A sum over keys that shows whether two lists hold the same keys, each equally often.

Order makes no difference, and the sum is one number however long a list is, so it fits into a
checkpoint. Each key contributes 120 bits of its hash, so it is practically impossible that two
different lists have the same sum by accident. None is an unknown sum, and stays so.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

# As a decimal number it fits in the 38 digits of a number in DynamoDB.
_DIGEST_BYTES: Final = 15
_MODULUS: Final = 1 << 8 * _DIGEST_BYTES


def with_key(key_sum: int | None, key: str | None) -> int | None:
    """Return the sum with one more key; an unknown key makes the sum unknown."""
    if key_sum is None or key is None:
        return None
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
    return (key_sum + int.from_bytes(digest, "big")) % _MODULUS


def may_be_equal(left: int | None, right: int | None) -> bool:
    """Return whether the lists may hold the same keys; they may if one of the sums is unknown."""
    return left is None or right is None or left == right
