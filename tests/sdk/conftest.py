"""Fixtures for the SDK's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from promptetheus import guard
from tests.sdk.programs import Run, run_program


@pytest.fixture(autouse=True)
def own_mistakes_are_errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An exception of the SDK's own, which users never see, fails a test; counts begin at 0."""
    monkeypatch.setattr(guard, "reraise", True)
    guard.forget()
    yield
    guard.forget()


@pytest.fixture
def as_for_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mistakes of the SDK are swallowed, as they are in an agent."""
    monkeypatch.setattr(guard, "reraise", False)


@pytest.fixture
def program(tmp_path: Path, spool: Path) -> Run:
    """Runs Python code in a process of its own, in `tmp_path`, with the spool's path as its first argument."""

    def run(code: str, **options: object) -> object:
        return run_program(code, spool, tmp_path, **options)  # type: ignore[arg-type]

    return run  # type: ignore[return-value]
