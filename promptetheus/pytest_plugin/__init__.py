"""`pytest --promptetheus`: every test's session is recorded and named after it; a failing one tells its story.

Loaded by pytest wherever this package is installed, so it does nothing and imports nothing until it is asked: by the
option, or by a test that uses one of the fixtures.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from promptetheus.pytest_plugin.recording import Recording
    from promptetheus.pytest_plugin.run import RecordedRun
    from promptetheus.session import Session

DEFAULT_SPOOL = ".promptetheus/tests"
"""Under the root directory of the tests, apart from the sessions of real runs."""

_PLUGIN = "promptetheus-recorder"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("promptetheus", "recording agents (promptetheus)")
    group.addoption(
        "--promptetheus",
        action="store_true",
        help="record a session per test; tell the story of failing ones",
    )
    group.addoption(
        "--promptetheus-spool",
        metavar="DIR",
        help=f"where the sessions go (default: {DEFAULT_SPOOL} under the root directory)",
    )
    group.addoption(
        "--promptetheus-baseline",
        metavar="DIR",
        help="fail tests whose session departs from the passing one recorded in DIR; records, too",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start recording if asked to."""
    options = config.option
    asked = options.promptetheus or options.promptetheus_spool or options.promptetheus_baseline
    if not asked or options.collectonly:
        return
    from promptetheus.pytest_plugin.hooks import Recorder, usable_directories

    here = Path(config.invocation_params.dir)
    spool = (
        here / options.promptetheus_spool if options.promptetheus_spool else config.rootpath / DEFAULT_SPOOL
    )
    baseline = here / options.promptetheus_baseline if options.promptetheus_baseline else None
    usable_directories(spool, baseline)
    config.pluginmanager.register(Recorder(config, spool, baseline), _PLUGIN)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave sessions as they were."""
    recorder = config.pluginmanager.get_plugin(_PLUGIN)
    if recorder is not None:
        recorder.stop()
        config.pluginmanager.unregister(recorder)


@pytest.fixture
def _promptetheus_recording(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recording]:
    from promptetheus.pytest_plugin.recording import recording_of, start_recording

    running = recording_of(request.node)
    if running is not None:  # the option is on
        yield running
        return
    running = start_recording(request.node, tmp_path_factory.mktemp("promptetheus"))
    running.enter_test()
    yield running
    running.stop()


@pytest.fixture
def promptetheus_session(_promptetheus_recording: Any) -> Session:
    """The test's session: what the code under test records outside sessions of its own goes there."""
    session: Session = _promptetheus_recording.session
    return session


@pytest.fixture
def promptetheus_run(_promptetheus_recording: Any) -> RecordedRun:
    """What was recorded in this test so far, to make assertions on: `promptetheus_run.calls("search").once()`.

    With `--promptetheus` it stays in the spool; without, it goes to a temporary directory.
    """
    run: RecordedRun = _promptetheus_recording.run
    return run
