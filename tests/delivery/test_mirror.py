"""A gateway's project as a spool on this machine: fetched once, kept fresh, whatever the gateway answers."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason='the gateway needs pip install "promptetheus[server]"')

import promptetheus as pt
from promptetheus.cli import main
from promptetheus.delivery.client import Client
from promptetheus.delivery.destination import Destination
from promptetheus.delivery.mirror import InUse, Mirror, Round, keep_fresh, mirror_directory, opened
from promptetheus.delivery.mirror_index import NotAMirror
from promptetheus.delivery.remote_project import CannotRead
from promptetheus.delivery.replay import replay
from promptetheus.spool import session_file_name
from tests.gateway.running import RunningGateway
from tests.sdk.programs import environment, wait_until
from tests.tui.tmux import PROMPT, needs_tmux, shell_in_tmux

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("gateway") / "store") as found:
        yield found


@pytest.fixture
def at(running: RunningGateway, request: pytest.FixtureRequest) -> Destination:
    """A project of the test's own at the gateway, and its key."""
    name = str(request.node.name)
    _, made = running.request(
        "POST",
        "/api/onboarding/bootstrap",
        {"project_name": name[:100], "new_key": True},
        Authorization="Bearer pt_console_token",
    )
    return Destination(f"http://127.0.0.1:{running.port}", str(made["api_key"]), 20.0)


@pytest.fixture
def project(at: Destination) -> str:
    with Client(at) as client:
        [found] = json.loads(client.get("/api/projects").body)["projects"]
    return str(found["id"])


def record(spool: Path, name: str, metrics: int = 3) -> Path:
    with pt.start(agent="a", user_goal="g", session_id=name, transport="spool", spool_dir=spool) as session:
        session.screenshot(PNG + name.encode())
        for number in range(metrics):
            session.metric("n", number)
        session.goal_check(False, ["picked the wrong day"])
    return spool / session_file_name(name)


def deliver(target: Destination, *files: Path) -> None:
    assert not replay(files, target).failure


def mirror_once(target: Destination, project: str, into: Path) -> Round:
    with opened(target, project, into) as mirror:
        return mirror.refresh()


def test_a_mirror_has_the_same_lines_and_pictures_as_the_spool_that_was_sent(
    at: Destination, project: str, tmp_path: Path
) -> None:
    names = ("one", "two", "a/../b c")
    files = [record(tmp_path / "spool", name) for name in names]
    deliver(at, *files)
    found = mirror_once(at, project, tmp_path / "there")
    assert (found.listed, found.sessions, found.artifacts, found.lost_artifacts) == (3, 3, 3, 0)
    for path in files:
        assert (tmp_path / "there" / path.name).read_bytes() == path.read_bytes()
    for name in names:
        digest = hashlib.sha256(PNG + name.encode()).hexdigest()
        assert (tmp_path / "there" / "artifacts" / digest[:2] / f"{digest}.png").exists()


def test_a_second_look_fetches_what_is_new_and_nothing_else(
    at: Destination, project: str, tmp_path: Path
) -> None:
    spool, there = tmp_path / "spool", tmp_path / "there"
    deliver(at, record(spool, "one"))
    session = pt.start(agent="a", user_goal="g", session_id="live", transport="spool", spool_dir=spool)
    session.metric("n", 1)
    deliver(at, spool / "live.jsonl")
    assert mirror_once(at, project, there).sessions == 2
    assert mirror_once(at, project, there).sessions == 0
    session.metric("n", 2)
    session.end()
    deliver(at, spool / "live.jsonl")
    found = mirror_once(at, project, there)
    assert (found.sessions, found.events) == (1, 2)
    assert (there / "live.jsonl").read_bytes() == (spool / "live.jsonl").read_bytes()


def test_events_that_reach_the_gateway_late_get_their_place(
    at: Destination, project: str, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    whole = record(tmp_path / "spool", "late").read_bytes().splitlines(True)
    body = [json.loads(line) for line in whole]
    with Client(at) as client:
        assert client.send_events("late", json.dumps({"events": body[:1] + body[3:]}).encode()).is_ok
        assert mirror_once(at, project, there).events == len(whole) - 2
        assert client.send_events("late", json.dumps({"events": body[1:3]}).encode()).is_ok
    mirror_once(at, project, there)
    assert (there / "late.jsonl").read_bytes().splitlines(True) == whole
    assert mirror_once(at, project, there).sessions == 0


def test_a_look_that_was_cut_off_leaves_nothing_twice(at: Destination, project: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    path = record(tmp_path / "spool", "one")
    deliver(at, path)
    mirror_once(at, project, there)
    with open(there / "one.jsonl", "ab") as file:
        file.write(b'{"half a line')
    with open(path, "ab") as file:
        last = json.loads(path.read_bytes().splitlines()[-1])
        last |= {"seq": last["seq"] + 1, "idempotency_key": "another"}
        file.write(json.dumps(last, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    deliver(at, path)
    mirror_once(at, project, there)
    assert (there / "one.jsonl").read_bytes() == path.read_bytes()


def test_a_session_that_the_gateway_deleted_goes(
    at: Destination, project: str, running: RunningGateway, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    deliver(at, record(tmp_path / "spool", "stays"), record(tmp_path / "spool", "goes"))
    mirror_once(at, project, there)
    status, _ = running.request(
        "DELETE", f"/api/sessions/goes?project_id={project}", Authorization="Bearer pt_console_token"
    )
    assert status == 200
    assert mirror_once(at, project, there).removed == 1
    assert [path.name for path in there.glob("*.jsonl")] == ["stays.jsonl"]


def test_the_cap_is_kept_to(at: Destination, project: str, tmp_path: Path) -> None:
    deliver(at, *(record(tmp_path / "spool", f"s{number}", 200) for number in range(5)))
    one = (tmp_path / "spool" / "s0.jsonl").stat().st_size
    with opened(at, project, tmp_path / "there", 2 * one) as mirror:
        assert mirror.refresh().is_full
    assert 1 <= len(list((tmp_path / "there").glob("*.jsonl"))) <= 3


def test_a_mirror_is_kept_fresh_until_it_is_stopped(at: Destination, project: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    stop = threading.Event()
    with opened(at, project, there) as mirror:
        thread = threading.Thread(target=keep_fresh, args=(mirror, stop, lambda text: None))
        thread.start()
        try:
            path = record(tmp_path / "spool", "one")
            deliver(at, path)
            wait_until(
                lambda: (
                    (there / "one.jsonl").exists() and (there / "one.jsonl").read_bytes() == path.read_bytes()
                ),
                60,
            )
        finally:
            stop.set()
            thread.join()


def test_two_processes_do_not_write_one_mirror(at: Destination, project: str, tmp_path: Path) -> None:
    with opened(at, project, tmp_path / "there"), pytest.raises(InUse):
        mirror_once(at, project, tmp_path / "there")


def test_a_directory_that_holds_something_else_is_left_alone(
    at: Destination, project: str, tmp_path: Path
) -> None:
    path = record(tmp_path / "spool", "mine")
    with pytest.raises(NotAMirror, match="recorded there"):
        mirror_once(at, project, path.parent)
    mirror_once(at, project, tmp_path / "there")
    with pytest.raises(NotAMirror, match="name another directory"):
        mirror_once(
            at._replace(api_url=at.api_url.replace("127.0.0.1", "localhost")), project, tmp_path / "there"
        )


def test_what_cannot_be_read_is_told_with_what_to_do(at: Destination, tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match=r"sees no project 'other'\. It sees: test_what"):
        mirror_once(at, "other", tmp_path / "there")
    with pytest.raises(CannotRead, match=r"refuses the key.*PROMPTETHEUS_API_KEY"):
        mirror_once(at._replace(api_key="wrong"), "any", tmp_path / "there")
    with pytest.raises(CannotRead, match="cannot be reached"):
        mirror_once(at._replace(api_url="http://127.0.0.1:9"), "any", tmp_path / "there")


# ── the command, in processes of its own ─────────────────────────────────────────────────────────────────


def command(target: Destination, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    variables = {
        **environment(),
        "PROMPTETHEUS_API_KEY": target.api_key,
        "PROMPTETHEUS_API_URL": target.api_url,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
    }
    return subprocess.run(
        [sys.executable, "-m", "promptetheus", *words],
        env=variables,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_every_command_works_on_a_mirror(at: Destination, project: str, tmp_path: Path) -> None:
    deliver(at, record(tmp_path / "spool", "one"))
    done = command(at, tmp_path, "mirror", "--project", project, "--once", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["events"] == 7 and Path(found["spool"]).is_relative_to(tmp_path / "cache")
    assert os.stat(found["spool"]).st_mode & 0o777 == 0o700
    for words in (["sessions"], ["replay", "one"], ["fingerprint", "one"], ["doctor"], ["failures"]):
        done = command(Destination("", "", 1.0), tmp_path, *words, "--spool", found["spool"])
        assert done.returncode == 0, (words, done.stdout, done.stderr)


def test_mirroring_without_a_key_says_which_variable_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mirror", "--project", "p", "--once"]) == 1
    assert "PROMPTETHEUS_API_KEY" in capsys.readouterr().err


def test_pages_that_are_too_long_are_asked_for_again_in_smaller_ones(
    monkeypatch: pytest.MonkeyPatch, at: Destination, project: str, tmp_path: Path
) -> None:
    monkeypatch.setattr("promptetheus.delivery.remote_project.MAX_PAGE_BYTES", 4096)
    path = record(tmp_path / "spool", "one", 200)
    deliver(at, path)
    mirror_once(at, project, tmp_path / "there")
    assert (tmp_path / "there" / "one.jsonl").read_bytes() == path.read_bytes()


def test_a_disk_that_is_full_leaves_what_was_fetched(
    monkeypatch: pytest.MonkeyPatch, at: Destination, project: str, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    paths = [record(tmp_path / "spool", f"s{number}") for number in range(3)]
    deliver(at, *paths)
    append = Mirror._append
    calls = iter(range(100))

    def fails_once(self: Mirror, *words: Any) -> None:
        append(self, *words)
        if next(calls) == 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Mirror, "_append", fails_once)
    with pytest.raises(OSError, match="No space"):
        mirror_once(at, project, there)
    mirror_once(at, project, there)
    for path in paths:
        assert (there / path.name).read_bytes() == path.read_bytes()


NOBODY = "http://127.0.0.1:9"


def a_mirror_of_nobody(
    at: Destination, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A mirror that was made when the gateway, which is away now, was there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    deliver(at, record(tmp_path / "spool", "before"))
    with opened(at, project) as mirror:
        mirror.refresh()
        made = mirror.spool
    index = json.loads((made / ".mirror.json").read_bytes())
    spool = mirror_directory(NOBODY, project)
    spool.parent.mkdir(parents=True)
    made.rename(spool)
    (spool / ".mirror.json").write_text(json.dumps({**index, "api_url": NOBODY}))
    return spool


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_mirror_opens_while_the_gateway_is_away(
    at: Destination, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    spool = a_mirror_of_nobody(at, project, tmp_path, monkeypatch)
    name = json.loads((spool / ".mirror.json").read_bytes())["name"]
    assert name.startswith("test_a_mirror_opens")
    away = at._replace(api_url=NOBODY)
    with opened(away, project if by == "id" else name) as mirror:
        assert mirror.spool == spool and "cannot be reached" in str(mirror.away)
        with pytest.raises(CannotRead, match="cannot be reached"):
            mirror.refresh()
    assert (spool / session_file_name("before")).exists()
    with pytest.raises(CannotRead, match="cannot be reached"), opened(away, "another project"):
        pass


@pytest.mark.terminal
@needs_tmux
def test_the_terminal_shows_what_was_mirrored_and_that_the_gateway_is_away(
    at: Destination, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_mirror_of_nobody(at, project, tmp_path, monkeypatch)
    variables = (
        f"PROMPTETHEUS_API_KEY={at.api_key} PROMPTETHEUS_API_URL={NOBODY} XDG_CACHE_HOME={tmp_path}/cache"
    )
    with shell_in_tmux(tmp_path) as terminal:
        terminal.type(f"env {variables} {sys.executable} -m promptetheus tui --project {project}")
        terminal.keys("Enter")
        terminal.until(lambda screen: "picked the wrong day" in screen, "the session that was there")
        terminal.until_text("gateway away")
        terminal.until_text("Nothing comes in from the gateway")
        terminal.keys("q")
        terminal.until_text(PROMPT)


@pytest.mark.terminal
@needs_tmux
def test_the_terminal_opens_a_gateway_s_project_and_shows_what_comes_in(
    at: Destination, project: str, tmp_path: Path
) -> None:
    deliver(at, record(tmp_path / "spool", "before"))
    variables = (
        f"PROMPTETHEUS_API_KEY={at.api_key} PROMPTETHEUS_API_URL={at.api_url} XDG_CACHE_HOME={tmp_path}/cache"
    )
    with shell_in_tmux(tmp_path) as terminal:
        terminal.type(f"env {variables} {sys.executable} -m promptetheus tui --project {project}")
        terminal.keys("Enter")
        terminal.until(lambda screen: "picked the wrong day" in screen, "the session that was there")
        with pt.start(
            agent="newcomer",
            user_goal="g",
            session_id="after",
            transport="spool",
            spool_dir=tmp_path / "spool",
        ):
            pass
        deliver(at, tmp_path / "spool" / "after.jsonl")
        terminal.until_text("newcomer")
        terminal.keys("q")
        terminal.until_text(PROMPT)
    [mirrored] = tmp_path.glob("cache/promptetheus/mirrors/*/*/spool")
    assert (mirrored / "after.jsonl").read_bytes() == (tmp_path / "spool" / "after.jsonl").read_bytes()
