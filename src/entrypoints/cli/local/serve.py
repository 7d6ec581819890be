"""Runs the whole service for `asset-sync up`, and prints how to use it."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from rich.text import Text

from domain.job import TERMINAL
from entrypoints.cli.local.environment_file import EnvironmentFile
from entrypoints.cli.local.local_service import run_local_service
from entrypoints.cli.local.metrics_page import MetricsPage
from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.cli.terminal.output import ERR, OUT, Format, print_json, printable, warn
from entrypoints.wiring.asset_systems import AssetSystem
from entrypoints.wiring.aws import Observers
from entrypoints.wiring.local import LOOPBACK, METRICS_PATH, LocalStack, StackSettings
from entrypoints.wiring.tracing import OTLP, TRACES_VARIABLE

_S3_CONTROL: Final = "AWS_ENDPOINT_URL_S3_CONTROL"
# Timeout of listing unfinished jobs when the service stops.
_JOB_LIST_TIMEOUT_S: Final = 3.0
_CONSOLE_REFRESH_S: Final = 1.5

_SYSTEMS: Final = {
    AssetSystem.MEDIALAKE: "behaves like AWS's Guidance for a Media Lake, ingests media files",
    AssetSystem.EVERYTHING: "ingests every object",
}


async def serve(
    host: str,
    port: int,
    console_port: int | None,
    env_file: EnvironmentFile | None,
    system: AssetSystem,
    output: Format,
    log_path: Path,
    traces: str | None,
) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP; writes the environment file when everything runs.

    Without a `console_port`, the console is not served.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup makes a process ignore SIGHUP.
        if signal.getsignal(name) is not signal.SIG_IGN:
            loop.add_signal_handler(name, stopped.set)
    page = MetricsPage()
    settings = StackSettings(
        http_api_host=host,
        http_api_port=port,
        asset_system=system,
        subscribes_to_connectors=True,
        metrics=page.text,
    )
    async with (
        run_local_service(
            settings,
            log_path=log_path,
            observers=Observers(on_request=page.add_request, on_count=page.add),
            variables=trace_variables(traces),
        ) as stack,
        _console(stack.api_url, console_port) as console_url,
    ):
        environment = for_clients(stack.environment)
        if env_file is not None:
            env_file.write(environment)
        if output is Format.JSON:
            print_json({"environment": environment, "log": str(log_path), "console": console_url})
        else:
            _print_instructions(stack, console_url, environment, env_file, system, log_path, traces)
        await stopped.wait()
        ERR.print("stopping: all data of the service is in memory and will be lost")
        for text in await asyncio.to_thread(_unfinished_jobs, stack.api_url):
            warn("abandoned:", text)


@asynccontextmanager
async def _console(api_url: str, port: int | None) -> AsyncIterator[str | None]:
    """Serve the console, if it has a port; yields its URL.

    It has no access key, because the API next to it is open to the same users of this machine.
    """
    if port is None:
        yield None
        return
    # Imported here because `--no-console` does not need it.
    from entrypoints.cli.remote.console_api import ConsoleApi
    from entrypoints.console.server import ConsoleServer

    api = ConsoleApi(ApiClient(api_url), "local")
    async with ConsoleServer(api, port=port, refresh_s=_CONSOLE_REFRESH_S) as server:
        yield server.url


def trace_variables(traces: str | None) -> dict[str, str]:
    """Return the environment of functions that trace to a collector's URL, or to a file."""
    if traces is None:
        return {}
    if traces.startswith(("http://", "https://")):
        return {TRACES_VARIABLE: OTLP, "OTEL_EXPORTER_OTLP_ENDPOINT": traces}
    return {TRACES_VARIABLE: str(Path(traces).absolute())}


def _unfinished_jobs(api_url: str) -> list[str]:
    """Return one line for each job that has not ended."""
    try:
        jobs = list(
            ApiClient(api_url, timeout_s=_JOB_LIST_TIMEOUT_S).pages("/jobs", {"limit": 100})
        )
    except ApiProblem as error:
        return [f"unfinished jobs cannot be listed: {error}"]
    return [
        f"job {job['jobId']} of connector {job['connectorId']}, {job['status']},"
        f" {job['progress']['percent']} %"
        for job in jobs
        if job["status"] not in TERMINAL
    ]


def for_clients(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment in a form that SDKs and the AWS CLI can use.

    S3 Control clients put `<account>.` before the endpoint's host, so the host must be a name whose
    subdomains resolve to this machine: `localhost`, if this machine supports that (RFC 6761,
    section 6.3). Otherwise `x@` before the host makes the prefix a part of the URL's user name in
    boto3 and the AWS CLI, so that no name needs to be resolved.
    """
    parts = urlsplit(environment[_S3_CONTROL])
    account = environment["PROCESSOR_FUNCTION_ARN"].split(":")[4]
    user = "" if _resolves_to_loopback(f"{account}.localhost") else "x@"
    return {**environment, _S3_CONTROL: f"{parts.scheme}://{user}localhost:{parts.port}"}


def _resolves_to_loopback(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return {address[0] for *_, address in found} == {LOOPBACK}


def _print_instructions(
    stack: LocalStack,
    console_url: str | None,
    environment: dict[str, str],
    env_file: EnvironmentFile | None,
    system: AssetSystem,
    log_path: Path,
    traces: str | None,
) -> None:
    account = environment["PROCESSOR_FUNCTION_ARN"].split(":")[4]
    hint = "This machine resolves such names, so any client works."
    if "@" in environment[_S3_CONTROL]:
        hint = f"""This machine does not
resolve such names. boto3 and the AWS CLI work with the endpoint in the file. For other clients, add
the name to /etc/hosts and restart:
  echo '127.0.0.1 {account}.localhost' | sudo tee -a /etc/hosts"""
    running = ("Asset Sync is running.", "bold")
    OUT.print(Text.assemble(running, f" API: {stack.api_url}  (stop with Ctrl-C)"))
    if console_url is not None:
        OUT.print(f"console: {console_url}")
    OUT.print(f"asset system: {system} ({_SYSTEMS[system]})")
    OUT.print(f"log: {printable(log_path)}")
    OUT.print(f"metrics for Prometheus: {stack.api_url}{METRICS_PATH}")
    if traces is not None:
        OUT.print(f"traces: {printable(traces)}")
    if env_file is None:
        OUT.print("To use it with the AWS CLI and boto3, start it with --env-file FILE.")
        return
    OUT.print(
        f"""
In another shell:
  {env_file.source_command}
  aws s3 mb s3://my-archive && aws s3 cp --recursive ./photos s3://my-archive
  asset-sync connectors add my-archive --id my-archive
  asset-sync sync my-archive --wait
  asset-sync sync my-archive --wait     # writes nothing
  curl -s "$ASSET_SYNC_API_URL/jobs"
  aws dynamodb scan --table-name "$ASSETS_TABLE_NAME"
  aws sqs list-queues --endpoint-url "$AWS_ENDPOINT_URL"
  aws s3control list-jobs --account-id {account}

AWS CLI version 1 does not read the SQS endpoint from the environment, so the option is necessary.

S3 Control clients put '{account}.' before the endpoint's host. {hint}"""
    )
