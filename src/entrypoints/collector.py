"""The garbage collector runs less often from the first import of this module.

Objects live until the next collection of their generation. Decoded responses are many small
dictionaries, and none of them is part of a cycle. With CPython's default of 700, a job that asks
only the catalog spent a sixth of its CPU time in the collector (bench/syncs.py). Imports make
many objects that stay, too, so handlers import this module before all others: with the default, a
cold start spent 7 percent of its CPU time in the collector (bench/cold_start.py).
"""

from __future__ import annotations

import gc
from typing import Final

_THRESHOLDS: Final = (10_000, 20, 50)

# For the whole process; memory stays bounded by counts.
gc.set_threshold(*_THRESHOLDS)
