"""Messages as Markdown, laid out as lines: no live links, no boxes, no picture is ever fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.text import Text
from rich.theme import Theme
from textual.strip import Strip

from promptetheus.display import printable, printable_line, size
from promptetheus.tui.inspector.page import Frame, Line, more_text
from promptetheus.tui.theme import Looks
from promptetheus.tui.wrapping import wrap

PORTION_CHARACTERS = 8_000
"""Markdown laid out at once in the inspector; more on demand. Laying out 8,000 characters takes some 10 ms."""

MAX_MARKDOWN_CHARACTERS = 64_000
"""Longer texts are shown plain: what nests in them could take seconds to parse."""


@dataclass(slots=True)
class MarkdownBlock:
    """One message."""

    text: str
    path: str = "content"

    def lines(self, frame: Frame) -> list[Line]:
        """The message laid out; a long one is cut, with its size."""
        portion = PORTION_CHARACTERS * (8 if frame.roomy else 1) * frame.folds.portions(self.path)
        if min(portion, len(self.text)) > MAX_MARKDOWN_CHARACTERS:
            return self._plain(frame, portion)
        shown = self.text if len(self.text) <= portion else _cut_at_line(self.text, portion)
        found = [
            Line(strip, value=self.text, title=self.path, opens=self)
            for strip in markdown_strips(printable(shown), frame.width, frame.looks)
        ]
        if not found and shown.strip():
            return self._plain(frame, portion)  # nothing but marks: they are what was said
        rest = len(self.text) - len(shown)
        if rest > 0:
            found.append(self._more(rest, frame))
        return found

    def _plain(self, frame: Frame, portion: int) -> list[Line]:
        wrapped = wrap(self.text, frame.width, portion // max(20, frame.width))
        found = [
            Line(Text(line, frame.looks.text), value=self.text, title=self.path, opens=self)
            for line in wrapped.lines
        ]
        if wrapped.rest:
            found.append(self._more(wrapped.rest, frame))
        return found

    def _more(self, rest: int, frame: Frame) -> Line:
        return Line(
            more_text(f"{size(rest)} more", frame),
            more=self.path,
            value=self.text,
            title=self.path,
            opens=self,
        )


def _cut_at_line(text: str, most: int) -> str:
    end = text.rfind("\n", most // 2, most)
    return text[: end if end > 0 else most]


def markdown_strips(text: str, width: int, looks: Looks) -> Iterator[Strip]:
    """Printable Markdown as lines of at most `width` cells."""
    width = max(4, width)
    console = Console(
        width=width,
        color_system="truecolor",
        force_terminal=True,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        theme=_theme(looks),
    )
    options = console.options.update(width=width, highlight=False)
    document = _Document(text, _code_theme(looks))
    rows = console.render_lines(document, options, pad=False)
    while rows and not "".join(part.text for part in rows[-1]).strip():
        rows.pop()
    for row in rows:
        # Nothing in a message may become clickable, whatever the renderer makes of it.
        yield Strip(
            [
                Segment(printable_line(part.text), part.style.clear_meta_and_links() if part.style else None)
                for part in row
                if part.text and not part.control
            ]
        )


class _PlainHeading(Heading):
    """A heading at the left edge; the stock one is centred and the first level boxed."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _PlainCode(CodeBlock):
    """Code on the pane's own background."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Syntax(
            str(self.text).rstrip(),
            self.lexer_name,
            theme=self.theme,
            word_wrap=True,
            padding=(0, 2),
            background_color="default",
        )


class _Document(Markdown):
    """Markdown that shows everything: HTML as it stands, line breaks as they were sent, pictures as their names."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _PlainHeading,
        "fence": _PlainCode,
        "code_block": _PlainCode,
    }

    def __init__(self, markup: str, code_theme: ANSISyntaxTheme) -> None:
        super().__init__("", hyperlinks=False)
        # `&#x202e;` would become a control character behind the sanitiser's back: entities stay as written.
        parser = (
            MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"]).disable("entity")
        )
        self.parsed = parser.parse(markup)
        # The stock class wants the name of a theme, but hands it on to Syntax, which takes a theme as well.
        self.code_theme = code_theme  # type: ignore[assignment]

    def _flatten_tokens(self, tokens: Iterable[Token]) -> Iterable[Token]:
        for token in super()._flatten_tokens(tokens):
            if token.type == "softbreak":
                yield Token("hardbreak", "br", 0)
            elif token.type == "image":
                yield Token("text", "", 0, content=f"[picture: {token.content}]")
            else:
                yield token


def _theme(looks: Looks) -> Theme:
    strong, text, muted = looks.strong, looks.text, looks.muted
    return Theme(
        {
            "markdown.paragraph": text,
            "markdown.text": text,
            "markdown.h1": strong + Style(underline=True),
            "markdown.h2": strong + Style(underline=True),
            "markdown.h3": strong,
            "markdown.h4": strong,
            "markdown.h5": strong,
            "markdown.h6": strong,
            "markdown.h7": strong,
            "markdown.code": looks.accent + Style(bold=False),
            "markdown.code_block": text,
            "markdown.block_quote": muted,
            "markdown.list": text,
            "markdown.item": text,
            "markdown.item.bullet": muted,
            "markdown.item.number": muted,
            "markdown.hr": looks.rule,
            "markdown.link": text + Style(underline=True),
            "markdown.link_url": muted,
            "markdown.table.border": looks.rule,
            "markdown.table.header": strong,
        }
    )


def _code_theme(looks: Looks) -> ANSISyntaxTheme:
    # Token types are tuples of names in all but their class; by name they need no import of pygments here.
    styles = {
        (): looks.text,
        ("Comment",): looks.muted + Style(italic=True),
        ("Keyword",): looks.strong,
        ("Operator",): looks.muted,
        ("Name", "Function"): looks.strong,
        ("Name", "Class"): looks.strong,
        ("Name", "Decorator"): looks.muted,
        ("Literal", "String"): looks.running,
        ("Literal", "Number"): looks.running,
        ("Generic", "Deleted"): looks.failed,
        ("Generic", "Inserted"): looks.passed,
        ("Generic", "Heading"): looks.strong,
    }
    return ANSISyntaxTheme(styles)
