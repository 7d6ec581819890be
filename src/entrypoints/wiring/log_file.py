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
    """A handler that reports once that it cannot write, instead of a stack trace for each line."""

    _reported = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """See `logging.Handler`."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not LogFile._reported:
            LogFile._reported = True
            cause = error.strerror or str(error)
            print(  # noqa: T201 - the log itself does not work
                f"the log {self.baseFilename} is incomplete: {cause}; the service continues to run",
                file=sys.stderr,
            )


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Write the warnings of all libraries and of the local runtime to the file inside the block."""
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
        # The handler has reported that the rest of the log is lost, as on a full disk.
        with suppress(OSError):
            handler.close()
