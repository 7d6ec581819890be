"""The log file of a local service: one JSON document per line, from all loggers."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from adapters.aws.powertools_telemetry import SERVICE, to_ascii_json

_ORDER: Final = ["level", "location", "message", "timestamp", "service"]


class LogFile(logging.FileHandler):
    """A handler that says once what it cannot write, and not with a stack trace for each line."""

    _said = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """See `logging.Handler`."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not LogFile._said:
            LogFile._said = True
            cause = error.strerror or str(error)
            print(  # noqa: T201 - the log itself is what does not work
                f"the log {self.baseFilename} is incomplete: {cause}; the service runs on",
                file=sys.stderr,
            )


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Have warnings of all libraries, and of the local runtime, go to the file meanwhile."""
    handler = LogFile(path)
    handler.setFormatter(
        LambdaPowertoolsFormatter(
            json_serializer=to_ascii_json, log_record_order=_ORDER, service=f"{SERVICE}-local"
        )
    )
    handler.setLevel(logging.WARNING)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        # What is left to be written of a full disk's log has been said to be lost.
        with suppress(OSError):
            handler.close()
