from __future__ import annotations

import io
import json
from typing import Any

import pytest

from promptetheus.importers.detect import HEAD_BYTES, Format, detect
from tests.builders import a_session
from tests.importers.foreign_runs import ClaudeLines, tau2_file, tau2_message, tau_record

CLAUDE = b"".join(json.dumps(record).encode() + b"\n" for record in ClaudeLines().asks("a").says("b").records)
OURS = a_session().asks("hi").ends()
EXPORT: dict[str, Any] = {"session_id": "s1", "events": OURS.events, "summary": {"count": 3}}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([tau_record()], Format.TAU_BENCH),
        ([None, 3, tau_record()], Format.TAU_BENCH),
        (tau2_file(tau2_message("user", "x")), Format.TAU2_BENCH),
        ({"simulations": [], "tasks": []}, Format.TAU2_BENCH),
        ({"history": [], "question_ID": "q", "mistake_step": "1"}, Format.WHO_AND_WHEN),
        ([{"question_ID": "q", "history": [{"role": "human"}], "mistake_step": 1}], Format.WHO_AND_WHEN),
        (EXPORT, Format.PROMPTETHEUS),
        ({"session_id": "x", "events": [], "summary": {}}, Format.PROMPTETHEUS),
        (OURS.events, Format.PROMPTETHEUS),
        ({"loglines": [{"type": "user"}]}, Format.CLAUDE_CODE),
        ({"events": [{"span_id": "a"}], "results": []}, None),
        ({"a": 1}, None),
        ([1, 2], None),
    ],
)
def test_documents_are_told_by_their_keys(document: Any, expected: Format | None, indent: int | None) -> None:
    found = detect(io.BytesIO(json.dumps(document, indent=indent).encode()))
    assert found.format is expected
    assert found.is_json


@pytest.mark.parametrize(
    ("data", "expected"), [(CLAUDE, Format.CLAUDE_CODE), (OURS.lines(), Format.PROMPTETHEUS)]
)
@pytest.mark.parametrize("before", [b"", b"\n\n", b"garbage\n{torn\n42\n", b"\xef\xbb\xbf"])
def test_lines_are_told_by_their_fields_wherever_they_begin(
    data: bytes, expected: Format, before: bytes
) -> None:
    assert detect(io.BytesIO(before + data)).format is expected


def test_a_first_line_longer_than_the_head_is_told_by_its_keys() -> None:
    (record,) = ClaudeLines().asks("x" * (2 * HEAD_BYTES)).records
    data = json.dumps(record).encode() + b"\n" + CLAUDE
    assert detect(io.BytesIO(data)).format is Format.CLAUDE_CODE


@pytest.mark.parametrize(
    ("data", "why", "is_json"),
    [
        (b"", "is empty", False),
        (b" \n", "is empty", False),
        (b"# Notes", "is not JSON", False),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not JSON", False),
        (b'{"type": "user", "text": "codex"}\n', "is JSON, but of no format that can be imported", True),
        (b'{"display": "hi", "project": "/x", "sessionId": "s"}\n', "prompt history", True),
    ],
)
def test_what_is_none_of_them_says_why(data: bytes, why: str, is_json: bool) -> None:
    found = detect(io.BytesIO(data))
    assert found.format is None
    assert why in found.reason
    assert found.is_json is is_json


def test_a_megabyte_of_brackets_is_looked_at_quickly() -> None:
    assert detect(io.BytesIO(b"[" * 1_000_000)).format is None


def test_the_file_stands_at_its_beginning_afterwards() -> None:
    for data in (CLAUDE, json.dumps(EXPORT).encode(), b"nothing", b"[1]"):
        file = io.BytesIO(data)
        detect(file)
        assert file.tell() == 0
