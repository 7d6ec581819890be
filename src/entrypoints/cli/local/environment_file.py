"""The file of `asset-sync up --env-file`: there as long as its service is, and nobody else's.

The process that runs the service holds a lock on its file (flock, which ends with the process
however that ends). So a file of ours that nobody has locked was left behind, and is replaced; one
that is locked belongs to another service, and one without our first line to a person: neither is
touched.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_FIRST_LINE: Final = b"# Written by asset-sync up, and removed when it stops.\n"


class UnusableFile(Exception):
    """The environment cannot be written to that path; the message says why and what to do."""


class EnvironmentFile:
    """A context manager: entering checks that the path can be written, leaving removes the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft: Path | None = None
        self._fd = -1

    def __enter__(self) -> Self:
        """Check the path, and keep a draft beside it.

        Raises:
            UnusableFile: nothing can be written there, or something that is not ours is there.
        """
        try:
            self._was_left_behind()
            self._fd, draft = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        except FileNotFoundError:
            raise UnusableFile(
                f"there is no folder {self._path.parent}; make it, or name another --env-file"
            ) from None
        except OSError as error:
            raise UnusableFile(
                f"the environment file {self._path} cannot be written: {error.strerror}; name"
                " another --env-file"
            ) from error
        self._draft = Path(draft)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._draft is not None:
            self._draft.unlink(missing_ok=True)
        elif self._is_ours(self._path):
            self._path.unlink(missing_ok=True)
        os.close(self._fd)

    @property
    def source_command(self) -> str:
        """What reads the file into a shell."""
        # A name with a slash is looked for in no list of folders.
        named = self._path if self._path.is_absolute() else f"./{self._path}"
        return f". {shlex.quote(str(named))}"

    def write(self, environment: Mapping[str, str]) -> None:
        """Put the file in its place, whole.

        Raises:
            UnusableFile: somebody else wrote there in the meantime, or the disk is full.
        """
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
        content = _FIRST_LINE + "".join(lines).encode()
        assert self._draft is not None  # noqa: S101  # written once, between entering and leaving
        try:
            with os.fdopen(os.dup(self._fd), "wb") as file:
                file.write(content)
            if self._was_left_behind():
                self._draft.replace(self._path)
            else:
                self._path.hardlink_to(self._draft)
                self._draft.unlink()
        except OSError as error:
            raise UnusableFile(
                f"the environment file {self._path} cannot be written: {error.strerror}"
            ) from error
        self._draft = None

    def _was_left_behind(self) -> bool:
        """Tell whether a file is there that an earlier service left behind.

        Raises:
            UnusableFile: a file is there that is not ours to replace.
            OSError: it cannot be opened.
        """
        try:
            mode = self._path.stat().st_mode
        except FileNotFoundError:
            # A link to nowhere would be written through.
            if not self._path.is_symlink():
                return False
            mode = 0
        if not stat.S_ISREG(mode):
            raise UnusableFile(f"{self._path} is not a regular file; name another --env-file")
        with self._path.open("rb") as file:
            if file.readline() != _FIRST_LINE:
                raise UnusableFile(
                    f"{self._path} is there, and `asset-sync up` did not write it; move it away,"
                    " or name another --env-file"
                )
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UnusableFile(
                    f"{self._path} belongs to another `asset-sync up` that is running; stop that,"
                    " or name another --env-file"
                ) from None
        return True

    def _is_ours(self, path: Path) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(self._fd), path.stat())
        return False
