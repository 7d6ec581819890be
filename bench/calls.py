"""CPU time of the calls that are made for each object, of this process only.

    python bench/calls.py [--sdk] [--count 2000] [--rounds 5]

The responses are fixed and come from another process, without TLS and latency. So the figures are
what a Lambda function computes for a call: what it pays for beyond waiting.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.aws.clients import ClientSettings, open_clients
from adapters.aws.object_store import S3ObjectStore
from adapters.aws.system import SystemClock
from application.execution.fanout import fan_out
from domain.connector import Bucket

_HERE = Path(__file__).parent
_IN_FLIGHT = 64


@contextmanager
def canned_server(script: str, *arguments: str) -> Iterator[str]:
    """Run a server of this folder in a process of its own; yields its URL."""
    process = subprocess.Popen(
        [sys.executable, str(_HERE / script), *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()


def at_endpoint(url: str) -> None:
    """Let the SDK send its requests there."""
    os.environ.update(
        AWS_ENDPOINT_URL=url,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_REGION="us-east-1",
        AWS_DEFAULT_REGION="us-east-1",
    )


async def cpu_ms(call: Callable[[str], Awaitable[Any]], count: int, rounds: int) -> list[float]:
    """Return CPU milliseconds a call, for each round."""
    found = []
    for round_number in range(rounds):
        keys = [
            f"archive/2026/spring campaign/{round_number}/clip-{i:07d}.mov" for i in range(count)
        ]
        started = time.process_time()
        await fan_out(keys, call, limit=_IN_FLIGHT)
        found.append((time.process_time() - started) / count * 1_000)
    return found


async def _measure(count: int, rounds: int, *, lean: bool) -> dict[str, list[float]]:
    bucket = Bucket(name="media", expected_owner="123456789012")
    async with open_clients(ClientSettings(lean_s3_calls=lean)) as clients:
        store = S3ObjectStore(await clients.s3(), clock=SystemClock())
        head = await store.head(bucket, "a")
        tags = {"AssetID": "asset:img:3c23397b", "InventoryID": "asset:uuid:9c8b305d"}
        calls: dict[str, Callable[[str], Awaitable[Any]]] = {
            "read_tags": lambda key: store.read_tags(bucket, key),
            "head": lambda key: store.head(bucket, key),
            "copy_in_place": lambda key: store.copy_in_place(bucket, replace(head, key=key), tags),
        }
        found = {name: await cpu_ms(call, count, rounds) for name, call in calls.items()}

        async def list_page(_: str) -> None:
            async for _page in store.list_objects(bucket, prefix="", start_after=None):
                pass

        # A page has a thousand keys.
        return {**found, "list 1,000 keys": await cpu_ms(list_page, max(count // 50, 1), rounds)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sdk", action="store_true", help="calls by the SDK")
    parser.add_argument("--output", choices=("human", "json"), default="human")
    args = parser.parse_args()
    with canned_server("canned_s3.py") as url:
        at_endpoint(url)
        found = asyncio.run(_measure(args.count, args.rounds, lean=not args.sdk))
    if args.output == "json":
        print(json.dumps(found, indent=2))
        return
    for name, times in found.items():
        print(f"{name:<16} {min(times):.2f} to {max(times):.2f} ms CPU a call")


if __name__ == "__main__":
    main()
