"""What was said, on one line and without the marks of Markdown: a row shows text, the inspector shows its layout."""

from __future__ import annotations

import re

from promptetheus.cause.steps import Step, StepKind
from promptetheus.tui.kind_words import kind_word

_FENCE = re.compile(r"(?:⏎\s*)*(?:```|~~~)[\w+-]*(?=⏎|$)\s*")
_LINE_START = re.compile(r"(^|⏎)\s*(?:#{1,6} +|> +)")
_STRONG = re.compile(r"(\*\*|(?<!\w)__(?=\S))(.{1,300}?\S|\S)(?:\1)")
_CODE = re.compile(r"(?<!`)`([^`⏎]{1,300})`(?!`)")
_BREAKS = re.compile(r"⏎(?:\s*⏎)+")


def step_text(step: Step, description: str) -> str:
    """What a row of the terminal says about a step, beside the name of its kind."""
    if step.kind in (StepKind.USER, StepKind.AGENT):
        return plain_prose(description)
    if step.kind is StepKind.ACTION:
        # The action stands in the kind column already.
        return description.removeprefix(f"{kind_word(step)} ")
    return description


def plain_prose(line: str) -> str:
    """Markdown on one line, its line ends shown as `⏎`, without headings, fences, emphasis and empty lines.

    What is no emphasis stays: `2 ** 3`, `__init__`, a mark without its second one.
    """
    if not any(mark in line for mark in "`*_#>~⏎"):
        return line
    line = _LINE_START.sub(r"\1", _FENCE.sub("", line))
    line = _CODE.sub(r"\1", _STRONG.sub(_inner, line))
    return _BREAKS.sub("⏎", line).strip("⏎ ")


def _inner(found: re.Match[str]) -> str:
    inner = found[2]
    is_emphasis = inner == inner.strip() and (found[1] == "**" or " " in inner)
    return inner if is_emphasis else found[0]
