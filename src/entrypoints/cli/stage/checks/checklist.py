"""The checks, in the order of a first deployment; docs/deploy/checklist.md is generated from them.

Each has a command that shows the same without this tool. A check must not change anything.
"""

from __future__ import annotations

from typing import Final

from entrypoints.cli.stage.checks import activity, dependencies, schedules, stack_resources
from entrypoints.cli.stage.checks.check import Check

_METRIC: Final = (
    "aws cloudwatch get-metric-statistics --namespace {0} --metric-name {1} --dimensions"
    " Name={2},Value={3} --start-time START --end-time NOW --period 1800 --statistics Sum"
)

CHECKS: Final = (
    Check(
        "the stack",
        "aws cloudformation describe-stacks --stack-name asset-sync-STAGE",
        "`StackStatus` is `CREATE_COMPLETE` or `UPDATE_COMPLETE`",
        stack_resources.stack,
    ),
    Check(
        "the functions",
        "aws lambda get-function-configuration --function-name {ApiFunctionName}",
        "`State` is `Active` or `Inactive`, `Architectures` is `arm64`; likewise of engine,"
        " processor and discovery",
        stack_resources.functions,
    ),
    Check(
        "the API accepts authorised callers",
        "asset-sync connectors list --stage STAGE",
        "a table, or a dash for none: the package starts on arm64, and the signature is accepted",
        activity.api,
    ),
    Check(
        "the API rejects other callers",
        "curl -s -o /dev/null -w '%{{http_code}}' {ApiUrl}/connectors",
        "`403` (`401` with `auth=jwt`)",
        activity.unauthorised_access,
    ),
    Check(
        "the schedule starts the engine",
        _METRIC.format("AWS/Lambda", "Invocations", "FunctionName", "{EngineFunctionName}"),
        "`Sum` of 5 or 6 for 30 minutes; `Errors` has none",
        activity.sweep,
    ),
    Check(
        "the rules",
        "aws events list-targets-by-rule --rule {SweepRuleName}",
        "the engine's ARN; `describe-rule` says `ENABLED`; likewise of {BatchJobRuleName}",
        stack_resources.rules,
    ),
    Check(
        "the schedules of connectors",
        "aws scheduler list-schedules --group-name {ScheduleGroupName}",
        "one for each connector with a schedule that runs, and no others: the names begin with the"
        " connectors' ids; `State` is `ENABLED`, `Target` is the engine's ARN; `get-schedule`"
        " shows the times that `asset-sync schedule show` shows",
        schedules.schedules,
    ),
    Check(
        "the event source mappings",
        "aws lambda list-event-source-mappings --function-name {ProcessorFunctionName}",
        "two mappings, `State` is `Enabled`",
        stack_resources.mappings,
    ),
    Check(
        "the queues",
        "aws sqs get-queue-attributes --queue-url {DeadLetterQueueUrl} --attribute-names All",
        "`ApproximateNumberOfMessages` is 0; {ProcessorQueueUrl} has a `RedrivePolicy`",
        stack_resources.queues,
    ),
    Check(
        "the tables",
        "aws dynamodb describe-table --table-name {JobTableName}",
        "`TableStatus` is `ACTIVE`; likewise of the others",
        stack_resources.tables,
    ),
    Check(
        "failures expire",
        "aws dynamodb describe-time-to-live --table-name {ErrorTableName}",
        "`TimeToLiveStatus` is `ENABLED`",
        stack_resources.expiry,
    ),
    Check(
        "the buckets",
        "aws s3api head-bucket --bucket BUCKET",
        "no error, for {ResultsBucket} and each of {Targets}",
        dependencies.buckets,
    ),
    Check(
        "encryption of the results bucket",
        "aws s3api get-bucket-encryption --bucket {ResultsBucket}",
        "`SSEAlgorithm` is `AES256`, not `aws:kms`",
        stack_resources.results_bucket,
    ),
    Check(
        "the processor's permissions",
        "aws iam simulate-principal-policy --policy-source-arn {ProcessorRoleArn} --action-names"
        " s3:PutObject --resource-arns arn:aws:s3:::BUCKET/key",
        "`EvalDecision` is `allowed`, for the first and the last bucket of TARGETS",
        dependencies.rights,
    ),
    Check(
        "target roles trust the functions",
        "aws iam get-role --role-name NAME",
        "{EngineRoleArn} and {ProcessorRoleArn} in its trust policy; only roles of this account",
        dependencies.target_roles,
    ),
    Check(
        "copies send events",
        "aws s3api get-bucket-notification-configuration --bucket BUCKET",
        "`EventBridgeConfiguration`, or `s3:ObjectCreated:*`, for connectors with trigger `copy`",
        dependencies.notifications,
    ),
    Check(
        "the ingest bus",
        "aws events list-rules --event-bus-name {IngestBusName}",
        "no error; the rules on it",
        stack_resources.bus,
    ),
    Check(
        "the batch role",
        "aws iam get-role --role-name {BatchRoleArn}",
        "`batchoperations.s3.amazonaws.com` in its trust policy; the name is what follows the last"
        " slash",
        stack_resources.batch_role,
    ),
    Check(
        "a batch job completed",
        "aws s3control list-jobs --account-id ACCOUNT --job-statuses Complete Failed",
        "after the first sync with discovery `batch`: `Complete`, with succeeded tasks",
        activity.batch_jobs,
    ),
    Check(
        "batch jobs and messages are processed",
        _METRIC.format("AWS/Lambda", "Invocations", "FunctionName", "{DiscoveryFunctionName}"),
        "after the first batch job: some; `Errors` has none; likewise of {ProcessorFunctionName}"
        " after the first sync with discovery `direct`",
        activity.invocations,
    ),
    Check(
        "the trail",
        "aws cloudtrail get-event-selectors --trail-name TRAIL",
        "management events, `All` or `WriteOnly`; `get-trail-status` says `IsLogging`",
        dependencies.trail,
    ),
    Check(
        "events of batch jobs reach the rule",
        _METRIC.format("AWS/Events", "TriggeredRules", "RuleName", "{BatchJobRuleName}"),
        "a quarter of an hour after the first batch job: 1 or more",
        activity.batch_events,
    ),
    Check(
        "the alarms",
        "aws cloudwatch describe-alarms --alarm-name-prefix asset-sync-STAGE-",
        "some, none with `StateValue` `ALARM`",
        stack_resources.alarms,
    ),
    Check(
        "alarms have a subscriber",
        "aws sns list-subscriptions-by-topic --topic-arn {AlarmTopicArn}",
        "a `SubscriptionArn` that is not `PendingConfirmation`",
        stack_resources.subscriptions,
    ),
    Check(
        "alarm messages arrive",
        "aws cloudwatch set-alarm-state --alarm-name asset-sync-STAGE-DeadLetters --state-value"
        " ALARM --state-reason try",
        "a message within a minute; `doctor` does not send one, but reads the metric"
        " `NumberOfNotificationsDelivered`",
        activity.alarm_messages,
    ),
)
