"""A process of our own beside us, and what goes through the pipes to it: values, never code."""

from __future__ import annotations

import io
import os
import pickle
import select
import struct
import subprocess
import sys
import time
from typing import IO, Any

_LENGTH = struct.Struct("<Q")
_ALLOWED = {
    ("decimal", "Decimal"),
    ("uuid", "UUID"),
    ("uuid", "SafeUUID"),
    *(("datetime", name) for name in ("date", "datetime", "time", "timedelta", "timezone")),
}


def start(code: str) -> subprocess.Popen[bytes]:
    """Python, running this code with pipes for input and output."""
    return subprocess.Popen(
        # -P: no module is taken from the working directory, which belongs to whoever wrote what lies there.
        [sys.executable, "-P", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


def send(pipe: IO[bytes], value: object) -> None:
    """Write a value."""
    data = pickle.dumps(value)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def receive(pipe: IO[bytes], deadline: float | None = None) -> Any:
    """The next value. Raises EOFError when the other side is gone, TimeoutError after `deadline` (monotonic)."""
    (length,) = _LENGTH.unpack(_read(pipe, _LENGTH.size, deadline))
    return unpacked(_read(pipe, length, deadline))


def unpacked(data: bytes) -> Any:
    """The value that was pickled: numbers, texts, times, lists and the like, or UnpicklingError."""
    return _Unpickler(io.BytesIO(data)).load()


def _read(pipe: IO[bytes], length: int, deadline: float | None) -> bytes:
    pieces = []
    fd = pipe.fileno()
    while length:
        if deadline is not None:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([fd], [], [], left_s)[0]:
                raise TimeoutError
        piece = os.read(fd, min(length, 1 << 20))
        if not piece:
            raise EOFError
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


class _Unpickler(pickle.Unpickler):
    """Values only: no name that could run something."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not a value")
