"""Archived objects: tags are readable, and a copy fails with the correct error code.

S3 API Reference, "CopyObject" and "GetObject": a copy of an archived source that is not restored
fails with 403 InvalidObjectState; moto returns another code. S3 User Guide, "How S3
Intelligent-Tiering works": reading tags does not access the archived body (checked 2026-11). No
page says so for the GLACIER classes; that tags are readable there is an assumption.
"""

from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import InvalidObjectState, ObjectNotInActiveTierError
from moto.s3.responses import S3Response
from moto.s3.utils import ARCHIVE_STORAGE_CLASSES

from adapters.local_aws.aws_emulator.moto_patches.patching import patch


def apply() -> None:
    """Make tags of archived objects readable, and return the error code of AWS for a copy."""
    patch(S3Response, "get_object_tagging", _reading_archived)
    patch(S3Response, "copy_object", _refusing_archived)


def _reading_archived(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_object_tagging(self: S3Response) -> Any:
        version_id = self.querystring.get("versionId", [None])[0]
        key = self.backend.get_object(self.bucket_name, self.parse_key_name(), version_id)
        if key is not None and key.storage_class in ARCHIVE_STORAGE_CLASSES:
            # Instead of moto's own lookup, which rejects archived objects.
            patch(self, "_get_key", lambda _: lambda: (key, False))
        return original(self)

    return get_object_tagging


def _refusing_archived(original: Callable[..., Any]) -> Callable[..., Any]:
    def copy_object(self: S3Response) -> Any:
        try:
            return original(self)
        except ObjectNotInActiveTierError as error:
            storage_class = getattr(error, "storage_class", None)
            raise InvalidObjectState(storage_class=storage_class) from error

    return copy_object
