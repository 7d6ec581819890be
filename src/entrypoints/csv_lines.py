"""Lines of CSV, for the command line and the console."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence


def csv_line(values: Sequence[object]) -> str:
    """Return the values as a line; keys may have commas, quotes and line ends (RFC 4180)."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(values)
    return text.getvalue()
