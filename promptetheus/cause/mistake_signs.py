"""What makes a move of an agent suspect when there is no other run to hold it against.

Each sign is told by the session alone: an error, an answer without content, figures that nothing before them shows,
words that replace looking by assuming. The word lists are English; a session in another language has the other signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from promptetheus.cause.alignment import likeness
from promptetheus.cause.effects import Effects, name_effect
from promptetheus.cause.moves import Move, moves_of
from promptetheus.cause.plain_form import plain
from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import StepKind

MAX_MOVES = 5_000
"""Moves that are looked at; in a longer session the later ones are not."""

MAX_TEXT = 8_000
"""Characters of one text that are looked at."""

NEW_FIGURES, NEW_NAMES = 2, 4
"""So many figures, or names, that nothing before shows make a message unfounded."""

RETRIES = 10
"""Later calls of the same tool among which the repair of a failed one is looked for."""

ALIKE = 0.6
"""How alike (see `alignment.likeness`) a later call must be to pass for the repair of a failed one."""

SURE = 0.7
"""Confidence from which on the guess whether a tool reads or writes counts."""


class Sign(StrEnum):
    """Why a move is suspect, or how much is to be expected of its kind."""

    CHANGE = "it changes something"
    EMPTY_ANSWER = "it got an answer without content"
    FAILED = "it failed"
    PAST_FAILURE = "it goes on, without a new try, after a call that brought nothing"
    SUBSTITUTE = "it assumes or makes up what could be looked up"
    UNFOUNDED = "it tells figures or names that nothing before it shows"
    GAVE_UP = "it says that something cannot be done or found"
    IN_VAIN = "nothing was different after it"
    REPEATED = "it was made before with the same answer"
    CLAIM = "it calls something done or verified without looking"
    MENDED = "it failed, and a later call like it did not"
    CALL = "it is a call"
    LOOK = "it only looks"
    WORDS = "it is only words"


_SILENT_VERBS = frozenset({"think", "plan", "reason", "reflect", "wait", "sleep"})
"""Reading tools that are not expected to answer anything."""

_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.:])\d[\d,]*(?:\.\d+)?(?![\w:]|\.\d)")
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W\d_]{3,}")
_NAME = re.compile(r"(?<![.!?:\n*#>-] )(?<![\n*#])\b[A-Z][a-z]{2,}")
_SUBSTITUTE = re.compile(
    r"\b(?:place-?holders?|mock(?:ed|ing)?|dummy|simulat(?:e|es|ed|ing)|hypothetical(?:ly)?|made[- ]up"
    r"|assum(?:e|es|ed|ing|ption|ptions)|for (?:demonstration|illustration)|from memory|manual(?:ly)?"
    r"|(?:sample|example|fake|synthetic) (?:data|values?)|your[_ -](?:api[_ -]?)?(?:key|token)|path[_/]to[_/]"
    r"|approximat(?:e|ely|ion)|estimat(?:e|ed))\b",
    re.IGNORECASE,
)
_CLAIM = re.compile(
    r"\b(?:verified|confirmed|accurate|correct(?:ly)?|success(?:ful|fully)?|completed?|conclu(?:de|sion)"
    r"|final answer|therefore|the answer is)\b",
    re.IGNORECASE,
)
_GAVE_UP = re.compile(
    r"\b(?:cannot|can't|could not|couldn't|unable|not (?:able|possible|available|found)|does(?: not|n't) exist"
    r"|no (?:information|results?|data))\b",
    re.IGNORECASE,
)
_NO_CONTENT = re.compile(
    r"\W*(?:none|null|nan|undefined|no results?(?: found)?|not found|nothing)?\W*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class SignedMove:
    """A move with its signs, those of its kind among them."""

    move: Move
    signs: tuple[Sign, ...]


@dataclass(slots=True)
class _Known:
    """What had been said, asked for or answered so far."""

    words: set[str] = field(default_factory=set)
    figures: set[str] = field(default_factory=set)

    def learn(self, text: str) -> None:
        self.words.update(word.lower() for word in _WORD.findall(text))
        self.figures.update(_figure(number) for number in _DIGITS.findall(text))

    def news_in(self, text: str) -> bool:
        """Whether a text tells more figures or names than could be chance and nothing before it did."""
        figures = {_figure(number) for number in _NUMBER.findall(text) if sum(map(str.isdigit, number)) >= 3}
        names = {name.lower() for name in _NAME.findall(text)}
        return len(figures - self.figures) >= NEW_FIGURES or len(names - self.words) >= NEW_NAMES


def _figure(number: str) -> str:
    return number.replace(",", "")


def signed_moves(run: Run, goal: str, effects: Effects) -> list[SignedMove]:
    """The moves of a run, at most `MAX_MOVES`, each with its signs. `goal` is what the agent was asked to do."""
    known = _Known()
    known.learn(goal[:MAX_TEXT])
    moves: list[Move] = []
    for move in moves_of(run):
        if len(moves) >= MAX_MOVES:
            break
        moves.append(move)
    brought_nothing = [_brought_nothing(run, move, effects) for move in moves]
    mended = _mended(run, moves, brought_nothing)
    found = []
    seen: set[str] = set()
    page = ""
    learned = 0
    for number, move in enumerate(moves):
        for place in range(learned, move.place):
            known.learn(_told(run, place))
        learned = max(learned, move.place)
        signs = _signs(run, move, known, effects, number > 0 and brought_nothing[number - 1])
        if number in mended:
            signs = [Sign.MENDED if sign is Sign.FAILED else sign for sign in signs]
        if move.call is not None:
            again = f"{run.signatures[move.call].key}\0{plain(run.result(move.call))[:2_000]}"
            if again in seen and run.steps[move.call].kind is StepKind.TOOL:
                signs.append(Sign.REPEATED)
            seen.add(again)
            after = _page_of(run, move.call)
            if run.steps[move.call].kind is StepKind.ACTION and after and after == page:
                signs.append(Sign.IN_VAIN)
            page = after or page
        found.append(SignedMove(move, tuple(sorted(signs, key=_ORDER.__getitem__))))
    return found


_ORDER = {sign: place for place, sign in enumerate(Sign)}


def _signs(run: Run, move: Move, known: _Known, effects: Effects, after_nothing: bool) -> list[Sign]:
    words = "" if move.words is None else _CODE.sub(" ", _message(run, move.words))
    signs = [_kind(run, move, effects)]
    only_words = move.call is None
    if move.call is not None:
        step = run.steps[move.call]
        if step.ok is False:
            signs = [sign for sign in signs if sign is not Sign.CHANGE] or [Sign.CALL]
            signs.append(Sign.FAILED)
        elif answered_nothing(run, move.call, effects):
            signs.append(Sign.EMPTY_ANSWER)
    if after_nothing and only_words and len(words.strip()) >= _A_SENTENCE:
        signs.append(Sign.PAST_FAILURE)
    if _SUBSTITUTE.search(words) or _SUBSTITUTE.search(_code_of(run, move)):
        signs.append(Sign.SUBSTITUTE)
    if known.news_in(words):
        signs.append(Sign.UNFOUNDED)
    if _GAVE_UP.search(words):
        signs.append(Sign.GAVE_UP)
    if only_words and _CLAIM.search(words):
        signs.append(Sign.CLAIM)
    return signs


_A_SENTENCE = 20
"""A shorter message ("DONE", "TERMINATE") does nothing that could be wrong."""


def _kind(run: Run, move: Move, effects: Effects) -> Sign:
    if move.call is None:
        return Sign.WORDS
    known = effects.get(run.steps[move.call].name)
    if known is None or known.confidence < SURE:
        return Sign.CALL
    return Sign.CHANGE if known.writes else Sign.LOOK


def _brought_nothing(run: Run, move: Move, effects: Effects) -> bool:
    return move.call is not None and (
        run.steps[move.call].ok is False or answered_nothing(run, move.call, effects)
    )


def answered_nothing(run: Run, place: int, effects: Effects) -> bool:
    """Whether the step `place` is a call that is there for its answer and got one without content.

    A change needs no answer, and nor does a tool that only thinks or waits.
    """
    step = run.steps[place]
    if step.kind is not StepKind.TOOL or step.open or step.ok is False:
        return False
    if name_effect(step.name)[1] in _SILENT_VERBS:
        return False
    known = effects.get(step.name)
    if known is not None and known.writes and known.confidence >= SURE:
        return False
    return is_empty(run.result(place))


def is_empty(result: Any) -> bool:
    """Whether an answer has no content: null, "", [], {}, `No results`, or a label with nothing after it."""
    if isinstance(result, str):
        text = result[:200].strip()
        return _NO_CONTENT.fullmatch(text) is not None or (len(text) < 80 and text.endswith(":"))
    return result is None or result == [] or result == {}


def _mended(run: Run, moves: Sequence[Move], brought_nothing: Sequence[bool]) -> set[int]:
    """Numbers of the moves whose failed call was made again, much alike, and then answered."""
    later: dict[str, list[int]] = {}
    found = set()
    for number in range(len(moves) - 1, -1, -1):
        call = moves[number].call
        if call is None or run.steps[call].kind is not StepKind.TOOL:
            continue
        same = later.setdefault(run.steps[call].name, [])
        if run.steps[call].ok is False:
            if any(likeness(run.signatures[call], run.signatures[good]) >= ALIKE for good in same[-RETRIES:]):
                found.add(number)
        elif not brought_nothing[number]:
            same.append(call)
    return found


def _told(run: Run, place: int) -> str:
    """What a step lets the agent know: words, what was called and answered, the page."""
    step = run.steps[place]
    match step.kind:
        case StepKind.USER | StepKind.AGENT:
            return _message(run, place)
        case StepKind.TOOL:
            return f"{_flat(run.arguments[place])} {_flat(run.result(place))}"
        case StepKind.ACTION | StepKind.DOM:
            return f"{_flat(run.arguments[place])} {_page_of(run, place)}"
        case StepKind.RETRIEVAL | StepKind.STATE | StepKind.OTHER:
            return _flat(run.events[step.events[0]].get("payload"))
        case _:
            return ""


def _message(run: Run, place: int) -> str:
    content = run.arguments[place]
    return content[:MAX_TEXT] if isinstance(content, str) else _flat(content)


def _code_of(run: Run, move: Move) -> str:
    return "" if move.call is None else _flat(run.arguments[move.call])


def _page_of(run: Run, place: int) -> str:
    for number in reversed(run.steps[place].events):
        event = run.events[number]
        payload = event.get("payload")
        if event.get("type") == "dom_snapshot" and isinstance(payload, Mapping):
            return f"{payload.get('url')} {_flat(payload.get('visible_text'))}"
    return ""


def _flat(value: Any) -> str:
    """A value as text, at most `MAX_TEXT` characters of it."""
    if isinstance(value, str):
        return value[:MAX_TEXT]
    room, parts = MAX_TEXT, []
    for text in _leaves(value):
        parts.append(text[:room])
        room -= len(parts[-1]) + 1
        if room <= 0:
            break
    return " ".join(parts)


def _leaves(value: Any, depth: int = 12) -> Iterable[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _leaves(item, depth - 1) if depth else ()
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item, depth - 1) if depth else ()
    elif value is not None:
        yield str(value)
