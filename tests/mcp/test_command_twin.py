"""`promptetheus evidence` answers as the MCP server does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptetheus.cli import main

Output = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    "words",
    [
        ("situation",),
        ("find", "status:failed"),
        ("find", "--kind", "step", "Wednesday", "--limit", "2"),
        ("outline", "fail-0", "--budget", "1000"),
        ("step", "fail-0", "1", "2", "--part", "raw"),
        ("compare", "fail-0"),
        ("compare", "fail-0", "pass-1"),
        ("compare", "fail-0", "--group"),
        ("fingerprint", "fail-0"),
        ("query", "select count(*) from sessions"),
        ("verify", "fail-0", "--since", "2020-01-01"),
    ],
)
def test_every_tool_answers_as_text_and_as_json(words: tuple[str, ...], spool: Path, capsys: Output) -> None:
    assert main(["evidence", *words, "--spool", str(spool)]) == 0
    text = capsys.readouterr().out
    assert main(["evidence", *words, "--spool", str(spool), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tool"] == words[0]
    assert set(found) == {"tool", "facts", "evidence", "origin", "left_out", "cursor", "next"}
    if words[0] != "query":  # it says how long it took
        assert all(line in text for line in found["facts"])


def test_what_is_not_understood_is_said(spool: Path, capsys: Output) -> None:
    assert main(["evidence", "outline", "--spool", str(spool)]) == 2
    assert main(["evidence", "outline", "nope", "--spool", str(spool)]) == 1
    assert "There is no session 'nope'" in capsys.readouterr().err
    assert main(["evidence", "situation", "more", "--spool", str(spool)]) == 2
    assert main(["evidence", "step", "fail-0", "x", "--spool", str(spool)]) == 2
