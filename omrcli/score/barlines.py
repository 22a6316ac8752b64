"""The x of barlines: a barline runs through all staves of a system.

It tells whether staves sound together at all, and which measure is which where the staves of a
system show different numbers of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from omrcli.tokens import Barline, Multirest, Note, Rest, parse_symbol

from .assembly import Item, Segment, StaffLine

#: How far apart, in interlines, the tokens of one barline may lie on different staves.
TOLERANCE = 2.0
STAFF_INTERLINES = 4
#: Staves sound together if at least this share of the barlines of one stand in the other. The last
#: barline of a line is at the margin in any case, and counts for nothing.
SHARED = 0.5
MIN_BARLINES = 2


def share_barlines(upper: StaffLine, lower: StaffLine) -> bool | None:
    """Whether two staves have their barlines at the same x; None where too few tell."""
    xs = [_inner_barlines(line) for line in (upper, lower)]
    fewer, more = sorted(xs, key=len)
    if len(fewer) < MIN_BARLINES:
        return None
    apart = _tolerance(upper)
    shared = sum(any(abs(x - other) <= apart for other in more) for x in fewer)
    return shared >= SHARED * len(fewer)


def _inner_barlines(line: StaffLine) -> list[float]:
    """The x of the barlines between the first event and the right margin."""
    if not line.spans:
        return []
    symbols = [parse_symbol(token.text) for token in line.tokens]
    events = [n for n, s in enumerate(symbols) if isinstance(s, (Note, Rest, Multirest))]
    first = min(events, default=len(symbols))
    places = (n for n, s in enumerate(symbols) if isinstance(s, Barline) and n > first)
    xs = (sum(line.spans[place]) / 2 for place in places)
    return [x for x in xs if x < line.box[2] - 2 * _tolerance(line)]


def _tolerance(line: StaffLine) -> float:
    """How far apart tokens of one barline may lie, in px."""
    return TOLERANCE * (line.box[3] - line.box[1]) / STAFF_INTERLINES


def match_by_barlines(
    rows: Sequence[list[Segment]], lines: Sequence[StaffLine]
) -> list[list[Segment | None]] | None:
    """The columns of a system by the barlines that at least half of its staves show.

    A barline that fewer show was misread: the measures around it are one. One that a staff lacks
    was overlooked there: its measure is cut at the same x. None where no x is known.
    """
    present = [row for row in rows if row]
    if not all(_has_places(row, lines) for row in present):
        return None
    edges = _find_edges(present, lines)
    cut = [_cut_row(row, edges, lines) if row else None for row in rows]
    width = max((len(row) for row in cut if row), default=0)
    columns = (
        [row[place] if row and place < len(row) else None for row in cut] for place in range(width)
    )
    # Between two barlines at hardly different x there may be nothing on any staff.
    return [column for column in columns if any(segment is not None for segment in column)]


def _has_places(row: Sequence[Segment], lines: Sequence[StaffLine]) -> bool:
    staves = {item.staff for segment in row for item in segment.items}
    return all(lines[staff].spans for staff in staves)


def _x(lines: Sequence[StaffLine], staff: int, token: int) -> float:
    left, right = lines[staff].spans[token]
    return (left + right) / 2


def _end_x(segment: Segment, lines: Sequence[StaffLine]) -> float | None:
    """The x of the barline at the end; None without one, or where it stands on a later staff."""
    if segment.end is None or segment.items[0].staff != segment.end[0]:
        return None
    return _x(lines, *segment.end)


@dataclass(frozen=True)
class _Edge:
    """A barline that runs through the system: where its tokens lie on the staves."""

    xs: tuple[float, ...]

    @property
    def x(self) -> float:
        """Its middle."""
        return sum(self.xs) / len(self.xs)


def _find_edges(rows: Sequence[Sequence[Segment]], lines: Sequence[StaffLine]) -> list[_Edge]:
    """The barlines that at least half of the rows show, from left to right."""
    xs = sorted(x for row in rows for segment in row if (x := _end_x(segment, lines)) is not None)
    apart = _tolerance(lines[rows[0][0].items[0].staff])
    groups: list[list[float]] = []
    for x in xs:
        if groups and x - groups[-1][0] <= apart:
            groups[-1].append(x)
        else:
            groups.append([x])
    return [_Edge(tuple(group)) for group in groups if 2 * len(group) >= len(rows)]


def _cut_row(
    row: Sequence[Segment], edges: Sequence[_Edge], lines: Sequence[StaffLine]
) -> list[Segment | None]:
    """The row with one segment for each column; one more may follow the last barline."""
    cells: list[list[Item]] = [[] for _ in range(len(edges) + 1)]
    ends: dict[int, Segment] = {}
    column = 0
    for segment in row:
        own = _own_edge(segment, edges, lines)
        last = len(edges) if own is None else own
        for item in segment.items:
            column = max(column, min(_column_of(item, edges, lines), last))
            cells[column].append(item)
        if own is not None:
            ends[own] = segment
            column = own + 1
        elif segment is row[-1] or segment.end is None:
            ends[column] = segment
    return list(_segments(cells, ends, row[0].system))


def _own_edge(segment: Segment, edges: Sequence[_Edge], lines: Sequence[StaffLine]) -> int | None:
    x = _end_x(segment, lines)
    return next((n for n, edge in enumerate(edges) if x in edge.xs), None)


def _column_of(item: Item, edges: Sequence[_Edge], lines: Sequence[StaffLine]) -> int:
    return bisect_left([edge.x for edge in edges], _x(lines, item.staff, item.token))


def _segments(
    cells: Sequence[Sequence[Item]], ends: dict[int, Segment], system: int
) -> Iterator[Segment | None]:
    """The segments of the cells; None for a measure without events, whose signs go to the next."""
    signs: list[Item] = []
    for place, cell in enumerate(cells):
        items = [*signs, *cell]
        is_last = place == len(cells) - 1
        if any(item.is_event for item in items):
            made = Segment(tuple(items), None if is_last else Barline(), system)
            if place in ends:
                made = replace(made, barline=ends[place].barline, end=ends[place].end)
            yield made
            signs = []
        else:
            signs = [item for item in items if item.symbol != Barline()]
            if not is_last:
                yield None
