"""GetObjectAcl returns every grant.

S3 API Reference, "GetObjectAcl": the response has a grant for each grantee and permission (checked
2026-11). moto stores the grantees of one header, and the permissions of a canned ACL, in one grant,
and returns only the first of them.
"""

from collections.abc import Callable
from typing import Any

from moto.s3.models import FakeAcl, FakeGrant
from moto.s3.responses import S3Response

from adapters.local_aws.aws_emulator.moto_patches.patching import patch


def apply() -> None:
    """Return one grant for each grantee and permission."""
    patch(S3Response, "_acl_to_dict", _one_by_one)


def _one_by_one(original: Callable[..., Any]) -> Any:
    def acl_to_dict(acl: Any) -> Any:
        grants = [
            FakeGrant([grantee], [permission])
            for grant in acl.grants
            for grantee in grant.grantees
            for permission in grant.permissions
        ]
        return original(FakeAcl(grants))

    return staticmethod(acl_to_dict)
