"""Which step of one run is which step of the other.

Equal steps first: common ends are cut off, equal calls that change the world and occur once in each run are pinned,
and a longest common subsequence fills the stretches between. Inside the gaps that remain, steps of the same kind
and name are paired by how alike they are. Bounded by work rather than by a clock, so that the same runs always give
the same answer; where the bound was met, `Alignment.coarse` says so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rapidfuzz.distance import Indel

from promptetheus.cause.signatures import Signature

MAX_STRETCH_CELLS = 400_000_000
"""Steps times steps of one stretch that are compared exactly: 20,000 × 20,000 take about 0.1 s and 50 MB."""

MAX_GAP_CELLS = 4_000
"""Steps times steps of one gap in which every pair is judged; longer gaps are aligned by kind and name alone."""

MAX_LIKENESS_CELLS = 80_000
"""The same for all gaps of an alignment together."""

_WORDS_LOOKED_AT = 600
_PAIRED_ANYWAY = {True: 0.2, False: 0.4}
"""What two messages (True) or two calls of one tool are alike by being that."""


class Pair(NamedTuple):
    """Places of a step in the two runs; None where the other has no such step."""

    left: int | None
    right: int | None


@dataclass(frozen=True, slots=True)
class Alignment:
    """Every step of both runs exactly once, in the order of both."""

    pairs: tuple[Pair, ...]
    coarse: bool
    """Whether the runs were too long to compare exactly."""


def align(
    left: Sequence[Signature],
    right: Sequence[Signature],
    pinned: Callable[[Signature], bool] = lambda signature: False,
) -> Alignment:
    """Align two runs given as signatures. `align(b, a)` is `align(a, b)` mirrored.

    Args:
        pinned: which steps matter so much that an equal one on the other side must not be missed.
    """
    # The longest common subsequence is often not unique; one fixed order makes the choice the same both ways.
    if _order(right) < _order(left):
        mirrored = align_ordered(right, left, pinned)
        return Alignment(tuple(Pair(pair.right, pair.left) for pair in mirrored.pairs), mirrored.coarse)
    return align_ordered(left, right, pinned)


def align_ordered(
    left: Sequence[Signature], right: Sequence[Signature], pinned: Callable[[Signature], bool]
) -> Alignment:
    """`align` with the tie-breaks of this order."""
    numbers: dict[Hashable, int] = {}
    a = [numbers.setdefault(signature.key, len(numbers)) for signature in left]
    b = [numbers.setdefault(signature.key, len(numbers)) for signature in right]
    different = {signature.key: signature for signature in (*left, *right)}
    heavy = {numbers[key] for key, signature in different.items() if pinned(signature)}
    start, end = _common_ends(a, b)
    coarse = False
    matched = [(i, i) for i in range(start)]
    stretches, anchors = _split(a, b, (start, len(a) - end), (start, len(b) - end), heavy)
    matched += anchors
    for rows, columns in stretches:
        found, cut = _common(a, b, rows, columns)
        matched += found
        coarse |= cut
    matched += [(len(a) - end + i, len(b) - end + i) for i in range(end)]
    matched.sort()
    return _with_gaps(left, right, matched, coarse)


Span = tuple[int, int]
Matches = list[tuple[int, int]]


def _order(signatures: Sequence[Signature]) -> tuple[int, list[str]]:
    return len(signatures), [signature.key for signature in signatures]


def _common_ends(a: list[int], b: list[int]) -> tuple[int, int]:
    shorter = min(len(a), len(b))
    start = next((i for i in range(shorter) if a[i] != b[i]), shorter)
    end = next((i for i in range(shorter - start) if a[-1 - i] != b[-1 - i]), shorter - start)
    return start, end


def _split(
    a: list[int], b: list[int], rows: Span, columns: Span, heavy: set[int]
) -> tuple[list[tuple[Span, Span]], Matches]:
    """The stretches between anchors. Only heavy steps are anchors, unless the whole is too much to compare."""
    long = (rows[1] - rows[0]) * (columns[1] - columns[0]) > MAX_STRETCH_CELLS
    where = _once(b, columns)
    once = _once(a, rows).keys() & where.keys()
    chosen = once if long else once & heavy
    pairs = [(i, where[a[i]]) for i in range(*rows) if a[i] in chosen]
    anchors = _longest_rising(pairs)
    stretches = []
    top, first = rows[0], columns[0]
    for i, j in [*anchors, (rows[1], columns[1])]:
        if i > top and j > first:
            stretches.append(((top, i), (first, j)))
        top, first = i + 1, j + 1
    return stretches, anchors


def _once(tokens: list[int], span: Span) -> dict[int, int]:
    """Place by token, of the tokens that occur once."""
    part = tokens[span[0] : span[1]]
    counts = Counter(part)
    return {token: span[0] + i for i, token in enumerate(part) if counts[token] == 1}


def _longest_rising(pairs: Matches) -> Matches:
    """The longest choice of pairs, sorted by the first, whose second rises too."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for number, (_, j) in enumerate(pairs):
        place = bisect_left(tails, j)
        previous.append(ends[place - 1] if place else -1)
        if place == len(tails):
            tails.append(j)
            ends.append(number)
        else:
            tails[place] = j
            ends[place] = number
    chosen = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chosen.append(pairs[number])
        number = previous[number]
    return chosen[::-1]


def _common(a: list[int], b: list[int], rows: Span, columns: Span) -> tuple[Matches, bool]:
    """A longest common subsequence of a stretch; cut into blocks of equal shares where it is too long."""
    height, width = rows[1] - rows[0], columns[1] - columns[0]
    blocks = 1
    while (height // blocks + 1) * (width // blocks + 1) > MAX_STRETCH_CELLS:
        blocks *= 2
    found: Matches = []
    for block in range(blocks):
        top, bottom = (rows[0] + height * k // blocks for k in (block, block + 1))
        first, last = (columns[0] + width * k // blocks for k in (block, block + 1))
        for step in Indel.opcodes(a[top:bottom], b[first:last]):
            if step.tag == "equal":
                size = step.src_end - step.src_start
                found += [(top + step.src_start + k, first + step.dest_start + k) for k in range(size)]
    return found, blocks > 1


def _with_gaps(
    left: Sequence[Signature], right: Sequence[Signature], matched: Matches, coarse: bool
) -> Alignment:
    pairs: list[Pair] = []
    room = MAX_LIKENESS_CELLS
    top = first = 0
    for i, j in [*matched, (len(left), len(right))]:
        if i > top or j > first:
            cells = (i - top) * (j - first)
            judged = cells <= min(MAX_GAP_CELLS, room)
            if judged:
                room -= cells
            elif cells:
                coarse = True
            pairs += _gap(left, right, (top, i), (first, j), judged)
        if i < len(left) or j < len(right):
            pairs.append(Pair(i, j))
        top, first = i + 1, j + 1
    return Alignment(tuple(pairs), coarse)


def _gap(
    left: Sequence[Signature], right: Sequence[Signature], rows: Span, columns: Span, judged: bool
) -> list[Pair]:
    """The steps of a gap, alike ones paired; between pairs those of the left run come first."""
    if rows[0] == rows[1] or columns[0] == columns[1]:
        found: Matches = []
    elif judged:
        found = _most_alike(left, right, rows, columns)
    else:
        names: dict[Hashable, int] = {}
        a = [names.setdefault((s.kind, s.name), len(names)) for s in left[rows[0] : rows[1]]]
        b = [names.setdefault((s.kind, s.name), len(names)) for s in right[columns[0] : columns[1]]]
        found = [(rows[0] + i, columns[0] + j) for i, j in _common(a, b, (0, len(a)), (0, len(b)))[0]]
    pairs: list[Pair] = []
    top, first = rows[0], columns[0]
    for i, j in [*found, (rows[1], columns[1])]:
        pairs += [Pair(k, None) for k in range(top, i)]
        pairs += [Pair(None, k) for k in range(first, j)]
        if i < rows[1]:
            pairs.append(Pair(i, j))
        top, first = i + 1, j + 1
    return pairs


def likeness(one: Signature, other: Signature) -> float:
    """From 0 (not the same kind of step) to 1 (equal)."""
    if one.kind is not other.kind or one.name != other.name:
        return 0.0
    if one.content == other.content:
        return 1.0
    base = _PAIRED_ANYWAY[one.is_message]
    same = Indel.normalized_similarity(one.content[:_WORDS_LOOKED_AT], other.content[:_WORDS_LOOKED_AT])
    return base + (1 - base) * float(same)


def _most_alike(left: Sequence[Signature], right: Sequence[Signature], rows: Span, columns: Span) -> Matches:
    """The pairs, in order, that are most alike in sum."""
    height, width = rows[1] - rows[0], columns[1] - columns[0]
    alike = [
        [likeness(left[rows[0] + i], right[columns[0] + j]) for j in range(width)] for i in range(height)
    ]
    best = [[0.0] * (width + 1) for _ in range(height + 1)]
    for i in range(height - 1, -1, -1):
        row, below, near = best[i], best[i + 1], alike[i]
        for j in range(width - 1, -1, -1):
            row[j] = max(below[j], row[j + 1], below[j + 1] + near[j] if near[j] else 0.0)
    found: Matches = []
    i = j = 0
    while i < height and j < width:
        if alike[i][j] and best[i][j] == best[i + 1][j + 1] + alike[i][j]:
            found.append((rows[0] + i, columns[0] + j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found
