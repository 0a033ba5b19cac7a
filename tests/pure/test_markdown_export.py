"""A step as Markdown: what has lines is shown in lines."""

from __future__ import annotations

from typing import Any

from promptetheus.cause.steps import build_steps
from promptetheus.exporters.markdown_export import step_markdown


def markdown_of(kind: str, payload: dict[str, Any]) -> str:
    event = {"type": kind, "payload": payload, "timestamp": "2026-11-01T10:00:00Z", "seq": 0}
    (step,) = build_steps([event])
    return step_markdown(step, [event], "what happened")


def test_a_traceback_keeps_its_lines() -> None:
    trace = 'Traceback (most recent call last):\n  File "a.py", line 3, in b\nValueError: no'
    text = markdown_of("error", {"message": "no", "traceback": trace})
    assert f"`traceback`:\n```\n{trace}\n```" in text
    assert '"message": "no"' in text and "\\n" not in text


def test_a_text_with_a_fence_of_its_own_does_not_end_ours() -> None:
    text = markdown_of("error", {"traceback": "one\n```\n# not a heading"})
    assert "````\none\n```\n# not a heading\n````" in text


def test_names_of_fields_cannot_write_markdown() -> None:
    text = markdown_of("error", {"a`b\n# c": "one\ntwo", "message": "m"})
    assert "\n# c" not in text
