"""Starts the emulator in a child process and stops it.

The child is ready when `start` returns, and has ended when `stop` returns. It also ends when this
process dies, because the pipe to it closes.
"""

import asyncio
import json
import os
import sys
from typing import Self

_SERVER_MODULE = "adapters.local_aws.aws_emulator.server"


class EmulatorProcess:
    """The emulator; `endpoint_url` serves S3, DynamoDB, SQS, SNS and EventBridge.

    Example:
        async with EmulatorProcess() as emulator:
            print(emulator.endpoint_url)
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
        """Start the child and wait until it responds.

        Raises:
            RuntimeError: it ended or timed out before it was ready.
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
        assert self._child.stdout is not None  # noqa: S101  # created with a pipe
        try:
            async with asyncio.timeout(self._ready_timeout_s):
                line = await self._child.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            await self.stop()
            raise RuntimeError("the AWS emulator did not start; see its standard error")
        self.endpoint_url = f"http://127.0.0.1:{json.loads(line)['port']}"

    async def stop(self) -> None:
        """Stop the child; its state is lost. Does nothing if it is not running."""
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None  # noqa: S101  # created with a pipe
        child.stdin.close()
        try:
            async with asyncio.timeout(5):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


def _child_environment() -> dict[str, str]:
    # moto uses the SDK itself: the user's profile, endpoints and credentials must not apply to it.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        # The child imports this package from the same place as this process.
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Otherwise every response allows web pages of any origin to read it.
        "MOTO_DISABLE_GLOBAL_CORS": "true",
    }
