"""A session's lines in the spool, and on their way to a gateway."""

from __future__ import annotations

from pathlib import Path

from promptetheus.delivery.destination import Destination
from promptetheus.delivery.uploader import uploader_for
from promptetheus.spool_sink import SpoolSink


class DeliveringSink(SpoolSink):
    """Writes as every session does. The uploader is told when the session begins and ends, and reads the file."""

    def __init__(self, spool_dir: Path, session_id: str, target: Destination) -> None:
        super().__init__(spool_dir, session_id)
        self._target = target

    def start(self) -> int:
        """Open the file, and have it shipped from now on."""
        seq = super().start()
        uploader_for(self._target).watch(self._file.path)
        return seq

    def flush(self, timeout: float | None) -> None:
        """With a timeout in seconds: wait at most so long until the gateway has everything written so far.
        Without: ask for it and go on."""
        uploader = uploader_for(self._target)
        if timeout is None:
            uploader.wake()
        else:
            uploader.flush(timeout, [self._file.path])

    def close(self) -> None:
        """Close the file and have its rest shipped."""
        super().close()
        uploader_for(self._target).ended(self._file.path)

    def after_fork(self) -> None:
        """In a child: the child's own uploader ships what it writes."""
        super().after_fork()
        uploader_for(self._target).watch(self._file.path)
