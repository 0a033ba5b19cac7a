"""Which session files a spool holds, by one look at its directory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self, TypeAlias

SUFFIX = ".jsonl"

Stamp: TypeAlias = tuple[int, int, int]
"""Size, mtime_ns and inode: a file with another stamp has changed. Not a NamedTuple, which takes three times as
long to make."""


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp of a file as `stat` saw it."""
    return (found.st_size, found.st_mtime_ns, found.st_ino)


def list_files(root: Path) -> dict[str, Stamp]:
    """All session files by name, links not followed; nothing for a directory that cannot be read."""
    try:
        directory = os.open(root, _OPEN_FLAGS)
    except OSError:
        return {}
    try:
        # Names inside an open directory are looked up faster than paths, and faster than by `scandir`.
        return _stamps([name for name in os.listdir(directory) if name.endswith(SUFFIX)], directory)
    except OSError:
        return {}
    finally:
        os.close(directory)


def why_unreadable(root: Path) -> str:
    """Why a directory cannot be listed, in the system's words; "" where it can, or where there is none yet."""
    try:
        os.close(os.open(root, _OPEN_FLAGS))
    except FileNotFoundError:
        return ""
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def stat_files(root: Path, names: Iterable[str]) -> dict[str, Stamp]:
    """Those of these files that are there."""
    with OpenedDirectory(root) as directory:
        inside = directory.fileno()
        return {} if inside is None else _stamps(sorted(names), inside)


def _stamps(names: Iterable[str], directory: int) -> dict[str, Stamp]:
    stat = os.stat
    files: dict[str, Stamp] = {}
    for name in names:
        try:
            found = stat(name, dir_fd=directory, follow_symlinks=False)
        except OSError:  # gone since it was listed
            continue
        files[name] = (found.st_size, found.st_mtime_ns, found.st_ino)
    return files


_OPEN_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class OpenedDirectory:
    """A directory, opened at first use: its files are then opened by their name alone, which is faster."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fd: int | None = None
        self._tried = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd, self._tried = None, True

    def fileno(self) -> int | None:
        """Its descriptor; None if it cannot be opened."""
        if not self._tried:
            self._tried = True
            try:
                self._fd = os.open(self._root, _OPEN_FLAGS)
            except OSError:
                pass
        return self._fd
