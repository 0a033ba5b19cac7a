"""Opening files whose names came from somewhere: only regular ones, and without waiting for a pipe's writer."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """The file open for reading. Raises OSError when it is missing, no regular file or not readable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:  # a NUL in the name
        raise OSError(str(error)) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("is not a regular file")
        return open(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise
