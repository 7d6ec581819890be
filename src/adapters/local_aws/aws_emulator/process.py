"""Starts the cloud in a child process and ends it.

Owns the child's life: ready when `start` returns, gone when `stop` returns, and gone as well when
this process dies, because the child ends when the pipe to it closes.
"""

import asyncio
import json
import os
import sys
from typing import Self

_SERVER_MODULE = "adapters.local_aws.aws_emulator.server"


class CloudProcess:
    """The emulated cloud; `endpoint_url` serves S3, DynamoDB, SQS, SNS and EventBridge.

    Example:
        async with CloudProcess() as cloud:
            print(cloud.endpoint_url)
    """

    def __init__(self, *, port: int = 0, ready_timeout_s: float = 30) -> None:
        self._port = port
        self._ready_timeout_s = ready_timeout_s
        self._child: asyncio.subprocess.Process | None = None
        self.endpoint_url = ""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def process_id(self) -> int | None:
        """The child's process id while it runs."""
        return None if self._child is None else self._child.pid

    async def start(self) -> None:
        """Start the child and wait until it answers.

        Raises:
            RuntimeError: it ended, or said nothing, before it was ready.
        """
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _SERVER_MODULE,
            "--port",
            str(self._port),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=_child_environment(),
        )
        assert self._child.stdout is not None  # noqa: S101  # a pipe was asked for above
        try:
            async with asyncio.timeout(self._ready_timeout_s):
                line = await self._child.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            await self.stop()
            raise RuntimeError("the local cloud did not start; its standard error says why")
        self.endpoint_url = f"http://127.0.0.1:{json.loads(line)['port']}"

    async def stop(self) -> None:
        """End the child; everything it held is lost. Does nothing if it is not running."""
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None  # noqa: S101  # a pipe was asked for at the start
        child.stdin.close()
        try:
            async with asyncio.timeout(5):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


def _child_environment() -> dict[str, str]:
    # Profiles, endpoints and credentials of the user mean nothing to the emulated cloud, which
    # itself uses the SDK.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        # The child must find this package where this process found it.
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Else every answer allows the pages of any origin to read it.
        "MOTO_DISABLE_GLOBAL_CORS": "true",
    }
