"""What this project measured, on 2 cores that ran other work; docs/testing.md describes the runs.

CPU seconds are those of one core of that machine. A function with 1,769 MB has one core of AWS's,
which may be faster or slower: compare sizes and settings with these figures, do not predict a bill.
"""

from __future__ import annotations

from typing import Final

# Of calls and objects; "lean" as single objects and listings are read by default.
CPU_S_LISTED_KEY: Final = 23e-6
CPU_S_KNOWN_BY_CATALOG: Final = 1 / 16_721 - CPU_S_LISTED_KEY
CPU_S_KNOWN_BY_TAGS: Final = 1 / 1_921 - CPU_S_LISTED_KEY
CPU_S_HEAD: Final = 0.78e-3
CPU_S_WRITE: Final = 0.76e-3
# A call by the SDK, such as a query of the catalog or PutEvents.
CPU_S_SDK_CALL: Final = 1.25e-3

# `make bench`, splitting and report, and `python -m timeit` of one item and one line.
CPU_S_SPLIT_ROW: Final = 8e-6
CPU_S_REPORT_ROW: Final = 30e-6
CPU_S_CHUNK_ITEM: Final = 100e-6
CPU_S_OUTCOME_LINE: Final = 9e-6

# bench/listing_streams.py: of eight streams, 3.5 were listing at once in 4,000,000 keys. A range
# that ends early is replaced by one probe for ten pages.
SHARE_OF_ADDED_STREAMS: Final = 0.36
"""How much of a stream each stream after the first adds."""

# Assumed, because AWS documents none: EventBridge, SQS, and the invocation of a function.
OTHER_LATENCY_S: Final = 0.02
