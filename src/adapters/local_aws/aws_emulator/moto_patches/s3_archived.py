"""Archived objects: tags stay readable, and a copy is refused with the right code.

S3 API Reference, "CopyObject" and "GetObject": an archived source that is not restored is refused
with 403 InvalidObjectState; moto's code is another model's. S3 User Guide, "How S3
Intelligent-Tiering works": reading tags does not touch the archived body (checked 2026-11). For
the GLACIER classes no page says so in words; that tags are readable there is our reading of it.
"""

from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import InvalidObjectState, ObjectNotInActiveTierError
from moto.s3.responses import S3Response
from moto.s3.utils import ARCHIVE_STORAGE_CLASSES

from adapters.local_aws.aws_emulator.moto_patches.patching import replace


def mend() -> None:
    """Let tags of archived objects be read, and name the refusal of a copy as AWS does."""
    replace(S3Response, "get_object_tagging", _reading_archived)
    replace(S3Response, "copy_object", _refusing_archived)


def _reading_archived(unmended: Callable[..., Any]) -> Callable[..., Any]:
    def get_object_tagging(self: S3Response) -> Any:
        version_id = self.querystring.get("versionId", [None])[0]
        key = self.backend.get_object(self.bucket_name, self.parse_key_name(), version_id)
        if key is not None and key.storage_class in ARCHIVE_STORAGE_CLASSES:
            # Instead of moto's own look-up, which refuses archived objects.
            replace(self, "_get_key", lambda _: lambda: (key, False))
        return unmended(self)

    return get_object_tagging


def _refusing_archived(unmended: Callable[..., Any]) -> Callable[..., Any]:
    def copy_object(self: S3Response) -> Any:
        try:
            return unmended(self)
        except ObjectNotInActiveTierError as error:
            storage_class = getattr(error, "storage_class", None)
            raise InvalidObjectState(storage_class=storage_class) from error

    return copy_object
