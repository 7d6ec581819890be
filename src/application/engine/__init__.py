"""The engine's function: list, discover, split, requeue, end, and the sweep that recovers.

In: `advance` for one job, or the schedule's `sweep`. Out: a manifest, a batch job, chunks with
their messages, and in the end a job that has ended. Ports: `JobStore`, `ChunkStore`,
`ObjectStore` (lists), `ResultsStore`, `BatchJobs`, `ChunkQueue`, `EngineInvoker`. `advance_job` is
the entry: it reads where the job is and calls the step that comes next, under the job's lease.
"""
