"""A comparison as one HTML file that stands alone: no script, nothing from outside, every text escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from promptetheus.cause.comparison import RowKind
from promptetheus.cause.diff_report import Cell, DiffReport, SessionSide, Side, effects_in
from promptetheus.cause.picture_changes import Box, PictureChange
from promptetheus.cause.row_details import PicturePair, RowDetails
from promptetheus.cause.value_changes import ABSENT, ValueChange
from promptetheus.cause.word_changes import WORTH_MARKING, WordChanges, Words
from promptetheus.display import plain_value
from promptetheus.exporters.diff_style import STYLE
from promptetheus.exporters.html_text import html_page
from promptetheus.exporters.html_text import html_text as _text
from promptetheus.fingerprint import marked_label

MAX_ROWS = 5_000
"""Rows that differ, and as many equal ones, that are written out; the file says how many it left out."""

MAX_PICTURES = 24
"""Pairs of pictures that are embedded, about 100 kB each."""

_MAX_EQUAL_SHOWN = 200
"""Equal rows of one stretch that can be folded open."""

_FOLDED_FROM = 4
_MAX_VALUE = 2_000


class Shots(NamedTuple):
    """A pair of screenshots to embed."""

    left: bytes | None
    """As PNG; None where there is none to show."""
    right: bytes | None
    size: tuple[int, int]
    """Of the right original in pixels, or of the left one: what the region is measured in."""
    change: PictureChange


def diff_html(report: DiffReport, shots: Callable[[PicturePair], Shots] | None = None) -> str:
    """The page. `shots` reads and compares a pair of screenshots; without it none are shown."""
    names = [_text(side.session_id, 60) for side in (report.left, report.right)]
    body = [
        "<h1>promptetheus diff</h1>",
        f'<div class="sides">{_side(report.left, "baseline")}{_side(report.right, "candidate")}</div>',
        _verdict(report),
        *_numbers(report),
        *_steps(report, shots),
        *_rules(report),
        "<footer>Written by <code>promptetheus diff --html</code>. Texts are as the agents recorded them.</footer>",
    ]
    return html_page(f"{names[0]} ↔ {names[1]}", STYLE, body)


def _side(side: SessionSide, role: str) -> str:
    mood = "bad" if side.is_failing else "good" if side.glyph == "✓" else "quiet"
    label = f'<div class="quiet">{_text(marked_label(side.label), 300)}</div>' if side.label else ""
    return (
        f'<div class="side"><span class="status {mood}">{_text(side.glyph, 4)} {_text(side.status, 40)}</span> '
        f'<code>{_text(side.session_id, 200)}</code> <span class="quiet">{role}</span>'
        f"<div>{_text(side.agent or 'unnamed agent', 200)} · {_text(side.goal, 600)}</div>{label}</div>"
    )


def _verdict(report: DiffReport) -> str:
    banner = report.banner
    lines = []
    if banner.not_comparable:
        lines.append(f"<p><strong>Not comparable:</strong> {_text(banner.not_comparable)}</p>")
    else:
        first = _linked(report, banner.first, banner.first_row)
        effective = _linked(report, banner.effective, banner.effective_row)
        lines.append(f"<p><strong>First divergence:</strong> {first}</p>")
        lines.append(f"<p><strong>Effective divergence:</strong> {effective}</p>")
    reasons = [each.reason for each in report.claimed.candidates[:5]]
    if reasons:
        lines.append(f"<ul>{''.join(f'<li>{_text(reason, 400)}</li>' for reason in reasons)}</ul>")
    if report.chosen:
        lines.append(f'<p class="quiet">Compared with {_text(report.chosen, 300)}.</p>')
    if banner.coarse:
        lines.append(f'<p class="quiet">Coarse: {_text(banner.coarse)}.</p>')
    ignored = ", ".join(banner.ignored) or "nothing"
    count = f"{len(report.differences)} of {len(report.rows)} rows differ; ignored: {_text(ignored)}."
    lines.append(f'<p class="quiet">{count}</p>')
    return f'<div class="verdict">{"".join(lines)}</div>'


def _linked(report: DiffReport, text: str, row: int | None) -> str:
    return _text(text) if row is None else f'<a href="#row-{row}">{_text(text)}</a>'


def _numbers(report: DiffReport) -> Iterator[str]:
    if not report.metrics:
        return
    yield '<h2>Numbers</h2><table class="numbers">'
    for metric in report.metrics:
        cells = "".join(
            f'<td class="n">{_text(each, 60)}</td>'
            for each in (metric.left_text, metric.right_text, metric.delta_text)
        )
        kind = "" if metric.differs else ' class="same"'
        yield f"<tr{kind}><td>{_text(metric.name, 100)}</td>{cells}</tr>"
    yield "</table>"


def _steps(report: DiffReport, shots: Callable[[PicturePair], Shots] | None) -> Iterator[str]:
    yield '<h2>Steps</h2><div class="rows">'
    heads = "".join(f"<div><code>{_text(s.session_id, 60)}</code></div>" for s in (report.left, report.right))
    yield f'<div class="heads"><div></div>{heads}</div>'
    room = _Room(MAX_PICTURES)
    equal: list[int] = []
    shown = 0
    for number, row in enumerate(report.rows):
        if row.kind is RowKind.EQUAL:
            equal.append(number)
            continue
        yield from _stretch(report, equal)
        equal = []
        shown += 1
        if shown > MAX_ROWS:
            break
        yield _row(report, number, shots, room)
    yield from _stretch(report, equal)
    if shown > MAX_ROWS:
        rest = len(report.differences) - MAX_ROWS
        yield f'<p class="quiet">{rest} more rows differ; <code>promptetheus diff --json --steps</code> has them.</p>'
    yield "</div>"


class _Room:
    """How many pictures may still be embedded."""

    def __init__(self, pictures: int) -> None:
        self.pictures = pictures

    def take(self) -> bool:
        self.pictures -= 1
        return self.pictures >= 0


def _stretch(report: DiffReport, equal: list[int]) -> Iterator[str]:
    if len(equal) < _FOLDED_FROM:
        for number in equal:
            yield _equal(report, number)
        return
    yield f"<details><summary>{len(equal)} equal steps</summary>"
    for number in equal[:_MAX_EQUAL_SHOWN]:
        yield _equal(report, number)
    if len(equal) > _MAX_EQUAL_SHOWN:
        yield f'<p class="quiet">and {len(equal) - _MAX_EQUAL_SHOWN} more</p>'
    yield "</details>"


def _equal(report: DiffReport, number: int) -> str:
    cells = "".join(_cell(report.cell(number, side)) for side in Side)
    return f'<div class="row equal" id="row-{number}"><div></div>{cells}</div>'


_MARKS = {
    RowKind.CHANGED: "~",
    RowKind.MISSING_LEFT: "+",
    RowKind.MISSING_RIGHT: "−",
    RowKind.MOVED: "↕",
}


def _row(report: DiffReport, number: int, shots: Callable[[PicturePair], Shots] | None, room: _Room) -> str:
    row, details = report.rows[number], report.details(number)
    left, right = (report.cell(number, side) for side in Side)
    if details.words is not None and details.words.share_equal >= WORTH_MARKING:
        cells = _cell(left, _marked(details.words, Words.LEFT)) + _cell(
            right, _marked(details.words, Words.RIGHT)
        )
    else:
        cells = _cell(left) + _cell(right)
    moved = report.moved_to(number)
    told = [] if moved is None else [f"<p>It is step {moved} of the other session.</p>"]
    told += _details(details, shots, room)
    more = f'<div class="more">{"".join(told)}</div>' if told else ""
    after = report.next_difference(number)
    link = "" if after is None else f'<a class="next" href="#row-{after}" title="next difference">↓</a>'
    first = " first" if number == report.banner.first_row else ""
    word = _text(row.change.value, 20)
    return (
        f'<div class="row differs{first}" id="row-{number}"><div class="mark" title="{word}">'
        f"{_MARKS[row.kind]}{link}</div>{cells}{more}</div>"
    )


def _cell(cell: Cell | None, content: str | None = None) -> str:
    if cell is None:
        return '<div class="cell gap">·</div>'
    text = _text(cell.text, 500) if content is None else content
    mood = ' class="bad"' if cell.ok is False else ""
    return (
        f'<div class="cell"><span class="no">{cell.number}</span><span class="kind">{_text(cell.kind.value, 20)}'
        f"</span><span{mood}>{text}</span></div>"
    )


def _marked(words: WordChanges, side: Words) -> str:
    tag = "del" if side is Words.LEFT else "ins"
    stretches = words.left if side is Words.LEFT else words.right
    return "".join(
        _text(stretch.text, 20_000)
        if stretch.where is Words.BOTH
        else f"<{tag}>{_text(stretch.text, 20_000)}</{tag}>"
        for stretch in stretches
    )


def _details(details: RowDetails, shots: Callable[[PicturePair], Shots] | None, room: _Room) -> Iterator[str]:
    texts = {id(text.change): text.words for text in details.texts}
    values = [*_values("", details.arguments, texts), *_values("result", details.result, texts)]
    values += [
        f'<tr><td class="path">{_text(name, 40)}</td><td>{_text(left, 60)}</td><td>{_text(right, 60)}</td></tr>'
        for name, left, right in details.numbers
    ]
    if values:
        yield f"<table>{''.join(values)}</table>"
    if details.page:
        yield f"<ul>{''.join(f'<li>{_text(sentence, 600)}</li>' for sentence in details.page)}</ul>"
    for pair in details.pictures:
        if not pair.is_same and shots is not None:
            yield _shots(shots(pair)) if room.take() else '<p class="quiet">More pictures were left out.</p>'


def _values(what: str, changes: Iterable[ValueChange], texts: Mapping[int, WordChanges]) -> Iterator[str]:
    for change in changes:
        words = texts.get(id(change))
        if words is not None and words.share_equal >= WORTH_MARKING:
            before, after = _marked(words, Words.LEFT), _marked(words, Words.RIGHT)
        else:
            before, after = _value(change.before, "del"), _value(change.after, "ins")
        path = _text(change.path_in(what) or "value", 200)
        yield f'<tr><td class="path">{path}</td><td>{before}</td><td>{after}</td></tr>'


def _value(value: Any, tag: str) -> str:
    if value is ABSENT:
        return '<span class="gap">not there</span>'
    return f"<{tag}>{_text(plain_value(value, _MAX_VALUE))}</{tag}>"


def _shots(shots: Shots) -> str:
    region = shots.change.region
    figures = "".join(_shot(data, region, shots.size) for data in (shots.left, shots.right))
    return f'<div class="quiet">{_text(shots.change.describe(), 200)}</div><div class="shots">{figures}</div>'


def _shot(data: bytes | None, region: Box | None, size: tuple[int, int]) -> str:
    if data is None:
        return '<div class="empty">no picture</div>'
    box = ""
    if region is not None and min(size) > 0:
        x, y, right, bottom = region
        box = (
            f'<span class="box" style="left:{100 * x / size[0]:.2f}%;top:{100 * y / size[1]:.2f}%;'
            f'width:{100 * (right - x) / size[0]:.2f}%;height:{100 * (bottom - y) / size[1]:.2f}%"></span>'
        )
    source = b64encode(data).decode()
    return f'<figure class="shot"><img alt="screenshot" src="data:image/png;base64,{source}">{box}</figure>'


def _rules(report: DiffReport) -> Iterator[str]:
    yield '<h2>What was ignored</h2><table class="rules">'
    for rule, on in report.noise.switches:
        state = "ignored" if on else '<span class="quiet">compared</span>'
        yield f"<tr><td>{state}</td><td>{_text(rule.name, 80)}</td><td>{_text(rule.meaning, 300)}</td></tr>"
    yield "</table>"
    guesses = sorted(effects_in(report).items(), key=lambda item: (not item[1].writes, item[0]))
    if guesses:
        yield '<h2>What changes the world</h2><table class="rules">'
        for tool, known in guesses:
            cells = (known.effect.value, tool, f"{known.confidence:.0%}", known.reason)
            yield f"<tr>{''.join(f'<td>{_text(cell, 300)}</td>' for cell in cells)}</tr>"
        yield "</table>"
