"""Fixtures for the adapters' tests."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from promptetheus import guard
from tests.adapters.frameworks import installed_versions
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider is on this machine."""
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


_shown: dict[tuple[str, str], bool] = {}
"""By framework and feature, whether every test that shows it has passed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--feature-report", metavar="FILE", help="write which features of which framework were shown"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    marker = item.get_closest_marker("adapter")
    if marker is not None and (report.when == "call" or report.failed):
        framework, *features = marker.args
        for feature in features:
            known = _shown.get((framework, feature), True)
            _shown[framework, feature] = known and report.passed
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--feature-report", default=None)
    if path is not None:
        rows = [[framework, feature, passed] for (framework, feature), passed in sorted(_shown.items())]
        versions = installed_versions({framework for framework, _ in _shown})
        report = {"versions": versions, "shown": rows}
        Path(path).write_text(json.dumps(report, indent=1))
