"""The sessions of an earlier test run that passed, by test: what later runs are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptetheus.events import Event
from promptetheus.pytest_plugin.recorded_events import merged, read_events
from promptetheus.pytest_plugin.recording import TEST, TEST_RUN


@dataclass(frozen=True, slots=True)
class Baseline:
    """The newest run of a test in which no session failed."""

    paths: tuple[Path, ...]
    """Its session files, in the order they began."""

    @property
    def main(self) -> Path:
        """The file that `promptetheus diff` is to be given."""
        return self.paths[0]

    def events(self) -> list[Event]:
        """What was recorded in it. Raises OSError when a file is gone."""
        return merged([read_events(path) for path in self.paths])


@dataclass(slots=True)
class _TestRun:
    started: float = 0.0
    failed: bool = False
    paths: list[tuple[float, Path]] = field(default_factory=list)


def read_baselines(directory: Path) -> Mapping[str, Baseline]:
    """By id of the test. A directory without sessions of tests gives none."""
    from promptetheus.queries.catalog import Catalog

    catalog = Catalog(directory, cached=False)
    runs: dict[tuple[str, str], _TestRun] = {}
    for batch in catalog.scan():
        for row in batch:
            test, test_run = _text(row.metadata.get(TEST)), _text(row.metadata.get(TEST_RUN))
            if not test:
                continue
            run = runs.setdefault((test, test_run), _TestRun())
            started = row.started or 0.0
            run.started = max(run.started, started)
            run.failed = run.failed or row.status.is_failing
            run.paths.append((started, row.path))
    newest: dict[str, _TestRun] = {}
    for (test, _), run in runs.items():
        if not run.failed and (test not in newest or run.started > newest[test].started):
            newest[test] = run
    return {test: Baseline(tuple(path for _, path in sorted(run.paths))) for test, run in newest.items()}


def _text(item: Any) -> str:
    return item if isinstance(item, str) else ""
