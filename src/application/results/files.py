"""A job's files in the results bucket: their keys, and how entries and outcomes are stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from domain.chunk import Chunk
from domain.manifest import ManifestEntry, decode_row, encode_row
from domain.outcome import Outcome, from_json_line, to_json_line
from ports.errors import NotFound
from ports.results_store import ResultsStore


def manifest_key(job_id: str) -> str:
    """The manifest."""
    return f"jobs/{job_id}/manifest.csv"


def known_key(job_id: str) -> str:
    """The objects that are known without their tags, if a batch job decides about the others."""
    return f"jobs/{job_id}/known.csv"


def listing_rest_key(file_key: str, token: str, number: int) -> str:
    """Rows that are not yet in a part of the file; each lease has a token of its own."""
    folder, _, name = file_key.rpartition("/")
    return f"{folder}/progress/{name.removesuffix('.csv')}-{token}-{number}.csv"


def report_prefix(job_id: str) -> str:
    """Where S3 Batch Operations writes its completion report."""
    return f"jobs/{job_id}/reports"


def report_index_key(job_id: str, batch_job_id: str) -> str:
    """The index of the completion report (S3 User Guide, "Examples: completion reports")."""
    return f"{report_prefix(job_id)}/job-{batch_job_id}/manifest.json"


def chunk_key(chunk: Chunk) -> str:
    """The entries of a chunk that a worker must process."""
    return chunk.entries_key or f"jobs/{chunk.job_id}/chunks/{chunk.index:08d}.csv"


def unique_chunk_key(job_id: str, index: int, token: str) -> str:
    """The entries of a chunk that depend on the process which writes them, with its token."""
    return f"jobs/{job_id}/chunks/{index:08d}-{token}.csv"


def progress_key(job_id: str, index: int, token: str) -> str:
    """Outcomes of an attempt that did not settle its chunk; each attempt has a token of its own."""
    return f"jobs/{job_id}/progress/{index:08d}-{token}.jsonl"


def copies_key(job_id: str, index: int) -> str:
    """The state of the chunk's multipart copies."""
    return f"jobs/{job_id}/progress/{index:08d}-copies.json"


def outcomes_key(job_id: str, index: int) -> str:
    """Final outcomes of the entries that a worker processed."""
    return f"jobs/{job_id}/outcomes/{index:08d}.jsonl"


def discovered_key(job_id: str, index: int) -> str:
    """Outcomes known when the chunk was created; no object is in both files."""
    return f"jobs/{job_id}/outcomes/{index:08d}-discovered.jsonl"


def summary_key(job_id: str) -> str:
    """The job's record at its end."""
    return f"jobs/{job_id}/summary.json"


def encode_entries(bucket_name: str, entries: Iterable[ManifestEntry]) -> bytes:
    """Return the content of a chunk's file; rows that were read from a file are copied from it."""
    return b"".join(
        entry.row or encode_row(bucket_name, entry, with_e_tag=True) for entry in entries
    )


async def read_entries(results: ResultsStore, key: str) -> AsyncIterator[ManifestEntry]:
    """Yield a chunk's entries.

    Raises:
        NotFound: there is no such file.
        InvalidManifest: a row has an invalid format.
    """
    async for line in lines_of(results, key):
        yield decode_row(line)


def encode_outcomes(outcomes: Iterable[Outcome], *, job_id: str, chunk_index: int) -> bytes:
    """Return outcomes as the content of a file: one line of JSON each."""
    lines = (to_json_line(o, job_id=job_id, chunk_index=chunk_index) + "\n" for o in outcomes)
    return "".join(lines).encode()


async def write_outcomes(
    results: ResultsStore, key: str, outcomes: Iterable[Outcome], *, job_id: str, chunk_index: int
) -> None:
    """Write outcomes, one line of JSON each."""
    await results.put(key, encode_outcomes(outcomes, job_id=job_id, chunk_index=chunk_index))


async def read_outcomes(results: ResultsStore, key: str) -> AsyncIterator[Outcome]:
    """Yield the outcomes of a file.

    Raises:
        NotFound: there is no such file.
        InvalidManifest: a line has an invalid format.
    """
    async for line in lines_of(results, key):
        yield from_json_line(line)


async def read_chunk_outcomes(results: ResultsStore, chunk: Chunk) -> AsyncIterator[Outcome]:
    """Yield the outcomes of all files of a chunk; a chunk that was not completed may lack one."""
    keys = [discovered_key(chunk.job_id, chunk.index)] if chunk.discovered.total else []
    if chunk.terminal and chunk.entry_count:
        keys.append(outcomes_key(chunk.job_id, chunk.index))
    for key in keys:
        try:
            async for outcome in read_outcomes(results, key):
                yield outcome
        except NotFound:
            continue


async def lines_of(results: ResultsStore, key: str, *, position: int = 0) -> AsyncIterator[bytes]:
    """Yield the lines of a file from a byte on, without their line ends.

    Raises:
        NotFound: there is no such file.
    """
    # JSON escapes quotes as CSV does not, so splitting JSON lines by CSV's rules would be wrong.
    rest = b""
    async for block in results.stream(key, position=position):
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            yield line
    if rest:
        yield rest
