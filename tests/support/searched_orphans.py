"""A job over the memory adapters, and records of the catalog that have no object."""

from __future__ import annotations

from api_calls import Api
from stopped_removals import connect

from application.execution.deadline import Deadline
from domain.catalog import storage_path
from entrypoints import api

LOST = ('a, "b"\n.jpg', "z.jpg", "ü%2F.jpg")


def completed(gateway: Api) -> str:
    """Return a completed job of `media-prod`, which has one object, and four records."""
    connect(gateway)
    job_id = str(gateway.call("POST", "/connectors/media/sync").json["jobId"])
    ports, database = gateway.world.ports, gateway.world.database

    async def advance(_: object) -> None:
        deadline = Deadline.after(ports.clock, 600)
        await gateway.container.engine().advance(job_id, deadline)
        for message in ports.queue.receive():
            process = gateway.container.process_chunk().process
            await process(message.job_id, message.chunk_index, deadline)
        await gateway.container.engine().advance(job_id, deadline)

    api.RUNTIME.run(advance)
    job = database.jobs.find(job_id)
    assert job is not None
    assert job.terminal
    for key in ("a.jpg", *LOST):
        ports.catalog.ingest(
            inventory_id=f"i:{key}", asset_id="a", storage_path=storage_path("media-prod", key)
        )
    return job_id


def search(gateway: Api) -> list[str]:
    """Run the engine for the searches that were asked for; return their jobs."""
    ports = gateway.world.ports
    searched = ports.invoker.take_searched()

    async def run(_: object) -> None:
        for job_id in searched:
            deadline = Deadline.after(ports.clock, 600)
            await gateway.container.search_orphans().run(job_id, deadline)

    api.RUNTIME.run(run)
    return searched
