"""Which session files a spool holds, by one look at its directory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def opened(root: Path) -> Iterator[int | None]:
    """The directory, open: its files are then opened by their name alone, which is faster. None if it cannot be."""
    try:
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)
