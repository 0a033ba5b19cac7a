"""The hooks that record every test of a run, tell the story of failing ones and hold passing ones to a baseline.

Works in each process of a distributed run: sessions are files of one spool, and what the summary needs travels with
the reports.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from promptetheus.pytest_plugin.baselines import Baseline, read_baselines
from promptetheus.pytest_plugin.departure import departures
from promptetheus.pytest_plugin.recording import (
    Recording,
    join_sessions,
    leave_sessions_alone,
    recording_of,
    start_recording,
)
from promptetheus.pytest_plugin.story import departure_text, failing_text

SESSION_PROPERTY = "promptetheus_session"
"""Name of the user property that holds the id of a session of the test; in JUnit XML, too."""

BASELINE_PROPERTY = "promptetheus_baseline"
"""Name of the user property that holds what came of the comparison: `same`, `departed` or `none`."""


def usable_directories(spool: Path, baseline: Path | None) -> None:
    """Raises pytest.UsageError for directories that cannot be what they are given for."""
    if spool.exists() and not spool.is_dir():
        raise pytest.UsageError(f"--promptetheus-spool: {spool} is not a directory")
    if baseline is None:
        return
    if not baseline.is_dir():
        raise pytest.UsageError(
            f"--promptetheus-baseline: there is no directory {baseline}. Record one with:"
            f" pytest --promptetheus-spool {shlex.quote(str(baseline))}"
        )
    if baseline.resolve() == spool.resolve():
        raise pytest.UsageError(
            "--promptetheus-baseline and --promptetheus-spool name the same directory: a run cannot be held against"
            " itself"
        )


class Recorder:
    """Registered with pytest while recording is on."""

    def __init__(self, config: pytest.Config, spool: Path, baseline: Path | None) -> None:
        self._config = config
        self._spool = spool
        self._baseline = baseline
        self._baselines: Mapping[str, Baseline] = read_baselines(baseline) if baseline is not None else {}
        self._outcomes: dict[str, str] = {}
        """What came of the comparison, by id of the test."""
        self._sessions: set[str] = set()
        join_sessions()

    def stop(self) -> None:
        """Leave sessions as they were."""
        leave_sessions_alone()

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin to record: after marks have had their say, before the fixtures are made."""
        start_recording(item, self._spool)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Go with the test into whatever runs it."""
        recording = recording_of(item)
        if recording is not None:
            recording.enter_test()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """End the recording with the verdict of the test."""
        report = yield
        recording = recording_of(item)
        if recording is None or (call.when == "setup" and report.passed):
            return report
        judged = call.when == "call" and not hasattr(report, "wasxfail") and not report.skipped
        why, error = _reason(call)
        recording.stop(report.passed if judged else None, why, error if report.failed else None)
        recorded = recording.recorded()
        for name in recorded:
            _tell(item, report, SESSION_PROPERTY, name)
        if report.failed and recorded:
            report.sections.append(("promptetheus", failing_text(recording, self._option())))
        elif judged and recorded and self._baseline is not None:
            self._hold_to_baseline(report, recording)
        return report

    def _hold_to_baseline(self, report: pytest.TestReport, recording: Recording) -> None:
        baseline = self._baselines.get(recording.item.nodeid)
        outcome = "none"
        if baseline is not None:
            found = departures(baseline.events(), recording.events())
            outcome = "departed" if found else "same"
            if found:
                report.outcome = "failed"
                report.longrepr = departure_text(recording, self._shown(baseline.main), found, self._option())
        _tell(recording.item, report, BASELINE_PROPERTY, outcome)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count; in a distributed run this is where the reports of all processes arrive."""
        for name, value in report.user_properties:  # those of an earlier phase or a rerun come again
            if name == SESSION_PROPERTY:
                self._sessions.add(str(value))
            elif name == BASELINE_PROPERTY:
                self._outcomes[report.nodeid] = str(value)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the sessions are, and what came of the comparison."""
        shown = self._shown(self._spool)
        if self._sessions:
            terminalreporter.write_sep("-", "promptetheus")
            terminalreporter.write_line(
                f"{len(self._sessions)} session(s) recorded: promptetheus tui {shown}"
            )
        if self._baseline is not None:
            counts = Counter(self._outcomes.values())
            compared = counts["same"] + counts["departed"]
            told = f"baseline {self._shown(self._baseline)}: {compared} test(s) compared,"
            told += f" {counts['departed']} departed"
            if counts["none"]:
                told += f", {counts['none']} passing without a passing session there"
            terminalreporter.write_line(told)

    def _option(self) -> str:
        return f"--spool {self._shown(self._spool)}"

    def _shown(self, path: Path) -> str:
        """A file or directory as one would type it."""
        here = self._config.invocation_params.dir
        shorter = path.relative_to(here) if path.is_relative_to(here) else path
        return shlex.quote(str(shorter))


def _tell(item: pytest.Item, report: pytest.TestReport, name: str, value: str) -> None:
    """Let a property travel with this report, and with that of the teardown, where JUnit XML looks for it."""
    report.user_properties.append((name, value))
    item.user_properties.append((name, value))


def _reason(call: pytest.CallInfo[None]) -> tuple[str, str | None]:
    """What a failed assertion says, in one line; and what ended the test if it was something else."""
    if call.excinfo is None:
        return "", None
    lines = str(call.excinfo.value).strip().splitlines()
    said = lines[0] if lines else ""
    if isinstance(call.excinfo.value, AssertionError | pytest.fail.Exception):
        return said or "the test's assertion failed", None
    name = call.excinfo.typename
    return f"{name}: {said}", f"{name}: {said}"
