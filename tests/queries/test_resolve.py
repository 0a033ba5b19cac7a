from __future__ import annotations

from pathlib import Path

import pytest

from promptetheus.queries.resolve import AmbiguousSession, SessionNotFound, resolve
from tests.builders import a_session


@pytest.fixture
def recorded(spool: Path) -> Path:
    for name in ("01M8AAA1", "01M8AAB2", "01m8aac3", "run 7/8", "01M8"):
        a_session(name).write(spool)
    return spool


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("01M8AAA1", "01M8AAA1.jsonl"),
        ("01M8AAB", "01M8AAB2.jsonl"),
        ("01m8aab", "01M8AAB2.jsonl"),
        ("01M8AAC3", "01m8aac3.jsonl"),
        ("01M8", "01M8.jsonl"),
        ("01m8", "01M8.jsonl"),
        ("01M8AAA1.jsonl", "01M8AAA1.jsonl"),
        ("01M8…AB2", "01M8AAB2.jsonl"),
    ],
)
def test_an_id_or_its_beginning_names_a_session(recorded: Path, target: str, name: str) -> None:
    assert resolve(recorded, target) == recorded / name


def test_an_id_that_is_no_file_name_is_found(recorded: Path) -> None:
    assert resolve(recorded, "run 7/8").name.startswith("run_7_8~")


def test_a_beginning_of_several_names_them_all(recorded: Path) -> None:
    with pytest.raises(AmbiguousSession) as raised:
        resolve(recorded, "01M8AA")
    assert raised.value.candidates == ("01M8AAA1", "01M8AAB2", "01m8aac3")
    assert "01M8AAA1" in str(raised.value)


@pytest.mark.parametrize("target", ["nope", "", "../spool", "a\0b", "x" * 5000, "*", "01M8AAA1x"])
def test_what_names_nothing_is_not_found(recorded: Path, target: str) -> None:
    with pytest.raises(SessionNotFound) as raised:
        resolve(recorded, target)
    assert raised.value.target == target
    assert str(raised.value) == f"Could not find a session or file for '{target}'."


def test_a_missing_spool_has_no_sessions(spool: Path) -> None:
    with pytest.raises(SessionNotFound):
        resolve(spool, "a")


def test_an_existing_file_comes_before_an_id(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "01M8AAA1").write_bytes(b"")
    assert resolve(recorded, "01M8AAA1") == tmp_path / "01M8AAA1"


def test_a_link_that_a_person_names_is_followed_and_one_in_the_spool_is_not(
    recorded: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.jsonl"
    outside.write_bytes(b"")
    (recorded / "link.jsonl").symlink_to(outside)
    assert resolve(recorded, str(recorded / "link.jsonl")) == outside
    with pytest.raises(SessionNotFound):
        resolve(recorded, "link")
