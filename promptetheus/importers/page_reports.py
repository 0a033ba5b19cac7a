"""What a browsing agent says it did and saw, taken apart: `I clicked 'More'. Here is a screenshot of [title](url). …`

Magentic-One's web surfer and the text browser of AutoGen write such reports as messages. Told as an action and the
page after it, they look like those of any other agent that uses a browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from promptetheus.importers.draft import Draft

_REPORT = re.compile(
    r"I (?P<did>typed|clicked|scrolled|hovered)\b(?P<words>.{0,2000}?)\n\s*Here is a screenshot of "
    r"\[(?P<title>[^\n]{0,1000}?)\]\((?P<url>[^\s)]{1,4000})\)",
    re.DOTALL,
)
_TYPED = re.compile(r" '(?P<value>.*)' into (?P<target>.*)", re.DOTALL)
_TEXT_BROWSER = re.compile(r"Address: (?P<url>\S{1,4000})\nTitle: ")
_ACTIONS = {"typed": "type", "clicked": "click", "scrolled": "scroll", "hovered": "hover"}


def page_report(content: str, key: str, metadata: dict[str, Any]) -> Iterator[Draft]:
    """The action and the page that a message tells of; nothing when it is an ordinary message."""
    report = _REPORT.match(content)
    if report is not None:
        words = report["words"].strip().removesuffix(".")
        payload = {"action": _ACTIONS[report["did"]], "target": words.strip("'"), "url": report["url"]}
        typed = _TYPED.fullmatch(report["words"].rstrip().removesuffix("."))
        if report["did"] == "typed" and typed is not None:
            payload |= {"target": typed["target"].strip("'"), "value": typed["value"]}
        yield Draft("browser_action", payload, f"{key}.action", metadata=metadata)
        page = {"url": report["url"], "visible_text": content[report.end() :].lstrip(". \n")}
        yield Draft("dom_snapshot", page, key, metadata=metadata)
        return
    page_text = _TEXT_BROWSER.match(content)
    if page_text is not None:
        page = {"url": page_text["url"], "visible_text": content}
        yield Draft("dom_snapshot", page, key, metadata=metadata)
