"""One page that shows whether syncs get on."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from adapters.aws import resources
from infra.config import Config
from infra.parts.alarms import OBJECT_COUNTS, Alarms, service_metric
from infra.parts.functions import Functions
from infra.parts.messaging import Messaging


def make_dashboard(
    scope: Construct, config: Config, *, functions: Functions, messaging: Messaging, alarms: Alarms
) -> cloudwatch.Dashboard:
    """Make the dashboard: alarms, outcomes, queues, functions, errors in the logs.

    An account has one list of dashboards for all its Regions (CloudWatch User Guide, "Using Amazon
    CloudWatch dashboards", checked 2026-11), so the Region is in the name.
    """
    period = Duration.minutes(5)
    queue = messaging.queues[resources.PROCESSOR_QUEUE.name]
    dead_letters = messaging.queues[resources.DEAD_LETTER_QUEUE.name]
    every = functions.by_name
    dashboard = cloudwatch.Dashboard(
        scope, "Dashboard", dashboard_name=f"{config.stack_name}-{Stack.of(scope).region}"
    )
    dashboard.add_widgets(
        cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms.all), width=24, height=4)
    )
    dashboard.add_widgets(
        _graph("Objects", [service_metric(config, name, period) for name in OBJECT_COUNTS]),
        _graph(
            "Chunks and jobs",
            [
                service_metric(config, name, period)
                for name in (
                    "ChunksSettled",
                    "ChunksFailed",
                    "ChunksRecovered",
                    "JobsEnded",
                    "JobsFailed",
                    "ScheduledRunsStarted",
                    "ScheduledRunsSkipped",
                    "ScheduledRunsFailed",
                )
            ],
        ),
    )
    dashboard.add_widgets(
        _graph(
            "Queues: messages",
            [
                queue.metric_approximate_number_of_messages_visible(label="waiting"),
                queue.metric_approximate_number_of_messages_not_visible(label="in work"),
                dead_letters.metric_approximate_number_of_messages_visible(label="dead letters"),
                messaging.failed_events.metric_approximate_number_of_messages_visible(
                    label="failed events"
                ),
            ],
        ),
        _graph(
            "Oldest chunk message, s",
            [queue.metric_approximate_age_of_oldest_message(statistic="Maximum")],
        ),
    )
    dashboard.add_widgets(
        _graph("Errors", [f.metric_errors(period=period) for f in every.values()], width=8),
        _graph("Throttles", [f.metric_throttles(period=period) for f in every.values()], width=8),
        _graph(
            "Duration, p95",
            [f.metric_duration(period=period, statistic="p95") for f in every.values()],
            width=8,
        ),
    )
    dashboard.add_widgets(
        cloudwatch.LogQueryWidget(
            title="Warnings",
            log_group_names=[group.log_group_name for group in functions.log_groups.values()],
            query_lines=[
                "fields @timestamp, message, facts.job_id, facts.cause",
                "filter level in ['WARNING', 'ERROR', 'CRITICAL']",
                "sort @timestamp desc",
                "limit 50",
            ],
            width=24,
            height=8,
        )
    )
    return dashboard


def _graph(
    title: str, metrics: list[cloudwatch.IMetric], *, width: int = 12
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=metrics, width=width, height=6)
