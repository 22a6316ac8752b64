"""Parts side by side, measure by measure: what one part lacks is filled with rests.

Nothing that was read is left out. In a system whose staves show different numbers of measures,
what most of them show decides: a barline runs through all staves, so that its x tells which
measure is which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from omrcli.tokens import (
    Barline,
    Clef,
    Duration,
    KeySignature,
    Multirest,
    Rest,
    TimeSignature,
)

from .assembly import Filler, Item, Segment, StaffLine
from .barlines import match_by_barlines
from .checks import is_pickup, make_columns
from .measures import WHOLE_REST, Event, Measure, Part
from .parts import System

#: A measure that each part has at one time; None where a part has none.
Column = list[Segment | None]
Row = list[Segment]


def align_parts(
    parts: Sequence[Sequence[Segment]], systems: Sequence[System], lines: Sequence[StaffLine]
) -> tuple[list[Row], list[str]]:
    """Give all parts as many measures in each system; returns them and sentences on what was amiss.

    The signs after the last barline of a part stay behind its measures.
    """
    if len(parts) < 2:
        return [list(part) for part in parts], []
    aligned: list[Row] = [[] for _ in parts]
    notices: list[str] = []
    times: list[TimeSignature | None] = [None] * len(parts)
    for number, system in enumerate(systems):
        rows = [_measures_of(part, number) for part in parts]
        counts = {part: len(rows[part]) for part in system.present}
        columns, is_plain = _align_system(rows, lines)
        if not is_plain:
            notices.append(_mismatch(system, counts))
        for column in columns:
            _share_time(column, times)
            _share_barline(column)
            for part, segment in enumerate(_fill(column, system, number)):
                aligned[part].append(segment)
    for part in range(len(parts)):
        _begin_early(part, aligned)
    for part, segments in enumerate(parts):
        aligned[part] += [segment for segment in segments[-1:] if not segment.has_events]
    return aligned, notices


def _measures_of(part: Sequence[Segment], system: int) -> Row:
    """The measures of a part that begin in a system, multirests apart from notes."""
    row = [segment for segment in part if segment.system == system and segment.has_events]
    return [piece for segment in row for piece in _part_multirests(segment)]


def _part_multirests(segment: Segment) -> Iterable[Segment]:
    """A segment, or several if it has both a multirest and other events with no barline between."""
    pieces: list[list[Item]] = [[]]
    for item in segment.items:
        begun = [other for other in pieces[-1] if other.is_event]
        apart = isinstance(item.symbol, Multirest) or any(
            isinstance(other.symbol, Multirest) for other in begun
        )
        if item.is_event and begun and apart:
            pieces.append([])
        pieces[-1].append(item)
    for items in pieces[:-1]:
        yield Segment(tuple(items), None, segment.system)
    yield replace(segment, items=tuple(pieces[-1]))


def _mismatch(system: System, counts: dict[int, int]) -> str:
    found = ", ".join(str(count) for count in counts.values())
    place = str(system)
    return f"{place[0].upper()}{place[1:]}: the staves show {found} measures; rests fill the gaps."


# --- columns --------------------------------------------------------------------------------------


def _align_system(rows: Sequence[Row], lines: Sequence[StaffLine]) -> tuple[list[Column], bool]:
    """The columns of a system, and whether its staves agree on them; a row may be empty."""
    present = [row for row in rows if row]
    if _is_grid(present):
        return _columns(rows), True
    expanded = [[piece for segment in row for piece in _expand(segment)] for row in rows]
    if len({len(row) for row in expanded if row}) <= 1:
        return _columns(expanded), True
    is_even = len({len(row) for row in present}) == 1
    if is_even and not any(map(_is_mixed, zip(*present, strict=True))):
        return [_settle_multirests(column) for column in _columns(rows)], False
    matched = match_by_barlines(rows, lines)
    if matched is not None:
        return [_settle_multirests(column) for column in matched], False
    return _columns(expanded), False


def _is_grid(rows: Sequence[Row]) -> bool:
    """Whether all rows have as many measures, and multirests of the same lengths."""
    shapes = {tuple(_count(segment) for segment in row) for row in rows}
    return len(shapes) <= 1


def _count(segment: Segment) -> int:
    """The count of a multirest, 0 for anything else."""
    counts = [item.symbol.count for item in segment.items if isinstance(item.symbol, Multirest)]
    return sum(counts)


def _is_mixed(column: Sequence[Segment]) -> bool:
    return len({bool(_count(segment)) for segment in column}) > 1


def _expand(segment: Segment) -> Iterable[Segment]:
    """A multirest as that many measures of rest, any other segment as it is."""
    count = _count(segment)
    if not count:
        yield segment
        return
    place = next(n for n, item in enumerate(segment.items) if item.is_event)
    before, item, after = segment.items[:place], segment.items[place], segment.items[place + 1 :]
    rest = replace(item, symbol=Rest(WHOLE_REST))
    for number in range(count):
        items = (*(before if number == 0 else ()), rest, *(after if number == count - 1 else ()))
        last = number == count - 1
        barline, end = (segment.barline, segment.end) if last else (Barline(), None)
        yield Segment(items, barline, segment.system, end)


def _settle_multirests(column: Column) -> Column:
    """The column with its multirests as measures of rest, unless it is one in all parts."""
    read = [segment for segment in column if segment is not None]
    counts = Counter(map(_count, read))
    if 0 not in counts:
        count = max(counts.items(), key=lambda pair: (pair[1], pair[0]))[0]
        return [segment and _recount(segment, Multirest(count)) for segment in column]
    return [segment and _recount(segment, Rest(WHOLE_REST)) for segment in column]


def _recount(segment: Segment, symbol: Multirest | Rest) -> Segment:
    items = (
        replace(item, symbol=symbol) if isinstance(item.symbol, Multirest) else item
        for item in segment.items
    )
    return replace(segment, items=tuple(items))


def _columns(rows: Sequence[Row]) -> list[Column]:
    width = max(map(len, rows), default=0)
    return [[row[place] if place < len(row) else None for row in rows] for place in range(width)]


def _fill(column: Column, system: System, number: int) -> Row:
    """The column with measures of rest where a part has none."""
    read = [segment for segment in column if segment is not None]
    barlines = Counter(segment.barline for segment in read)
    barline = barlines.most_common(1)[0][0]
    count = min(map(_count, read))
    rest = Multirest(count) if count else Rest(WHOLE_REST)
    row: Row = []
    for part, segment in enumerate(column):
        why: Filler = "absent" if system.staves[part] is None else "padding"
        staff = system.staves[part]
        place = staff if staff is not None else read[0].items[0].staff
        items = [*_shared_times(read), Item(rest, place, -1, filler=why)]
        row.append(segment or Segment(tuple(items), barline, number))
    return row


def _opening_time(segment: Segment) -> TimeSignature | None:
    """The time signature before the first event."""
    found = None
    for item in segment.items:
        if item.is_event:
            break
        if isinstance(item.symbol, TimeSignature):
            found = item.symbol
    return found


def _begin_early(part: int, aligned: Sequence[Row]) -> None:
    """Let a part that is absent at first begin with the clef and key of its entry.

    Where the others change key meanwhile, it does so with them, from a key as far from its own.
    """
    row = aligned[part]
    entry = next((n for n, segment in enumerate(row) if not _is_absent(segment)), len(row))
    present = next((other for other in aligned if other and not _is_absent(other[0])), None)
    if not 0 < entry < len(row) or present is None:
        return
    items = row[entry].items
    first = next(n for n, item in enumerate(items) if item.is_event)
    moved = [item for item in items[:first] if isinstance(item.symbol, (Clef, KeySignature))]
    row[entry] = replace(row[entry], items=tuple(item for item in items if item not in moved))
    clefs = [item for item in moved if isinstance(item.symbol, Clef)]
    keys = [item for item in moved if isinstance(item.symbol, KeySignature)]
    changes = _key_changes(present, entry)
    if len(changes) > 1 and keys and isinstance(keys[-1].symbol, KeySignature):
        own = keys[-1].symbol.fifths - changes[-1][1]
        for place, fifths in changes[1:-1]:
            _open_with(row, place, _make_keys(keys[-1], own + fifths))
        _open_with(row, changes[-1][0], keys)
        keys = _make_keys(keys[-1], own + changes[0][1])
    _open_with(row, 0, [*clefs, *keys])


def _is_absent(segment: Segment) -> bool:
    return any(item.filler == "absent" for item in segment.items)


def _key_changes(row: Row, entry: int) -> list[tuple[int, int]]:
    """The keys with which measures up to an entry begin: place and fifths, the first one always."""
    found = [(0, 0)]
    for place, segment in enumerate(row[: entry + 1]):
        for item in segment.items:
            if isinstance(item.symbol, KeySignature):
                found = [*(each for each in found if each[0] < place), (place, item.symbol.fifths)]
    return found


def _make_keys(like: Item, fifths: int) -> list[Item]:
    """A key that nobody read, where there is one of so many fifths."""
    known = -7 <= fifths <= 7
    return [replace(like, symbol=KeySignature(fifths), filler="padding")] if known else []


def _open_with(row: Row, place: int, items: Sequence[Item]) -> None:
    """Put signs before all else in a measure."""
    row[place] = replace(row[place], items=(*items, *row[place].items))


def _shared_times(read: Sequence[Segment]) -> list[Item]:
    """The time signature with which at least half of the measures of a column begin, if one."""
    votes = Counter(time for segment in read if (time := _opening_time(segment)))
    if not votes:
        return []
    time, count = votes.most_common(1)[0]
    staff = read[0].items[0].staff
    return [Item(time, staff, -1, filler="padding")] if 2 * count >= len(read) else []


def _share_time(column: Column, times: list[TimeSignature | None]) -> None:
    """Give a new meter to the parts that do not show it; `times` are in force before the column.

    One meter is for all parts, and a sign that one staff lacks was most likely overlooked there.
    """
    shared = _shared_times([segment for segment in column if segment is not None])
    for part, segment in enumerate(column):
        if segment is None:
            times[part] = shared[0].symbol if shared else times[part]  # type: ignore[assignment]
            continue
        if shared and _opening_time(segment) is None and times[part] != shared[0].symbol:
            segment = column[part] = replace(segment, items=(*shared, *segment.items))
        for item in segment.items:
            if isinstance(item.symbol, TimeSignature):
                times[part] = item.symbol


def _share_barline(column: Column) -> None:
    """Give the barline at the end of a measure to all parts as most of them show it.

    A barline runs through all staves of a system, so one kind is for all. Where as many show a
    plain one, it was the repeat or double one that was overlooked.
    """
    ends = Counter(segment.barline for segment in column if segment and segment.barline)
    if len(ends) < 2:
        return
    shared = max(ends, key=lambda barline: (ends[barline], barline != Barline()))
    for part, segment in enumerate(column):
        if segment is not None and segment.barline is not None:
            column[part] = replace(segment, barline=shared)


# --- measures -------------------------------------------------------------------------------------


def level_measures(parts: Sequence[Part]) -> list[Part]:
    """Pad the measures of all parts with rests up to the longest of their column."""
    if len(parts) < 2:
        return list(parts)
    columns = [_level(column) for column in zip(*(part.measures for part in parts), strict=True)]
    return [
        replace(part, measures=tuple(column[number] for column in columns))
        for number, part in enumerate(parts)
    ]


def _level(column: Sequence[Measure]) -> list[Measure]:
    read = [m.actual for m in column if not m.is_filler and not m.is_measure_rest]
    resting = [measure.actual for measure in column]
    return [_stretch(measure, max(read or resting)) for measure in column]


def _stretch(measure: Measure, length: Fraction) -> Measure:
    """The measure with rests up to a length; a rest that lasts its measure lasts as long."""
    missing = length - measure.actual
    if measure.status == "multirest" or not missing:
        return measure
    if measure.is_filler or (measure.is_measure_rest and measure.expected is not None):
        events = (replace(measure.events[0], duration=length),)
        return replace(measure, events=events, actual=length)
    if missing < 0:
        return measure
    place = (measure.staff, -1)
    padding = Event(
        Rest(Duration("quarter")), measure.actual, missing, False, False, 1.0, *place, "padding"
    )
    return replace(measure, events=(*measure.events, padding), actual=length)


def number_measures(parts: Sequence[Part]) -> list[Part]:
    """Number the measures; first ones that are short in all parts may be a pickup."""
    numbered: list[list[Measure]] = [[] for _ in parts]
    number = 1
    columns = list(zip(*(part.measures for part in parts), strict=True))
    for place, column in enumerate(columns):
        is_first = place == 0 and all(map(_is_short, column))
        is_upbeat = is_first and is_pickup(make_columns(columns))
        for measures, measure in zip(numbered, column, strict=True):
            if is_upbeat:
                measures.append(replace(measure, number=0, status="pickup"))
            else:
                measures.append(replace(measure, number=number))
        number += 0 if is_upbeat else column[0].span
    return [
        replace(part, measures=tuple(measures))
        for part, measures in zip(parts, numbered, strict=True)
    ]


def _is_short(measure: Measure) -> bool:
    is_timed = measure.expected is not None and measure.status != "multirest"
    return is_timed and measure.actual < (measure.expected or 0)
