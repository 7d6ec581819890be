"""Requests of callers: start, show, explain, cancel and redrive jobs. Runs in the API's function.

In: a request that `entrypoints.http` has validated. Out: the job, or a page of records. Ports:
`JobStore`, `ChunkStore`, `ErrorLog`, `ConnectorStore`, `ResultsStore` (reads), `EngineInvoker`,
`StatusNotifier`. A request records the change and invokes the engine, which does what takes time.
Engine and processor also use `status_publisher`, which completes jobs and publishes their statuses,
and `update_job`.
"""
