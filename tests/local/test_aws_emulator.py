"""The child process: one lock, kept connections, an end with its parent."""

import asyncio
import http.client
import os
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable

import pytest

from adapters.local_aws.aws_emulator.clients import EmulatorClients
from adapters.local_aws.aws_emulator.process import EmulatorProcess

Unique = Callable[[str], str]


async def _create_table(clients: EmulatorClients, name: str) -> None:
    dynamodb = await clients.open("dynamodb")
    await dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


async def test_failing_transactions_lose_no_acknowledged_put(
    clients: EmulatorClients, unique: Unique
) -> None:
    table = unique("puts")
    await _create_table(clients, table)
    dynamodb = await clients.open("dynamodb")

    async def put(number: int) -> None:
        await dynamodb.put_item(TableName=table, Item={"id": {"S": f"put-{number}"}})

    async def fail(number: int) -> None:
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            await dynamodb.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": table, "Item": {"id": {"S": f"undone-{number}"}}}},
                    {
                        "ConditionCheck": {
                            "TableName": table,
                            "Key": {"id": {"S": "absent"}},
                            "ConditionExpression": "attribute_exists(id)",
                        }
                    },
                ]
            )

    async with asyncio.TaskGroup() as group:
        for number in range(150):
            group.create_task(put(number))
            if number % 2:
                group.create_task(fail(number))

    scanned = await dynamodb.scan(TableName=table)
    assert {item["id"]["S"] for item in scanned["Items"]} == {f"put-{n}" for n in range(150)}


async def test_concurrent_updates_of_one_counter_all_count(
    clients: EmulatorClients, unique: Unique
) -> None:
    table = unique("counter")
    await _create_table(clients, table)
    dynamodb = await clients.open("dynamodb")

    async def add(_: int) -> None:
        await dynamodb.update_item(
            TableName=table,
            Key={"id": {"S": "counter"}},
            UpdateExpression="SET n = if_not_exists(n, :zero) + :one",
            ExpressionAttributeValues={":zero": {"N": "0"}, ":one": {"N": "1"}},
        )

    async with asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(add(number))

    found = await dynamodb.get_item(TableName=table, Key={"id": {"S": "counter"}})
    assert found["Item"]["n"] == {"N": "200"}


async def test_connections_are_kept(cloud_url: str) -> None:
    def ask_twice() -> tuple[object, object, list[int]]:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(cloud_url).netloc, timeout=5)
        statuses = []
        for _ in range(2):
            connection.request("HEAD", "/no-such-bucket-here")
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
            kept = connection.sock
        connection.close()
        return response.version, kept, statuses

    version, kept, statuses = await asyncio.to_thread(ask_twice)
    assert version == 11
    assert kept is not None
    assert statuses == [404, 404]


async def test_it_listens_on_loopback_only(cloud_url: str) -> None:
    assert urllib.parse.urlsplit(cloud_url).hostname == "127.0.0.1"


def test_it_ends_when_its_parent_is_killed() -> None:
    script = (
        "import asyncio, os, sys\n"
        "from adapters.local_aws.aws_emulator.process import EmulatorProcess\n"
        "async def main():\n"
        "    cloud = EmulatorProcess()\n"
        "    await cloud.start()\n"
        "    print(cloud.process_id, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        timeout=30,
        check=False,
    )
    child_id = int(ended.stdout)
    deadline = time.monotonic() + 10
    while _is_alive(child_id):
        assert time.monotonic() < deadline, "the cloud still runs after its parent"
        time.sleep(0.01)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_port_can_be_chosen_and_stop_frees_it() -> None:
    cloud = EmulatorProcess()
    await cloud.start()
    port = urllib.parse.urlsplit(cloud.endpoint_url).port
    await cloud.stop()
    assert port is not None
    async with EmulatorProcess(port=port) as again:
        assert again.endpoint_url == f"http://127.0.0.1:{port}"
    await again.stop()
