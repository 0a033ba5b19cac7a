"""What there is to say about one suspect, for the pane below the list."""

from __future__ import annotations

from dataclasses import dataclass

from promptetheus.cause.suspects import Suspect
from promptetheus.tui.failures.suspect_row import chance_text
from promptetheus.tui.fit import cut_pieces, joined
from promptetheus.tui.inspector.page import Frame, Line, Page
from promptetheus.tui.wrapping import wrap_line


@dataclass(slots=True)
class SuspectBlock:
    """A suspect in words."""

    suspect: Suspect

    def lines(self, frame: Frame) -> list[Line]:
        """What it is, the counts, the verdict, and what cannot be told apart from it."""
        looks, suspect = frame.looks, self.suspect
        found = [
            Line(joined([(piece, looks.strong)]), value=suspect.text, title=suspect.kind.value)
            for piece in wrap_line(suspect.text, frame.width)[:4]
        ]
        for said in sentences(suspect):
            found += [
                Line(joined([(piece, looks.text)]), value=said) for piece in wrap_line(said, frame.width)
            ]
        if suspect.alike:
            found.append(Line(joined([("Seen in exactly the same sessions:", looks.muted)])))
            found += [
                Line(joined(cut_pieces([("  ", looks.text), (text, looks.text)], frame.width)), value=text)
                for text in suspect.alike
            ]
        return found


def sentences(suspect: Suspect) -> list[str]:
    """The numbers of a suspect in words, those of its line by the names of their columns, claiming no more than they
    show."""
    counts = suspect.counts
    failing, passing = (
        f"{counts.failing_with:,} of {counts.failing:,}",
        f"{counts.passing_with:,} of {counts.passing:,}",
    )
    p, q = (
        f"less than {text[1:]}" if text.startswith("<") else text
        for text in (chance_text(suspect.p), chance_text(suspect.q))
    )
    found = [
        f"In {failing} failing and {passing} passing sessions: a gap of {100 * suspect.effect:.0f} points.",
        f"By chance {q}: of suspects as clear as this one, so many are mere chance; {p} if nothing else had been "
        "compared.",
    ]
    if suspect.more_sessions == 0:
        found.append(
            "It separates them: that is more than chance. Found together is not caused by, but it is where to look "
            "first."
        )
    elif suspect.more_sessions is None:
        found.append("This may well be chance: no number of sessions in this proportion would settle it.")
    else:
        found.append(
            f"Too few sessions to tell: about {suspect.more_sessions} more in the same proportion would settle it, "
            "if it goes on as it began."
        )
    return found


def suspect_page(suspect: Suspect) -> Page:
    """The page of one."""
    return Page([SuspectBlock(suspect)])
