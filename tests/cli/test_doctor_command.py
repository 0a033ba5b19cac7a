from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from promptetheus.cli import main
from tests.builders import a_failing_booking, a_passing_booking
from tests.queries.written import append, line, write_sealed


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = main(["doctor", *(str(word) for word in words)])
    return code, capsys.readouterr().out


def test_without_a_key_it_says_so_and_fails(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    write_sealed(spool, a_failing_booking())
    code, out = run(capsys, "--spool", spool)
    assert code == 1
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
    assert (code, found["healthy"]) == (1, False)
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
