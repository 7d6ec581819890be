"""Tags with leading and trailing spaces.

S3 User Guide, "Categorizing your objects using tags": spaces are allowed in keys and values, and
no page says that S3 strips them (checked 2026-11). moto strips them in PutObjectTagging.
"""

from xml.etree import ElementTree

from moto.s3.responses import S3Response

from adapters.local_aws.aws_emulator.moto_patches.patching import patch


def apply() -> None:
    """Read the document without stripping its texts."""
    patch(S3Response, "_tagging_from_xml", lambda _: _unstripped)


def _unstripped(response: S3Response) -> dict[str, str]:
    # The document comes from an SDK on this machine.
    document = ElementTree.fromstring(response.body)  # noqa: S314
    return {
        tag.findtext("{*}Key", ""): tag.findtext("{*}Value", "")
        for tag in document.iterfind("{*}TagSet/{*}Tag")
    }
