"""Samples where this process spends its CPU time, and attributes samples to layers and to calls."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Final

_INTERVAL_S: Final = 0.002

# Python runs the handler of a signal after a call of the kernel, so such a call counts for what
# called it.
_HTTP: Final = "HTTP: aiohttp, event loop, kernel"
# By a part of the path; the first that is found from the innermost frame outwards. What else the
# standard library does counts for its caller.
_LAYERS: Final[Mapping[str, str]] = {
    "site-packages/botocore": "SDK: botocore, aiobotocore",
    "site-packages/aiobotocore": "SDK: botocore, aiobotocore",
    "site-packages/aioboto3": "SDK: botocore, aiobotocore",
    "site-packages/aiohttp": _HTTP,
    "src/adapters": "adapters of this service",
    "src/application": "use cases and rules of this service",
    "src/domain": "use cases and rules of this service",
}
# Methods of adapters: the innermost one that is found is the call that a sample is for.
_CALLS: Final[Mapping[str, str]] = {
    "read_tags": "GetObjectTagging",
    "head": "HeadObject",
    "copy_in_place": "CopyObject",
    "publish": "PutEvents",
    "look_up": "BatchGetItem",
    "records_at": "BatchGetItem",
    "list_objects": "ListObjectsV2",
}
OTHER_CALL: Final = (
    "all else: use cases, files, the event loop's own work, and responses as they arrive"
)


class Samples:
    """How many samples were taken, by layer and by call."""

    def __init__(self) -> None:
        self.layers: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    def take(self, _signal: int, frame: FrameType | None) -> None:
        """Count the frame that the signal interrupted."""
        self.layers[_layer(frame)] += 1
        self.calls[_call(frame)] += 1


@contextmanager
def sampling() -> Iterator[Samples]:
    """Take a sample for each two milliseconds of CPU time; only for the main thread."""
    samples = Samples()
    signal.signal(signal.SIGPROF, samples.take)
    signal.setitimer(signal.ITIMER_PROF, _INTERVAL_S, _INTERVAL_S)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _layer(frame: FrameType | None) -> str:
    while frame is not None:
        for part, layer in _LAYERS.items():
            if part in frame.f_code.co_filename:
                return layer
        frame = frame.f_back
    return _HTTP


def _call(frame: FrameType | None) -> str:
    while frame is not None:
        code = frame.f_code
        if "src/adapters/aws" in code.co_filename and code.co_name in _CALLS:
            return _CALLS[code.co_name]
        frame = frame.f_back
    return OTHER_CALL
