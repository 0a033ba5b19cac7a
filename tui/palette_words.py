"""What people call the actions of the program in their own words, and how well an action fits what they typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

ABBREVIATION_LETTERS = 8
"""Longer ones are no abbreviations."""

_BY_ACTION: Mapping[str, str] = {
    "app.help": "help shortcuts bindings keyboard manual how",
    "app.palette": "commands menu",
    "app.quit": "exit close leave end stop",
    "app.suspend": "suspend shell stop",
    "app.go_to": "open find command jump",
    "app.hand_to_agent": "claude codex ai fix debug prompt evidence",
    "app.search": "find grep look text payload everywhere full",
    "app.messages": "log warnings problems notifications errors history",
    "app.note": "comment annotate write",
    "app.bookmark": "star favourite favorite later remember",
    "app.saved_filters": "saved presets views searches queries settings",
    "app.last_view": "back previous toggle",
    "app.back": "history previous",
    "app.forward": "history next",
    "app.sql": "query database duckdb table",
    "app.delivery": "upload send sync api server queue",
    "app.failures": "errors groups clusters fingerprints problems",
    "app.diff": "compare difference",
    "app.sessions": "home start runs traces list",
    "app.session": "timeline trace steps events run",
    "sessions.scan": "refresh reload",
    "sessions.demo": "example sample tutorial",
    "sessions.columns": "settings table width hide show fields",
    "sessions.mark": "select choose",
    "sessions.group": "cluster by together",
    "sessions.order": "sort order arrange",
    "sessions.turn": "sort reverse ascending descending",
    "sessions.suspects": "why cause reason root blame",
    "sessions.page_before": "screenshot picture image browser",
    "session.play": "replay watch video animation",
    "session.film": "screenshots pictures images gallery filmstrip video",
    "session.flip": "screenshot picture image before after",
    "session.outside": "browser image screenshot viewer",
    "session.raw": "json events source",
    "session.shape": "tree waterfall spans gantt view layout",
    "session.inspector": "details pane panel hide show",
    "session.follow": "tail live end",
    "session.longest": "slow slowest latency duration call",
    "diff.noise": "ignore settings rules volatile",
    "diff.swap": "exchange flip sides",
    "delivery.purge": "remove clean prune delete disk",
    "delivery.replay": "upload resend sync",
    "delivery.check": "ping status health api",
    "take.editor": "edit vim open",
    "take.pager": "less more",
}
"""By the id of the action."""

_BY_VERB: Mapping[str, str] = {
    "copy": "clipboard yank id command",
    "export": "save write download share html markdown json svg csv file picture screenshot",
    "filter": "find search grep query narrow",
    "diff": "compare difference versus",
    "suspects": "why cause reason root blame",
    "open": "show view",
    "back": "close leave",
}
"""By the last part of the id, for actions that several views have."""

_BY_TITLE: Mapping[str, str] = {
    "Theme: ": "theme colour color colors colours dark light contrast blind accessibility settings appearance",
    "Pictures in ": "pictures screenshot screenshots images graphics kitty sixel settings",
    "Filter: ": "saved search",
    "Save the filter": "saved search keep",
    "Rename the saved": "search",
    "Forget the saved": "search delete remove",
    "Sessions of ": "agent runs filter other list",
    "Sort by ": "order sort arrange",
    "SQL: ": "query saved kept",
    "Ring the terminal's bell": "sound alert beep notification settings",
    "Notes and bookmarks": "comments annotations stars",
    "What coding agents read": "mcp claude codex",
}
"""By the beginning of the title, for what has no key."""


@lru_cache(maxsize=2048)
def other_words(action_id: str, title: str) -> str:
    """What else people may call it; empty where its name says it all."""
    by_title = next((words for start, words in _BY_TITLE.items() if title.startswith(start)), "")
    return " ".join((_BY_ACTION.get(action_id, ""), _BY_VERB.get(action_id.rpartition(".")[2], ""), by_title))


def fitness(typed: str, title: str, others: str) -> int:
    """How well an action fits what was typed, 0 for not at all.

    Each typed word has to be there: as a whole word of the title, the beginning of one, the beginning of another word
    for the same, or at last anywhere in the title. Where the title begins with what was typed, that counts besides.
    """
    folded, words = title.casefold(), _words(title)
    total = 0
    for word in typed.casefold().split():
        if word in words:
            score = 8
        elif any(each.startswith(word) for each in words):
            score = 6
        elif word in _words(others):
            score = 5
        elif any(each.startswith(word) for each in _words(others)):
            score = 4
        elif len(word) > 1 and word in folded:
            score = 1
        else:
            return 0
        total += 10 * score
    return total + (5 if folded.startswith(typed.casefold().strip()) else 0)


def is_abbreviation(typed: str, title: str) -> bool:
    """Whether each typed word is letters of one word of the title, from its first on (`fltr` of `filter`), or the
    beginnings of several (`nf` of `next failing`)."""
    folded = title.casefold()
    return all(_shortens(word, folded) for word in typed.casefold().split())


def _shortens(word: str, title: str) -> bool:
    if not word.isalnum() or not 1 < len(word) <= ABBREVIATION_LETTERS:
        return False
    inside = r"\b" + r"\w*?".join(word)
    beginnings = rf"\b{word[0]}" + "".join(rf"(?:.*?\b)?{letter}" for letter in word[1:])
    return re.search(f"{inside}|{beginnings}", title) is not None


@lru_cache(maxsize=2048)
def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.casefold()))
