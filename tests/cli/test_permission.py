"""A spool that this user may not read is no empty one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import promptetheus as pt

AS_ANY_USER = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""Root reads everything: without these rights it is a user like others."""

pytestmark = pytest.mark.skipif(
    bool(AS_ANY_USER) and shutil.which("setpriv") is None, reason="root without setpriv reads every file"
)


def run(*words: str, spool: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*AS_ANY_USER, sys.executable, "-m", "promptetheus", *words, "--spool", str(spool)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=spool.parent,
    )


@pytest.fixture
def closed(spool: Path) -> Iterator[Path]:
    with pt.start(agent="a", user_goal="g", transport="spool", spool_dir=spool) as session:
        session.metric("n", 1)
    spool.chmod(0)
    yield spool
    spool.chmod(0o700)


@pytest.mark.parametrize(
    "command",
    [["sessions"], ["search", "g"], ["spool", "list"], ["doctor"], ["failures"], ["sessions", "--json"]],
)
def test_a_closed_spool_is_told_in_a_sentence_with_what_to_do(closed: Path, command: list[str]) -> None:
    done = run(*command, spool=closed)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"promptetheus: cannot read the spool {closed}: its mode is 000. To open it: chmod u+rwX {closed}\n"
    )


def test_a_directory_above_that_is_closed_is_told_too(closed: Path) -> None:
    done = run("sessions", spool=closed / "deeper")
    assert done.returncode == 1
    assert f"may not read or write {closed}/deeper: its mode is 000" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_spool_of_another_user_names_both(closed: Path) -> None:
    os.chown(closed, 65534, 65534)
    done = run("sessions", spool=closed)
    os.chown(closed, 0, 0)
    assert done.returncode == 1
    assert "it belongs to nobody (mode 000) and this is root. Run this as nobody" in done.stderr


def test_a_spool_that_is_not_there_is_empty_as_ever(spool: Path) -> None:
    done = run("sessions", spool=spool)
    assert done.returncode == 0 and "No spool directory" in done.stdout
