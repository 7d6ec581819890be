"""What `asset-sync up` does: runs the whole service, and tells how to reach it."""

from __future__ import annotations

import asyncio
import shlex
import signal
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from entrypoints.cli.laptop import laptop
from entrypoints.cli.output import ERR, OUT, Format, print_json
from entrypoints.cli.requests import RequestLog
from entrypoints.wiring.asset_systems import AssetSystem
from entrypoints.wiring.local import LocalStack, StackSettings

_S3_CONTROL = "AWS_ENDPOINT_URL_S3_CONTROL"

_SYSTEMS: Final = {
    AssetSystem.MEDIALAKE: "answers as AWS's Guidance for a Media Lake does, takes media files",
    AssetSystem.EVERYTHING: "takes every object",
}


async def serve(
    port: int, env_file: Path | None, system: AssetSystem, output: Format, log_path: Path
) -> None:
    """Run until SIGINT or SIGTERM; the environment file is there as long as the service is."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    async with laptop(
        StackSettings(http_api_port=port, asset_system=system, watches_connectors=True),
        log_path=log_path,
        requests=RequestLog(),
    ) as stack:
        environment = for_clients(stack.environment)
        if env_file is not None:
            _write_environment(env_file, environment)
        if output is Format.JSON:
            print_json({"environment": environment, "log": str(log_path)})
        else:
            _explain(stack, environment, env_file, system, log_path)
        await stopped.wait()
        ERR.print("stopping ...")
        if env_file is not None:
            await asyncio.to_thread(env_file.unlink, missing_ok=True)


def _write_environment(file: Path, environment: dict[str, str]) -> None:
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
    file.write_text("".join(lines))


def for_clients(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment as any SDK or the AWS CLI can use it.

    S3 Control clients put `<account>.` before the endpoint's host. Before `x@127.0.0.1` that is
    the user part of the URL, which no name has to be resolved for.
    """
    parts = urlsplit(environment[_S3_CONTROL])
    return {**environment, _S3_CONTROL: f"{parts.scheme}://x@{parts.netloc}"}


def _explain(
    stack: LocalStack,
    environment: dict[str, str],
    env_file: Path | None,
    system: AssetSystem,
    log_path: Path,
) -> None:
    source = f". ./{env_file}" if env_file and not env_file.is_absolute() else f". {env_file}"
    account = environment["PROCESSOR_FUNCTION_ARN"].split(":")[4]
    control_port = urlsplit(environment[_S3_CONTROL]).port
    OUT.print(f"[bold]Asset Sync is running.[/bold] API: {stack.api_url}  (stop with Ctrl-C)")
    OUT.print(f"asset system: {system} ({_SYSTEMS[system]})")
    OUT.print(f"log: {log_path}")
    if env_file is None:
        OUT.print("With --env-file FILE it writes what the AWS CLI and boto3 need to reach it.")
        return
    OUT.print(
        f"""
In another shell:
  {source}
  aws s3 mb s3://my-archive && aws s3 cp --recursive ./photos s3://my-archive
  asset-sync connectors add my-archive --id my-archive
  asset-sync sync my-archive --wait
  asset-sync sync my-archive --wait     # writes nothing
  curl -s "$ASSET_SYNC_API_URL/jobs"
  aws dynamodb scan --table-name "$ASSETS_TABLE_NAME"
  aws sqs list-queues --endpoint-url "$AWS_ENDPOINT_URL"
  aws s3control list-jobs --account-id {account}

For SQS the AWS CLI of version 1 takes no endpoint from the environment, hence the option above.

S3 Control clients put '{account}.' before the endpoint's host. The file's endpoint (http://x@127.0.0.1:...)
copes with that in boto3 and the AWS CLI. For others, resolve the name and use it as the endpoint:
  echo '127.0.0.1 {account}.localhost' | sudo tee -a /etc/hosts
  aws s3control list-jobs --account-id {account} --endpoint-url http://localhost:{control_port}""",
        markup=False,
    )
