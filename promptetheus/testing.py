"""For tests of agents: record into memory and look at the events.

with capture_session() as events:
    run_my_agent()
assert events.count("tool_call") == 2

my_session = promptetheus_session_fixture(agent="booker")     # in conftest.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, overload

from promptetheus.events import Event
from promptetheus.transport.memory import BaseTransport

if TYPE_CHECKING:
    from promptetheus.session import Session

_WHERE_TO = ("transport", "endpoint", "api_key", "spool_dir")


class RecordingTransport(BaseTransport):
    """Keeps the events in a list; nothing is written anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.flush_count = 0

    def send_event(self, event: Mapping[str, Any]) -> None:
        """Keep the event."""
        self.events.append(dict(event))

    def flush(self, timeout: float | None = None) -> None:
        """Count the flush."""
        self.flush_count += 1


class CapturedEvents(Sequence[Event]):
    """The events of a session so far: live while it runs."""

    def __init__(self, session: Session, events: list[Event]) -> None:
        self.session = session
        self.events = events

    @property
    def event_types(self) -> list[str]:
        """The types of the events in order."""
        return [event["type"] for event in self.events]

    def types(self) -> list[str]:
        """The types of the events in order."""
        return self.event_types

    def of_type(self, kind: str) -> list[Event]:
        """The events of one type."""
        return [event for event in self.events if event["type"] == kind]

    def count(self, kind: Any) -> int:
        """How many events of a type there are."""
        return len(self.of_type(kind))

    def last(self, kind: str | None = None) -> Event | None:
        """The latest event, or the latest of a type; None when there is none."""
        found = self.events if kind is None else self.of_type(kind)
        return found[-1] if found else None

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        return self.events[index]


@contextmanager
def capture_session(**session_options: Any) -> Iterator[CapturedEvents]:
    """A session that is current inside the block and whose events stay in memory.

    Takes what `pt.start` takes; where the events would go (`transport`, `spool_dir`, …) is ignored.
    """
    from promptetheus.trace import new_session

    transport = RecordingTransport()
    options = {"agent": "test-agent", "user_goal": "test goal", **session_options}
    options = {name: value for name, value in options.items() if name not in _WHERE_TO}
    with new_session({**options, "transport": transport}) as session:
        yield CapturedEvents(session, transport.events)


def promptetheus_session_fixture(**session_options: Any) -> Callable[..., Any]:
    """A pytest fixture that captures a session around a test. Raises RuntimeError without pytest."""
    try:
        import pytest
    except ImportError as error:
        raise RuntimeError("a fixture needs pytest: pip install pytest") from error

    @pytest.fixture
    def promptetheus_session() -> Iterator[CapturedEvents]:
        with capture_session(**session_options) as events:
            yield events

    return promptetheus_session


def __getattr__(name: str) -> Any:
    if name != "promptetheus_session":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return promptetheus_session_fixture()
    except RuntimeError:
        return None
