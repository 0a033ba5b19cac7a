"""A spool that cannot be written to costs events, which are counted, and never the agent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import promptetheus as pt
from promptetheus import guard
from promptetheus.spool import SpoolFile
from tests.sdk.programs import Run
from tests.sdk.spooled import a_session, events_of, sessions_of

NOBODY = 65534


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small file system can only be mounted as root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_loses_only_what_it_could_not_take(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = small_disk / "spool"
    filler = small_disk / "filler"
    with a_session(spool) as session:
        session.user_message("before")
        filler.write_bytes(bytes(small_disk_room(small_disk) - 4096))
        sent = [session.metric("n", number, metadata={"pad": "x" * 500}) for number in range(50)]
        lost = guard.counts()["dropped.unwritable"]
        assert 0 < lost < 50
        filler.unlink()
        session.user_message("after")
    (path,) = spool.glob("*.jsonl")
    kept, garbage = [], 0
    for line in path.read_bytes().splitlines():
        try:
            kept.append(json.loads(line))
        except ValueError:
            garbage += 1
    numbers = [event["payload"]["value"] for event in kept if event["type"] == "metric"]
    assert numbers == list(range(len(sent) - lost))
    assert garbage <= 1  # the line that the disk took half of
    assert [event["payload"].get("content") for event in kept if event["type"] == "user_message"] == [
        "before",
        "after",
    ]
    assert kept[-1]["metadata"]["lost_events"] == lost
    assert "spool_bytes" not in kept[-1]["metadata"]["summary"]
    assert "No space left on device" in pt.stats()["why"]["dropped.unwritable"]
    assert len([r for r in caplog.records if "cannot write" in r.getMessage()]) == 1


def small_disk_room(place: Path) -> int:
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def test_a_short_write_is_followed_by_a_fresh_line(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_session(spool) as session:
        session.user_message("before")
        short = iter([True])
        monkeypatch.setattr(
            session._sink._file,  # type: ignore[union-attr]
            "_write",
            lambda fd, data: os.write(fd, data[:20] if next(short, False) else data),
        )
        session.user_message("torn once")
        monkeypatch.undo()
        session.user_message("after")
    (path,) = spool.glob("*.jsonl")
    lines = path.read_bytes().splitlines()
    assert len(lines[2]) == 20
    assert [json.loads(line)["payload"].get("content") for line in (lines[1], lines[3], lines[4])] == [
        "before", "torn once", "after",
    ]  # fmt: skip
    assert guard.counts() == {"recorded": 5}


def test_a_read_only_directory_costs_the_events_and_nothing_else(tmp_path: Path, program: Run) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    done = program(
        f"""
        import json
        with pt.start(agent="a", user_goal="g", spool_dir=SPOOL) as session:  # everything is imported now
            session.user_message("x")
        if os.getuid() == 0:
            os.setuid({NOBODY})
        with pt.start(agent="a", user_goal="g", spool_dir="closed/spool") as session:
            event = session.user_message("x")
        print(json.dumps([event["payload"], pt.stats()]))
        """
    )
    payload, stats = json.loads(done.stdout)
    assert payload == {"content": "x"}
    assert (stats["recorded"], stats["dropped"]) == (3, {"unwritable": 3})
    assert "Permission denied" in stats["why"]["dropped.unwritable"]
    assert done.stderr.count("Permission denied") == 1


def test_a_directory_made_read_only_while_running_does_not_disturb_an_open_session(
    spool: Path, program: Run
) -> None:
    program(
        """
        session = pt.start(agent="a", user_goal="g", spool_dir=SPOOL).__enter__()
        session.user_message("before")
        os.chmod(SPOOL, 0o500)
        session.user_message("after")
        session.end()
        """
    )
    assert [e["payload"].get("content") for e in events_of(spool)] == [None, "before", "after", None]


def test_recording_goes_on_as_soon_as_the_directory_can_be_written_again(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.write_text("a file is in the way")
    with a_session(spool) as session:
        session.user_message("lost")
        spool.unlink()
        session.user_message("kept")
    events = events_of(spool)
    assert [event["payload"].get("content") for event in events] == ["kept", None]
    assert events[-1]["metadata"]["lost_events"] == 2
    assert pt.stats()["dropped"] == {"unwritable": 2}


def test_a_directory_deleted_while_running_is_made_again_and_says_whose_session_it_is(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptetheus.spool._CHECK_INTERVAL_S", 0.0)
    with a_session(spool) as session:
        session.user_message("gone")
        shutil.rmtree(spool)
        session.user_message("kept")
    events = events_of(spool)
    contents = [event["payload"].get("content") for event in events]
    assert "kept" in contents
    assert "gone" not in contents
    assert any(event["payload"].get("name") == "session_started" for event in events)
    assert "spool_bytes" not in events[-1]["metadata"]["summary"]


def test_a_file_deleted_just_before_the_end_leaves_a_session_that_ended_and_is_told(spool: Path) -> None:
    """Writers look only once a second whether their file is still there; the end looks again."""
    with a_session(spool) as session:
        session.user_message("gone")
        shutil.rmtree(spool)
        session.user_message("gone, too")
    assert [event["type"] for event in events_of(spool)] == ["state_change", "session_end"]
    stats = pt.stats()
    assert stats["failed"] == {"deleted": 1}
    assert "was deleted or cut during its session" in stats["why"]["failed.deleted"]


def test_the_spool_stays_where_it_was_when_the_agent_changes_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    session = pt.start(agent="a", user_goal="g")
    monkeypatch.chdir(tmp_path / "b")
    with session:
        session.user_message("x")
    assert len(events_of(tmp_path / "a" / ".promptetheus" / "spool")) == 3
    assert not list((tmp_path / "b").iterdir())


def test_a_working_directory_that_is_gone_does_not_stop_the_agent(tmp_path: Path, program: Run) -> None:
    done = program(
        """
        os.mkdir("gone"); os.chdir("gone"); os.rmdir("../gone")
        with pt.start(agent="a", user_goal="g") as session:
            session.user_message("x")
        with pt.start(agent="a", user_goal="g", spool_dir=SPOOL) as session:
            session.user_message("x")
        """
    )
    assert "Traceback" not in done.stderr
    assert len(sessions_of(tmp_path / "spool")) == 1


def test_something_else_under_the_name_of_the_file_is_not_written_to(spool: Path) -> None:
    spool.mkdir()
    os.mkfifo(spool / "pipe.jsonl")
    (spool / "link.jsonl").symlink_to(spool.parent / "elsewhere")
    (spool / "folder.jsonl").mkdir()
    for name in ("pipe", "link", "folder"):
        with a_session(spool, session_id=name):
            pass
    assert pt.stats()["dropped"] == {"unwritable": 6}
    assert not (spool.parent / "elsewhere").exists()


def test_descriptors_that_the_host_closed_are_not_written_to(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon closes all of them at its start; the number may be another file a moment later."""
    monkeypatch.setattr("promptetheus.spool._CHECK_INTERVAL_S", 0.0)
    file = SpoolFile(spool, "s")
    assert file.append(b'{"n":1}\n')
    assert file._fd is not None
    number = file._fd
    os.close(number)
    theirs = os.open(spool.parent / "theirs", os.O_WRONLY | os.O_CREAT)
    assert theirs == number
    assert file.append(b'{"n":2}\n')
    file.close()
    os.close(theirs)
    assert (spool.parent / "theirs").read_bytes() == b""
    assert file.path.read_bytes() == b'{"n":1}\n{"n":2}\n'


def test_a_closed_descriptor_costs_one_event_at_most(spool: Path) -> None:
    file = SpoolFile(spool, "s")
    assert file.append(b'{"n":1}\n')
    assert file._fd is not None
    os.close(file._fd)
    assert not file.append(b'{"n":2}\n')
    assert file.append(b'{"n":3}\n')
    file.close()
    assert file.path.read_bytes() == b'{"n":1}\n{"n":3}\n'


def test_a_file_limit_of_the_host_is_not_exhausted(spool: Path, program: Run) -> None:
    program(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
        sessions = [pt.start(agent="a", user_goal="g", spool_dir=SPOOL, session_id=f"s{n}") for n in range(300)]
        for session in sessions:
            session.user_message("x")
        os.close(os.open("/dev/null", os.O_RDONLY))
        for session in sessions:
            session.end()
        assert pt.stats()["dropped"] == {}, pt.stats()
        """
    )
    assert {len(events) for events in sessions_of(spool).values()} == {3}
