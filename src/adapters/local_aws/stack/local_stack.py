"""The whole service on one machine, as one asynchronous context manager.

It starts and stops the parts in order, and provides the environment variables with which the
service's code finds them. It does not depend on the service: the handlers are parameters. They run
in threads of this process and read `os.environ`, which the caller sets from `environment` before
the first invocation; the stack itself sets no variable. (The product LocalStack is something else.)

Example:
    handlers = {"api": api.handler, "engine": engine.handler, "processor": processor.handler}
    async with LocalStack(handlers, batch_operations=batch_operations_emulator) as stack:
        os.environ.update(stack.environment)
        await stack.asset_system.subscribe("media")
        ...
        await stack.wait_idle()
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Self

from aiohttp import web

from adapters.aws import resources
from adapters.local_aws.api_gateway.http_api import http_api_application
from adapters.local_aws.asset_system.connector_subscriptions import ConnectorSubscriptions
from adapters.local_aws.asset_system.reference_system import (
    AssetSystemSettings,
    ReferenceAssetSystem,
)
from adapters.local_aws.aws_emulator.clients import (
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    EmulatorClients,
)
from adapters.local_aws.aws_emulator.process import EmulatorProcess
from adapters.local_aws.event_bridge.rules import DefaultEventBus, Schedule
from adapters.local_aws.event_bridge.scheduler import SchedulerRuns
from adapters.local_aws.lambda_service.event_source_mapping import (
    EventSourceMapping,
    MappingSettings,
)
from adapters.local_aws.lambda_service.invocation import (
    ACCOUNT_ID,
    REGION,
    FunctionSettings,
    Handler,
)
from adapters.local_aws.lambda_service.invoke_api import invoke_application
from adapters.local_aws.lambda_service.service import LambdaService
from adapters.local_aws.loopback.http_listener import LOOPBACK, Listener
from adapters.local_aws.stack.provisioning import (
    ASSET_SYSTEM_QUEUE,
    RESULTS_BUCKET,
    Provisioned,
    provision,
)
from adapters.local_aws.stack.settings import (
    BatchOperationsFactory,
    BatchOperationsParts,
    StackSettings,
    StackStatus,
)

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

_HANDLER_NAMES: Final = {
    "api": resources.API_FUNCTION,
    "engine": resources.ENGINE_FUNCTION,
    "processor": resources.PROCESSOR_FUNCTION,
}


class LocalStack:
    """All parts, started in order; see the module's example.

    Attributes available inside the context: `environment`, `api_url`, `emulator_url`,
    `asset_system`, `functions`, `default_bus`, `sweep`, `schedules`.
    """

    asset_system: ReferenceAssetSystem
    default_bus: DefaultEventBus
    functions: LambdaService
    schedules: SchedulerRuns
    sweep: Schedule

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        *,
        settings: StackSettings | None = None,
        batch_operations: BatchOperationsFactory | None = None,
        on_environment_shutdown: Callable[[], None] | None = None,
    ) -> None:
        """Configure the stack; entering the context starts it.

        Args:
            handlers: The Lambda handlers by name: api, engine, processor.
            settings: How to run them.
            batch_operations: Creates the emulator of S3 Batch Operations; without it there is no
                endpoint for S3 Control.
            on_environment_shutdown: Called in each handler thread before it ends.
        """
        self._handlers = handlers
        self._settings = settings or StackSettings()
        self._batch_operations_factory = batch_operations
        self._on_environment_shutdown = on_environment_shutdown
        self._stack = AsyncExitStack()
        self._mappings: list[EventSourceMapping] = []
        self._sqs: SQSClient
        self._provisioned: Provisioned
        self.emulator_url = ""
        self.api_url = ""
        self.environment: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        enter = self._stack.enter_async_context
        emulator = await enter(EmulatorProcess(port=self._settings.emulator_port))
        self.emulator_url = emulator.endpoint_url
        clients = await enter(EmulatorClients(self.emulator_url, region=REGION))
        self._sqs = await clients.open("sqs")
        self._provisioned = await provision(clients)

        self.functions = LambdaService(
            self._function_settings(), on_environment_shutdown=self._on_environment_shutdown
        )
        self._stack.push_async_callback(self.functions.stop)
        invoke_api = await enter(
            Listener(invoke_application(self.functions), port=self._settings.lambda_port)
        )
        self.default_bus = DefaultEventBus((resources.BATCH_JOB_RULE,), self.functions.submit)
        batch_operations_url = await self._start_batch_operations(clients)
        await self._start_asset_system(clients)
        self._start_mappings()
        self._start_sweep()
        await self._start_schedules(clients)
        http_api = await enter(
            Listener(
                await self._http_api(clients),
                host=self._settings.http_api_host,
                port=self._settings.http_api_port,
            )
        )
        self.api_url = http_api.url
        self.environment = self._environment(invoke_api.url, batch_operations_url)

    async def wait_idle(self, *, timeout_s: float = 60, settle_s: float = 0.5) -> None:
        """Wait until nothing has run, and no message has been queued, for `settle_s`.

        A running batch job is visible only by its invocations: poll the API for the end of a job.

        Raises:
            TimeoutError: it was still busy at the timeout.
        """
        deadline = time.monotonic() + timeout_s
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < settle_s:
            if time.monotonic() > deadline:
                raise TimeoutError(f"still busy after {timeout_s} s: {await self.status()}")
            await asyncio.sleep(min(0.1, settle_s))
            status = await self.status()
            if status.is_busy:
                idle_since = time.monotonic()

    async def status(self) -> StackStatus:
        """Return a snapshot of counts and queues."""
        depths = {
            name: await self._depth(url) for name, url in self._provisioned.queue_urls.items()
        }
        mappings_idle = all(mapping.is_idle for mapping in self._mappings)
        idle = self.functions.is_idle and self.asset_system.is_idle and mappings_idle
        return StackStatus(
            queue_depths=depths,
            invocation_counts=dict(self.functions.invocation_counts),
            dropped=tuple(self.functions.dropped),
            ingested=self.asset_system.counts,
            is_busy=any(depths.values()) or not idle,
        )

    async def _depth(self, queue_url: str) -> int:
        response = await self._sqs.get_queue_attributes(
            QueueUrl=queue_url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )
        return sum(int(count) for count in response["Attributes"].values())

    def _function_settings(self) -> list[FunctionSettings]:
        return [
            FunctionSettings(
                name=_HANDLER_NAMES[name].name,
                handler=handler,
                timeout_s=self._settings.timeouts_s.get(name, _HANDLER_NAMES[name].timeout_s),
                memory_size_mb=_HANDLER_NAMES[name].memory_size_mb,
                concurrency=self._settings.concurrency.get(name, 4),
                retry_delays_s=self._settings.retry_delays_s,
            )
            for name, handler in self._handlers.items()
        ]

    async def _start_batch_operations(self, clients: EmulatorClients) -> str | None:
        if self._batch_operations_factory is None:
            return None
        server = self._batch_operations_factory(
            BatchOperationsParts(
                open_s3=lambda: clients.create("s3"),
                invoke=self.functions.invoke,
                publish=self.default_bus.publish,
            )
        )
        url = await server.start(LOOPBACK, self._settings.batch_operations_port)
        self._stack.push_async_callback(server.stop)
        return url

    async def _start_asset_system(self, clients: EmulatorClients) -> None:
        queue = ASSET_SYSTEM_QUEUE.name
        self.asset_system = ReferenceAssetSystem(
            AssetSystemSettings(
                queue_url=self._provisioned.queue_urls[queue],
                queue_arn=self._provisioned.queue_arns[queue],
                table_name=resources.ASSETS_TABLE.name,
                behaviour=self._settings.asset_system,
                ingest=self._settings.ingest,
            ),
            sqs=self._sqs,
            s3=await clients.open("s3"),
            dynamodb=await clients.open("dynamodb"),
        )
        self.asset_system.start()
        self._stack.push_async_callback(self.asset_system.stop)

    async def _http_api(self, clients: EmulatorClients) -> web.Application:
        refresh = None
        if self._settings.subscribes_to_connectors:
            refresh = ConnectorSubscriptions(
                table_name=resources.CONNECTORS_TABLE.name,
                dynamodb=await clients.open("dynamodb"),
                asset_system=self.asset_system,
            ).refresh
        return http_api_application(
            self.functions,
            resources.API_FUNCTION.name,
            around_changes=refresh,
            metrics=self._settings.metrics,
        )

    def _start_mappings(self) -> None:
        concurrency = {
            _HANDLER_NAMES[name].name: count for name, count in self._settings.concurrency.items()
        }
        for spec in resources.MAPPINGS:
            mapping = EventSourceMapping(
                MappingSettings(
                    queue_url=self._provisioned.queue_urls[spec.queue],
                    queue_arn=self._provisioned.queue_arns[spec.queue],
                    function=spec.function,
                    batch_size=spec.batch_size,
                    concurrency=min(spec.concurrency_max, concurrency.get(spec.function, 4)),
                    retry_visibility_s=self._settings.retry_visibility_s,
                ),
                self._sqs,
                self.functions.invoke,
            )
            mapping.start()
            self._mappings.append(mapping)
            self._stack.push_async_callback(mapping.stop)

    def _start_sweep(self) -> None:
        self.sweep = Schedule(
            resources.SWEEP_SCHEDULE,
            self.functions.submit,
            interval_s=self._settings.sweep_interval_s,
        )
        self.sweep.start()
        self._stack.push_async_callback(self.sweep.stop)

    async def _start_schedules(self, clients: EmulatorClients) -> None:
        self.schedules = SchedulerRuns(
            await clients.open("scheduler"),
            resources.SCHEDULE_GROUP_NAME,
            self.functions.submit,
            interval_s=self._settings.schedule_interval_s,
        )
        self.schedules.start()
        self._stack.push_async_callback(self.schedules.stop)

    def _environment(self, lambda_url: str, batch_operations_url: str | None) -> dict[str, str]:
        roles = f"arn:aws:iam::{ACCOUNT_ID}:role"
        variables = {table.environment_variable: table.name for table in resources.TABLES}
        for function in resources.FUNCTIONS:
            if function.environment_variable is not None:
                variables[function.environment_variable] = self.functions.arn(function.name)
        for queue in resources.QUEUES:
            if queue.environment_variable is not None:
                variables[queue.environment_variable] = self._provisioned.queue_urls[queue.name]
        if batch_operations_url is not None:
            variables["AWS_ENDPOINT_URL_S3_CONTROL"] = batch_operations_url
        return variables | {
            resources.RESULTS_BUCKET_VARIABLE: RESULTS_BUCKET,
            resources.STATUS_TOPIC_VARIABLE: self._provisioned.topic_arn,
            resources.INGEST_BUS_VARIABLE: resources.INGEST_BUS_NAME,
            "CATALOG_PROFILE": self._settings.asset_system.catalog_profile,
            resources.BATCH_OPERATIONS_ROLE_VARIABLE: (
                f"{roles}/{resources.BATCH_OPERATIONS_ROLE_NAME}"
            ),
            resources.SCHEDULE_GROUP_VARIABLE: resources.SCHEDULE_GROUP_NAME,
            resources.SCHEDULE_ROLE_VARIABLE: f"{roles}/{resources.SCHEDULE_ROLE_NAME}",
            # Nothing is sent there: a schedule that fails here is retried as Lambda's events are.
            resources.SCHEDULE_DEAD_LETTERS_VARIABLE: (
                self._provisioned.queue_arns[resources.DEAD_LETTER_QUEUE.name]
            ),
            "AWS_ENDPOINT_URL": self.emulator_url,
            "AWS_ENDPOINT_URL_LAMBDA": lambda_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "ASSET_SYNC_API_URL": self.api_url,
        }
