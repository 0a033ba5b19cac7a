"""JSON as lines that fold: containers with their number of items, long texts with their size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from promptetheus.display import count, printable_line, size, value
from promptetheus.tui.inspector.embedded_json import embedded_json
from promptetheus.tui.inspector.page import Frame, Line, more_text
from promptetheus.tui.inspector.stored_value import StoredValue, stored_value
from promptetheus.tui.wrapping import wrap

INDENT = 2
MAX_KEY_CELLS = 40
MAX_LINES = 5_000
"""Lines of one value however much of it was unfolded; the full-screen view has its own."""

SIZED_FROM = 200
"""Characters from which on a text's size is worth saying."""

DEEPEST_INDENT = 20
"""Levels after which the indent grows no further, so that deep values stay readable."""


@dataclass(frozen=True, slots=True)
class _Portions:
    """How much is shown before anyone asked for more."""

    items: int
    text_lines: int
    outer_weight: int
    """A container directly inside the outermost one is unfolded by itself when it takes at most so many lines."""
    inner_weight: int
    """The same for those deeper inside."""


_INSPECTOR = _Portions(items=50, text_lines=8, outer_weight=40, inner_weight=12)
_FULL_SCREEN = _Portions(items=500, text_lines=400, outer_weight=400, inner_weight=200)


@dataclass(slots=True)
class JsonBlock:
    """One value under a label. The outermost container is unfolded."""

    label: str
    value: Any
    path: str = ""
    """Names the value among its page's folds; the label when empty."""
    note: str = ""
    """Said in grey behind the label."""
    folded: bool = False
    """Whether it is folded until somebody unfolds it."""

    def lines(self, frame: Frame) -> list[Line]:
        """Lay out what is unfolded."""
        found: list[Line] = []
        path = self.path or self.label
        for line in _Layout(frame, self.folded).node(self.label, self.value, path, self.label, 0, self.note):
            if len(found) >= MAX_LINES:
                found.append(Line(Text("… fold something to see the rest", frame.looks.muted)))
                break
            found.append(line)
        return found


class _Layout:
    """Walks a value for one frame."""

    def __init__(self, frame: Frame, folded: bool = False) -> None:
        self.frame = frame
        self.folded = folded
        self.looks = frame.looks
        self.folds = frame.folds
        self.portions = _FULL_SCREEN if frame.roomy else _INSPECTOR

    def node(self, key: str, thing: Any, path: str, title: str, depth: int, note: str = "") -> Iterator[Line]:
        """The lines of one value, its children's included where it is unfolded."""
        stored = stored_value(thing)
        if stored is not None:
            yield from self._stored(key, thing, stored, path, title, depth, note)
        elif isinstance(thing, str):
            yield from self._text(key, thing, path, title, depth, note)
        elif isinstance(thing, dict | list) and thing:
            yield from self._container(key, thing, path, title, depth, note)
        else:
            text = self._head(key, depth, None)
            text.append(value(thing, 400), self.looks.muted if thing is None else self.looks.text)
            self._add_note(text, note)
            yield self._line(text, value=thing, title=title)

    def _container(
        self, key: str, thing: dict[str, Any] | list[Any], path: str, title: str, depth: int, note: str
    ) -> Iterator[Line]:
        text = self._head(key, depth, False)
        room = self.frame.width - text.cell_len
        compact = value(thing, max(8, room + 1))
        fits = cell_len(compact) <= room
        is_open = self.folds.is_open(path, self._unfolds_itself(thing, depth, fits))
        items = f"{count(len(thing))} {'item' if len(thing) == 1 else 'items'}"
        if is_open:
            text = self._head(key, depth, True)
            # A top level of named fields, like arguments, speaks for itself.
            if isinstance(thing, list) or depth:
                text.append(items, self.looks.muted)
        elif not depth and self.folded:
            text.append(items, self.looks.muted)  # nobody asked for what is in it
        elif not fits:
            text.append(f"{items}  ", self.looks.muted)
            text.append(value(thing, max(8, self.frame.width - text.cell_len)), self.looks.muted)
        else:
            text.append(compact, self.looks.text)
        self._add_note(text, note)
        yield self._line(text, fold=path, is_open=is_open, value=thing, title=title)
        if is_open:
            yield from self._children(thing, path, title, depth + 1)

    def _children(
        self, thing: dict[str, Any] | list[Any], path: str, title: str, depth: int
    ) -> Iterator[Line]:
        shown = self.portions.items * self.folds.portions(path)
        pairs: Iterator[tuple[Any, Any]] = (
            iter(thing.items()) if isinstance(thing, dict) else enumerate(thing)
        )
        for position, (key, child) in enumerate(pairs):
            if position >= shown:
                rest = f"{count(len(thing) - shown)} more of {count(len(thing))}"
                text = more_text(rest, self.frame, indent=self._indent(depth))
                yield self._line(text, more=path, value=thing, title=title)
                return
            name = printable_line(str(key), 200)
            # Paths go by position: a key may be a megabyte long, or the same text as another after cleaning.
            inner = f"{title}[{position}]" if isinstance(thing, list) else f"{title}.{name[:80]}"
            yield from self.node(name, child, f"{path}/{position}", inner, depth)

    def _stored(
        self, key: str, thing: Any, stored: StoredValue, path: str, title: str, depth: int, note: str
    ) -> Iterator[Line]:
        text = self._head(key, depth, None)
        text.append(size(stored.size_bytes), self.looks.muted)
        self._add_note(text, " · ".join(part for part in (note, stored.note) if part))
        yield self._line(text, value=thing, title=title)
        indent = self._indent(depth + 1) + 2
        for piece in wrap(stored.preview, self.frame.width - indent, self.portions.text_lines).lines:
            line = Text(" " * indent)
            line.append(piece, self.looks.text)
            yield self._line(line, value=thing, title=title)

    def _text(self, key: str, thing: str, path: str, title: str, depth: int, note: str) -> Iterator[Line]:
        embedded = embedded_json(thing)
        if embedded is not None and embedded.value:
            whole_note = " · ".join(part for part in (note, embedded.note) if part)
            yield from self._container(key, embedded.value, path, title, depth, whole_note)
            return
        text = self._head(key, depth, None)
        room = self.frame.width - text.cell_len
        if len(thing) <= room and "\n" not in thing.rstrip("\n"):
            quoted = value(thing, 4 * room + 8)
            if cell_len(quoted) <= room:
                text.append(quoted, self.looks.text)
                self._add_note(text, note)
                yield self._line(text, value=thing, title=title)
                return
        yield from self._long_text(key, thing, path, title, depth, note)

    def _long_text(
        self, key: str, thing: str, path: str, title: str, depth: int, note: str
    ) -> Iterator[Line]:
        is_open = self.folds.is_open(path, True)
        text = self._head(key, depth, is_open)
        if len(thing) > SIZED_FROM or not is_open:
            text.append(_amount(len(thing)), self.looks.muted)
        if not is_open:
            text.append("  ")
            text.append(value(thing, max(8, self.frame.width - text.cell_len)), self.looks.text)
        self._add_note(text, note)
        yield self._line(text, fold=path, is_open=is_open, value=thing, title=title)
        if not is_open:
            return
        # Below a key as deep as the keys of a mapping would be, so that the text is no neighbour of its own key.
        indent = self._indent(depth + 1) + (INDENT if depth else 0)
        most = self.portions.text_lines * self.folds.portions(path)
        wrapped = wrap(thing, self.frame.width - indent, most)
        for piece in wrapped.lines:
            line = Text(" " * indent)
            line.append(piece, self.looks.text)
            yield self._line(line, value=thing, title=title)
        if wrapped.rest:
            rest = more_text(f"{_amount(wrapped.rest)} more", self.frame, indent=indent)
            yield self._line(rest, more=path, value=thing, title=title)

    def _head(self, key: str, depth: int, is_open: bool | None) -> Text:
        """Indent, fold mark and key: what every line begins with."""
        text = Text(" " * self._indent(depth))
        mark = {None: "  ", True: "▾ ", False: "▸ "}[is_open]
        text.append(mark, self.looks.muted)
        name = Text(printable_line(key, 200), self.looks.muted if depth else self.looks.strong)
        name.truncate(MAX_KEY_CELLS, overflow="ellipsis")
        text.append_text(name)
        text.append("  ")
        return text

    def _line(self, text: Text, **what: Any) -> Line:
        text.rstrip()
        text.truncate(self.frame.width, overflow="ellipsis")
        return Line(text, **what)

    def _add_note(self, text: Text, note: str) -> None:
        if note:
            text.append(f"  · {printable_line(note, 200)}", self.looks.muted)

    def _indent(self, depth: int) -> int:
        return min(INDENT * min(depth, DEEPEST_INDENT), self.frame.width // 2)

    def _unfolds_itself(self, thing: Any, depth: int, fits: bool) -> bool:
        return (not fits and self._is_light(thing, depth)) if depth else not self.folded

    def _is_light(self, thing: Any, depth: int) -> bool:
        most = self.portions.outer_weight if depth == 1 else self.portions.inner_weight
        return _weight(thing, most + 1) <= most


def _weight(thing: Any, most: int) -> int:
    """Lines that a value takes when all of it is unfolded; never counts beyond `most`."""
    found = 0
    waiting = [thing]
    while waiting and found < most:
        item = waiting.pop()
        found += 1
        if isinstance(item, dict):
            waiting.extend(list(item.values())[:most])
        elif isinstance(item, list):
            waiting.extend(item[:most])
        elif isinstance(item, str):
            found += min(most, len(item) // 60)
    return found


def _amount(characters: int) -> str:
    """`312 characters`, `3.1 kB`: of long texts the characters are counted, which costs nothing."""
    return f"{characters} characters" if characters < 1000 else size(characters)
