"""Every new object is encrypted.

S3 User Guide, "Setting default server-side encryption behavior for Amazon S3 buckets": since
January 2023 every new object is encrypted with SSE-S3 unless the request or the bucket says
otherwise, and HeadObject returns it (checked 2026-11). moto does not encrypt it.
"""

from collections.abc import Callable
from typing import Any

from moto.s3.models import FakeKey

from adapters.local_aws.aws_emulator.moto_patches.patching import patch


def apply() -> None:
    """Encrypt an object with SSE-S3 by default."""
    patch(FakeKey, "__init__", _encrypted)


def _encrypted(initialize: Callable[..., Any]) -> Callable[..., Any]:
    def encrypted(self: Any, *arguments: Any, **named: Any) -> None:
        initialize(self, *arguments, **named)
        self.encryption = self.encryption or "AES256"

    return encrypted
