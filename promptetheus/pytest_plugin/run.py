"""What an agent did in a test, and assertions on it whose failures a person understands.

Each of them raises AssertionError or returns something true, so that `assert run.goal_passed()` reads well and says
the same as `run.goal_passed()`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, overload

from promptetheus.cause.describe import describe
from promptetheus.cause.explain import TEN_LINES, explain
from promptetheus.cause.signatures import Run, make_run
from promptetheus.cause.steps import StepKind
from promptetheus.display import printable_line, value
from promptetheus.events import Event
from promptetheus.fingerprint import failure_fingerprint, is_failed_check
from promptetheus.pytest_plugin.departure import departures
from promptetheus.pytest_plugin.recorded_events import read_events

_LISTED = 12


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool."""

    step: int
    """Number of its step, as `promptetheus explain` and the terminal show it."""
    tool: str
    arguments: Any
    result: Any
    """None while there is none; the error's text where it failed."""
    failed: bool
    text: str
    """The call in one printable line."""


class Calls(Sequence[Call]):
    """Calls of a run, in their order: all of them, or those of one tool."""

    def __init__(self, chosen: Sequence[Call], name: str, everything: Sequence[Call]) -> None:
        self._chosen = tuple(chosen)
        self._name = name
        self._all = everything

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Call]: ...
    def __getitem__(self, index: int | slice) -> Call | Sequence[Call]:
        return self._chosen[index]

    def __len__(self) -> int:
        return len(self._chosen)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._chosen)

    def __repr__(self) -> str:
        return f"<{len(self)} calls of {self._name}: {_listed(self._chosen)}>"

    def before(self, tool: str) -> Calls:
        """The first of these came before the first call of `tool`, and both were made."""
        __tracebackhide__ = True
        mine, other = self._first(), self._first_of(tool)
        if mine.step >= other.step:
            raise AssertionError(
                f"{self._name} was called (step {mine.step}) only after {tool} (step {other.step}).\n{self._story()}"
            )
        return self

    def after(self, tool: str) -> Calls:
        """The first of these came after the first call of `tool`, and both were made."""
        __tracebackhide__ = True
        mine, other = self._first(), self._first_of(tool)
        if mine.step <= other.step:
            raise AssertionError(
                f"{self._name} was called (step {mine.step}) already before {tool} (step {other.step}).\n"
                f"{self._story()}"
            )
        return self

    def times(self, number: int) -> Calls:
        """There are exactly so many."""
        __tracebackhide__ = True
        if number:
            self._first()
        if len(self) != number:
            raise AssertionError(
                f"{self._name} was called {_times(len(self))}, not {_times(number)}.\n{self._story()}"
            )
        return self

    def once(self) -> Calls:
        """There is exactly one."""
        __tracebackhide__ = True
        return self.times(1)

    def never(self) -> Literal[True]:
        """There is none."""
        __tracebackhide__ = True
        if self._chosen:
            raise AssertionError(f"{self._name} was called {_times(len(self))}.\n{self._story()}")
        return True

    def with_arguments(self, **expected: Any) -> Calls:
        """Those of them that were made with these arguments, whatever others; there is at least one."""
        __tracebackhide__ = True
        self._first()
        chosen = [call for call in self if _given(call.arguments, expected)]
        wanted = ", ".join(f"{name}={value(item)}" for name, item in expected.items())
        if not chosen:
            raise AssertionError(
                f"no call of {self._name} was made with {wanted}.\nThey were:\n{_listed(self._chosen)}"
            )
        return Calls(chosen, f"{self._name} with {wanted}", self._all)

    def succeeded(self) -> Calls:
        """None of them failed, and there is at least one."""
        __tracebackhide__ = True
        self._first()
        if failed := [call for call in self if call.failed]:
            raise AssertionError(f"{self._name} failed {_times(len(failed))}.\n{_listed(failed)}")
        return self

    def _first(self) -> Call:
        __tracebackhide__ = True
        if not self._chosen:
            raise AssertionError(f"{self._name} was never called.\n{self._story()}")
        return self._chosen[0]

    def _first_of(self, tool: str) -> Call:
        __tracebackhide__ = True
        for call in self._all:
            if call.tool == tool:
                return call
        raise AssertionError(f"{tool} was never called.\n{self._story()}")

    def _story(self) -> str:
        return f"The calls were:\n{_listed(self._all)}" if self._all else "No tool was called at all."


class RecordedRun:
    """What was recorded so far: live while the agent runs."""

    def __init__(self, events: Callable[[], list[Event]], spool: Path | None = None) -> None:
        self._events = events
        self.spool = spool
        """Where the session files are."""

    def __repr__(self) -> str:
        return f"<RecordedRun of {len(self.events)} events>"

    @property
    def events(self) -> list[Event]:
        """The events so far."""
        return self._events()

    @property
    def fingerprint(self) -> str:
        """How it failed so far, as 12 hex digits; "" when it did not."""
        return failure_fingerprint(self.events).fingerprint

    def narrative(self, lines: int = TEN_LINES) -> str:
        """What happened so far, in so many lines."""
        return explain(self.events, lines=lines)

    def calls(self, tool: str | None = None) -> Calls:
        """The calls of a tool, or all of them."""
        everything = list(_calls(make_run(self.events)))
        if tool is None:
            return Calls(everything, "any tool", everything)
        return Calls([call for call in everything if call.tool == tool], tool, everything)

    def goal_passed(self) -> Literal[True]:
        """The agent checked its goal, and no check failed."""
        __tracebackhide__ = True
        events = self.events
        checks = [event["payload"] for event in events if event.get("type") == "goal_check"]
        if not checks:
            raise AssertionError(f"nothing checked the goal.\n{explain(events)}")
        if any(is_failed_check(check) for check in checks):
            raise AssertionError(explain(events))
        return True

    def no_errors(self) -> Literal[True]:
        """No call failed and no error was recorded."""
        __tracebackhide__ = True
        events = self.events
        run = make_run(events)
        failed = [run.text(place) for place, step in enumerate(run.steps) if step.ok is False]
        if failed:
            told = "\n".join(f"  {text}" for text in failed[:_LISTED])
            raise AssertionError(f"{len(failed)} step(s) failed.\n{told}")
        return True

    def says(self, text: str) -> Literal[True]:
        """The agent said this, in any of its messages; capital letters make no difference."""
        __tracebackhide__ = True
        run = make_run(self.events)
        said = [
            str(run.arguments[place]) for place, step in enumerate(run.steps) if step.kind is StepKind.AGENT
        ]
        if not any(text.casefold() in message.casefold() for message in said):
            told = "\n".join(f"  {printable_line(message, 200)}" for message in said[-_LISTED:])
            raise AssertionError(
                f"the agent never said {text!r}.\n" + (f"It said:\n{told}" if said else "It said nothing.")
            )
        return True

    def matches(self, baseline: RecordedRun | str | os.PathLike[str] | Iterable[Event]) -> Literal[True]:
        """It changed what the baseline changed, and failed in no way that the baseline did not.

        `baseline` is a session file, another run, or events. Other words and other looks do not matter.
        """
        __tracebackhide__ = True
        if isinstance(baseline, RecordedRun):
            before: Iterable[Event] = baseline.events
        elif isinstance(baseline, str | os.PathLike):
            before = read_events(Path(baseline))
        else:
            before = baseline
        if found := departures(list(before), self.events):
            raise AssertionError("it departs from its baseline.\n" + "\n".join(f"  {line}" for line in found))
        return True


def _calls(run: Run) -> Iterator[Call]:
    for place, step in enumerate(run.steps):
        if step.kind is StepKind.TOOL:
            yield Call(
                step.index, step.name, run.arguments[place], run.result(place), step.ok is False,
                describe(step, run.event),
            )  # fmt: skip


def _given(arguments: Any, expected: dict[str, Any]) -> bool:
    return isinstance(arguments, dict) and all(
        name in arguments and arguments[name] == item for name, item in expected.items()
    )


def _listed(calls: Sequence[Call]) -> str:
    lines = [f"  step {call.step}: {call.text}" for call in calls[:_LISTED]]
    if len(calls) > _LISTED:
        lines.append(f"  … {len(calls) - _LISTED} more")
    return "\n".join(lines)


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")
