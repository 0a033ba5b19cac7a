"""Videos: their frames where ffmpeg is installed, and what a hostile file can make of it, which is nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from promptetheus.artifacts import store_artifact
from promptetheus.pictures import PictureError
from promptetheus.tui.pictures import video_frames as module
from promptetheus.tui.pictures.stored_picture import frames, holds_frames, read_frame
from promptetheus.tui.pictures.video_frames import video_frames
from tests.tui.session_recording import on_session, png
from tests.tui.test_film import a_recorded_run


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program named ffmpeg that a test writes; the only one there is."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return programs / "ffmpeg"


def write(fake: Path, body: str) -> None:
    fake.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
    fake.chmod(0o755)


def test_ffmpeg_gets_the_bytes_through_a_pipe_and_may_open_nothing_else(fake: Path, tmp_path: Path) -> None:
    write(fake, f"open({str(tmp_path / 'told')!r}, 'w').write(repr((sys.argv[1:], sys.stdin.buffer.read())))")
    with pytest.raises(PictureError, match="no picture in it"):
        video_frames(b"bytes of a video")
    words, data = eval((tmp_path / "told").read_text())
    assert data == b"bytes of a video"
    for option, wanted in (("-protocol_whitelist", "pipe"), ("-i", "pipe:0"), ("-f", "matroska")):
        assert words[words.index(option) + 1] == wanted
    assert words.index("-f") < words.index("-i"), "the format is given, not guessed"


def test_frames_come_one_a_second_and_one_that_is_cut_off_is_left_out(fake: Path, spool: Path) -> None:
    pictures = [png(size=(40 + number, 30)) for number in range(3)]
    write(fake, f"sys.stdout.buffer.write({b''.join(pictures)[:-5]!r})")
    kept = store_artifact(spool, b"\x1aE\xdf\xa3 video", "webm")
    assert holds_frames(kept.storage_path)
    found = frames(spool, kept.storage_path)
    assert [(frame.member, frame.at_ms) for frame in found] == [
        ("second-000.png", 0.0),
        ("second-001.png", 1000.0),
    ]
    assert read_frame(spool, kept.storage_path, "second-001.png") == pictures[1]
    with pytest.raises(PictureError, match="no such frame"):
        read_frame(spool, kept.storage_path, "second-002.png")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("sys.exit(1)", "no picture in it"),
        ("sys.stdout.buffer.write(b'x' * 1000)", "no picture in it"),
        (r"sys.stdout.buffer.write(b'\x89PNG\r\n\x1a\n' + b'\xff' * 40)", "no picture in it"),
        ("import time; time.sleep(600)", "took longer than"),
    ],
)
def test_what_goes_wrong_is_said(fake: Path, monkeypatch: pytest.MonkeyPatch, body: str, reason: str) -> None:
    write(fake, body)
    monkeypatch.setattr(module, "TIME_LIMIT_S", 2.0 if "sleep" in body else 20.0)
    with pytest.raises(PictureError, match=reason):
        video_frames(b"video")


def test_without_ffmpeg_a_video_has_no_frames(fake: Path) -> None:
    assert not holds_frames("artifacts/ab/x.webm")
    with pytest.raises(PictureError, match="not installed"):
        video_frames(b"video")


def test_a_program_of_the_directory_one_is_in_is_never_run(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(fake, "sys.exit(0)")
    monkeypatch.chdir(fake.parent)
    monkeypatch.setenv("PATH", ".")
    assert not holds_frames("artifacts/ab/x.webm")


needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@needs_ffmpeg
async def test_the_frames_of_a_real_video_are_listed_and_shown(spool: Path, tmp_path: Path) -> None:
    video = tmp_path / "run.webm"
    words = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc=duration=3:size=160x120:rate=5",
        str(video),
    ]
    subprocess.run(words, check=True, timeout=120, stdin=subprocess.DEVNULL)
    async with on_session(a_recorded_run(spool, video.read_bytes(), "webm").path) as session:
        await session.press("j")
        assert "frames  3, enter shows one" in session.page
        assert "    2      1.00  second-001.png" in session.page
        await session.press("tab")
        place = next(n for n, line in enumerate(session.inspector.lines) if line.title == "frame 2")
        session.inspector.select(place)
        await session.shown.press("enter")
        await session.until_text("160×120")


@needs_ffmpeg
@pytest.mark.parametrize(
    "data",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b"\x1aE\xdf\xa3" + bytes(500),
        b"",
    ],
)
def test_a_file_that_is_no_video_shows_nothing_of_the_machine(data: bytes) -> None:
    with pytest.raises(PictureError, match="no picture in it"):
        video_frames(data)
