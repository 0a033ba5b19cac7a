"""The commands that look after delivery, as a person runs them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from promptetheus.cli import main
from promptetheus.delivery.destination import Destination
from promptetheus.settings import load_config
from tests.builders import SessionBuilder
from tests.delivery.conftest import Record
from tests.delivery.stub_gateway import KEY, Reply, StubGateway, times

Output = pytest.CaptureFixture[str]


@pytest.fixture
def configured(gateway: StubGateway, monkeypatch: pytest.MonkeyPatch) -> StubGateway:
    monkeypatch.setenv("PROMPTETHEUS_API_KEY", KEY)
    monkeypatch.setenv("PROMPTETHEUS_API_URL", gateway.url)
    return gateway


def spool_command(*words: str, spool: Path) -> int:
    return main(["spool", *words, "--spool", str(spool)])


def test_replay_without_a_key_says_what_is_missing(record: Record, capsys: Output) -> None:
    assert spool_command("replay", spool=record().parent) == 1
    assert capsys.readouterr().err == "Cannot replay: no api_key configured (set PROMPTETHEUS_API_KEY).\n"


def test_a_missing_spool_has_nothing_to_do(configured: StubGateway, tmp_path: Path, capsys: Output) -> None:
    for action, nothing in (
        ("list", "nothing pending"),
        ("replay", "nothing to replay"),
        ("purge", "nothing to purge"),
    ):
        assert spool_command(action, spool=tmp_path / "no") == 0
        assert capsys.readouterr().out == f"No spool directory at {tmp_path / 'no'} — {nothing}.\n"


def test_replay_sends_everything_and_the_list_says_so(
    configured: StubGateway, record: Record, capsys: Output
) -> None:
    spool = record(3).parent
    record(2, "run-2")
    assert spool_command("list", spool=spool) == 0
    said = capsys.readouterr().out
    assert "pending : 9 event(s) across 2 session file(s)" in said and "run-1: 5 pending" in said
    assert spool_command("replay", spool=spool) == 0
    assert capsys.readouterr().out == f"Replayed 9 event(s) to {configured.url}; 0 still pending.\n"
    assert {name: len(events) for name, events in configured.events.items()} == {"run-1": 5, "run-2": 4}
    assert spool_command("list", spool=spool) == 0
    said = capsys.readouterr().out
    assert "pending : 0 event(s)" in said and "sent    : 9 event(s), 2 session(s) as a whole" in said
    assert spool_command("replay", spool=spool) == 0
    assert capsys.readouterr().out == "No pending spool events to replay.\n"


def test_only_the_named_sessions_are_sent(configured: StubGateway, record: Record, capsys: Output) -> None:
    spool = record(3).parent
    record(2, "other")
    assert spool_command("replay", "oth", spool=spool) == 0
    assert list(configured.events) == ["other"]
    assert spool_command("replay", "nope", spool=spool) == 1
    assert "nope" in capsys.readouterr().err


def test_a_gateway_that_is_down_leaves_things_pending_with_the_reason(
    configured: StubGateway, record: Record, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = record(3).parent
    configured.rules.append(times(99, Reply(401, b'{"detail":"unknown key"}')))
    assert spool_command("replay", "--json", spool=spool) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["delivered"], found["pending"], found["failure"]) == (0, 5, "HTTP 401: unknown key")
    assert len(configured.batches()) == 1
    assert spool_command("list", spool=spool) == 0
    assert "HTTP 401: unknown key" in capsys.readouterr().out


def test_who_was_refused_is_told_how_to_get_another_key(
    configured: StubGateway, record: Record, capsys: Output
) -> None:
    configured.rules.append(times(99, Reply(401, b'{"detail":"unknown key"}')))
    assert spool_command("replay", spool=record(3).parent) == 1
    assert (
        "Stopped: HTTP 401: unknown key\nAnother key: promptetheus init --new-key" in capsys.readouterr().err
    )


def test_a_moment_of_trouble_is_waited_out(configured: StubGateway, record: Record) -> None:
    configured.rules.append(times(2, Reply(503, headers={"Retry-After": "0"})))
    assert spool_command("replay", spool=record(3).parent) == 0


def test_refused_events_are_sent_again_on_request(
    configured: StubGateway, record: Record, capsys: Output
) -> None:
    path = record(4)
    answer = {"accepted": 4, "rejected": [{"index": 1, "reason": "one"}, {"index": 3, "reason": "three"}]}
    configured.rules.append(times(1, Reply(body=json.dumps(answer).encode())))
    assert spool_command("replay", spool=path.parent) == 0
    assert "2 event(s) were refused" in capsys.readouterr().err
    configured.rules.append(times(1, Reply(body=b'{"accepted":1,"rejected":[{"index":0,"reason":"still"}]}')))
    assert spool_command("retry", spool=path.parent) == 1
    assert "1 taken, 1 still refused" in capsys.readouterr().out
    dead = path.parent / "dead-letter" / path.name
    assert [json.loads(line)["_reject_reason"] for line in dead.read_bytes().splitlines()] == ["still"]
    assert spool_command("retry", spool=path.parent) == 0
    assert not dead.exists()
    capsys.readouterr()
    assert spool_command("retry", spool=path.parent) == 0
    assert capsys.readouterr().out == "No refused events to send again.\n"


def test_purge_names_what_goes_and_asks(record: Record, capsys: Output) -> None:
    path = record(3)
    assert spool_command("purge", spool=path.parent) == 1
    said = capsys.readouterr().err
    assert "1 pending session(s) with 5 event(s)" in said and "--yes" in said and path.exists()
    assert spool_command("purge", "--yes", spool=path.parent) == 0
    assert capsys.readouterr().out == f"Purged 1 pending spool file(s) from {path.parent}.\n"
    assert not path.exists()


def test_purge_tells_sent_from_pending(configured: StubGateway, record: Record, capsys: Output) -> None:
    sent = record(3)
    assert spool_command("replay", spool=sent.parent) == 0
    pending = record(3, "later")
    assert spool_command("purge", "--sent", "--yes", spool=sent.parent) == 0
    assert not sent.exists() and pending.exists()
    assert not list(sent.parent.glob("*.delivery.json"))


def test_prune_takes_the_delivered_ones_first(
    configured: StubGateway, record: Record, capsys: Output
) -> None:
    old = record(300, "old")
    sent = record(300, "sent")
    os.utime(old, (1_700_000_000, 1_700_000_000))
    assert spool_command("replay", "sent", spool=old.parent) == 0
    capsys.readouterr()
    assert spool_command("prune", "--cap", str(int(old.stat().st_size * 1.5)), spool=old.parent) == 0
    assert capsys.readouterr().out.startswith("Pruned 1 session(s)")
    assert old.exists() and not sent.exists()


def test_import_uploads_what_it_brings_in(
    configured: StubGateway, target: Destination, tmp_path: Path, capsys: Output
) -> None:
    session = SessionBuilder("exported", "a", "g").asks("hello").says("hi")
    source = tmp_path / "exported.json"
    source.write_text(json.dumps({"session_id": "exported", "events": session.events}))
    assert main(["import", str(source), "--upload", "--spool", str(tmp_path / "spool")]) == 0
    assert f"Sent 3 event(s) to {configured.url}." in capsys.readouterr().out
    assert len(configured.events["exported"]) == 3


BOOTSTRAP = {
    "api_key": "pt_live_new'key",
    "project": {"name": "Browser Agent"},
    "workspace": {"name": "Acme"},
}


def bootstrapping(gateway: StubGateway, body: object = BOOTSTRAP, status: int = 201) -> None:
    gateway.rules.append(times(9, Reply(status, json.dumps(body).encode()), path="/bootstrap"))


def test_init_writes_an_env_file_that_a_shell_can_source(
    gateway: StubGateway, tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrapping(gateway)
    env = tmp_path / ".env"
    env.write_text("# mine\nexport PROMPTETHEUS_API_KEY=old\nOTHER=1\nPROMPTETHEUS_API_KEY=older\n")
    words = [
        "init",
        "--api-url",
        gateway.url + "/",
        "--console-token",
        "t",
        "--project-name",
        "Browser Agent",
    ]
    assert main([*words, "--write-env", str(env)]) == 0
    said = capsys.readouterr().out
    assert "  workspace: Acme\n  project  : Browser Agent\n" in said and f"Wrote env vars to {env}." in said
    asked = json.loads(gateway.requests[0].body)
    assert asked == {"workspace_name": "Promptetheus Workspace", "project_name": "Browser Agent"}
    assert gateway.requests[0].headers["authorization"] == "Bearer t"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert env.read_text().count("PROMPTETHEUS_API_KEY") == 1 and "# mine" in env.read_text()
    command = f'. {env}; printf "%s %s" "$PROMPTETHEUS_API_KEY" "$PROMPTETHEUS_API_URL"'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["pt_live_new'key", gateway.url]


@pytest.mark.parametrize(
    "before",
    [
        "",
        "sample_rate = 0.5\n",
        '[promptetheus]\napi_key = "old"\n\n[other]\nx = 1\n',
        "# hello\n[other]\nx = 1\n",
    ],
)
def test_init_writes_the_configuration_where_the_sdk_reads_it(
    before: str, gateway: StubGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    bootstrapping(gateway)
    path = tmp_path / "home" / "config.toml"
    monkeypatch.setattr("promptetheus.cli.init.DEFAULT_CONFIG_PATH", path)
    if before:
        path.parent.mkdir()
        path.write_text(before)
    assert main(["init", "--api-url", gateway.url, "--console-token", "t", "--write-config"]) == 0
    found = load_config(config_path=path)
    assert (found.api_key, found.api_url) == ("pt_live_new'key", gateway.url)
    assert all(line in path.read_text() for line in before.splitlines() if "old" not in line)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_init_without_a_token_says_where_to_get_one(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMPTETHEUS_CONSOLE_TOKEN", raising=False)
    assert main(["init"]) == 2
    said = capsys.readouterr().err
    assert "no console token" in said and "promptetheus dev" in said


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({"api_key": None, "api_key_preview": "pt_..abc"}, 200, "not recoverable. Existing key: pt_..abc"),
        ({"detail": "who are you"}, 401, "HTTP 401: who are you"),
        ([1], 200, "is this a Promptetheus gateway?"),
    ],
)  # fmt: skip
def test_init_says_why_there_is_no_key(
    body: object, status: int, expected: str, gateway: StubGateway, capsys: Output
) -> None:
    bootstrapping(gateway, body, status)
    assert main(["init", "--api-url", gateway.url, "--console-token", "t"]) == 1
    assert expected in capsys.readouterr().err


def test_init_asks_for_a_further_key_when_told_to(gateway: StubGateway, capsys: Output) -> None:
    bootstrapping(gateway)
    assert main(["init", "--api-url", gateway.url, "--console-token", "t", "--new-key"]) == 0
    assert json.loads(gateway.requests[0].body)["new_key"] is True
    assert "pt_live_new" in capsys.readouterr().out


def test_init_says_that_nobody_is_there(gateway: StubGateway, capsys: Output) -> None:
    gateway.stop()
    assert main(["init", "--api-url", gateway.url, "--console-token", "t"]) == 1
    assert "cannot be reached" in capsys.readouterr().err
