"""The processor's function: decide about objects, tag, copy and announce them, settle the chunk.

In: a chunk message (`process_chunk`), or a task of S3 Batch Operations (`discover_object`). Out:
objects with tags, ingest events, an outcome for each entry, a settled chunk. Ports: `ObjectStore`,
`Catalog`, `IngestBus`, `IngestQueue`, `ChunkStore`, `ResultsStore`, `ChunkQueue`. It does not know
the engine.
"""
