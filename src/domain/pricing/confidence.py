"""How sure a share is that was found in a sample.

The interval is Wilson's score interval (Wilson, "Probable Inference, the Law of Succession, and
Statistical Inference", 1927), which also holds for shares near 0 and 1 and for small samples.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

CONFIDENCE: Final = 0.95
_Z: Final = 1.959964
"""The quantile of the normal distribution that leaves 2.5 percent on each side."""


def wilson(hits: int, sampled: int) -> tuple[float, float]:
    """Return the interval of the share that `hits` of `sampled` suggest; 0 to 1 without a sample.

    Both ends grow with `hits`.
    """
    if sampled <= 0:
        return 0.0, 1.0
    share, z2 = hits / sampled, _Z * _Z
    centre = share + z2 / (2 * sampled)
    spread = _Z * sqrt(share * (1 - share) / sampled + z2 / (4 * sampled * sampled))
    low, high = (centre - spread) / (1 + z2 / sampled), (centre + spread) / (1 + z2 / sampled)
    return (0.0 if hits == 0 else max(low, 0.0)), (1.0 if hits == sampled else min(high, 1.0))


def count_interval(hits: int, sampled: int, total: int) -> tuple[int, int]:
    """Return the interval of the number among `total` objects, of which `sampled` were looked at.

    What was seen is certain: at least `hits` are, and at least `sampled - hits` are not.
    """
    if sampled >= total:
        return hits, hits
    low, high = wilson(hits, sampled)
    at_most = total - (sampled - hits)
    return (
        min(max(round(low * total), hits), at_most),
        max(min(round(high * total), at_most), hits),
    )
