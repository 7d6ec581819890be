"""ACLs that show all that they grant.

S3 API Reference, "GetObjectAcl": the answer has a grant for each grantee and permission (checked
2026-11). moto keeps the grantees of one header together, and so the permissions of a canned ACL,
and shows the first of them only.
"""

from collections.abc import Callable
from typing import Any

from moto.s3.models import FakeAcl, FakeGrant
from moto.s3.responses import S3Response

from adapters.local_aws.aws_emulator.moto_patches.patching import replace


def mend() -> None:
    """Show grants one by one."""
    replace(S3Response, "_acl_to_dict", _one_by_one)


def _one_by_one(unmended: Callable[..., Any]) -> Any:
    def acl_to_dict(acl: Any) -> Any:
        grants = [
            FakeGrant([grantee], [permission])
            for grant in acl.grants
            for grantee in grant.grantees
            for permission in grant.permissions
        ]
        return unmended(FakeAcl(grants))

    return staticmethod(acl_to_dict)
