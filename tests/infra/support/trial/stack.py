"""The template in moto, plus what moto lacks: invocations, polling, rules, batch jobs.

The template decides which function a queue's mapping or a rule invokes, with which input and how
many messages at once, and the environment of each function. Only the endpoint of moto is added.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import aiohttp
from trial.package import PackagedFunction
from trial.permissions import Right
from trial.template import Resolver, loadable, role_statements

from adapters.aws.resources import RuleSpec
from adapters.local_aws.api_gateway.http_api import http_api_application
from adapters.local_aws.aws_emulator.clients import EmulatorClients
from adapters.local_aws.aws_emulator.process import EmulatorProcess
from adapters.local_aws.event_bridge.rules import DefaultEventBus
from adapters.local_aws.lambda_service.event_source_mapping import (
    EventSourceMapping,
    MappingSettings,
)
from adapters.local_aws.lambda_service.invocation import REGION, FunctionSettings, InvocationResult
from adapters.local_aws.lambda_service.invoke_api import invoke_application
from adapters.local_aws.lambda_service.service import LambdaService
from adapters.local_aws.loopback.http_listener import LOOPBACK, Listener
from adapters.local_aws.stack.batch_operations_bridge import batch_operations_emulator
from adapters.local_aws.stack.settings import BatchOperationsParts

Template = dict[str, Any]
_STACK = "trial"
# Short waits for a test; the defaults of `Tuning` are minutes.
_TUNING = {
    "ASSET_SYNC_OBJECT_COUNT_MAX": "200",
    "ASSET_SYNC_WINDOW_OBJECT_COUNT": "1",
    "ASSET_SYNC_WINDOWS_IN_FLIGHT": "1",
    "ASSET_SYNC_STUCK_AFTER_S": "1",
    "ASSET_SYNC_RETRY_DELAY_S": "1",
    "ASSET_SYNC_ENDING_POLL_S": "1",
    "ASSET_SYNC_STOP_MARGIN_S": "2",
    "ASSET_SYNC_LEASE_MARGIN_S": "5",
    "ASSET_SYNC_SINGLE_COPY_BYTES_MAX": "1000000",
    "ASSET_SYNC_COPY_PART_BYTES": "5242880",
    "ASSET_SYNC_COPIED_BYTES_PER_S": "2621440",
}


class TrialStack:
    """The running resources of a template; enter it to start."""

    def __init__(self, template: Template, package: Path, folder: Path) -> None:
        self._template = template
        self._package = package
        self._folder = folder
        self._stack = AsyncExitStack()
        self._pumps: list[EventSourceMapping] = []
        self.packaged: dict[str, PackagedFunction] = {}
        self.left_out: set[str] = set()
        # Open: batch jobs make progress. A test closes it to inspect one in progress.
        self.discovery = asyncio.Event()
        self.discovery.set()
        # Open: received messages reach the processor.
        self.delivery = asyncio.Event()
        self.delivery.set()

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
        cloud = await enter(EmulatorProcess(ready_timeout_s=120))
        self.cloud_url = cloud.endpoint_url
        await _run_no_code_in(cloud.endpoint_url)
        self.clients = await enter(EmulatorClients(cloud.endpoint_url, region=REGION))
        template, self.left_out = loadable(self._template)
        cloudformation: Any = await self.clients.open("cloudformation")  # type: ignore[call-overload]
        await cloudformation.create_stack(StackName=_STACK, TemplateBody=json.dumps(template))
        made = await cloudformation.describe_stack_resources(StackName=_STACK)
        self.physical = {
            one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
            for one in made["StackResources"]
        }
        self.resolver = Resolver(self._template, self.physical)
        self.http = await enter(aiohttp.ClientSession())
        self.functions = LambdaService(
            [self._function(name) for name in ("api", "engine", "processor", "discovery")]
        )
        self._stack.push_async_callback(self._stop_functions)
        invoke_api = await enter(Listener(invoke_application(self.functions), port=0))
        self.bus = DefaultEventBus(tuple(self._rules()), self.functions.submit)
        batch_operations = batch_operations_emulator(
            BatchOperationsParts(
                open_s3=lambda: self.clients.create("s3"),
                invoke=self._invoke_when_open(self.discovery),
                publish=self.bus.publish,
            )
        )
        batch_url = await batch_operations.start(LOOPBACK, 0)
        self._stack.push_async_callback(batch_operations.stop)
        for function in self.packaged.values():
            function.environment = {
                **self.environment(function.name),
                **_TUNING,
                "AWS_ENDPOINT_URL": cloud.endpoint_url,
                "AWS_ENDPOINT_URL_LAMBDA": invoke_api.url,
                "AWS_ENDPOINT_URL_S3_CONTROL": batch_url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": REGION,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_CONFIG_FILE": "/dev/null",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "AWS_EC2_METADATA_DISABLED": "true",
            }
        await self._poll()
        api = await enter(
            Listener(http_api_application(self.functions, self._name_of("api")), port=0)
        )
        self.api_url = api.url

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the API; return status and JSON."""
        async with self.http.request(method, self.api_url + path, json=body) as answer:
            return answer.status, await answer.json(content_type=None)

    async def until(
        self, job_id: str, wanted: Callable[[Any], bool], *, timeout_s: float = 90
    ) -> Any:
        """Wait until the job fulfils the condition, with a sweep from time to time as the schedule
        would.

        Raises:
            TimeoutError: it did not in time.
        """
        deadline = time.monotonic() + timeout_s
        sweep_at = time.monotonic() + 2
        while True:
            _, job = await self.call("GET", f"/jobs/{job_id}")
            if wanted(job):
                return job
            if time.monotonic() > deadline:
                logs = {name: f.log()[-3_000:] for name, f in self.packaged.items()}
                raise TimeoutError(f"{job}\n{json.dumps(logs, indent=1)}")
            if time.monotonic() > sweep_at:
                self.sweep()
                sweep_at = time.monotonic() + 2
            await asyncio.sleep(0.2)

    async def start_without_engine(self, path: str, body: Any) -> Any:
        """Start a job whose invocation of the engine gets lost; returns the job."""
        submit = self.functions.submit
        self.functions.submit = lambda *_: "lost"  # type: ignore[method-assign]
        try:
            _, job = await self.call("POST", path, body)
        finally:
            self.functions.submit = submit  # type: ignore[method-assign]
        return job

    async def advance(self, job_id: str, *, remaining_s: float) -> None:
        """Invoke the engine directly, in an environment with little time left."""
        context = SimpleNamespace(
            aws_request_id="short", get_remaining_time_in_millis=lambda: int(remaining_s * 1_000)
        )
        event = {"action": "advance", "jobId": job_id}
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as environment:
            await loop.run_in_executor(environment, self.packaged["engine"], event, context)

    async def deliver(self, jobs: list[tuple[str, int]], *, remaining_s: float) -> None:
        """Invoke the processor with chunks directly, in an environment with little time left."""
        context = SimpleNamespace(
            aws_request_id="short", get_remaining_time_in_millis=lambda: int(remaining_s * 1_000)
        )
        queue = next(
            self.resolver.text(mapping["EventSourceArn"])
            for mapping in self._of_type("AWS::Lambda::EventSourceMapping").values()
            if mapping["EventSourceArn"]["Fn::GetAtt"][0].startswith("ProcessorQueue")
        )
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as environment:
            # The first message only starts the environment: its chunk does not exist.
            for job_id, index in [("job-none", 0), *jobs]:
                record = {
                    "messageId": "m",
                    "body": json.dumps({"jobId": job_id, "chunkIndex": index}),
                    "eventSource": "aws:sqs",
                    "eventSourceARN": queue,
                }
                event = {"Records": [record]}
                await loop.run_in_executor(environment, self.packaged["processor"], event, context)

    def sweep(self) -> None:
        """Invoke the sweep as the schedule does."""
        for function, payload in self._schedules():
            self.functions.submit(function, payload)

    async def finish_sweep(self) -> None:
        """Invoke the sweep as the schedule does, and wait for its end."""
        for function, payload in self._schedules():
            result = await self.functions.invoke(function, payload)
            assert result.function_error is None, result.payload

    def _schedules(self) -> Iterator[tuple[str, bytes]]:
        """Yield the function that each schedule invokes, and its event."""
        for rule in self._of_type("AWS::Events::Rule").values():
            if "ScheduleExpression" in rule:
                (target,) = rule["Targets"]
                yield self.resolver.text(target["Arn"]), target["Input"].encode()

    def environment(self, name: str) -> dict[str, str]:
        """Return a function's environment in the template."""
        variables = self._properties_of(name)["Environment"]["Variables"]
        return {key: self.resolver.text(value) for key, value in variables.items()}

    def rights(self, name: str) -> dict[str, list[Right]]:
        """Return a function's permissions in the template, by the Sid of their statement."""
        role = self._properties_of(name)["Role"]["Fn::GetAtt"][0]
        rights: dict[str, list[Right]] = {}
        for statement in role_statements(self._template, role):
            rights.setdefault(statement["Sid"], []).extend(
                Right(action, self.resolver.text(resource), statement.get("Condition", {}))
                for action in _listed(statement["Action"])
                for resource in _listed(statement["Resource"])
            )
        return rights

    def _of_type(self, kind: str) -> dict[str, Any]:
        return {
            name: made["Properties"]
            for name, made in self._template["Resources"].items()
            if made["Type"] == kind
        }

    def _properties_of(self, name: str) -> dict[str, Any]:
        functions = self._of_type("AWS::Lambda::Function").values()
        return next(each for each in functions if each["FunctionName"].endswith(f"-{name}"))

    def _name_of(self, name: str) -> str:
        return str(self._properties_of(name)["FunctionName"])

    def _function(self, name: str) -> FunctionSettings:
        made = self._properties_of(name)
        handler = made["Handler"].split(".")[1]
        self.packaged[name] = PackagedFunction(name, handler, self._package, self._folder)
        return FunctionSettings(
            name=made["FunctionName"],
            handler=self.packaged[name],
            timeout_s=made["Timeout"],
            memory_size_mb=made["MemorySize"],
            concurrency=1 if name == "api" else 2,
            retry_delays_s=(1, 1),
        )

    def _rules(self) -> list[RuleSpec]:
        return [
            RuleSpec(
                name=name,
                pattern=rule["EventPattern"],
                function=self.resolver.text(rule["Targets"][0]["Arn"]),
            )
            for name, rule in self._of_type("AWS::Events::Rule").items()
            if "EventPattern" in rule
        ]

    async def _poll(self) -> None:
        for mapping in self._of_type("AWS::Lambda::EventSourceMapping").values():
            queue = mapping["EventSourceArn"]["Fn::GetAtt"][0]
            pump = EventSourceMapping(
                MappingSettings(
                    queue_url=self.physical[queue],
                    queue_arn=self.resolver.text(mapping["EventSourceArn"]),
                    function=self.resolver.text(mapping["FunctionName"]),
                    batch_size=mapping["BatchSize"],
                    concurrency=min(2, mapping["ScalingConfig"]["MaximumConcurrency"]),
                    retry_visibility_s=1,
                    wait_s=1,
                ),
                await self.clients.open("sqs"),
                self._invoke_when_open(self.delivery),
            )
            pump.start()
            self._pumps.append(pump)
            self._stack.push_async_callback(pump.stop)

    def _invoke_when_open(
        self, gate: asyncio.Event
    ) -> Callable[[str, bytes], Awaitable[InvocationResult]]:
        async def invoke(name: str, payload: bytes) -> InvocationResult:
            await gate.wait()
            return await self.functions.invoke(name, payload)

        return invoke

    async def _stop_functions(self) -> None:
        await self.functions.stop()
        for function in self.packaged.values():
            await asyncio.to_thread(function.stop)


async def _run_no_code_in(cloud_url: str) -> None:
    """Tell moto that there is no Docker for its own Lambda service."""
    async with aiohttp.ClientSession() as http:
        settings: Mapping[str, Any] = {"lambda": {"use_docker": False}}
        async with http.post(f"{cloud_url}/moto-api/config", json=settings) as answer:
            assert answer.status == 201, await answer.text()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
