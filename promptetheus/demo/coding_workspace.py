"""The little project that the coding agent works on: two files in memory and a test run that is real.

The test fails because the code has a bug, and it passes once an edit mends it: nothing here is told in
advance what to answer.
"""

from __future__ import annotations

import linecache
import traceback
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any

SOURCE, TEST = "src/durations.py", "tests/test_durations.py"

DURATIONS = '''\
"""Reads durations such as "1h 30m"."""

UNITS = {"h": 3600, "m": 60, "s": 1}


def parse(text: str) -> int:
    """The seconds in a duration."""
    total, number = 0, ""
    for char in text:
        if char.isdigit():
            number += char
        elif char in UNITS:
            total += int(number) * UNITS[char]
    return total
'''

TEST_DURATIONS = """\
def test_one_unit():
    assert parse("45s") == 45


def test_two_units():
    got = parse("1h 30m")
    assert got == 5400, f"parse('1h 30m') gave {got} seconds, not 5400"
"""


@dataclass(slots=True)
class Workspace:
    """The files by path, and what can be done to them."""

    files: dict[str, str] = field(default_factory=lambda: {SOURCE: DURATIONS, TEST: TEST_DURATIONS})
    passed: int = 0
    """Tests that passed in the last run."""
    failure: Exception | None = None
    """What ended the last run, with its traceback; None when all tests passed."""

    def read(self, path: str) -> str:
        return self.files[path]

    def edit(self, path: str, old: str, new: str) -> dict[str, Any]:
        """Replaces a text that occurs once and says what changed as a diff. Raises ValueError otherwise."""
        before = self.files[path]
        if before.count(old) != 1:
            raise ValueError(f"{old!r} does not stand in {path} exactly once")
        after = self.files[path] = before.replace(old, new)
        lines = unified_diff(before.splitlines(), after.splitlines(), path, path, n=1, lineterm="")
        return {"path": path, "replaced": 1, "diff": "\n".join(lines)}

    def run_tests(self) -> dict[str, Any]:
        """Executes the two files as they are now and calls the tests in them until one fails."""
        names: dict[str, Any] = {}
        self.passed, self.failure = 0, None
        try:
            self._execute(SOURCE, names)
            self._execute(TEST, names)
            for test in [value for name, value in names.items() if name.startswith("test_")]:
                test()
                self.passed += 1
        except Exception as problem:
            # Without the frame of this file: what is left is what the agent's own test runner would show.
            self.failure = problem.with_traceback(problem.__traceback__ and problem.__traceback__.tb_next)
        failed = 0 if self.failure is None else 1
        return {"exit_code": failed, "passed": self.passed, "failed": failed, "output": self._report()}

    def _execute(self, path: str, names: dict[str, Any]) -> None:
        source = self.files[path]
        # So that a traceback shows the lines of a file that is on no disk.
        linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
        exec(compile(source, path, "exec"), names)

    def _report(self) -> str:
        if self.failure is None:
            return f"{self.passed} passed"
        return "".join(traceback.format_exception(self.failure)) + f"1 failed, {self.passed} passed"
