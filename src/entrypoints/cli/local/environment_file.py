"""The file of `asset-sync up --env-file`: it exists as long as its service runs.

The process that runs the service holds a lock on its file (flock, which the process releases
however it ends). So a file with our first line that is not locked was left behind, and is replaced.
A locked file belongs to another service, and a file without our first line to the user: neither is
changed.
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
from typing import Final, Self

_FIRST_LINE: Final = b"# Written by asset-sync up, and removed when it stops.\n"


class UnusableFile(Exception):
    """The environment cannot be written to that path; the message says why and what to do."""


class EnvironmentFile:
    """A context manager: entering checks that the path can be written, exiting removes the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft: Path | None = None
        self._fd = -1

    def __enter__(self) -> Self:
        """Check the path, and create a draft in the same folder.

        Raises:
            UnusableFile: the path cannot be written, or another file exists there.
        """
        try:
            self._was_left_behind()
            self._fd, draft = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        except FileNotFoundError:
            raise UnusableFile(
                f"the folder {self._path.parent} does not exist; create it, or choose another"
                " --env-file"
            ) from None
        except OSError as error:
            raise UnusableFile(
                f"the environment file {self._path} cannot be written: {error.strerror}; choose"
                " another --env-file"
            ) from error
        self._draft = Path(draft)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_: object) -> None:
        if self._draft is not None:
            self._draft.unlink(missing_ok=True)
        elif self._is_own_file(self._path):
            self._path.unlink(missing_ok=True)
        os.close(self._fd)

    @property
    def source_command(self) -> str:
        """The command that reads the file into a shell."""
        # A shell does not search PATH for a name with a slash.
        named = self._path if self._path.is_absolute() else f"./{self._path}"
        return f". {shlex.quote(str(named))}"

    def write(self, environment: Mapping[str, str]) -> None:
        """Write the file atomically.

        Raises:
            UnusableFile: another process wrote there in the meantime, or the disk is full.
        """
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
        content = _FIRST_LINE + "".join(lines).encode()
        assert self._draft is not None  # noqa: S101  # written once, inside the context
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
        """Return whether an earlier service left its file behind.

        Raises:
            UnusableFile: another file exists there.
            OSError: it cannot be opened.
        """
        try:
            mode = self._path.stat().st_mode
        except FileNotFoundError:
            # Writing would follow a dangling link.
            if not self._path.is_symlink():
                return False
            mode = 0
        if not stat.S_ISREG(mode):
            raise UnusableFile(f"{self._path} is not a regular file; choose another --env-file")
        with self._path.open("rb") as file:
            if file.readline() != _FIRST_LINE:
                raise UnusableFile(
                    f"{self._path} exists, and `asset-sync up` did not write it; move it, or"
                    " choose another --env-file"
                )
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UnusableFile(
                    f"{self._path} belongs to another `asset-sync up` that is running; stop that"
                    " one, or choose another --env-file"
                ) from None
        return True

    def _is_own_file(self, path: Path) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(self._fd), path.stat())
        return False
