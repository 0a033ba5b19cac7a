"""The recording of one test: its own session, and the sessions that the code under test begins meanwhile.

Sessions that the code under test begins (`observe`, `start`, `Session`) without saying where they go are recorded
beside the test's own and named after the test, too. Those with a directory or transport of their own stay alone.
"""

from __future__ import annotations

import functools
import inspect
import os
import re
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptetheus import context
from promptetheus.events import Event
from promptetheus.ids import new_session_id
from promptetheus.pytest_plugin.recorded_events import merged, read_events
from promptetheus.pytest_plugin.run import RecordedRun
from promptetheus.session import Session
from promptetheus.spool import DEFAULT_SPOOL_DIR, session_file_name

TEST = "test"
"""Key of a session's metadata: the id of the test."""

TEST_RUN = "test_run"
"""Key of a session's metadata, equal for all sessions of one run of a test."""

TAG = "pytest"

_KEY = pytest.StashKey["Recording"]()
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_NAME_CHARACTERS = 60
_WRITES_TO_THE_SPOOL = (None, "auto", "spool", "http")


class Recording:
    """What is recorded while one test runs. One at a time in a process."""

    def __init__(self, item: pytest.Item, spool: Path) -> None:
        self.item = item
        self.spool = spool
        self.test_run = new_session_id()
        self.names: list[str] = []
        """Ids of the sessions, the test's own first."""
        self.session = Session(
            agent=item.nodeid.partition("::")[0],
            user_goal=item.nodeid,
            **self.options({}),
            transport="spool",
        )
        self.run = RecordedRun(self.events, spool)
        self._before = context.snapshot()
        self._function: Callable[..., Any] | None = None

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a session that belongs to this test, those given kept where they can be."""
        session_id = given.get("session_id") or self._new_name()
        self.names.append(session_id)
        return {
            "session_id": session_id,
            "spool_dir": self.spool,
            "metadata": {**(given.get("metadata") or {}), TEST: self.item.nodeid, TEST_RUN: self.test_run},
            "tags": [*(given.get("tags") or ()), TAG],
        }

    def _new_name(self) -> str:
        name = _UNSAFE.sub("-", self.item.name).strip("-.")[:_NAME_CHARACTERS]
        return f"{name or 'test'}-{new_session_id()}"

    def begin(self) -> None:
        """Make the session current for fixtures and for a test that is a plain function."""
        context.restore((self.session, ()))

    def enter_test(self) -> None:
        """Make the session current inside a coroutine test as well, just before it is called."""
        function = getattr(self.item, "obj", None)
        if self._function is None and inspect.iscoroutinefunction(function):
            # The loop that an async plugin runs it in may have been made before this test began.
            self._function = function
            self.item.obj = _inside(function, self.session)  # type: ignore[attr-defined]
            instance = getattr(self.item, "instance", None)
            if isinstance(instance, unittest.TestCase):  # it looks up its coroutine methods itself
                setattr(instance, self.item.name, self.item.obj)  # type: ignore[attr-defined]

    @property
    def has_own_events(self) -> bool:
        """Whether anything was recorded in the test's own session."""
        return (self.spool / session_file_name(self.session.session_id)).exists()

    def recorded(self) -> list[str]:
        """Ids of the sessions in which anything was recorded."""
        return [name for name in self.names if (self.spool / session_file_name(name)).exists()]

    def events(self) -> list[Event]:
        """Everything recorded so far, in order."""
        paths = [self.spool / session_file_name(name) for name in self.recorded()]
        return merged([read_events(path) for path in paths])

    def stop(self, passed: bool | None = None, why: str = "", error: str | None = None) -> None:
        """End the test's session and put back what was current before. A second call does nothing.

        Args:
            passed: the verdict of the test, recorded as a goal check; None where it has none.
            why: what the failed assertion says.
            error: what ended the test, if it was no assertion.
        """
        if self.item.stash.get(_KEY, None) is not self:
            return
        del self.item.stash[_KEY]
        _running.remove(self)
        if self._function is not None:
            self.item.obj = self._function  # type: ignore[attr-defined]
        context.restore(self._before)
        if self.has_own_events:
            if passed is not None:
                self.session.goal_check(passed, mismatches=[why] if why and not passed else [])
            self.session.end("failed" if error else "completed", error)


_running: list[Recording] = []


def start_recording(item: pytest.Item, spool: Path) -> Recording:
    """Begin to record a test."""
    join_sessions()
    recording = Recording(item, spool)
    item.stash[_KEY] = recording
    _running.append(recording)
    recording.begin()
    return recording


def recording_of(item: pytest.Item) -> Recording | None:
    """The recording of a test that runs; None where there is none."""
    return item.stash.get(_KEY, None)


def _inside(function: Callable[..., Any], session: Session) -> Callable[..., Any]:
    """The coroutine function with the session current inside it."""

    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        context.restore((session, ()))
        return await function(*args, **kwargs)

    return wrapper


_plain_init: Callable[..., None] | None = None


def join_sessions() -> None:
    """From now on, sessions that begin while a test is recorded belong to it."""
    global _plain_init
    if _plain_init is not None:
        return
    _plain_init = plain = Session.__init__

    @functools.wraps(plain)
    def init(self: Session, **given: Any) -> None:
        if _running and _goes_to_the_default_spool(given):
            given = {**given, **_running[-1].options(given), "transport": "spool"}
        plain(self, **given)

    joined: Any = init
    joined.__kwdefaults__ = plain.__kwdefaults__  # read to know what a session may be given
    Session.__init__ = joined  # type: ignore[method-assign]


def leave_sessions_alone() -> None:
    """Undo `join_sessions`."""
    global _plain_init
    if _plain_init is not None:
        Session.__init__ = _plain_init  # type: ignore[method-assign]
        _plain_init = None


def _goes_to_the_default_spool(given: dict[str, Any]) -> bool:
    transport = given.get("transport")
    named = transport[0] if isinstance(transport, tuple) and transport else transport
    return (
        (named is None or isinstance(named, str))
        and named in _WRITES_TO_THE_SPOOL
        and os.fspath(given.get("spool_dir", DEFAULT_SPOOL_DIR)) == DEFAULT_SPOOL_DIR
    )
