"""A list of the API as a file: written page by page, so that its size does not matter."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Final

from aiohttp import web

from domain.views import Json
from entrypoints.console.api import ApiError, Query
from entrypoints.console.guard import SECURITY_HEADERS
from entrypoints.console.rendering import console_of
from entrypoints.csv_lines import csv_line

logger: Final = logging.getLogger(__name__)

_PAGE_ITEM_COUNT: Final = 100


class FileFormat(StrEnum):
    """Formats of a file."""

    CSV = "csv"
    JSON = "json"


_TYPES: Final = {FileFormat.CSV: "text/csv", FileFormat.JSON: "application/json"}


async def send_file(
    request: web.Request, path: str, query: Query, *, name: str, columns: Sequence[str]
) -> web.StreamResponse:
    """Send all items of a list as the file that the request names, by the format in its path.

    Raises:
        ApiError: The first page cannot be read. A later one breaks the transfer off, so that the
            browser reports the file as incomplete.
    """
    file_format = FileFormat(request.match_info["format"])
    pages = _pages(request, path, query)
    first = await anext(pages)
    response = web.StreamResponse(
        headers={
            **SECURITY_HEADERS,
            "Content-Type": f"{_TYPES[file_format]}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}.{file_format}"',
        }
    )
    await response.prepare(request)
    writer = _Rows(file_format, columns)
    try:
        await response.write(writer.begin() + writer.rows(first))
        async for items in pages:
            await response.write(writer.rows(items))
        await response.write(writer.end())
    except ApiError as error:
        logger.warning("the download of %s was broken off: %s", path, error)
        if request.transport is not None:
            request.transport.abort()
    return response


async def _pages(request: web.Request, path: str, query: Query) -> AsyncIterator[list[Json]]:
    api, cursor = console_of(request).api, None
    while True:
        listed = await api.get(path, {**query, "limit": _PAGE_ITEM_COUNT, "cursor": cursor})
        yield listed["items"]
        cursor = listed["nextCursor"]
        if cursor is None:
            return


class _Rows:
    """Turns items into the bytes of a file."""

    def __init__(self, file_format: FileFormat, columns: Sequence[str]) -> None:
        self._format = file_format
        self._columns = columns
        self._any = False

    def begin(self) -> bytes:
        return self._line(self._columns) if self._format is FileFormat.CSV else b"[\n"

    def rows(self, items: Sequence[Json]) -> bytes:
        if self._format is FileFormat.CSV:
            return b"".join(self._line([each[name] for name in self._columns]) for each in items)
        lines = []
        for each in items:
            lines.append((",\n" if self._any else "") + json.dumps(each, ensure_ascii=False))
            self._any = True
        return "".join(lines).encode()

    def end(self) -> bytes:
        return b"" if self._format is FileFormat.CSV else b"\n]\n"

    def _line(self, values: Sequence[object]) -> bytes:
        return csv_line(values).encode()
