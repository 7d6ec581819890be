"""CPU time of the calls that are made for each object, of this process only.

    python bench/calls.py [--count 2000] [--rounds 5]

The server is another process (bench/aws_server.py), without TLS and latency. So the figures are
what a Lambda function computes for a call: what it pays for beyond waiting.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from statistics import median
from typing import Any

from measuring import own_cpu_s, serving
from reports import add_output, show
from tables import Table, times
from worlds import key_of

from adapters.aws.clients import ClientSettings, open_clients
from adapters.aws.object_store import S3ObjectStore
from adapters.aws.system import SystemClock
from application.execution.fanout import fan_out
from domain.connector import Bucket

_IN_FLIGHT = 64
_OBJECT_COUNT = 1_000


async def _cpu_ms(call: Callable[[str], Awaitable[Any]], count: int, rounds: int) -> list[float]:
    """Return CPU milliseconds a call, for each round."""
    keys = [key_of(number % _OBJECT_COUNT) for number in range(count)]
    found = []
    for _ in range(rounds):
        started_s = own_cpu_s()
        await fan_out(keys, call, limit=_IN_FLIGHT)
        found.append((own_cpu_s() - started_s) / count * 1_000)
    return found


async def _measure(count: int, rounds: int, *, lean: bool) -> dict[str, list[float]]:
    bucket = Bucket(name="media", expected_owner="123456789012")
    async with open_clients(ClientSettings(lean_calls=lean)) as clients:
        store = S3ObjectStore(await clients.s3(), clock=SystemClock())
        head = await store.head(bucket, key_of(0))
        tags = {"AssetID": "asset:img:3c23397b", "InventoryID": "asset:uuid:9c8b305d"}
        calls: dict[str, Callable[[str], Awaitable[Any]]] = {
            "GetObjectTagging": lambda key: store.read_tags(bucket, key),
            "HeadObject": lambda key: store.head(bucket, key),
            "CopyObject": lambda key: store.copy_in_place(bucket, replace(head, key=key), tags),
            "PutObjectTagging": lambda key: store.write_tags(bucket, replace(head, key=key), tags),
        }
        found = {name: await _cpu_ms(call, count, rounds) for name, call in calls.items()}

        async def list_page(_: str) -> None:
            async for _page in store.list_objects(bucket, prefix="", start_after=None):
                pass

        pages = max(count // 50, 1)
        return {**found, "ListObjectsV2, 1,000 keys": await _cpu_ms(list_page, pages, rounds)}


def measure(count: int, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return CPU milliseconds a call by the SDK and as lean calls: for each call, of each round."""
    with serving(_OBJECT_COUNT):
        return {
            kind: asyncio.run(_measure(count, rounds, lean=kind == "lean"))
            for kind in ("sdk", "lean")
        }


def tables(found: dict[str, dict[str, list[float]]]) -> list[Table]:
    rows = [
        (name, *(f"{median(each):.2f}" for each in (sdk, lean)), times(median(sdk) / median(lean)))
        for (name, sdk), lean in zip(found["sdk"].items(), found["lean"].values(), strict=True)
    ]
    return [
        Table(
            title="Calls that are made for each object, CPU milliseconds a call",
            columns=("call", "SDK", "lean", "SDK against lean"),
            rows=rows,
        )
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    add_output(parser)
    args = parser.parse_args()
    found = measure(args.count, args.rounds)
    show(args.output, found, tables(found))


if __name__ == "__main__":
    main()
