r"""Keys with line breaks.

S3 User Guide, "Naming Amazon S3 objects": a key is any sequence of Unicode characters of up to
1,024 bytes (checked 2026-11). In moto a key ends at a line break, which `.` does not match.
"""

from collections.abc import Callable
from typing import Any

from moto.moto_server.utilities import RegexConverter

from adapters.local.cloud.mends.replacing import replace


def mend() -> None:
    """Let `.` match every character in moto's routes."""
    replace(RegexConverter, "__init__", _matching_line_breaks)


def _matching_line_breaks(initialize: Callable[..., Any]) -> Callable[..., Any]:
    def matching_line_breaks(self: Any, *arguments: Any) -> None:
        initialize(self, *arguments)
        self.regex = f"(?s:{self.regex})"

    return matching_line_breaks
