"""The coding agent: mends a failing test, or goes round in circles until it gives up."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import promptetheus as pt
from promptetheus.demo.coding_workspace import SOURCE, TEST, TEST_DURATIONS, Workspace
from promptetheus.demo.take import AgentFailed, Take

AGENT = "coding-agent"
GOAL = "Fix the failing duration test"
REQUEST = f"`{TEST}` fails. Make it pass, without changing the tests."
MODEL = "claude-sonnet-4-5"

LOOP_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Edit:
    """A change the agent makes, and what it says about it."""

    path: str
    old: str
    new: str
    why: str

    def undone(self) -> Edit:
        return Edit(self.path, self.new, self.old, "The default made no difference. I take it out again.")


_SUM = "            total += int(number) * UNITS[char]\n"
_CLEAR = '            number = ""\n'

CLEAR = Edit(
    SOURCE, _SUM, _SUM + _CLEAR, "The digits of the first unit are still there at the second. I clear them."
)
"""Mends the bug."""

DEFAULT = Edit(
    SOURCE,
    "int(number)",
    'int(number or "0")',
    "The number may be empty when a unit comes. I give it a default.",
)
"""Does not mend it."""

OTHER_NUMBER = Edit(
    TEST, "got == 5400", "got == 11400", "The number that the test expects is out of date. I correct it."
)
"""Makes the test pass, and leaves the bug."""


class Mood(StrEnum):
    """Which way a run goes."""

    FIXES = "fixes"
    SECOND_TRY = "second try"
    LOOPS = "loops"
    """Makes and unmakes the same edit, with the same failure each time, and gives up."""
    EDITS_TEST = "edits the test"
    KILLED = "killed"
    """Kills its own process in the middle: only for a process of its own."""


class GaveUp(AgentFailed):
    """The agent used up its rounds."""


def play(take: Take, rounds: int = LOOP_ROUNDS) -> None:
    """Records one run. Raises what the agent raises when it gives up."""
    with pt.start(agent=AGENT, user_goal=GOAL, **take.options("coding")) as session:
        take.opened(session.session_id)
        session.update_metadata(model=MODEL, repository="durations")
        session.user_message(REQUEST)
        try:
            _Coder(take, session).run(rounds)
        except GaveUp as problem:
            session.error(problem, handled=False)
            raise


class _Coder:
    """The agent with its tools."""

    def __init__(self, take: Take, session: pt.Session) -> None:
        self.session, self.pace, self.mood = session, take.pace, take.mood
        self.workspace = Workspace()
        self.calls = 0

    def run(self, rounds: int) -> None:
        with self.session.span("explore"):
            self.explore()
        match self.mood:
            case Mood.FIXES:
                self.attempt(1, CLEAR)
            case Mood.SECOND_TRY:
                self.attempt(1, DEFAULT)
                self.attempt(2, DEFAULT.undone())
                self.attempt(3, CLEAR)
            case Mood.EDITS_TEST:
                self.attempt(1, OTHER_NUMBER)
            case Mood.KILLED:
                self.attempt(1, DEFAULT)
                self.call("run_shell", {"command": "pytest --count=100000"}, 0.3, self.run_out_of_memory)
            case _:
                self.loop(rounds)
        self.report()

    def explore(self) -> None:
        self.think("where to start", 2_100, 70)
        found = [(SOURCE, 0.94), (TEST, 0.81)]
        self.session.retrieval(
            "where are durations parsed?",
            [
                {"id": path, "score": score, "content": self.workspace.read(path), "source": "grep"}
                for path, score in found
            ],
        )
        self.call("read_file", {"path": SOURCE}, 0.04, lambda: self.workspace.read(SOURCE))
        self.run_tests()

    def loop(self, rounds: int) -> None:
        """The same two edits, back and forth, with the same failure after each."""
        for number in range(1, rounds + 1):
            self.attempt(number, DEFAULT if number % 2 else DEFAULT.undone())
            if self.workspace.failure:
                self.session.error(self.workspace.failure, handled=True, metadata={"attempt": number})
        self.session.agent_message(f"I tried {rounds} times and the test still fails. I give up.")
        raise GaveUp(f"test_two_units still fails after {rounds} attempts") from self.workspace.failure

    def attempt(self, number: int, edit: Edit) -> None:
        path, workspace = edit.path, self.workspace
        with self.session.span(f"attempt {number}"):
            self.call("read_file", {"path": path}, 0.04, lambda: workspace.read(path))
            self.think("what to change", 3_200 + 900 * number, 180)
            self.session.agent_message(f"{edit.why}\n\n```diff\n{_diff(edit)}\n```")
            arguments = {"path": path, "old": edit.old, "new": edit.new}
            self.call("edit_file", arguments, 0.06, lambda: workspace.edit(path, edit.old, edit.new))
            self.run_tests()

    def report(self) -> None:
        session = self.session
        session.metric("tool_calls", self.calls, unit="count")
        session.score("tests_passed", self.workspace.passed / 2)
        session.agent_message(f"All tests pass now: **{self.workspace.passed} passed**.")
        if self.workspace.read(TEST) == TEST_DURATIONS:
            session.goal_check(True)
        else:
            session.goal_check(False, mismatches=["edited the test instead of the code"])

    def run_tests(self) -> None:
        self.call("run_tests", {"command": f"python -m pytest -q {TEST}"}, 0.18, self.workspace.run_tests)

    def run_out_of_memory(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def call(self, tool: str, arguments: dict[str, Any], seconds: float, act: Callable[[], object]) -> None:
        """One call of a tool that takes that long."""
        self.calls += 1
        call_id = f"call-{self.calls}"
        self.session.tool_call(tool, arguments, call_id=call_id)
        self.pace.wait(seconds)
        self.session.tool_result(call_id, result=act())

    def think(self, purpose: str, input_tokens: int, output_tokens: int) -> None:
        self.pace.think(MODEL, input_tokens, output_tokens, 0.32, f"prompts/coder@3#{purpose}")


def _diff(edit: Edit) -> str:
    removed = [f"- {line.strip()}" for line in edit.old.splitlines()]
    return "\n".join(removed + [f"+ {line.strip()}" for line in edit.new.splitlines()])
