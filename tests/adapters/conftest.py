"""Fixtures for the adapters' tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from promptetheus import guard
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

_SILENCED = {
    "ANONYMIZED_TELEMETRY": "false",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OTEL_SDK_DISABLED": "false",
}
"""No test may look for a network: frameworks that would call home or fetch a list are told not to."""


@pytest.fixture(autouse=True)
def quiet_frameworks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in _SILENCED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DSPY_CACHEDIR", str(tmp_path / "dspy"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def own_mistakes_are_errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An exception of an adapter's own, which users never see, fails a test; counts begin at 0."""
    monkeypatch.setattr(guard, "reraise", True)
    guard.forget()
    yield
    guard.forget()


@pytest.fixture
def stub() -> Iterator[StubServer]:
    """A model provider on loopback."""
    with StubServer() as server:
        yield server


@pytest.fixture
def record(spool: Path) -> Iterator[Record]:
    """A session that is current, and what it recorded."""
    with Record(spool) as found:
        yield found
