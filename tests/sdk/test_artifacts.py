"""Screenshots and recordings are kept beside the session; values too large for a line, too."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

import promptetheus as pt
from promptetheus import artifacts
from promptetheus.artifacts import read_artifact, store_artifact
from promptetheus.spool import LINE_LIMIT_BYTES
from promptetheus.transport import InMemoryTransport
from tests.sdk.spooled import a_session, events_of, lines_of, payloads

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 10
DIGEST = hashlib.sha256(PNG).hexdigest()
IDENTITY = {"artifact_id": DIGEST, "storage_path": f"artifacts/{DIGEST[:2]}/{DIGEST}.png"}


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_the_bytes_of_a_screenshot_are_kept(kind: type, spool: Path) -> None:
    with a_session(spool) as session:
        session.screenshot(kind(PNG), {"step": 1})
    assert payloads(spool, "screenshot") == [{"size_bytes": len(PNG), "source_type": "bytes", **IDENTITY}]
    assert (spool / IDENTITY["storage_path"]).read_bytes() == PNG


@pytest.mark.parametrize("kind", [str, Path])
def test_the_file_of_a_screenshot_is_copied(kind: type, spool: Path, tmp_path: Path) -> None:
    source = tmp_path / "shot.png"
    source.write_bytes(PNG)
    with a_session(spool) as session:
        session.screenshot(kind(source))
    source.unlink()
    assert payloads(spool, "screenshot") == [{"size_bytes": len(PNG), **IDENTITY}]
    assert read_artifact(spool, IDENTITY["storage_path"]) == PNG


@pytest.mark.parametrize("source", ["missing.png", "", ".", "a\x00b", None, 5, ["x"]])
def test_a_screenshot_that_cannot_be_read_is_named(source: object, spool: Path) -> None:
    with a_session(spool) as session:
        session.screenshot(source)
    expected = source if isinstance(source, str) else repr(source)
    assert payloads(spool, "screenshot") == [{"source": expected}]


def test_a_pipe_named_as_a_screenshot_does_not_block_the_agent(spool: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with a_session(spool) as session:
        session.screenshot(tmp_path / "pipe.png")
        session.screenshot("/dev/zero")
    assert [list(payload) for payload in payloads(spool, "screenshot")] == [["source"], ["source"]]


def test_a_file_larger_than_an_artifact_may_be_is_named_and_not_copied(
    spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "MAX_ARTIFACT_BYTES", 100)
    source = tmp_path / "long.webm"
    source.write_bytes(bytes(101))
    with a_session(spool) as session:
        session.replay_artifact(source)
    assert payloads(spool, "replay_artifact") == [
        {"artifact_type": "screen_recording", "event_time_map": {}, "source": str(source)}
    ]


@pytest.mark.parametrize(
    ("head", "extension"),
    [
        (b"\x1aE\xdf\xa3webm", "webm"), (b"\x00\x00\x00\x20ftypisom", "mp4"), (b"RIFF\x00\x00\x00\x00WAVE", "wav"),
        (b"OggS", "ogg"), (b"ID3\x03", "mp3"), (b"??", "mov"),
    ],
)  # fmt: skip
def test_a_recording_is_kept_with_the_extension_of_what_it_is(
    head: bytes, extension: str, spool: Path, tmp_path: Path
) -> None:
    source = tmp_path / "run.mov"
    source.write_bytes(head + bytes(100))
    with a_session(spool) as session:
        session.replay_artifact(str(source), "audio_recording", {"3": 1200})
    (payload,) = payloads(spool, "replay_artifact")
    assert payload["storage_path"].endswith(f".{extension}")
    assert (payload["artifact_type"], payload["event_time_map"]) == ("audio_recording", {"3": 1200})
    assert payload["size_bytes"] == len(head) + 100


def test_equal_pictures_are_kept_once(spool: Path) -> None:
    with a_session(spool) as session:
        session.screenshot(PNG)
        session.screenshot(PNG)
    files = [path for path in (spool / "artifacts").rglob("*") if path.is_file()]
    assert [path.name for path in files] == [f"{DIGEST}.png"]


def test_a_disk_that_takes_no_artifact_leaves_the_event(spool: Path) -> None:
    spool.mkdir()
    (spool / "artifacts").write_text("in the way")
    with a_session(spool) as session:
        session.screenshot(PNG)
    assert payloads(spool, "screenshot") == [{"size_bytes": len(PNG), "source_type": "bytes"}]
    assert pt.stats()["dropped"] == {"artifact": 1}


def test_a_transport_gets_the_upload_and_names_the_artifact(spool: Path) -> None:
    transport = InMemoryTransport()
    with a_session(spool, transport=transport, session_id="s") as session:
        payload = session.screenshot(PNG)["payload"]
    assert payload["storage_path"] == "artifacts/memory/s/artifact_2/artifact.png"
    assert not spool.exists()


def test_a_transport_without_upload_leaves_the_size(spool: Path) -> None:
    class Plain:
        def send_event(self, event: dict[str, object]) -> None: ...

    with a_session(spool, transport=Plain()) as session:
        assert session.screenshot(PNG)["payload"] == {"size_bytes": len(PNG), "source_type": "bytes"}


@pytest.mark.parametrize(
    "path", ["../outside.png", "artifacts/../../outside.png", "/etc/hostname", "artifacts/ab\x00"]
)
def test_reading_an_artifact_stays_inside_the_artifacts(path: str, spool: Path) -> None:
    store_artifact(spool, PNG, "png")
    (spool.parent / "outside.png").write_bytes(b"secret")
    with pytest.raises((ValueError, OSError)):
        read_artifact(spool, path)


def test_a_link_out_of_the_artifacts_is_not_followed(spool: Path) -> None:
    store_artifact(spool, PNG, "png")
    (spool / "artifacts" / "link").symlink_to("/etc/hostname")
    with pytest.raises(ValueError, match="outside"):
        read_artifact(spool, "artifacts/link")


# ── values too large for a line ──────────────────────────────────────────────────────────────────────────────


def test_the_largest_value_of_a_long_event_moves_to_an_artifact(spool: Path) -> None:
    page = "words on a page " * 100_000
    with a_session(spool) as session:
        session.dom_snapshot("http://x", page, {"day": "Tue"})
    (payload,) = payloads(spool, "dom_snapshot")
    assert max(len(line) for line in lines_of(spool)) < 10_000
    assert (payload["url"], payload["selected_values"]) == ("http://x", {"day": "Tue"})
    moved = payload["visible_text"]
    assert moved["truncated"] is True
    assert moved["size_bytes"] == len(page)
    assert page.startswith(moved["preview"][:-1].rstrip())
    assert read_artifact(spool, moved["storage_path"]).decode() == page


def test_a_large_structure_moves_to_an_artifact_as_json(spool: Path) -> None:
    rows = [{"id": number, "text": "x" * 50} for number in range(20_000)]
    with a_session(spool) as session:
        session.tool_result("c1", rows)
        session.user_message("after")
    (payload,) = payloads(spool, "tool_result")
    assert payload["call_id"] == "c1"
    assert json.loads(read_artifact(spool, payload["result"]["storage_path"])) == rows
    assert pt.stats()["truncated"] == {"line": 1}


def test_only_as_many_values_move_as_must(spool: Path) -> None:
    with a_session(spool) as session:
        session.state_change("page", before="b" * 900_000, after="a" * 800_000)
    (payload,) = [p for p in payloads(spool, "state_change") if p["name"] == "page"]
    assert payload["after"] == "a" * 800_000
    assert payload["before"]["size_bytes"] == 900_000


def test_an_event_of_thousands_of_middling_values_fits_a_line_too(spool: Path) -> None:
    with a_session(spool) as session:
        session.event("state_change", {f"key {number}": "v" * 1_000 for number in range(3_000)})
        session.user_message("x", {f"m{number}": "v" * 1_000 for number in range(3_000)})
    for line in lines_of(spool):
        assert len(line) < LINE_LIMIT_BYTES
    moved = events_of(spool)[1]["payload"]
    assert len(json.loads(read_artifact(spool, moved["storage_path"]))) == 3_000


def test_a_large_value_that_cannot_be_kept_leaves_its_preview(spool: Path) -> None:
    spool.mkdir()
    (spool / "artifacts").write_text("in the way")
    with a_session(spool) as session:
        session.user_message("word " * 400_000)
    (payload,) = payloads(spool, "user_message")
    assert payload["content"]["size_bytes"] == 2_000_000
    assert payload["content"]["preview"].startswith("word word")
    assert "storage_path" not in payload["content"]
