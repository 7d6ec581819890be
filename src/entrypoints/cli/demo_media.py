"""Small, valid media files with the names that archives really have."""

from __future__ import annotations

import io
import mimetypes
import struct
import wave
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_FOLDERS = (
    "2026/spring campaign",
    "2026/Übersicht & Entwürfe",
    "rushes/day 1+2",
    "100% final/v2",
    "アーカイブ/写真",
    "audio/interviews (raw)",
    "press,kit;2026",
)
_NAMES = (
    "hero shot {n}",
    "c++ talk {n}",
    "50% off {n}",
    "naïve café {n}",
    "scan#{n}",
    "it's {n} o'clock",
    'the "best" {n}',
    "a=b&c={n}",
    "🎬 take {n}",
    "plain-{n}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoObject:
    """One object to put: `tags` are its owner's."""

    key: str
    content: bytes
    content_type: str
    tags: dict[str, str] = field(default_factory=dict)


def demo_objects(count: int) -> Iterator[DemoObject]:
    """Yield `count` objects: every fifth has tags of its owner's; all keys differ."""
    makers = (_png, _wav, _gif, _svg, _pdf, _srt)
    for index in range(count):
        extension, content_type, content = makers[index % len(makers)](index)
        folder = _FOLDERS[index % len(_FOLDERS)]
        name = _NAMES[index % len(_NAMES)].format(n=index)
        tags = {"project": f"campaign {index % 3}", "owner": "media-team@example.com"}
        yield DemoObject(
            key=f"{folder}/{name}.{extension}",
            content=content,
            content_type=content_type,
            tags=tags if index % 5 == 0 else {},
        )


def folder_objects(folder: Path) -> Iterator[DemoObject]:
    """Yield the files under a folder, in order, one at a time."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            kind, _ = mimetypes.guess_type(path.name)
            yield DemoObject(
                key=path.relative_to(folder).as_posix(),
                content=path.read_bytes(),
                content_type=kind or "application/octet-stream",
            )


def _png(index: int) -> tuple[str, str, bytes]:
    side = 8 + index % 8
    colour = bytes((index * 37 % 256, index * 59 % 256, index * 83 % 256))
    rows = b"".join(b"\0" + colour * side for _ in range(side))

    def block(name: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    blocks = block(b"IHDR", header) + block(b"IDAT", zlib.compress(rows)) + block(b"IEND", b"")
    return "png", "image/png", b"\x89PNG\r\n\x1a\n" + blocks


def _wav(index: int) -> tuple[str, str, bytes]:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes((128 + (i * (index + 1)) % 64) for i in range(800)))
    return "wav", "audio/wav", file.getvalue()


def _gif(index: int) -> tuple[str, str, bytes]:
    colour = bytes((index % 256, 255 - index % 256, 128))
    screen = struct.pack("<HHBBB", 1, 1, 0x80, 0, 0)
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return "gif", "image/gif", b"GIF89a" + screen + colour + b"\xff\xff\xff" + image + b"\x3b"


def _svg(index: int) -> tuple[str, str, bytes]:
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
        f'<circle cx="20" cy="20" r="{5 + index % 15}"/></svg>'
    )
    return "svg", "image/svg+xml", text.encode()


def _pdf(index: int) -> tuple[str, str, bytes]:
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d 200]>>" % (100 + index % 100),
    )
    body = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj%sendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    xref = b"xref\n0 4\n0000000000 65535 f \n" + table
    trailer = b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return "pdf", "application/pdf", body + xref + trailer


def _srt(index: int) -> tuple[str, str, bytes]:
    text = f"1\n00:00:01,000 --> 00:00:02,500\nTake {index}, quiet please.\n"
    return "srt", "application/x-subrip", text.encode()
