"""The table of what the adapters were shown to do, made from reports of test runs.

pytest tests/adapters --feature-report report.json
python -m tests.adapters.feature_table report.json --write docs/adapters/README.md
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

COLUMNS = (
    "async", "streaming", "stream left early", "tools", "parallel tools", "structured output", "retries", "failure",
    "spans", "many threads", "many tasks", "two sessions", "content by reference", "detach",
)  # fmt: skip
"""Features that most frameworks have; the others are named in the last column."""

BEGIN, END = "<!-- feature table -->", "<!-- end of feature table -->"


def table(reports: list[dict[str, Any]]) -> str:
    """The table as Markdown: a row a framework with its version, a column a feature."""
    versions: dict[str, str] = {}
    shown: dict[str, dict[str, bool]] = {}
    for report in reports:
        versions.update(report["versions"])
        for framework, feature, passed in report["shown"]:
            found = shown.setdefault(framework, {})
            found[feature] = passed and found.get(feature, True)
    lines = [_row("framework", "version", *COLUMNS, "also"), _row(*["---"] * (len(COLUMNS) + 3))]
    for framework in sorted(shown, key=str.lower):
        found = shown[framework]
        also = ", ".join(_named(name, found[name]) for name in sorted(found) if name not in COLUMNS)
        lines.append(
            _row(framework, versions[framework], *(_mark(found.get(name)) for name in COLUMNS), also)
        )
    return "\n".join(lines)


def with_table(page: str, made: str) -> str:
    """The page with the table between its two marks. Raises ValueError when they are not there."""
    head, tail = page.index(BEGIN) + len(BEGIN), page.index(END)
    return f"{page[:head]}\n{made}\n{page[tail:]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", nargs="+", type=Path)
    do = parser.add_mutually_exclusive_group(required=True)
    do.add_argument("--write", type=Path, metavar="PAGE", help="put the table into the page")
    do.add_argument("--check", type=Path, metavar="PAGE", help="exit with 1 when the page has another table")
    given = parser.parse_args()
    made = table([json.loads(path.read_text()) for path in given.reports])
    page: Path = given.write or given.check
    before = page.read_text()
    after = with_table(before, made)
    if given.write:
        page.write_text(after)
    elif before != after:
        print(f"{page} does not have the table of this run:\n{made}")
        return 1
    return 0


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _mark(passed: bool | None) -> str:
    return "" if passed is None else "✓" if passed else "✗"


def _named(name: str, passed: bool) -> str:
    return name if passed else f"{name} ✗"


if __name__ == "__main__":
    sys.exit(main())
