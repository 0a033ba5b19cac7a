"""A terminal to measure programs in: a pty, its answers to what programs ask of a terminal, and a clock."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.terminal_screen import FRAME_ENDS, TerminalScreen

SIZE = (120, 40)
"""Columns and rows."""

DEADLINE_S = 60.0
"""What has not happened by then does not happen."""

_ASKED = re.compile(rb"\x1b\[\?(2026|2048)\$p|\x1b\[(c|0c|6n|>q|>0q)|\x1b\]1([01]);\?(?:\x07|\x1b\\)")
_ANSWERS = {
    b"c": b"\x1b[?62;22c",
    b"0c": b"\x1b[?62;22c",
    b"6n": b"\x1b[1;1R",
    b">q": b"\x1bP>|measured(1)\x1b\\",
    b">0q": b"\x1bP>|measured(1)\x1b\\",
}


class NothingHappened(Exception):
    """What was waited for did not come; the text is the screen."""


class Moment(NamedTuple):
    """When something was on the screen."""

    at_s: float
    """`time.perf_counter()` when its last byte had been read."""
    cpu_s: float
    """Processor time that the program had used by then, its children left out."""


class Terminal:
    """Runs a program; `with` ends it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = SIZE,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._fd, theirs = os.openpty()
        termios.tcsetwinsize(theirs, size[::-1])
        os.set_blocking(self._fd, False)
        unwanted = {"NO_COLOR", "TMUX", "COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE", "TEXTUAL_DRIVER"}
        inherited = {name: value for name, value in os.environ.items() if name not in unwanted}
        usual = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        self.screen = TerminalScreen(*size)
        self.output_bytes = 0
        self.started = time.perf_counter()
        self._program = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env={**inherited, **usual, **(environment or {})},
            start_new_session=True,
        )
        os.close(theirs)
        # The clock of another process's processor time, as clock_getcpuclockid(3) makes it.
        self._clock = (~self._program.pid << 3) | 2
        self._frames = False
        self._unshown = b""
        """What was read of a frame that has not ended."""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._fd)
        for number in (signal.SIGHUP, signal.SIGKILL):
            try:
                os.killpg(self._program.pid, number)
                self._program.wait(2.0)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._program.wait()

    def press(self, keys: str) -> Moment:
        """Type; returns when."""
        moment = self.now()
        os.write(self._fd, keys.encode())
        return moment

    def until(self, happened: Callable[[TerminalScreen], object], deadline_s: float = DEADLINE_S) -> Moment:
        """Read until a whole frame is on the screen of which `happened` is true; returns when it had been read.

        Raises:
            NothingHappened: When there is none in time, or the program has ended.
        """
        end = time.perf_counter() + deadline_s
        while (left_s := end - time.perf_counter()) > 0:
            moment = self._read(left_s)
            if moment is not None and happened(self.screen):
                return moment
        raise NothingHappened(f"not within {deadline_s:.0f} s:\n{self.screen.text}")

    def until_text(self, text: str, deadline_s: float = DEADLINE_S) -> Moment:
        """Read until a text is on the screen."""
        return self.until(lambda screen: text in screen.text, deadline_s)

    def rest(self, quiet_s: float = 0.3, most_s: float = 20.0) -> None:
        """Read until nothing has come for a while."""
        end = time.perf_counter() + most_s
        while time.perf_counter() < end and select.select([self._fd], [], [], quiet_s)[0]:
            self._read(0.0)

    def pass_time(self, seconds: float) -> None:
        """Read what comes for so long."""
        end = time.perf_counter() + seconds
        while (left_s := end - time.perf_counter()) > 0:
            self._read(left_s)

    def memory_mb(self) -> float:
        """What the program and its children hold of the machine's memory, in MiB: pages shared with others count
        in part (PSS)."""
        return sum(_proportional_kb(pid) for pid in _family(self._program.pid)) / 1024

    def now(self) -> Moment:
        """What the clocks say."""
        return Moment(time.perf_counter(), time.clock_gettime(self._clock))

    def _read(self, timeout_s: float) -> Moment | None:
        """Take in what there is to read. None unless a frame ended in it, where the program tells frames."""
        end = time.perf_counter() + timeout_s
        while select.select([self._fd], [], [], max(0.0, end - time.perf_counter()))[0]:
            part = self._part()
            moment = self.now()
            self._answer(part)
            # A pty passes 4 kB at a time. What a frame shows is looked at once it is whole: ours takes longer for
            # that than a terminal does, and the program would wait for it.
            whole, ends, rest = (self._unshown + part).rpartition(FRAME_ENDS)
            self._frames |= bool(ends)
            if not self._frames:
                whole, rest = rest, b""
            self._unshown = rest
            if whole:
                self.screen.feed((whole + ends).decode(errors="replace"))
                return moment
        return None

    def _part(self) -> bytes:
        try:
            part = os.read(self._fd, 1 << 16)
        except OSError:
            part = b""
        if not part:
            self.screen.feed(self._unshown.decode(errors="replace"))
            raise NothingHappened(f"the program has ended:\n{self.screen.text}")
        self.output_bytes += len(part)
        return part

    def _answer(self, output: bytes) -> None:
        for asked in _ASKED.finditer(output):
            mode, query, colour = asked.groups()
            if mode is not None:
                os.write(self._fd, b"\x1b[?%s;%d$y" % (mode, 2 if mode == b"2026" else 0))
            elif query is not None:
                os.write(self._fd, _ANSWERS[query])
            else:
                os.write(
                    self._fd,
                    b"\x1b]1%s;rgb:%s\x1b\\" % (colour, b"ffff/ffff/ffff" if colour == b"0" else b"0/0/0"),
                )


def _family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for each in found:
        try:
            children = [
                Path(f"/proc/{each}/task/{task}/children") for task in os.listdir(f"/proc/{each}/task")
            ]
            found += [int(child) for path in children for child in path.read_text().split()]
        except OSError:
            continue
    return found


def _proportional_kb(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0
