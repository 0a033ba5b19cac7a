"""The inspector's page for a retrieval: what was searched for, and the documents that were found, by rank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from promptetheus.display import count, plain_value
from promptetheus.tui.fit import cut
from promptetheus.tui.inspector.json_view import JsonBlock
from promptetheus.tui.inspector.markdown_view import MarkdownBlock
from promptetheus.tui.inspector.page import Block, Frame, Gap, Heading, Line, more_text, styled
from promptetheus.tui.inspector.subject import Subject
from promptetheus.tui.theme import Looks
from promptetheus.tui.wrapping import wrap_line

MOST_DOCUMENTS = 50
LINES_OF_A_DOCUMENT = 4
_ABOVE_DOCUMENTS = 10
"""Lines of the page that are not documents: its head, the query, headings, and some air."""
_RANK_CELLS, _INDENT = 16, 7
"""Of rank and score, and of what stands under them."""
_LEAST_TEXT = 40
"""Cells beside which a text of several lines can be read."""
_SAID_IN = ("content", "text", "page_content", "snippet")
"""Names under which the retrievers of this world keep what a document says, ours first."""


def retrieval_blocks(subject: Subject) -> list[Block]:
    """The query and the documents by rank."""
    payload = subject.payload
    documents = payload.get("documents")
    found = documents if isinstance(documents, list) else []
    query = payload.get("query")
    blocks: list[Block] = [
        Heading("query"),
        MarkdownBlock(query, "query") if isinstance(query, str) else JsonBlock("query", query),
        Gap(),
        Heading("documents", count(len(found))),
    ]
    if isinstance(documents, list):
        blocks.append(Ranking(found))
    elif documents is not None:
        blocks.append(JsonBlock("documents", documents))
    if subject.metadata:
        blocks += [Gap(), JsonBlock("metadata", dict(subject.metadata))]
    return blocks


@dataclass(slots=True)
class Ranking:
    """Retrieved documents under each other: rank, score, source, beginning. Each unfolds."""

    documents: list[Any]

    def lines(self, frame: Frame) -> list[Line]:
        """One line a document, more of them where the pane has room for all, and what was unfolded."""
        if not self.documents:
            return [Line(Text("nothing was found", frame.looks.warned))]
        shown = self.documents[: MOST_DOCUMENTS * frame.folds.portions("documents")]
        most_source = max(8, frame.width // 3)
        sources = max((cell_len(_source(document, most_source)) for document in shown), default=0)
        each = max(1, min(LINES_OF_A_DOCUMENT, (frame.height - _ABOVE_DOCUMENTS) // len(shown)))
        room = frame.width - _RANK_CELLS - (sources + 2 if sources else 0)
        too_long = any(cell_len(_beginning(one, 200)) > room for one in shown)
        below = each > 1 and room < _LEAST_TEXT and too_long
        found: list[Line] = []
        for rank, document in enumerate(shown, start=1):
            path = f"documents/{rank}"
            is_open = frame.folds.is_open(path, False)
            head = _document_head(rank, document, sources, is_open, frame.looks)
            texts = _document_texts(head, document, 1 if is_open else each, below and not is_open, frame)
            found += [
                Line(text, fold=path, is_open=is_open, value=document, title=f"document {rank}")
                for text in texts
            ]
            if is_open:
                found.extend(JsonBlock("document", document, path=f"{path}/all").lines(frame))
        if len(self.documents) > len(shown):
            rest = more_text(f"{count(len(self.documents) - len(shown))} more", frame)
            found.append(Line(rest, more="documents"))
        return found


def _fields(document: Any) -> Mapping[str, Any]:
    return document if isinstance(document, Mapping) else {"content": document}


def _beginning(document: Any, most: int) -> str:
    """What it says, in at most so many characters; "" where only its id and score were recorded."""
    fields = _fields(document)
    said = next((fields[name] for name in _SAID_IN if fields.get(name) is not None), None)
    return "" if said is None else plain_value(said, most)


def _source(document: Any, most: int) -> str:
    """Where a document is from, in at most so many cells; "" where that is not known."""
    fields = document if isinstance(document, Mapping) else {}
    source = fields.get("source") or fields.get("id") or fields.get("title")
    return cut(plain_value(source, 200), most) if source else ""


def _document_head(rank: int, document: Any, source_cells: int, is_open: bool, looks: Looks) -> Text:
    """`▸   1    0.930  handbook.md  `, of one width for all documents."""
    score = _fields(document).get("score")
    shown = f"{score:.3f}" if isinstance(score, int | float) and not isinstance(score, bool) else "–"
    head = styled((f"{'▾' if is_open else '▸'} {rank:>3}  ", looks.muted), (f"{shown:>7}  ", looks.text))
    if source_cells:
        source = _source(document, source_cells)
        head.append(source + " " * (source_cells - cell_len(source) + 2), looks.strong)
    return head


def _document_texts(head: Text, document: Any, most: int, below: bool, frame: Frame) -> list[Text]:
    """A document's head with its beginning, in at most `most` lines, the last of them cut with a mark.

    Args:
        below: Whether the beginning stands under the head and not beside it, where there would be little room.
    """
    ink = frame.looks.text
    indent = _INDENT if below else head.cell_len
    room, lines = max(8, frame.width - indent), most - below
    pieces = wrap_line(_beginning(document, room * lines), room)
    if len(pieces) > lines:
        pieces[lines - 1 :] = [" ".join(pieces[lines - 1 :])]
    texts = [styled((" " * indent, ink), (piece, ink)) for piece in pieces]
    texts[:1] = [head, texts[0]] if below else [head.append(pieces[0], ink)]
    for text in texts:
        text.truncate(frame.width, overflow="ellipsis")
    return texts
