from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

import promptetheus.settings
from promptetheus.cli import main
from tests.builders import a_failing_booking, a_passing_booking
from tests.queries.written import append, line, write_sealed


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = main(["doctor", *(str(word) for word in words)])
    return code, capsys.readouterr().out


def test_without_a_key_nothing_is_to_be_sent_and_all_is_well(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    write_sealed(spool, a_failing_booking())
    spool.chmod(0o700)
    code, out = run(capsys, "--spool", spool)
    assert code == 0
    assert out.startswith(
        "Promptetheus configuration:\n"
        "  api_url      : http://127.0.0.1:4318\n"
        "  api_key      : (not set)\n"
        "  project_id   : (not set)\n"
        "  environment  : (not set)\n"
        "  sample_rate  : 1.0\n"
        "  redact       : (off)\n"
        "  spool backlog: 9 pending event(s) in 1 file(s); 0 dead-lettered\n"
        "Connectivity   : no api_key configured (set PROMPTETHEUS_API_KEY).\n"
    )


def test_a_key_is_never_printed(
    capsys: pytest.CaptureFixture[str], spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTETHEUS_API_KEY", "pt_live_very_secret")
    monkeypatch.setenv("PROMPTETHEUS_PROJECT", "shop")
    _, out = run(capsys, "--spool", spool)
    _, as_json = run(capsys, "--spool", spool, "--json")
    assert "  api_key      : set\n" in out
    assert "  project_id   : shop\n" in out
    assert json.loads(as_json)["settings"]["api_key"] == "set"
    assert "secret" not in out + as_json


def test_a_gateway_that_does_not_answer_is_a_problem_once_there_is_a_key(
    capsys: pytest.CaptureFixture[str], spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("PROMPTETHEUS_API_KEY", "pt_live_very_secret")
        monkeypatch.setenv("PROMPTETHEUS_API_URL", url)
        promptetheus.settings.reset_config()
        code, out = run(capsys, "--spool", spool)
    promptetheus.settings.reset_config()
    assert code == 1
    assert "Connectivity   : UNREACHABLE (" in out
    assert f"{url}/health" in out


def test_what_was_pruned_and_what_could_not_be_written_is_said(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    write_sealed(spool, a_failing_booking("b"))
    for number, lost in enumerate((3, 4)):
        end = {
            "type": "session_end",
            "metadata": {"lost_events": lost, "summary": {"left_out": {"tools": 7}}},
        }
        (spool / f"lost{number}.jsonl").write_text(json.dumps(end) + "\n")
    state = {"pruned_sessions": 5, "pruned_bytes": 2_000_000, "checked": 0, "cap_bytes": 1}
    (spool / ".retention.json").write_text(json.dumps(state))
    _, out = run(capsys, "--spool", spool)
    assert "  retention    : cap 1.1 GB, 5 session(s) pruned so far (2.0 MB), last look " in out
    assert "  unwritten    : 7 in 2 session(s)\n" in out
    assert "  left out     : 14 tools (in the events, not in the summaries)\n" in out
    _, as_json = run(capsys, "--spool", spool, "--json")
    found = json.loads(as_json)
    assert found["losses"] == {"lost_events": 7, "sessions": 2, "left_out": {"tools": 14}}
    assert found["retention"]["pruned_sessions"] == 5


def test_nothing_lost_and_nothing_pruned_is_said_too(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    write_sealed(spool, a_failing_booking("b"))
    _, out = run(capsys, "--spool", spool)
    assert "nothing pruned so far\n  unwritten    : none\n" in out


def test_what_cannot_be_read_is_named_with_the_reason(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    path = a_passing_booking("a").write(spool)
    append(path, b"garbage\n[1]\n" + line("a", 20))
    write_sealed(spool, a_failing_booking("b"))
    (spool / "notes.jsonl").write_bytes(b'{"not": "an event"}\n')
    (spool / "link.jsonl").symlink_to(path)
    os.mkfifo(spool / "pipe.jsonl")
    _, out = run(capsys, "--spool", spool)
    assert "1 ✓ passed, 1 ✗ failed goal" in out
    assert "  skipped      : 1 garbage, 1 foreign\n    a: 1 garbage, 1 foreign\n" in out
    assert (
        "  not sessions : 3 file(s)\n"
        "    link.jsonl: a symbolic link, not a file\n"
        "    notes.jsonl: holds no events: 1 foreign\n"
        "    pipe.jsonl: a named pipe, not a file\n"
    ) in out


def test_the_same_as_json(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    write_sealed(spool, a_failing_booking("b"))
    (spool / "notes.jsonl").write_bytes(b"garbage\n")
    code, out = run(capsys, "--spool", spool, "--json")
    found = json.loads(out)
    assert (code, found["healthy"]) == (0, True)
    assert found["spool"]["statuses"] == {"failed goal": 1}
    assert found["spool"]["problems"] == {"notes.jsonl": "holds no events: 1 garbage"}
    assert found["spool"]["watch_mode"] in ("native", "polling")
    assert found["spool"]["cache"]["problem"] == "not written yet"


def test_a_spool_that_is_not_there_yet(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    _, out = run(capsys, "--spool", spool)
    assert f"Spool          : {spool} (not there yet)\n" in out


def test_a_spool_that_others_can_write_to_is_a_complaint(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    write_sealed(spool, a_failing_booking("b"))
    spool.chmod(0o777)
    _, out = run(capsys, "--spool", spool)
    assert "! Others can write to the spool (mode 777): chmod 700 keeps them out.\n" in out


def test_many_files_with_trouble_are_counted(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    spool.mkdir()
    for number in range(30):
        (spool / f"junk{number:02}\x1b[2J.jsonl").write_bytes(b"garbage\n")
    _, out = run(capsys, "--spool", spool)
    assert "  not sessions : 30 file(s)\n" in out
    assert "    … and 10 more\n" in out
    assert "\x1b" not in out
