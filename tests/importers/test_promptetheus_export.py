from __future__ import annotations

import json
from pathlib import Path

import pytest

import promptetheus as pt
from promptetheus.exporters.session_document import session_document
from promptetheus.importers.intake import import_paths
from promptetheus.importers.recording import Outcome
from promptetheus.importers.report import FileReport
from promptetheus.notes import NoteKind, Notes, Subject
from promptetheus.spool import session_file_name
from tests.builders import a_failing_booking, a_passing_booking, a_session
from tests.importers.foreign_runs import write_json


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "export.json"


def bring(spool: Path, path: Path) -> FileReport:
    (report,) = import_paths([path], spool)
    assert not [found for found in spool.iterdir() if found.name.startswith(".")]
    return report


def test_an_export_comes_back_as_the_same_session(spool: Path, file: Path) -> None:
    session = a_failing_booking()
    events = session.events
    document = {"session_id": "failing", "events": events, "summary": {"count": len(events)}}
    report = bring(spool, write_json(file, document))
    assert report.outcomes() == {Outcome.IMPORTED: 1}
    path = spool / "failing.jsonl"
    assert path.read_bytes() == session.lines()
    assert path.stat().st_mode & 0o777 == 0o600


def test_notes_come_along_once_and_only_those_about_the_sessions_of_the_file(
    spool: Path, file: Path, tmp_path: Path
) -> None:
    session = a_failing_booking()
    written = Notes(tmp_path / "elsewhere" / "spool")
    words = written.add(Subject("failing", 3), "the slot was \x1b[2J wrong")
    mark = written.add(Subject("failing"), kind=NoteKind.MARK)
    written.add(Subject("another"), "about what is not in the file")
    document = session_document("failing", session.events, written.all())
    document["notes"] += ["no note", {"id": 5}, {"id": "x", "kind": "note", "time": float("inf")}]
    report = bring(spool, write_json(file, document))
    assert Notes(spool).all() == (words, mark)
    assert report.adopted_notes == 2 and report.skipped.counts == {"note that is not valid": 3}
    assert (spool / "failing.jsonl").read_bytes() == session.lines()
    assert bring(spool, file).adopted_notes == 0
    Notes(spool).remove(mark.note_id)
    assert Notes(spool).all() == (words,)


def test_an_export_without_notes_says_nothing_of_them() -> None:
    assert set(session_document("x", [])) == {"session_id", "events", "summary"}


def test_a_list_of_events_and_lines_of_a_spool_are_read_alike(spool: Path, tmp_path: Path) -> None:
    session = a_passing_booking()
    assert bring(spool, write_json(tmp_path / "list.json", session.events)).events == len(session.events)
    other = a_failing_booking().write(tmp_path / "elsewhere")
    assert bring(spool, other).outcomes() == {Outcome.IMPORTED: 1}
    assert (spool / "failing.jsonl").read_bytes() == other.read_bytes()


def test_the_events_of_several_sessions_in_one_file_are_sorted_out(spool: Path, file: Path) -> None:
    events = [
        e
        for pair in zip(a_session("a").asks("x").events, a_session("b").asks("y").events, strict=True)
        for e in pair
    ]
    many = [event for number in range(100) for event in a_session(f"n{number}").asks("z").events]
    report = bring(spool, write_json(file, events + many + many))
    assert report.outcomes() == {Outcome.IMPORTED: 102}
    assert report.skipped.counts == {"repeated event": 200}
    assert {len(path.read_bytes().splitlines()) for path in spool.glob("*.jsonl")} == {2}


def test_importing_again_adds_nothing(spool: Path, file: Path) -> None:
    write_json(file, a_passing_booking().events)
    bring(spool, file)
    before = (spool / "passing.jsonl").read_bytes()
    assert bring(spool, file).outcomes() == {Outcome.ALREADY_THERE: 1}
    assert (spool / "passing.jsonl").read_bytes() == before


def test_a_spool_file_imported_into_its_own_spool_adds_nothing(spool: Path) -> None:
    path = a_passing_booking().write(spool)
    before = path.read_bytes()
    assert bring(spool, path).outcomes() == {Outcome.ALREADY_THERE: 1}
    assert path.read_bytes() == before


def test_events_the_spool_does_not_have_are_appended(spool: Path, file: Path) -> None:
    a_session("s").asks("x").write(spool)
    report = bring(spool, write_json(file, a_session("s").asks("x").says("y").ends().events))
    assert report.outcomes() == {Outcome.APPENDED: 1}
    assert report.events == 2
    kinds = [json.loads(line)["type"] for line in (spool / "s.jsonl").read_bytes().splitlines()]
    assert kinds == ["state_change", "user_message", "agent_message", "session_end"]


def test_what_is_no_event_is_skipped_and_counted(spool: Path, file: Path) -> None:
    good = a_session("s").asks("x").events
    bad = [None, 5, {"type": "user_message"}, {**good[1], "seq": -1}, {**good[1], "type": "dance"}]
    report = bring(spool, write_json(file, [*good, *bad]))
    assert report.events == 2
    assert sum(report.skipped.counts.values()) == len(bad)
    assert report.skipped.counts["value that is no event"] == 2


def test_garbage_between_lines_is_skipped_and_counted(spool: Path, tmp_path: Path) -> None:
    path = a_session("s").asks("x").write(tmp_path / "old")
    path.write_bytes(b"garbage\n" + path.read_bytes() + b'{"torn')
    report = bring(spool, path)
    assert report.events == 2
    assert report.skipped.counts == {"line that is not JSON": 2}


def test_an_export_without_events_has_nothing_to_import(spool: Path, file: Path) -> None:
    report = bring(spool, write_json(file, {"session_id": "x", "events": [], "summary": {}}))
    assert (report.format, report.sessions, report.problem) == ("promptetheus", [], "")


def test_screenshots_come_along_from_another_spool(spool: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with pt.start(agent="a", user_goal="g", session_id="shots", spool_dir=str(other)) as session:
        session.screenshot(b"\x89PNG\r\n\x1a\n picture")
    report = bring(spool, other / session_file_name("shots"))
    assert report.skipped.counts == {}
    event = json.loads((spool / "shots.jsonl").read_bytes().splitlines()[1])
    assert (spool / event["payload"]["storage_path"]).read_bytes() == b"\x89PNG\r\n\x1a\n picture"


@pytest.mark.parametrize(
    "named", ["/etc/passwd", "../secret", "artifacts/../../secret", "artifacts/aa/gone.png"]
)
def test_an_artifact_that_is_not_beside_the_file_is_counted_not_fetched(
    spool: Path, tmp_path: Path, named: str
) -> None:
    (tmp_path / "secret").write_text("x")
    path = a_session("s").event("screenshot", {"storage_path": named}).write(tmp_path / "in")
    report = bring(spool, path)
    assert report.events == 2
    assert [found.name for found in spool.iterdir()] == ["s.jsonl"]


def test_a_torn_export_gives_what_stood_before_the_tear(spool: Path, file: Path) -> None:
    text = json.dumps({"session_id": "s", "events": a_session("s").asks("x").says("y").events})
    file.write_text(text[: text.rindex('{"content"')])
    report = bring(spool, file)
    assert report.events == 2
    assert "stops being JSON" in report.problem
