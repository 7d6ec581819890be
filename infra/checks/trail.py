"""CloudTrail: does one of the account's trails bring EventBridge the ends of batch jobs?"""

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from entrypoints.cli.stage.event_delivery import records_batch_jobs
from infra.checks.deployed import TRAIL, read_deployed
from infra.checks.finding import DENIED, Finding, Identity, OpenClient
from infra.config import Config

# CloudTrail User Guide, "Quotas in AWS CloudTrail" (checked 2026-11): it cannot be raised, and a
# trail of several Regions counts in each of them.
_TRAILS_MAX: Final = 5
# CloudTrail's error codes for a member account that reads its organization's trail.
_NOT_OURS: Final = ("CloudTrailARNInvalidException", "TrailNotFoundException", *DENIED)


def trail(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    """Check that a trail records the required events, or that there is room for one."""
    if config.trail == "none":
        return
    cloudtrail = client("cloudtrail")
    trails = [
        each
        for each in cloudtrail.describe_trails(includeShadowTrails=True)["trailList"]
        if each.get("IsMultiRegionTrail") or each.get("HomeRegion") == identity.region
    ]
    if config.trail == "create":
        yield from _room(config, identity, client, len(trails))
        return
    logging = [
        each for each in trails if cloudtrail.get_trail_status(Name=each["TrailARN"])["IsLogging"]
    ]
    answers = {each["Name"]: _records(each, client) for each in logging}
    if True in answers.values():
        return
    if None in answers.values():
        names = ", ".join(name for name, answer in answers.items() if answer is None)
        yield Finding(
            False,
            f"trail {names} is not this account's to look into: it is taken for granted that it"
            " records management events that write. If batch jobs end unnoticed for minutes,"
            " CHOICES=trail=create",
        )
        return
    held = ", ".join(answers)
    what = (
        f"no trail that is logging in {identity.region} records management events that write"
        f" ({held} does not)"
        if answers
        else f"no CloudTrail trail is logging in {identity.region}"
    )
    yield Finding(
        True,
        f"{what}, so EventBridge receives no batch job events: CHOICES=trail=create, or"
        " CHOICES=trail=none to have the sweep detect it, minutes later",
    )


def _records(found: Any, client: OpenClient) -> bool | None:
    """Return whether a trail records ends of batch jobs; None if this account cannot read it."""
    # Selectors are available in the trail's own Region only.
    cloudtrail = client("cloudtrail", region_name=found["HomeRegion"])
    try:
        return records_batch_jobs(cloudtrail.get_event_selectors(TrailName=found["TrailARN"]))
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_OURS:
            raise
        return None


def _room(config: Config, identity: Identity, client: OpenClient, count: int) -> Iterator[Finding]:
    stack = read_deployed(config.stack_name, client)
    made = stack is not None and stack.of_kind(TRAIL) and not stack.creation_failed
    if count >= _TRAILS_MAX and not made:
        yield Finding(
            True,
            f"{identity.region} has {count} trails, and CloudTrail takes {_TRAILS_MAX} (trails of"
            " several Regions count in each): use one of them, CHOICES=trail=existing, or"
            " CHOICES=trail=none",
        )
