"""Which session files a spool holds, by one look at its directory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

SUFFIX = ".jsonl"


def list_files(root: Path) -> dict[str, os.stat_result]:
    """All session files by name, links not followed; nothing for a directory that cannot be read."""
    files = {}
    try:
        with os.scandir(root) as entries:
            for entry in entries:
                name = entry.name
                if name.endswith(SUFFIX):
                    try:
                        files[name] = entry.stat(follow_symlinks=False)
                    except OSError:  # gone since it was listed
                        continue
    except OSError:
        pass
    return files


def stat_files(root: Path, names: Iterable[str]) -> dict[str, os.stat_result]:
    """Those of these files that are there."""
    files = {}
    for name in sorted(names):
        try:
            files[name] = os.lstat(root / name)
        except OSError:
            continue
    return files


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
                self._fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:
                pass
        return self._fd
