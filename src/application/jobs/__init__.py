"""What callers ask for: start, show, explain, cancel and redrive jobs. Runs in the API's function.

In: a request that `entrypoints.http` has read. Out: the job, or a page of what is recorded. Ports:
`JobStore`, `ChunkStore`, `ErrorLog`, `ConnectorStore`, `ResultsStore` (reads), `EngineInvoker`,
`StatusNotifier`. Whatever takes time is the engine's: a request records what is wanted and invokes
it. Engine and processor use from here what ends a job and publishes its statuses.
"""
