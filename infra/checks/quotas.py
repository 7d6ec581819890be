"""The account's quotas: concurrency, roles, policies; and the size of a policy."""

from collections.abc import Iterator
from typing import Final

from botocore.exceptions import ClientError

from adapters.aws.resources import DEAD_LETTER_MAPPING
from infra.checks.deployed import read_deployed
from infra.checks.finding import Finding, Identity, OpenClient
from infra.config import Config
from infra.config_checks import ENGINE_CONCURRENCY_MIN, PROCESSOR_CONCURRENCY_MIN
from infra.policies import ROLES
from infra.policy_documents import (
    ATTACHED_COUNT,
    ATTACHED_COUNT_MAX,
    LISTS,
    MANAGED_CHARACTERS_MAX,
    in_documents,
)

# Lambda Developer Guide, "Configuring reserved concurrency": this much stays unreserved (hard
# limit, checked 2026-11).
_UNRESERVED_MIN: Final = 100
_LEAST: Final = ENGINE_CONCURRENCY_MIN + PROCESSOR_CONCURRENCY_MIN + 1


def concurrency(config: Config, _: Identity, client: OpenClient) -> Iterator[Finding]:
    """Check that the concurrency to reserve is available; warn of the effect of no reservation."""
    from_queues = config.chunk_concurrency + DEAD_LETTER_MAPPING.concurrency_max
    if not config.reserve:
        yield Finding(
            False,
            "reserve=false: a sync with discovery batch may take all the concurrency that the"
            " account has in this Region, from every other function there, and from this service's"
            f" own. Discovery direct takes {from_queues} at most (CHOICES=discovery=direct makes"
            f" it the default). To bound batch too, reserve little: {_choices(config, _LEAST)},"
            f" where {_LEAST + _UNRESERVED_MIN} are unreserved",
        )
        return
    wanted = config.engine_concurrency + config.processor_concurrency + config.discovery_concurrency
    limits = client("lambda").get_account_settings()["AccountLimit"]
    held = _held(config, client)
    free = max(0, limits["UnreservedConcurrentExecutions"] + held - _UNRESERVED_MIN)
    if wanted <= free:
        return
    if free >= _LEAST:
        way = f'CHOICES="{_choices(config, free)}" fits, and is slower'
    else:
        way = (
            f'the least that can be reserved is {_LEAST}. CHOICES="reserve=false discovery=direct"'
            f" does without: the queues then take {from_queues} at most. Beware of discovery"
            " batch there: it may take all that the account has"
        )
    yield Finding(
        True,
        f"the functions want {wanted} of the account's concurrency and {free} can be reserved:"
        f" {way}; or ask AWS for a higher limit (Service Quotas, Lambda, Concurrent executions)",
    )


def _choices(config: Config, free: int) -> str:
    """Return choices that reserve this much: a tenth for the engine, a third for chunks."""
    engine = max(ENGINE_CONCURRENCY_MIN, min(config.engine_concurrency, free // 10))
    processor = max(PROCESSOR_CONCURRENCY_MIN, min(config.processor_concurrency, free // 3))
    discovery = min(config.discovery_concurrency, free - engine - processor)
    return (
        f"processor_concurrency={processor} discovery_concurrency={discovery}"
        f" engine_concurrency={engine}"
    )


def _held(config: Config, client: OpenClient) -> int:
    """Return what the functions of this stage have reserved already."""
    count = 0
    for name in ("engine", "processor", "discovery"):
        try:
            found = client("lambda").get_function_concurrency(
                FunctionName=f"{config.stack_name}-{name}"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
        else:
            count += found.get("ReservedConcurrentExecutions", 0)
    return count


def policy_sizes(config: Config, _: Identity, client: OpenClient) -> Iterator[Finding]:
    """Look whether the lists fit into as many managed policies as a role may have."""
    for role in ROLES:
        count = len(in_documents(role, config).managed)
        if count <= ATTACHED_COUNT:
            continue
        allowed = ATTACHED_COUNT_MAX
        if count <= ATTACHED_COUNT_MAX:
            summary = client("iam").get_account_summary()["SummaryMap"]
            allowed = summary.get("AttachedPoliciesPerRoleQuota", ATTACHED_COUNT)
        if count > allowed:
            lists = ", ".join(
                f"{len(items)} of {name}" for name in LISTS if (items := getattr(config, name))
            )
            yield Finding(
                True,
                f"the {role}'s role needs {count} managed policies of {MANAGED_CHARACTERS_MAX:,}"
                f" characters for {lists}, and IAM attaches {allowed} (at most"
                f" {ATTACHED_COUNT_MAX}, on request: Service Quotas, IAM, Managed policies attached"
                " to an IAM role): reach buckets by a role, whose policy may name them by a common"
                " prefix, or use another stage (docs/deploy/many-buckets.md)",
            )


def identities(config: Config, _: Identity, client: OpenClient) -> Iterator[Finding]:
    """Look whether the account, whose roles are of all Regions, has room for a first deployment."""
    stack = read_deployed(config.stack_name, client)
    if stack is not None and not stack.creation_failed:
        return
    summary = client("iam").get_account_summary()["SummaryMap"]
    policies = sum(len(in_documents(role, config).managed) for role in ROLES)
    for what, wanted in (("Roles", len(ROLES)), ("Policies", policies)):
        free = summary[f"{what}Quota"] - summary[what]
        if wanted > free:
            yield Finding(
                True,
                f"the stack makes {wanted} IAM {what.lower()}, and the account has room for"
                f" {free} of {summary[f'{what}Quota']:,}, in all Regions together: delete some, or"
                f" ask AWS for more (Service Quotas, IAM, {what})",
            )
