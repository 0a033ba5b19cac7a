"""The spool as a transport object, for code that makes its transports itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptetheus.encoding import encode_line
from promptetheus.spool import DEFAULT_SPOOL_DIR, SpoolFile, session_file_name
from promptetheus.transport.memory import BaseTransport

_MAX_FILES = 256
"""Sessions whose file is remembered; that of an older one is found again by its name."""


class LocalSpoolTransport(BaseTransport):
    """Writes events through to the spool: when `send_event` has returned, the line is on disk.

    Release 2.0.1 kept them in memory until `flush`; here nothing is ever pending. The directory is resolved
    when the transport is made, so that a later `chdir` does not move it.
    """

    def __init__(self, spool_dir: str | os.PathLike[str] = DEFAULT_SPOOL_DIR) -> None:
        super().__init__()
        self.spool_dir = Path(os.path.abspath(spool_dir))
        self._files: dict[str, SpoolFile] = {}
        self._lock = threading.Lock()

    @property
    def pending_count(self) -> int:
        """0: every event was written when its call returned."""
        return 0

    def path_for_session(self, session_id: str) -> Path:
        """The file that a session's events are written to."""
        return self.spool_dir / session_file_name(session_id)

    def send_event(self, event: Mapping[str, Any]) -> None:
        """Append one event. Raises RuntimeError after `close`, OSError when it cannot be written."""
        if self._closed:
            raise RuntimeError("the transport is closed")
        named = event.get("session_id")
        session_id = named if isinstance(named, str) and named else "unknown-session"
        file = self._files.get(session_id) or self._new_file(session_id)
        if not file.append(encode_line(event)):
            raise file.last_error or OSError(f"cannot write to {file.path}")

    def _new_file(self, session_id: str) -> SpoolFile:
        with self._lock:
            if len(self._files) >= _MAX_FILES:
                self._files.pop(next(iter(self._files))).close()
            return self._files.setdefault(session_id, SpoolFile(self.spool_dir, session_id))

    def close(self) -> None:
        """Close the files and refuse further events."""
        super().close()
        for file in self._files.values():
            file.close()
