"""How busy a session was: from small files whole, from large ones at a few places, and from odd ones nothing."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from promptetheus.clock import format_timestamp
from promptetheus.queries.activity import READ_WHOLE_BYTES, activity

START = 1_790_000_000.0


def write(
    path: Path, seconds: list[float], *, trouble: frozenset[int] = frozenset(), padding: int = 0
) -> Path:
    """Events at these seconds; those of `trouble` are errors."""
    with path.open("wb") as file:
        for number, second in enumerate(seconds):
            event = {
                "payload": {"text": "x" * padding},
                "seq": number,
                "timestamp": format_timestamp(START + second),
                "type": "error" if number in trouble else "tool_call",
            }
            file.write(orjson.dumps(event) + b"\n")
    return path


def test_what_happened_together_makes_a_peak(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", [0.0, *[50.0] * 9, 100.0])
    found = activity(path, 4)
    assert found is not None
    assert found.levels == pytest.approx((1 / 9, 0.0, 1.0, 1 / 9))


def test_trouble_is_marked_where_it_happened(tmp_path: Path) -> None:
    found = activity(write(tmp_path / "s.jsonl", [0.0, 25.0, 50.0, 100.0], trouble=frozenset({1})), 4)
    assert found is not None and found.trouble == (False, True, False, False)


@pytest.mark.parametrize("seconds", [[], [0.0], [5.0, 5.0, 5.0]])
def test_without_a_length_of_time_there_is_nothing_to_tell(tmp_path: Path, seconds: list[float]) -> None:
    assert activity(write(tmp_path / "s.jsonl", seconds), 8) is None


def test_a_large_file_is_looked_at_in_a_few_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Ninety seconds of a line each, then ten in which nine tenths of everything is written.
    seconds = [*map(float, range(90)), *(90 + number / 90 for number in range(900))]
    path = write(tmp_path / "s.jsonl", seconds, padding=2_000)
    assert path.stat().st_size > 10 * READ_WHOLE_BYTES
    read = 0
    pread = os.pread

    def counted(fd: int, length: int, offset: int) -> bytes:
        nonlocal read
        data = pread(fd, length, offset)
        read += len(data)
        return data

    monkeypatch.setattr(os, "pread", counted)
    found = activity(path, 10)
    assert found is not None
    assert found.levels.index(1.0) == 9
    assert read <= READ_WHOLE_BYTES


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 5_000,
        b'{"timestamp":"not a time"}\n' * 9,
        b'{"timestamp":"\xff\xfe2026-01-01T00:00:00Z"}\n' * 2,
        b'"timestamp":"9999-99-99T99:99:99Z"' * 3,
    ],
)
def test_what_is_no_session_gives_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(content)
    assert activity(path, 8) is None


def test_what_is_no_file_gives_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert activity(tmp_path / "pipe.jsonl", 8) is None
    assert activity(tmp_path / "missing.jsonl", 8) is None
    assert activity(tmp_path, 8) is None
