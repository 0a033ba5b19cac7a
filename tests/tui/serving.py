"""`promptetheus tui --web` for tests: a server of its own, and its address with the token."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tui.recorded import a_failing, a_passing

DEADLINE_S = 60.0


class Served:
    """A server in a process group of its own, on a port that was free."""

    def __init__(self, spool: Path) -> None:
        words = ["-m", "promptetheus", "tui", "--fresh", "--spool", str(spool), "--web", "0"]
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self.process = subprocess.Popen(
            [sys.executable, *words],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            # What is known of this terminal is wrong of a browser.
            env={**os.environ, "KITTY_WINDOW_ID": "1", "TERM": "xterm-kitty"},
        )
        self.url, self.token = "", ""
        """Known once it listens."""

    @property
    def address(self) -> str:
        """What a person opens."""
        return f"{self.url}/?token={self.token}"

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def cookies(self) -> dict[str, str]:
        """What a browser brings that was let in."""
        return {f"promptetheus-{self.port}": self.token}

    def close(self) -> None:
        if self.group():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._said.close()

    def group(self) -> int:
        """How many processes of its group there are."""
        found = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            found += int(group) == self.process.pid and state != "Z"
        return found

    async def until(self, happened: Callable[[], object], what: str) -> None:
        end = time.monotonic() + DEADLINE_S
        while not happened():
            assert time.monotonic() < end, f"did not happen: {what}"
            await asyncio.sleep(0.05)

    async def until_it_listens(self) -> None:
        await self.until(self._told, "the server says where it listens")

    def _told(self) -> bool:
        said = os.pread(self._said.fileno(), 4096, 0).decode()
        assert self.process.poll() is None, f"the server has ended: {said}"
        found = re.search(r"(http://127\.0\.0\.1:\d+)/\?token=(\S+)", said)
        if found is not None:
            self.url, self.token = found[1], found[2]
        return found is not None


@pytest.fixture
def served(spool: Path) -> Iterator[Served]:
    """Two sessions, served."""
    a_failing(spool, "01M8FAILED", ago=60)
    a_passing(spool, "01M8PASSED", ago=90)
    found = Served(spool)
    yield found
    found.close()
