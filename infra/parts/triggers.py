"""What starts the engine besides the API: ends of batch jobs, and the sweep's schedule."""

from aws_cdk import Duration
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from adapters.aws import resources
from infra.config import Config
from infra.parts.retention import removal_policy


def make_triggers(
    scope: Construct, config: Config, *, engine: lambda_.Function, failed_events: sqs.Queue
) -> None:
    """Make the rule for batch jobs on the default bus, the schedule, and a trail if chosen."""
    pattern = resources.BATCH_JOB_RULE.pattern
    events.Rule(
        scope,
        "BatchJobRule",
        rule_name=f"{config.stack_name}-batch-job-status",
        description="Ends of S3 Batch Operations jobs, as CloudTrail reports them",
        event_pattern=events.EventPattern(
            source=pattern["source"],
            detail_type=pattern["detail-type"],
            detail=pattern["detail"],
        ),
        targets=[
            targets.LambdaFunction(
                engine,
                dead_letter_queue=failed_events,
                retry_attempts=3,
                max_event_age=Duration.hours(1),
            )
        ],
    )
    schedule = resources.SWEEP_SCHEDULE
    events.Rule(
        scope,
        "SweepSchedule",
        rule_name=f"{config.stack_name}-sweep",
        description="Finds stuck jobs and recovers them",
        schedule=events.Schedule.expression(schedule.expression),
        targets=[
            targets.LambdaFunction(
                engine,
                event=events.RuleTargetInput.from_object(dict(schedule.input)),
                dead_letter_queue=failed_events,
                # The next sweep is minutes away and sees all that this one would have.
                retry_attempts=1,
                max_event_age=Duration.minutes(5),
            )
        ],
    )
    if config.trail == "create":
        _trail(scope, config)


def _trail(scope: Construct, config: Config) -> None:
    """Make a trail: EventBridge gets events "via CloudTrail" only where one is logging."""
    keep = removal_policy(config)
    bucket = s3.Bucket(
        scope,
        "TrailBucket",
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        removal_policy=keep,
        lifecycle_rules=[
            s3.LifecycleRule(
                id="trail-expires",
                expiration=Duration.days(config.results_days),
                abort_incomplete_multipart_upload_after=Duration.days(7),
            )
        ],
    )
    cloudtrail.Trail(
        scope,
        "Trail",
        bucket=bucket,
        is_multi_region_trail=False,
        include_global_service_events=False,
        enable_file_validation=True,
        management_events=cloudtrail.ReadWriteType.WRITE_ONLY,
    )
