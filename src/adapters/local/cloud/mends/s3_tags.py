"""Tags with spaces at their ends.

S3 User Guide, "Categorizing your objects using tags": spaces are allowed in keys and values, and
no page takes any away (checked 2026-11). moto cuts them off what PutObjectTagging brings.
"""

from collections.abc import Callable
from typing import Any, Final
from xml.etree import ElementTree

from moto.s3.responses import S3Response

from adapters.local.cloud.mends.replacing import replace

_NAMESPACE: Final = "{*}"


def mend() -> None:
    """Read the document without cutting its texts."""
    replace(S3Response, "_tagging_from_xml", _uncut)


def _uncut(unmended: Callable[..., Any]) -> Callable[..., Any]:
    def tagging_from_xml(self: S3Response) -> dict[str, str]:
        cut: dict[str, str] = unmended(self)  # raises what S3 refuses
        # The document comes from our own SDK.
        document = ElementTree.fromstring(self.body)  # noqa: S314
        tags = {
            tag.findtext(f"{_NAMESPACE}Key", ""): tag.findtext(f"{_NAMESPACE}Value", "")
            for tag in document.iter()
            if tag.tag.rpartition("}")[2] == "Tag"
        }
        return tags if len(tags) == len(cut) else cut

    return tagging_from_xml
