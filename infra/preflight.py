"""Checks against AWS, before anything is created: each problem with its fix.

Owns the questions and what their answers mean. It creates and changes nothing. Rights that the
operator lacks for a question are a warning: the deployment itself will tell.
"""

from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.checks.buckets import buckets, notifications, target_roles
from infra.checks.catalog import catalog
from infra.checks.finding import DENIED, Finding, Identity, OpenClient
from infra.checks.ingest import bus, ingest_queues
from infra.checks.keys import keys
from infra.checks.quotas import concurrency, identities, policy_sizes
from infra.checks.stack import stack
from infra.checks.trail import trail
from infra.config import Config

__all__ = ["Finding", "Identity", "NoCredentials", "identify", "look"]

_QUESTIONS: Final = (
    stack,
    buckets,
    notifications,
    target_roles,
    catalog,
    ingest_queues,
    bus,
    keys,
    trail,
    concurrency,
    policy_sizes,
    identities,
)


class NoCredentials(Exception):
    """The caller has no valid AWS identity; the message says what to do."""


def identify(client: OpenClient, region: str | None) -> Identity:
    """Return the account and region.

    Raises:
        NoCredentials: there are none, they are refused, or no region is chosen.
    """
    if not region:
        raise NoCredentials("no region is chosen: set AWS_REGION, such as AWS_REGION=eu-west-1")
    try:
        account = client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise NoCredentials(
            f"AWS does not accept the credentials ({error}): set AWS_PROFILE, or sign in (`aws sso"
            " login`), or export AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
        ) from error
    return Identity(account=account, region=region)


def look(config: Config, identity: Identity, client: OpenClient) -> list[Finding]:
    """Return all findings; none is good news."""
    findings: list[Finding] = []
    for question in _QUESTIONS:
        try:
            findings += question(config, identity, client)
        except ClientError as error:
            if error.response["Error"]["Code"] not in DENIED:
                raise
            findings.append(Finding(False, f"could not be read: {error}"))
    return findings
