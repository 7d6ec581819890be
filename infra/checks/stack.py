"""The stack of the stage, where there is one: can it be deployed over?"""

from collections.abc import Iterator

from infra.checks.deployed import read_deployed, why_creation_failed
from infra.checks.finding import Finding, Identity, OpenClient
from infra.config import Config


def stack(config: Config, _: Identity, client: OpenClient) -> Iterator[Finding]:
    """Look at what an earlier deployment left."""
    found = read_deployed(config.stack_name, client)
    if found is None:
        return
    if found.creation_failed:
        yield Finding(
            False,
            f"the first deployment of {found.name} failed ({found.status}):"
            f" {why_creation_failed(found.name, client)}. Such a stack cannot be updated: this"
            " deployment takes off its termination protection, deletes it with the empty tables and"
            " buckets that it left, and makes it again",
        )
    elif found.under_way:
        yield Finding(
            True, f"{found.name} is being changed ({found.status}): wait until it is done"
        )
    elif found.status == "DELETE_FAILED":
        yield Finding(
            True,
            f"{found.name} was not deleted to its end ({found.status}): make destroy"
            f" STAGE={config.stage} first",
        )
    elif found.status == "UPDATE_ROLLBACK_FAILED":
        yield Finding(
            True,
            f"{found.name} is rolled back half way ({found.status}): fix what CloudFormation names,"
            f" then aws cloudformation continue-update-rollback --stack-name {found.name}",
        )
