"""What an attacker wrote into a spool, seen through a real terminal's wire: nothing of it arrives raw."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from promptetheus.encoding import encode_line
from promptetheus.spool import session_file_name
from tests.tui.recorded import Recording

DEADLINE_S = 30.0

ATTACKS = {
    "osc-52-clipboard": "\x1b]52;c;UFdORUQ=\x07",
    "osc-0-title": "\x1b]0;PWNED\x07",
    "osc-8-link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "csi-clear": "\x1b[2J\x1b[1337;7H",
    "csi-insert-line": "\x1b[1337L",
    "dcs": "\x1bP+q544e\x1b\\",
    "apc": "\x1b_Gpwned\x1b\\",
    "pm": "\x1b^pwned\x1b\\",
    "reset": "\x1bc",
    "c1-csi": "\x9b31337m",
    "c1-osc": "\x9d0;PWNED\x9c",
    "c1-dcs": "\x90pwned\x9c",
    "next-line": "\x85",
    "carriage-return": "safe\rPWNED",
    "backspaces": "abc\b\b\bPWNED",
    "bell": "ding\x07dong",
    "tabs": "\x0bPWNED\x0c",
    "null": "nul\x00l",
    "delete": "del\x7fete",
    "shift-out": "\x0ePWNED\x0f",
    "bidi-override": "\u202eDENWP\u202c",
    "bidi-isolate": "\u2066PWNED\u2069",
    "zero-width": "P\u200bW\u200cN\u200dE\u2060D\ufeff",
    "tags": "\U000e0041\U000e0042",
    "line-separator": "one\u2028two\u2029three",
    "lone-surrogate": "\ud800PWNED\udfff",
    "soft-hyphen": "soft\u00adhyphen",
    "hangul-filler": "\u3164\uffa0",
}
"""Every kind of text that a terminal obeys, or that hides what a person would want to see."""

MARKUP = "[@click=app.quit]CLICK ME[/] [/nope] [b"
WIDE = "漢字🙂👨‍👩‍👧e\u0301" * 20

NEVER = [
    *(attack.encode("utf-8", "surrogatepass") for attack in ATTACKS.values()),
    *(bytes([code]) for code in (0x00, 0x0B, 0x0C, 0x0E, 0x0F, 0x7F)),
    b"\x1b]",
    b"\x1bP",
    b"\x1b_",
    b"\x1b^",
    *(chr(code).encode() for code in range(0x80, 0xA0)),
    *(
        "\xad\u200b\u200c\u200d\u2028\u2029\u202e\u2066\u3164\ufeff\U000e0041"[place].encode()
        for place in range(11)
    ),
    b"\xed\xa0\x80",
]
"""Bytes that must not reach the terminal."""

POINTER_SHAPE = re.compile(rb"\x1b\]22;[a-z-]*\x07")
"""The one such sequence that Textual sends by itself."""


def assert_harmless(sent: bytes) -> None:
    """Nothing that a terminal would obey, or that hides text, is among the bytes."""
    sent = POINTER_SHAPE.sub(b"", sent)
    for raw in NEVER:
        place = sent.find(raw)
        assert place < 0, f"{raw!r} reached the terminal: …{sent[max(0, place - 80) : place + 80]!r}"


def a_hostile_start(spool: Path, number: int, name: str) -> None:
    """A session with an attack in every field that lists and previews show."""
    bad = f"{ATTACKS[name]} {MARKUP} {WIDE}"
    recording = Recording(
        spool, f"H{number:02}-{name}", agent=bad, goal=bad, ago=100 + number, tags=(bad, "tag"), pid=2**22 + 1
    )
    recording.user(f"PREVIEW{number:02} {bad}").tool(bad, {bad: bad}, error=bad).add(
        "score", {"name": bad, "value": 0.5}
    )
    recording.check(False, bad).end(bad, bad)


KINDS = 14
SCREENSHOT = 7


def add_a_hostile_step(recording: Recording, kind: int, bad: str) -> None:
    """One step of that kind with an attack in every field that the timeline and the inspector show."""
    add = recording.add
    match kind % KINDS:
        case 0:
            recording.user(bad)
        case 1:
            recording.agent(
                f"# {bad}\n\n```python\n{bad}\n```\n\n| {bad} | b |\n|---|---|\n| {bad} | {bad} |"
            )
        case 2:
            recording.tool(bad, {bad: bad, "nested": [{bad: [bad]}]}, {bad: bad})
        case 3:
            recording.tool(bad, {}, error=bad)
        case 4:
            add("llm_call", {"model": bad, "messages": [{"role": bad, "content": bad}], "output": bad})
        case 5:
            add("retrieval", {"query": bad, "documents": [{"content": bad, "score": 0.5, "id": bad}]})
        case 6:
            add("dom_snapshot", {"html": f"<p>{bad}</p>", "url": bad})
        case 7:  # SCREENSHOT
            add("screenshot", {"storage_path": f"artifacts/{bad}.png", "artifact_id": bad})
        case 8:  # After the two above, which would become part of it.
            add("browser_action", {"action": bad, "selector": bad, "value": bad})
        case 9:
            add("state_change", {"name": bad, "before": bad, "after": {bad: bad}})
        case 10:
            add("score", {"name": bad, "value": 0.5, "comment": bad})
        case 11:
            trace = f'Traceback (most recent call last):\n  File "{bad}", line 1, in {bad}\n{bad}: {bad}'
            add("error", {"error_type": bad, "message": bad, "traceback": trace})
        case 12:
            recording.check(False, bad, bad)
        case _:
            add(bad, {bad: bad})


@pytest.fixture
def hostile(spool: Path) -> Path:
    """A session for each attack, one with a hostile id, one with a megabyte in a line, and hostile file names."""
    for number, name in enumerate(ATTACKS):
        a_hostile_start(spool, number, name)
    event: dict[str, Any] = {"type": "user_message", "session_id": "\x1b]0;PWNED\x07\u202eid", "seq": 0}
    event |= {
        "timestamp": "2026-11-22T07:04:12Z",
        "idempotency_key": "k",
        "payload": {"content": "hostile id"},
    }
    (spool / session_file_name(event["session_id"])).write_bytes(encode_line(event))
    (spool / "\x1b]0;PWNED\x07\u202e.jsonl").write_bytes(encode_line({**event, "session_id": "other"}))
    (spool / "\x1b]0;PWNED\x07.jsonl").write_text("garbage \x1b]0;PWNED\x07\n")
    long = ATTACKS["osc-52-clipboard"] + "A" * 900_000
    Recording(spool, "Z-long", agent=long, goal=long, ago=5).user(long).tool(long, {"x": long}, long).end()
    return spool


class Wire:
    """A program behind a pseudo terminal, and every byte that it sent there."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.sent = b""

    def until(self, words: str, *, since: int = 0) -> int:
        """Read until the program has sent `words`; gives how much it has sent by then."""
        end = time.monotonic() + DEADLINE_S
        while words.encode() not in self.sent[since:]:
            if time.monotonic() > end:
                pytest.fail(f"{words!r} was never sent; the last bytes were {self.sent[-600:]!r}")
            if select.select([self._descriptor], [], [], 0.1)[0]:
                try:
                    self.sent += os.read(self._descriptor, 1 << 16)
                except OSError:
                    pytest.fail(f"the program ended before it sent {words!r}: {self.sent[-2000:]!r}")
        return len(self.sent)

    def quiet(self) -> int:
        """Read until nothing comes any more for a moment."""
        while select.select([self._descriptor], [], [], 0.3)[0]:
            try:
                self.sent += os.read(self._descriptor, 1 << 16)
            except OSError:
                break
        return len(self.sent)

    def press(self, keys: str) -> None:
        """Send keys to the program."""
        os.write(self._descriptor, keys.encode())


@contextmanager
def on_a_wire(*words: str, size: tuple[int, int] = (160, 60)) -> Iterator[Wire]:
    """The program on a pseudo terminal of that size."""
    child, descriptor = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        # A given environment: readline puts COLUMNS and LINES of its own into the one that children inherit.
        environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR", None)
        os.execve(sys.executable, [sys.executable, "-m", "promptetheus.cli", "tui", *words], environment)
    try:
        yield Wire(descriptor)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(descriptor)


def test_no_list_preview_filter_or_palette_sends_it_raw(hostile: Path) -> None:
    with on_a_wire("--spool", str(hostile)) as wire:
        wire.until(f"{len(ATTACKS) + 3} sessions")
        wire.press("G")
        for number in reversed(range(len(ATTACKS))):
            wire.until(f"PREVIEW{number:02}")
            wire.press("k")
        for keys in ("g", "oooooooooooo", "/agent:", "\x1b", "\x10H0", "\x1b", "?"):
            wire.press(keys)
            wire.quiet()
        assert_harmless(wire.sent)


def test_no_timeline_or_inspector_sends_it_raw(spool: Path) -> None:
    names = list(ATTACKS)
    recording = Recording(spool, "steps", pid=2**22 + 1)
    # Each attack meets two kinds of steps, each kind four attacks.
    steps = 2 * len(names)
    for step in range(steps):
        bad = f"MARK{step:03} {ATTACKS[names[(step * 5) % len(names)]]} {MARKUP} {WIDE}"
        add_a_hostile_step(recording, step, bad)
    with on_a_wire("steps", "--spool", str(spool)) as wire:
        wire.until("MARK")
        wire.quiet()
        wire.press("g")
        for step in range(steps):
            before = len(wire.sent)
            wire.press("j")
            if step % KINDS == SCREENSHOT:
                wire.quiet()  # It shows its picture, or why there is none, and no words of its own.
            else:
                wire.until(f"MARK{step:03}", since=before)
        for shape in range(3):
            wire.press("v" if shape else "r")
            wire.quiet()
            wire.press("g")
            wire.quiet()
        assert_harmless(wire.sent)


def test_a_megabyte_in_a_line_is_opened_harmlessly(hostile: Path) -> None:
    with on_a_wire("Z-long", "--spool", str(hostile)) as wire:
        wire.until("AAAA")
        for _ in range(3):
            wire.press("j")
            wire.quiet()
        assert len(wire.sent) < 1_000_000
        assert_harmless(wire.sent)


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_the_scan_would_notice(name: str) -> None:
    with pytest.raises(AssertionError, match="reached the terminal"):
        assert_harmless(f"{name} {ATTACKS[name]}".encode("utf-8", "surrogatepass"))
