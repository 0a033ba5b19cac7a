"""`doctor --wait` and a gateway, agents and doctor in processes of their own; doctor counts as `spool list` does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason='the gateway needs pip install "promptetheus[server]"')

import promptetheus as pt
from promptetheus.cli import main
from promptetheus.delivery import dead_letters
from promptetheus.delivery.destination import Destination
from promptetheus.delivery.replay import replay
from tests.delivery.conftest import Record
from tests.gateway.running import KEY, RunningGateway
from tests.sdk.programs import environment

AGENT = """
import sys
import promptetheus as pt
with pt.start(agent="a", user_goal="g", session_id="first", spool_dir=sys.argv[1]) as session:
    session.metric("n", 1)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("gateway") / "store") as found:
        yield found


@contextmanager
def waiting_doctor(spool: Path, *words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """`doctor --wait`, from the moment on at which it waits."""
    command = [sys.executable, "-m", "promptetheus", "doctor", "--spool", str(spool), "--wait", *words]
    with subprocess.Popen(
        command,
        env={**environment(), "HOME": str(spool.parent), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("Waiting up to")
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.read()


def test_an_agent_s_event_arrives_at_the_gateway(running: RunningGateway, tmp_path: Path) -> None:
    settings = {
        "PROMPTETHEUS_API_KEY": KEY,
        "PROMPTETHEUS_API_URL": f"http://127.0.0.1:{running.port}",
        "PROMPTETHEUS_EXIT_TIMEOUT": "30",
    }
    (tmp_path / "spool").mkdir(mode=0o700)
    with waiting_doctor(tmp_path / "spool", "120", **settings) as doctor:
        variables = {**environment(), **settings}
        subprocess.run(
            [sys.executable, "-c", AGENT, str(tmp_path / "spool")], env=variables, check=True, timeout=120
        )
        out = said(doctor)
        assert doctor.wait(120) == 0, out
    assert "Arrived        : an event of session first, at the gateway\n" in out


def test_without_a_key_an_event_in_the_spool_is_what_it_waits_for(tmp_path: Path) -> None:
    with waiting_doctor(tmp_path / "spool", "120") as doctor:
        with pt.start(
            agent="a", user_goal="g", session_id="here", transport="spool", spool_dir=tmp_path / "spool"
        ):
            pass
        out = said(doctor)
        assert doctor.wait(120) == 0, out
    assert "an event of session here, in the spool" in out


def test_a_deadline_without_an_event_is_a_problem_and_names_what_to_check(tmp_path: Path) -> None:
    with waiting_doctor(tmp_path / "spool", "0.5") as doctor:
        out = said(doctor)
        assert doctor.wait(120) == 1
    assert "! No event arrived." in out and "spool_dir" in out


def test_an_event_that_was_recorded_and_not_delivered_is_told_from_none(
    running: RunningGateway, tmp_path: Path
) -> None:
    settings = {"PROMPTETHEUS_API_KEY": KEY, "PROMPTETHEUS_API_URL": f"http://127.0.0.1:{running.port}"}
    with waiting_doctor(tmp_path / "spool", "3", **settings) as doctor:
        with pt.start(
            agent="a", user_goal="g", session_id="kept", transport="spool", spool_dir=tmp_path / "spool"
        ):
            pass
        out = said(doctor)
        assert doctor.wait(120) == 1
    assert "! Session kept was recorded and did not reach the gateway: it was recorded without a key" in out


def test_doctor_and_spool_list_count_the_same(
    running: RunningGateway, record: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    sent, pending = record(4, "sent-whole"), record(7, "pending")
    assert not replay([sent], Destination(f"http://127.0.0.1:{running.port}", KEY, 20.0)).failure
    dead_letters.bury(pending, [({"idempotency_key": "k", "session_id": "pending"}, "no")])
    spool = str(sent.parent)
    assert main(["spool", "list", "--json", "--spool", spool]) == 0
    listed = json.loads(capsys.readouterr().out)["totals"]
    main(["doctor", "--json", "--spool", spool])
    found = json.loads(capsys.readouterr().out)["delivery"]
    assert listed == {name: found[name] for name in listed}
    assert (listed["pending_events"], listed["sent_events"], listed["dead_events"]) == (9, 6, 1)
    main(["doctor", "--spool", spool])
    assert "spool backlog: 9 pending event(s) in 1 file(s); 1 dead-lettered" in capsys.readouterr().out
