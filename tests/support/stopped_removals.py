"""A job over the memory adapters whose removals the guard has stopped."""

from __future__ import annotations

from dataclasses import replace

from api_calls import Api, Json

from application.execution.deadline import Deadline
from application.results.removal_files import missing_key
from domain.removal_rows import HEADER, RemovalRow, encode_removal
from domain.removal_work import RemovalCounts, RemovalStatus, RemovalWork
from entrypoints import api

KEYS = ('a, "b"\n.jpg', "ü%2F.jpg", "z.jpg")


def connect(gateway: Api, **fields: object) -> Json:
    body = {"connectorId": "media", "bucketName": "media-prod", **fields}
    answer = gateway.call("POST", "/connectors", body)
    assert answer.status == 201, answer.json
    return answer.json


def stopped(gateway: Api) -> str:
    """Return a job whose three removals the guard has stopped."""
    connect(gateway, removals={"announce": True})
    job_id = str(gateway.call("POST", "/connectors/media/sync").json["jobId"])
    ports, database = gateway.world.ports, gateway.world.database

    async def advance(_: object) -> None:
        deadline = Deadline.after(ports.clock, 600)
        await gateway.container.engine().advance(job_id, deadline)
        for message in ports.queue.receive():
            process = gateway.container.process_chunk().process
            await process(message.job_id, message.chunk_index, deadline)

    api.RUNTIME.run(advance)
    job = database.jobs.find(job_id)
    assert job is not None
    assert job.terminal
    work = RemovalWork(
        status=RemovalStatus.STOPPED,
        reason="3 of the 3 objects are missing",
        baseline_job_id=None,
        counts=RemovalCounts(seen_before=3, missing=3),
    )
    database.jobs._rows[job_id] = replace(job, removals=work)
    rows = [RemovalRow(key=key, size_bytes=1, last_seen_in="job-0") for key in KEYS]
    content = b"".join(map(encode_removal, rows))
    ports.results.files[missing_key(job_id)] = HEADER + content
    return job_id
