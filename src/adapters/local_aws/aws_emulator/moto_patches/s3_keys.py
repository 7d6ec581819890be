r"""Keys with line breaks and control characters.

S3 User Guide, "Naming Amazon S3 objects": a key is any sequence of Unicode characters of up to
1,024 bytes. S3 API Reference, "ListObjects", "ListObjectsV2", "ListObjectVersions" and
"ListMultipartUploads": with encoding type `url`, keys and parts of keys are encoded in the response
(all checked 2026-11). In moto a key ends at a line break, which `.` does not match, and all but the
keys of the first two is written to the XML as it is, which cannot hold every character.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from moto.core.responses import ActionResult
from moto.moto_server.utilities import RegexConverter
from moto.s3.responses import S3Response

from adapters.local_aws.aws_emulator.moto_patches.patching import patch

# What moto does not encode: by action, the members of the response and of each entry.
_NOT_ENCODED: Final[dict[Any, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]]] = {
    "ListObjects": (("Prefix", "Delimiter", "NextMarker"), (("CommonPrefixes", "Prefix"),)),
    "ListObjectsV2": (("Delimiter", "StartAfter"), ()),
    "ListObjectVersions": (
        ("Prefix", "Delimiter", "KeyMarker", "NextKeyMarker"),
        (("Versions", "Key"), ("DeleteMarkers", "Key"), ("CommonPrefixes", "Prefix")),
    ),
    "ListMultipartUploads": ((), (("Uploads", "Key"),)),
}


def apply() -> None:
    """Let `.` match every character in moto's routes, and encode all keys in listings."""
    patch(RegexConverter, "__init__", _matching_line_breaks)
    patch(S3Response, "serialized", _encoding_names)


def _matching_line_breaks(initialize: Callable[..., Any]) -> Callable[..., Any]:
    def matching_line_breaks(self: Any, *arguments: Any) -> None:
        initialize(self, *arguments)
        self.regex = f"(?s:{self.regex})"

    return matching_line_breaks


def _encoding_names(serialize: Callable[..., Any]) -> Callable[..., Any]:
    def serialized(self: S3Response, action_result: ActionResult) -> Any:
        response = action_result.result
        plain = _NOT_ENCODED.get(self.data.get("Action"))
        requested = self.querystring.get("encoding-type", [None])[0]
        if plain is not None and requested == "url" and isinstance(response, dict):
            names, nested = plain
            response["EncodingType"] = requested
            _encode(response, names)
            for members, name in nested:
                for member in response.get(members) or ():
                    _encode(member, (name,))
        return serialize(self, action_result)

    return serialized


def _encode(values: dict[str, Any], names: tuple[str, ...]) -> None:
    values.update({name: quote(values[name]) for name in names if values.get(name)})
