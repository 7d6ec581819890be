"""The processor's function: decide about objects, tag or copy them, send events, settle the chunk.

In: a chunk message (`process_chunk`), or a task of S3 Batch Operations (`discover_object`). Out:
objects with tags, ingest events, an outcome for each entry, a settled chunk. Ports: `ObjectStore`,
`Catalog`, `IngestBus`, `IngestQueue`, `ChunkStore`, `ResultsStore`, `ChunkQueue`. It is independent
of the engine.

`process_chunk` leases the chunk (`lease_chunk`), runs an attempt (`run_attempt`), and settles the
chunk (`settle_chunk`) or releases it. An attempt passes windows of objects to `process_objects`,
which decides (`decide_objects`), writes (`write_object`) and sends events (`announce_objects`).
"""
