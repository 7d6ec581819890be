"""Planted bugs of indexes of outcomes; see `planted`."""

from __future__ import annotations

from simulator.planted import bug

INDEX_BUGS = (
    bug(
        "keeping the index of before a redrive",
        13,
        "domain.job:evolve",
        "                index=None,\n",
        "",
        "an_index_has_every_object_once",
        also=(
            (
                "domain.index_work:with_index_wanted",
                "job.index is not None and job.index.number == job.redrive.number",
                "job.index is not None",
            ),
        ),
    ),
    bug(
        "leasing an index whose lease is live",
        18,
        "domain.index_work:begin_index",
        "if index.lease is not None and index.lease.live(now):",
        "if False:",
        "only_the_holder_makes_an_index",
        "an_index_has_every_object_once",
    ),
    bug(
        "recording an index as ready before its last part",
        11,
        "application.engine.build_index:BuildIndex.run",
        "while any(run.merged_bytes < run.size_bytes for run in self._progress.runs):",
        "while all(run.merged_bytes < run.size_bytes for run in self._progress.runs):",
        "an_index_has_every_object_once",
    ),
    bug(
        "forgetting the first run when another one is recorded",
        11,
        "application.engine.build_index:BuildIndex._save_run",
        "after = replace(after, runs=(*after.runs, Run(name=name, size_bytes=len(content))))",
        "after = replace(after, runs=(*after.runs[1:], Run(name=name, size_bytes=len(content))))",
        "an_index_has_every_object_once",
    ),
    bug(
        "continuing the input one chunk too far",
        11,
        "application.engine.index_input:IndexInput._of_chunks",
        "chunk_index=group[-1].index + 1",
        "chunk_index=group[-1].index + 2",
        "an_index_has_every_object_once",
    ),
    bug(
        "leaving out the objects of cancelled chunks",
        20,
        "application.engine.index_input:IndexInput._of_chunk",
        "if chunk.entry_count and (self._in_chunks or not complete):",
        "if chunk.entry_count and self._in_chunks and complete:",
        "an_index_has_every_object_once",
    ),
    bug(
        "taking the earlier of two values of an object",
        3,
        "domain.index_rows:joined",
        "values = json.dumps({**json.loads(values), **json.loads(text)}).encode()",
        "values = json.dumps(json.loads(values)).encode()",
        "an_index_has_every_object_once",
    ),
    bug(
        "splitting the rows of a key between two portions",
        18,
        "application.engine.merge_runs:_Stream.take",
        "bisect_left(self.rows, before + KEY_END)",
        "bisect_left(self.rows, before + KEY_END + b'5')",
        "an_index_has_every_object_once",
        "only_known_errors",
    ),
    bug(
        "not asking for an index that was not made at once",
        3,
        "application.engine.repair_job:RepairJob.run",
        "if wants_index(job):",
        "if False:",
        "an_index_has_every_object_once",
        "i9",
    ),
)
