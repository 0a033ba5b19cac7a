from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.notes import MAX_TEXT, NoteKind, Notes, Subject, parse_notes
from promptetheus.queries.tasks import all_rows
from tests.builders import a_passing_booking

FAILURE = Subject(fingerprint="8ae0f41220d0")
STEP = Subject(session_id="s1", step=4)


def test_notes_stand_beside_the_spool_and_are_no_session(spool: Path) -> None:
    a_passing_booking().write(spool)
    notes = Notes(spool)
    notes.add(FAILURE, "time zone again")
    notes.add(STEP, kind=NoteKind.BOOKMARK)
    assert notes.path == spool.parent / "notes.ndjson"
    assert [row.session_id for row in all_rows(spool)] == ["passing"]
    elsewhere = spool.parent / "runs"
    a_passing_booking().write(elsewhere)
    Notes(elsewhere).add(FAILURE, "inside")
    assert (elsewhere / "notes.ndjson").is_file()
    assert [row.session_id for row in all_rows(elsewhere)] == ["passing"]


def test_a_note_is_found_by_what_it_is_about(spool: Path) -> None:
    notes = Notes(spool)
    one = notes.add(FAILURE, "first")
    mark = notes.add(STEP, kind=NoteKind.BOOKMARK)
    assert notes.about(FAILURE) == (one,)
    assert notes.about(STEP) == (mark,)
    assert notes.about(Subject(session_id="s1")) == ()


def test_a_note_can_be_put_in_other_words_and_taken_away(spool: Path) -> None:
    notes = Notes(spool)
    first, second = notes.add(FAILURE, "first"), notes.add(FAILURE, "second")
    notes.edit(first, "better")
    assert [note.text for note in Notes(spool).about(FAILURE)] == ["better", "second"]
    assert notes.remove(second.note_id)
    assert not notes.remove(second.note_id)
    assert [note.text for note in notes.all()] == ["better"]


def test_a_note_needs_words_and_a_subject(spool: Path) -> None:
    with pytest.raises(ValueError, match="words"):
        Notes(spool).add(FAILURE, "  ")
    with pytest.raises(ValueError, match="about"):
        Notes(spool).add(Subject(), "x")
    assert not Notes(spool).path.exists()


def test_what_is_shown_holds_nothing_that_a_terminal_obeys(spool: Path) -> None:
    note = Notes(spool).add(FAILURE, "red \x1b[31m\u202e" + "x" * MAX_TEXT)
    assert note.shown.startswith("red ␛[31m\\u202e")
    assert len(note.text) == MAX_TEXT


def test_a_torn_line_costs_that_line_only(spool: Path) -> None:
    notes = Notes(spool)
    notes.add(FAILURE, "whole")
    with notes.path.open("ab") as file:
        file.write(b'{"id":"torn","kind":"no')
    notes.add(FAILURE, "after")
    assert [note.text for note in notes.all()] == ["whole", "after"]


@given(
    st.lists(
        st.binary(max_size=60)
        | st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8)).map(
            lambda fields: json.dumps(fields).encode()
        )
    )
)
def test_what_is_no_note_is_passed_over(lines: list[bytes]) -> None:
    good = json.dumps({"id": "a", "kind": "note", "time": 1, "fingerprint": "f", "text": "t"}).encode()
    assert [note.note_id for note in parse_notes([*lines, good])][-1] == "a"


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "poem"},
        {"time": "yesterday"},
        {"text": 3},
        {"session": ["s"]},
        {"id": 3},
    ],
)
def test_a_note_of_another_shape_is_passed_over(fields: dict[str, object]) -> None:
    good = {"id": "a", "kind": "note", "time": 1, "fingerprint": "f", "text": "t"}
    assert parse_notes([json.dumps({**good, **fields}).encode()]) == []


def test_many_processes_write_whole_lines(spool: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from promptetheus.notes import *\n"
        "for n in range(50): Notes(Path(sys.argv[1])).add(Subject('s'), f'{sys.argv[2]} {n} ' + 'x' * 2000)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(spool), str(n)]) for n in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0, 0]
    texts = {note.text.partition(" x")[0] for note in Notes(spool).all()}
    assert texts == {f"{writer} {n}" for writer in range(4) for n in range(50)}


def test_a_directory_in_the_place_of_the_notes_is_an_error_to_write_and_none_to_read(spool: Path) -> None:
    notes = Notes(spool)
    notes.path.mkdir(parents=True)
    assert notes.all() == ()
    with pytest.raises(OSError):
        notes.add(FAILURE, "x")
