"""The stack: its parts in order, and its outputs."""

from typing import Any

from aws_cdk import CfnOutput, Stack, Tags
from aws_cdk import aws_apigatewayv2 as apigateway
from constructs import Construct

from adapters.aws import resources
from infra.config import Config
from infra.parts.alarms import Alarms
from infra.parts.dashboard import make_dashboard
from infra.parts.functions import Functions, make_functions
from infra.parts.http_api import make_http_api
from infra.parts.keys import make_key
from infra.parts.messaging import Messaging, make_messaging
from infra.parts.schedules import group_name, make_schedule_group
from infra.parts.storage import Storage, make_storage
from infra.parts.triggers import make_triggers


class AssetSyncStack(Stack):
    """One installation of the service, in one account and region."""

    def __init__(self, scope: Construct, config: Config, **options: Any) -> None:
        super().__init__(
            scope,
            config.stack_name,
            stack_name=config.stack_name,
            description=f"Asset Sync, {config.stage}: keeps S3 buckets in sync with a catalog",
            termination_protection=config.keeps_data,
            **options,
        )
        Tags.of(self).add("application", "asset-sync")
        Tags.of(self).add("stage", config.stage)
        key = make_key(self, config)
        storage = make_storage(self, config, key)
        messaging = make_messaging(self, config, key)
        functions = make_functions(self, config, storage=storage, messaging=messaging, key=key)
        make_schedule_group(self, config)
        api = make_http_api(self, config, functions.by_name["api"])
        make_triggers(
            self,
            config,
            engine=functions.by_name["engine"],
            failed_events=messaging.failed_events,
        )
        alarms = Alarms(self, config, functions=functions, messaging=messaging, api=api)
        make_dashboard(self, config, functions=functions, messaging=messaging, alarms=alarms)
        self.grants = functions.grants
        self._tell(config, storage, messaging, functions, api)

    def _tell(
        self,
        config: Config,
        storage: Storage,
        messaging: Messaging,
        functions: Functions,
        api: apigateway.HttpApi,
    ) -> None:
        """Add the outputs that the CLI and its `doctor` read; their names are an interface."""
        queue = messaging.queues[resources.PROCESSOR_QUEUE.name]
        dead_letters = messaging.queues[resources.DEAD_LETTER_QUEUE.name]
        outputs = {
            "ApiUrl": api.api_endpoint,
            "ApiAuthorisation": config.auth,
            "ApiTokenIssuer": config.jwt_issuer if config.auth == "jwt" else "",
            "ApiTokenAudience": ",".join(config.jwt_audience) if config.auth == "jwt" else "",
            "Targets": ",".join(config.targets),
            "TargetRoles": ",".join(config.target_roles),
            "CatalogProfile": config.profile,
            "IngestQueues": ",".join(config.ingest_queues),
            "ResultsBucket": storage.results.bucket_name,
            "ProcessorQueueUrl": queue.queue_url,
            "DeadLetterQueueUrl": dead_letters.queue_url,
            "FailedEventsQueueUrl": messaging.failed_events.queue_url,
            "StatusTopicArn": messaging.status_topic.topic_arn,
            "AlarmTopicArn": messaging.alarm_topic.topic_arn,
            "IngestBusName": messaging.bus.event_bus_name,
            "EngineRoleArn": functions.roles["engine"].role_arn,
            "ProcessorRoleArn": functions.roles["processor"].role_arn,
            "BatchRoleArn": functions.batch_role.role_arn,
            "BatchJobRuleName": f"{config.stack_name}-batch-job-status",
            "SweepRuleName": f"{config.stack_name}-sweep",
            "ScheduleGroupName": group_name(config),
            "ScheduleRoleArn": functions.schedule_role.role_arn,
            "Trail": config.trail,
        }
        for shape in resources.TABLES:
            words = shape.environment_variable.split("_")
            name = "".join(word.title() for word in words)
            if shape.environment_variable in storage.tables:
                outputs[name] = storage.tables[shape.environment_variable].table_name
        for name, function in functions.by_name.items():
            outputs[f"{name.title()}FunctionName"] = function.function_name
        for name, value in outputs.items():
            if not value:
                # Whether CloudFormation takes an output without text is not documented.
                continue
            CfnOutput(self, f"{name}Output", value=value).override_logical_id(name)
