"""The one gate between values nobody vouches for and a person's screen.

Everything in a spool was written by an agent, a web page or an attacker. What passes here can be printed: it
holds no control character, no bidirectional override, nothing invisible. What was taken out stays visible as
a mark. Used by the command line and the terminal app alike.
"""

from __future__ import annotations

from collections.abc import Iterable

_INVISIBLE: tuple[Iterable[int], ...] = (
    range(0x80, 0xA0),  # C1 controls
    (0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, 0xFEFF),  # invisible letters, marks
    range(0x180B, 0x1810),  # Mongolian variation selectors and vowel separator
    range(0x200B, 0x2010),  # zero width space … right-to-left mark
    range(0x2028, 0x202F),  # line and paragraph separator, bidirectional embedding and override
    range(0x2060, 0x2070),  # word joiner, invisible operators, bidirectional isolates
    range(0xFFF0, 0xFFFC),  # interlinear annotation
    range(0xE0000, 0xE0080),  # tag characters
    range(0xE0100, 0xE01F0),  # variation selectors supplement
    (0x10EEEE,),  # stands for a picture in terminals with kitty graphics
)
_TABLE: dict[int, str] = {code: f"\\u{code:04x}" for group in _INVISIBLE for code in group}
_TABLE.update({code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)})
_TABLE[0x7F] = "␡"
_TABLE.update(dict.fromkeys(range(0xD800, 0xE000), "\ufffd"))
_LINE_TABLE = {**_TABLE, 0x09: " ", 0x0A: "⏎"}
_UNSEEN_LETTERS = frozenset(chr(code) for code in _TABLE if chr(code).isprintable())
"""Characters of the table that Python counts as printable though nobody sees them (Hangul fillers and such)."""


def printable(text: str) -> str:
    """The text with every control, invisible or direction-changing character made a visible mark.

    Newlines and tabs stay; a carriage return before a newline is dropped. Lone surrogates become U+FFFD.
    """
    if _is_harmless(text):
        return text
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    return "\n".join(line if _is_harmless(line) else line.translate(_TABLE) for line in lines)


def printable_line(text: str, limit: int = 4096) -> str:
    """`text` as one printable line of at most `limit` characters, ending in `…` when it was cut.

    The cost is bounded by `limit`, not by the length of the text.
    """
    head = text[: limit + 1]
    if not _is_harmless(head):
        head = head.replace("\r\n", "\n").translate(_LINE_TABLE)
    if len(head) > limit or len(text) > limit + 1:
        return head[: max(0, limit - 1)] + "…"
    return head


def _is_harmless(text: str) -> bool:
    """Whether nothing in a line needs a mark. Two scans in C; the table costs ten times as much."""
    return text.isprintable() and (text.isascii() or _UNSEEN_LETTERS.isdisjoint(text))


def value(thing: object, limit: int = 120) -> str:
    """Any JSON value on one printable line of at most `limit` characters; strings in double quotes.

    The cost is bounded by `limit`: containers are walked only as far as they are shown.
    """
    return _cut("".join(_pieces(thing, limit)), limit)


def plain_value(thing: object, limit: int = 120) -> str:
    """Like `value`, but a string stands without quotes."""
    return printable_line(thing, limit) if isinstance(thing, str) else value(thing, limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def _pieces(thing: object, room: int) -> Iterable[str]:
    """The rendering in pieces, ended once more than `room` characters have been given out."""
    stack: list[object] = [thing]
    given = 0
    while stack and given <= room:
        item = stack.pop()
        piece: str
        if isinstance(item, _Literal):
            piece = item.text
        elif isinstance(item, dict):
            stack.append(_Literal("}"))
            stack.extend(_reversed_pairs(item, room))
            piece = "{"
        elif isinstance(item, list | tuple):
            stack.append(_Literal("]"))
            shown = list(item[: room // 2 + 1])
            for position in range(len(shown) - 1, -1, -1):
                stack.append(shown[position])
                if position:
                    stack.append(_Literal(", "))
            piece = "["
        elif isinstance(item, str):
            piece = '"' + printable_line(item, room + 2).replace('"', '\\"') + '"'
        elif item is None or isinstance(item, bool):
            piece = {None: "null", True: "true", False: "false"}[item]
        else:
            piece = printable_line(str(item), room + 2)
        given += len(piece)
        yield piece


class _Literal:
    """Punctuation on the work list of `_pieces`, told apart from strings of the value."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _reversed_pairs(mapping: dict[object, object], room: int) -> Iterable[object]:
    shown = []
    for key in mapping:
        shown.append(key)
        if len(shown) > room // 3:
            break
    for position in range(len(shown) - 1, -1, -1):
        key = shown[position]
        yield mapping[key]
        yield _Literal(": ")
        yield _Literal(printable_line(str(key), room + 2))
        if position:
            yield _Literal(", ")


_MOST = 1e18
"""A number beyond that, or none at all as NaN is, measures nothing: it is shown as one that is not known."""


def duration(ms: float | None) -> str:
    """A length of time as people write it: `312ms`, `4.2s`, `2m 14s`, `1h 3m`, `2d 4h`; None is `–`."""
    if ms is None or not -_MOST <= ms <= _MOST:
        return "–"
    if ms < 0:
        return "-" + duration(-ms)
    if ms < 999.5:
        return f"{ms:.0f}ms"
    seconds = ms / 1000
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60}m"
    return f"{whole // 86400}d {whole % 86400 // 3600}h"


def age(seconds: float | None) -> str:
    """How long ago: `just now`, `12s ago`, `3m ago`, `2h ago`, `5d ago`, `4mo ago`, `2y ago`; None is `–`.

    In days up to 30, in months up to two years: of 478 days nobody knows how long they are.
    """
    if seconds is None or not -_MOST <= seconds <= _MOST:
        return "–"
    whole = int(seconds)
    if whole < 5:
        return "just now"
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h")):
        if whole < limit:
            return f"{whole // unit}{name} ago"
    days = whole // 86400
    if days < 31:
        return f"{days}d ago"
    return f"{int(days / 30.44)}mo ago" if days < 730 else f"{int(days / 365.25)}y ago"


def count(number: float | None) -> str:
    """A number of things: `950`, `3.1k`, `41k`, `1.2M`; None is `–`."""
    if number is None or not -_MOST <= number <= _MOST:
        return "–"
    size_of = abs(number)
    if size_of < 1000:
        return f"{number:g}" if isinstance(number, float) else str(number)
    for unit, name in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        scaled = number / unit
        if abs(scaled) < 9.95:
            return f"{scaled:.1f}{name}"
        if abs(scaled) < 999.5:
            return f"{scaled:.0f}{name}"
    return f"{number / 1e12:.1f}T"


def counted(number: int, one: str, many: str = "") -> str:
    """How many there are of what: `1 session`, `1,234 sessions`; `many` where an `s` does not make the plural."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def money(usd: float | None) -> str:
    """US dollars with as many digits as matter: `$0.0004`, `$0.012`, `$0.39`, `$12.40`; None is `–`."""
    if usd is None or not -_MOST <= usd <= _MOST:
        return "–"
    if usd == 0:
        return "$0"
    if abs(usd) < 0.0001:
        return "<$0.0001" if usd > 0 else "-<$0.0001"
    digits = 2 if abs(usd) >= 0.1 else 3 if abs(usd) >= 0.01 else 4
    return f"${usd:.{digits}f}"


def size(n_bytes: float | None) -> str:
    """A number of bytes: `812 B`, `3.0 kB`, `1.2 MB`; None is `–`."""
    if n_bytes is None or not -_MOST <= n_bytes <= _MOST:
        return "–"
    if n_bytes < 1000:
        return f"{n_bytes:.0f} B"
    scaled = float(n_bytes)
    for name in ("kB", "MB", "GB"):
        scaled /= 1000
        if scaled < 999.95:
            return f"{scaled:.1f} {name}"
    return f"{scaled / 1000:.1f} TB"


def short_id(session_id: str) -> str:
    """An id that fits a column: the whole id up to 12 characters, otherwise its first 8, `…` and last 3."""
    text = printable_line(session_id, 400)
    return text if len(text) <= 12 else f"{text[:8]}…{text[-3:]}"
