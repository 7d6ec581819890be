"""Tags with spaces at their ends.

S3 User Guide, "Categorizing your objects using tags": spaces are allowed in keys and values, and
no page takes any away (checked 2026-11). moto cuts them off what PutObjectTagging brings.
"""

from xml.etree import ElementTree

from moto.s3.responses import S3Response

from adapters.local_aws.aws_emulator.moto_patches.patching import replace


def mend() -> None:
    """Read the document without cutting its texts."""
    replace(S3Response, "_tagging_from_xml", lambda _: _uncut)


def _uncut(response: S3Response) -> dict[str, str]:
    # The document comes from an SDK on this machine.
    document = ElementTree.fromstring(response.body)  # noqa: S314
    return {
        tag.findtext("{*}Key", ""): tag.findtext("{*}Value", "")
        for tag in document.iterfind("{*}TagSet/{*}Tag")
    }
