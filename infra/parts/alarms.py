"""The alarms, each with its page in docs/runbook.md: a test compares the two lists.

An alarm's description has its meaning in one sentence; the runbook has the steps.
"""

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_logs as logs
from constructs import Construct

from adapters.aws import resources
from infra.config import Config
from infra.parts.functions import Functions
from infra.parts.messaging import Messaging

DIMENSIONS: Final = {"service": "asset-sync"}
OBJECT_COUNTS: Final = (
    "ObjectsSkipped",
    "ObjectsCopied",
    "ObjectsPut",
    "ObjectsIngesting",
    "ObjectsNotTaken",
    "ObjectsNotMedia",
    "ObjectsArchived",
    "ObjectsGone",
    "ObjectsFailed",
)
_AT_LEAST: Final = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_BELOW: Final = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


def service_metric(config: Config, name: str, period: Duration) -> cloudwatch.Metric:
    """Return the sum of one of the service's own counts; tests/infra emits one and compares."""
    return cloudwatch.Metric(
        namespace=config.metric_namespace,
        metric_name=name,
        dimensions_map=DIMENSIONS,
        statistic="Sum",
        period=period,
    )


class Alarms:
    """Makes all alarms; `all` is in the order of the runbook."""

    def __init__(
        self,
        scope: Construct,
        config: Config,
        *,
        functions: Functions,
        messaging: Messaging,
        api: apigateway.HttpApi,
    ) -> None:
        self._scope = scope
        self._config = config
        self._functions = functions
        self._messaging = messaging
        self._action = actions.SnsAction(messaging.alarm_topic)
        self.all: list[cloudwatch.Alarm] = []
        self._errors()
        self._queues()
        self._stuck_jobs()
        self._functions_fail()
        self._api_fails(api)

    def _errors(self) -> None:
        period = Duration.minutes(15)
        counts = {
            f"m{i}": service_metric(self._config, name, period)
            for i, name in enumerate(OBJECT_COUNTS)
        }
        failed = f"m{OBJECT_COUNTS.index('ObjectsFailed')}"
        every = "+".join(f"FILL({name},0)" for name in counts)
        self._add(
            "ErrorRate",
            "More than 5 % of the objects of the last 15 minutes failed.",
            cloudwatch.MathExpression(
                expression=f"IF(({every})>=20, 100*FILL({failed},0)/({every}), 0)",
                using_metrics=counts,
                period=period,
                label="failed objects, %",
            ),
            threshold=5,
        )
        self._add(
            "ChunksFailed",
            "Chunks failed after all their attempts: their unfinished objects failed together.",
            service_metric(self._config, "ChunksFailed", Duration.minutes(15)),
        )
        self._add(
            "JobsFailed",
            "A job failed: its statusReason says at which step, and why.",
            service_metric(self._config, "JobsFailed", Duration.minutes(15)),
        )

        self._add(
            "ScheduledRunsFailed",
            "At a scheduled time no sync could be started; the connector's schedule says why.",
            service_metric(self._config, "ScheduledRunsFailed", Duration.minutes(15)),
        )

    def _queues(self) -> None:
        dead_letters = self._messaging.queues[resources.DEAD_LETTER_QUEUE.name]
        self._add(
            "DeadLetters",
            "Dead letters are not being taken off their queue.",
            dead_letters.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(5), statistic="Maximum"
            ),
            periods=3,
        )
        self._add(
            "FailedEvents",
            "Events for the engine failed permanently; each is in the queue.",
            self._messaging.failed_events.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(5), statistic="Maximum"
            ),
        )
        queue = self._messaging.queues[resources.PROCESSOR_QUEUE.name]
        self._add(
            "OldestMessage",
            "The oldest chunk message has waited for more than two hours.",
            queue.metric_approximate_age_of_oldest_message(
                period=Duration.minutes(5), statistic="Maximum"
            ),
            threshold=2 * 3600,
            periods=3,
        )

    def _stuck_jobs(self) -> None:
        self._add(
            "ChunksRecovered",
            "The sweep has had to bring chunks back for an hour: workers die or messages get lost.",
            service_metric(self._config, "ChunksRecovered", Duration.minutes(15)),
            periods=4,
        )
        # The service does not count stuck jobs; the sweep logs each that it could not repair.
        stuck = logs.MetricFilter(
            self._scope,
            "StuckJobFilter",
            log_group=self._functions.log_groups["engine"],
            filter_pattern=logs.FilterPattern.any_term_group(
                ["job_not_repaired"], ["sweep_incomplete"]
            ),
            metric_namespace=self._config.metric_namespace,
            metric_name="StuckJobs",
            metric_value="1",
        )
        self._add(
            "StuckJobs",
            "For 15 minutes the sweep could not repair a job, or did not finish.",
            stuck.metric(statistic="Sum", period=Duration.minutes(5)),
            periods=3,
        )
        self._add(
            "SweepMissing",
            "The engine has not run for 15 minutes, so no sweep either.",
            self._functions.by_name["engine"].metric_invocations(period=Duration.minutes(15)),
            comparison=_BELOW,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )

    def _functions_fail(self) -> None:
        for name, function in self._functions.by_name.items():
            self._add(
                f"{name.title()}Errors",
                f"Invocations of the {name} failed in each of three periods of 5 minutes.",
                function.metric_errors(period=Duration.minutes(5)),
                periods=3,
            )
            if name == "discovery":
                # S3 Batch Operations takes all that the function has, until it is throttled.
                continue
            self._add(
                f"{name.title()}Throttles",
                f"Invocations of the {name} were refused for 15 minutes: no concurrency was free.",
                function.metric_throttles(period=Duration.minutes(5)),
                periods=3,
            )

    def _api_fails(self, api: apigateway.HttpApi) -> None:
        self._add(
            "ApiFaults",
            "The API answered with a 5xx status in each of three periods of 5 minutes.",
            api.metric_server_error(period=Duration.minutes(5)),
            periods=3,
        )

    def _add(
        self,
        name: str,
        meaning: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float = 1,
        periods: int = 1,
        comparison: cloudwatch.ComparisonOperator = _AT_LEAST,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self._scope,
            f"{name}Alarm",
            alarm_name=f"{self._config.stack_name}-{name}",
            alarm_description=f"{meaning} See docs/runbook.md, {name}.",
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=comparison,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        self.all.append(alarm)
