"""A sum over keys, by which two lists are known to hold the same keys, each as often.

Order makes no difference, and the sum is one number however long a list is, so it can be kept with
a checkpoint. Each key counts with 120 bits of its hash: that two different lists come to the same
sum by accident is as good as impossible. None is a sum that is not known, and stays so.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

# As a decimal number it fits in the 38 digits of a number in DynamoDB.
_DIGEST_BYTES: Final = 15
_MODULUS: Final = 1 << 8 * _DIGEST_BYTES


def with_key(key_sum: int | None, key: str | None) -> int | None:
    """Return the sum with one more key; a key that is not known makes the sum unknown."""
    if key_sum is None or key is None:
        return None
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
    return (key_sum + int.from_bytes(digest, "big")) % _MODULUS


def may_be_equal(left: int | None, right: int | None) -> bool:
    """Tell whether the lists may hold the same keys; they may if one of the sums is not known."""
    return left is None or right is None or left == right
