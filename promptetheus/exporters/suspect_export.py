"""What tells failing from passing sessions, as data and as Markdown: what `promptetheus suspects` and the terminal
write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from promptetheus.cause.suspects import Suspect, SuspectReport
from promptetheus.display import printable_line
from promptetheus.exporters.markdown_export import inline_code


def suspects_text(
    form: Literal["json", "md"],
    report: SuspectReport,
    by: str,
    failing: Sequence[str],
    passing: Sequence[str],
) -> str:
    """A report as the text of a file; see `suspects_document`."""
    if form == "json":
        document = suspects_document(report, by, failing, passing)
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    parts = [f"# Suspects: {printable_line(by, 200)}" if by else "# Suspects", report.verdict]
    return "\n\n".join([*parts, *map(suspect_markdown, report.suspects)]) + "\n"


def suspects_document(
    report: SuspectReport, by: str, failing: Sequence[str], passing: Sequence[str]
) -> dict[str, Any]:
    """A report as `promptetheus suspects --json` prints it.

    Args:
        by: What the groups were made by; "" where a person named them.
        failing: Ids of the failing sessions, the newest first; as many were read as the report says.
        passing: The same of the passing ones.
    """
    return {
        "by": by or None,
        "verdict": report.verdict,
        "failing": list(failing[: report.failing]),
        "passing": list(passing[: report.passing]),
        "looked_at": report.looked_at,
        "more_sessions": report.more_sessions,
        "suspects": [
            {
                "kind": suspect.kind.value,
                "text": suspect.text,
                **suspect.counts._asdict(),
                "ochiai": round(suspect.score, 4),
                "effect": round(suspect.effect, 4),
                "p": suspect.p,
                "q": suspect.q,
                "verdict": suspect.verdict,
                "alike": list(suspect.alike),
            }
            for suspect in report.suspects
        ],
    }


def suspect_markdown(suspect: Suspect) -> str:
    """One of them: what it is, the counts on both sides, and how much they say."""
    counts = suspect.counts
    found = (
        f"- **{suspect.kind.value}** {inline_code(suspect.text)}: in {counts.failing_with} of {counts.failing}"
        f" failing, {counts.passing_with} of {counts.passing} passing ({100 * suspect.effect:+.0f} points);"
        f" p {suspect.p:.3g}, corrected {suspect.q:.3g}; {suspect.verdict}"
    )
    alike = ", ".join(map(inline_code, suspect.alike))
    return f"{found}\n  - in the same sessions: {alike}" if alike else found
