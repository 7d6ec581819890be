r"""Keys with line breaks and control characters.

S3 User Guide, "Naming Amazon S3 objects": a key is any sequence of Unicode characters of up to
1,024 bytes. S3 API Reference, "ListObjectsV2": with encoding type `url`, StartAfter is encoded in
the answer, as keys are (both checked 2026-11). In moto a key ends at a line break, which `.` does
not match, and StartAfter goes into the XML as it came, which cannot hold every sign.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from moto.core.responses import ActionResult
from moto.moto_server.utilities import RegexConverter
from moto.s3.responses import S3Response

from adapters.local.cloud.mends.replacing import replace


def mend() -> None:
    """Let `.` match every character in moto's routes, and encode what a listing started after."""
    replace(RegexConverter, "__init__", _matching_line_breaks)
    replace(S3Response, "serialized", _encoding_start_after)


def _matching_line_breaks(initialize: Callable[..., Any]) -> Callable[..., Any]:
    def matching_line_breaks(self: Any, *arguments: Any) -> None:
        initialize(self, *arguments)
        self.regex = f"(?s:{self.regex})"

    return matching_line_breaks


def _encoding_start_after(serialize: Callable[..., Any]) -> Callable[..., Any]:
    def serialized(self: S3Response, action_result: ActionResult) -> Any:
        answer = action_result.result
        if (
            self.data.get("Action") == "ListObjectsV2"
            and isinstance(answer, dict)
            and answer.get("EncodingType") == "url"
            and "StartAfter" in answer
        ):
            answer["StartAfter"] = quote(answer["StartAfter"])
        return serialize(self, action_result)

    return serialized
