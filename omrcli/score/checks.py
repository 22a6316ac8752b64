"""What of a score does not add up: measures that are short or over, and how well it was read.

A measure is judged by its meter and by what the other parts have at the same time; without a meter
the measures of a piece are judged by each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from omrcli.tokens import TimeSignature

from .measures import Measure, is_whole_rest
from .shorthand import shorthand_notices

if TYPE_CHECKING:
    from .score import Score

#: Without a meter, measures are judged by a length that at least two of three have, of so many.
MIN_UNMETERED = 4
#: A note of less confidence is doubtful; a score with a larger share of them, or with a measure
#: that does not add up, was read badly.
DOUBTFUL_BELOW, MOST_DOUBTFUL = 0.5, 0.02

_FRACTIONS = {
    Fraction(number): sign
    for number, sign in (
        *(("1/2", "½"), ("1/4", "¼"), ("3/4", "¾"), ("1/3", "⅓"), ("2/3", "⅔"), ("1/8", "⅛")),
        *(("3/8", "⅜"), ("5/8", "⅝"), ("7/8", "⅞"), ("1/6", "⅙"), ("5/6", "⅚")),
    )
}
_UNITS = {1: "whole notes", 2: "half notes", 4: "beats", 8: "eighths", 16: "sixteenths"}


@dataclass(frozen=True)
class MeasureWarning:
    """A measure whose events do not fill its meter, or are `padded` to its length in other parts.

    `part` and `staff` are 0-based, `part` None where there is but one; `expected` and `actual`, as
    read, are in quarter notes. `time` is the meter, None where the other measures tell the length.
    """

    part: int | None
    number: int
    staff: int
    expected: Fraction
    actual: Fraction
    padded: bool = False
    time: TimeSignature | None = None

    @property
    def lengths(self) -> str:
        """Both lengths in units of the meter, such as "2½ of 4 beats" or "5 of 6 eighths"."""
        unit = self.time.unit if self.time and self.time.unit in _UNITS else 4
        name = _UNITS[unit] if self.time else "quarter notes"
        actual, expected = (show_number(each * unit / 4) for each in (self.actual, self.expected))
        return f"{actual} of {expected} {name}"

    def __str__(self) -> str:
        relation = "over" if self.actual > self.expected else "short of"
        place = f"staff {self.staff + 1}"
        if self.part is not None:
            place = f"part {self.part + 1}, {place}"
        what = "its meter" if self.time else "the length that most measures have"
        if self.padded:
            what = "its length in other parts, and padded"
        elif self.time and self.expected != self.time.quarters:
            what = "its length in other parts"
        return f"Measure {self.number} ({place}) is {relation} {what}: {self.lengths}."


def show_number(value: Fraction) -> str:
    """A number as it is written in a text: 2½, 3⅓, 2 5/12."""
    whole, rest = divmod(value, 1)
    if not rest:
        return str(whole)
    sign = _FRACTIONS.get(rest, f" {rest}")
    return f"{whole or ''}{sign}".strip()


@dataclass(frozen=True)
class Quality:
    """How well a score was read; a measure is counted once for all parts.

    `off` counts measures that do not add up or in which nothing was read, `unchecked` those without
    anything to judge them by. `notes` are notes and chords, grace notes too; `doubtful` those below
    `DOUBTFUL_BELOW`.
    """

    measures: int
    off: int
    unread: int
    unchecked: int
    notes: int
    doubtful: int

    @property
    def is_bad(self) -> bool:
        """Whether the score should not be used unseen."""
        return self.off > 0 or self.doubtful > MOST_DOUBTFUL * self.notes

    def record(self) -> dict[str, Any]:
        """The figures as plain values."""
        return {**asdict(self), "doubtful_below": DOUBTFUL_BELOW}

    def __str__(self) -> str:
        counted = _count(self.measures, "measure")
        checked = self.measures - self.unchecked
        if self.off:
            text = f"{checked - self.off} of {_count(checked, 'measure')} add up"
        elif not checked:
            text = f"{counted}, with no meter to check by"
        else:
            text = f"{_count(checked, 'measure')}, {'all add' if checked > 1 else 'adds'} up"
        if self.unchecked and checked:
            text += f", {self.unchecked} more could not be checked"
        if self.doubtful:
            text += f", {_count(self.doubtful, 'doubtful note')}"
        return f"{text}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


# --- columns --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A measure in all parts; lengths are in quarter notes.

    `length` is what the parts agree on, None where none of them tells; `expected` is that of the
    meter, or of most measures.
    """

    measures: tuple[Measure, ...]
    length: Fraction | None
    expected: Fraction | None

    @property
    def missing(self) -> Fraction:
        """What the length lacks."""
        return (self.expected or Fraction(0)) - (self.length or Fraction(0))

    @property
    def divides(self) -> bool:
        """Whether the barline at the end may fall inside a measure of the meter."""
        return any(measure.barline not in (None, "single") for measure in self.measures)

    @property
    def is_open(self) -> bool:
        """Whether no barline was read at the end."""
        return all(measure.barline is None for measure in self.measures)


def make_columns(rows: Sequence[Sequence[Measure]]) -> list[Column]:
    """The columns of measures given by column, with what they are to be judged by."""
    meters = [
        next((measure.expected for measure in row if measure.expected is not None), None)
        for row in rows
    ]
    lengths = [_agree(row, meter) for row, meter in zip(rows, meters, strict=True)]
    free = [
        length
        for length, meter in zip(lengths, meters, strict=True)
        if meter is None and length is not None
    ]
    usual = _find_usual(free)
    return [
        Column(tuple(row), length, usual if meter is None else meter)
        for row, length, meter in zip(rows, lengths, meters, strict=True)
    ]


def _read_length(measure: Measure) -> Fraction:
    return measure.actual - measure.padding


def _is_judged(measure: Measure) -> bool:
    """Whether notes and rests tell how long a measure is."""
    events = [event for event in measure.events if not event.filler]
    is_rest = len(events) == 1 and is_whole_rest(events[0].symbol)
    return bool(events) and not is_rest and measure.status != "multirest"


def _agree(row: Sequence[Measure], meter: Fraction | None) -> Fraction | None:
    """The length that more than half of the parts have, or that of the meter, or the longest."""
    lengths = [_read_length(measure) for measure in row if _is_judged(measure)]
    if not lengths:
        return None
    common, count = Counter(lengths).most_common(1)[0]
    if 2 * count > len(lengths):
        return common
    return meter if meter in lengths else max(lengths)


def _find_usual(lengths: Sequence[Fraction]) -> Fraction | None:
    """The length that most measures have, if a clear majority has one."""
    if len(lengths) < MIN_UNMETERED:
        return None
    usual, count = Counter(lengths).most_common(1)[0]
    return usual if 3 * count >= 2 * len(lengths) else None


def is_pickup(columns: Sequence[Column]) -> bool:
    """Whether the first measure is one of an upbeat, and not one that was misread.

    It is where the last measure, or one that ends a section, lacks as much as the first one has, or
    where it is at most half full. Where the piece has no end that would tell, as an excerpt, it may
    be three quarters full.
    """
    first = columns[0]
    if len(columns) < 2 or first.length is None or first.expected is None or first.missing <= 0:
        return False
    if 2 * first.length <= first.expected:
        return True
    last = columns[-1]
    closing = [column for column in columns[1:] if column.divides or column is last]
    if any(column.length and column.missing == first.length for column in closing):
        return True
    is_over = last.divides and (last.length is None or not last.missing)
    return not is_over and 4 * first.length <= 3 * first.expected


def _is_legitimately_short(columns: Sequence[Column], index: int) -> bool:
    column, is_last = columns[index], index == len(columns) - 1
    if is_last and column.is_open:
        return True
    if index == 0 and is_pickup(columns):
        return True
    missing = column.missing
    ends_section = is_last or column.divides
    if ends_section and index and missing == columns[0].length and is_pickup(columns):
        return True
    if not is_last and column.divides and missing == columns[index + 1].length:
        return True
    return index > 0 and columns[index - 1].divides and missing == columns[index - 1].length


# --- what is amiss --------------------------------------------------------------------------------


def measure_warnings(score: Score) -> list[MeasureWarning]:
    """The measures that are short or over, part by part.

    A pickup is none of them, nor is a measure that it completes: the last one, or one that ends at
    a double barline or repeat. Two parts of a measure around such a barline complete each other.
    The end of an incipit, a short last measure without a barline, is not flagged either. Where
    parts differ, those are flagged that have neither the length of the meter nor that of most.
    """
    columns = _columns_of(score)
    several = len(score.parts) > 1
    found = [
        (number, warning)
        for index, column in enumerate(columns)
        for number, measure in enumerate(column.measures)
        if (warning := _judge(columns, index, measure, number if several else None))
    ]
    return [warning for _, warning in sorted(found, key=lambda pair: pair[0])]


def _columns_of(score: Score) -> list[Column]:
    return make_columns(list(zip(*(part.measures for part in score.parts), strict=True)))


def _judge(
    columns: Sequence[Column], index: int, measure: Measure, part: int | None
) -> MeasureWarning | None:
    """What is wrong with a measure of a part, if anything."""
    column, read = columns[index], _read_length(measure)
    meter = column.expected if measure.expected is None else measure.expected
    if not _is_judged(measure) or read == meter:
        return None
    is_short = meter is None or (read < meter and _is_legitimately_short(columns, index))
    expected = column.length if meter is None or is_short else meter
    if expected is None or read == expected:
        return None
    padded = measure.padding > 0 and read < expected
    lengths = (column.length or expected, read) if padded else (expected, read)
    return MeasureWarning(
        part, measure.number, measure.staff, *lengths, padded=padded, time=measure.time
    )


def measure_quality(score: Score) -> Quality:
    """Count the measures that add up and the notes that are doubtful."""
    columns = _columns_of(score)
    flagged = {
        index
        for index, column in enumerate(columns)
        if any(_judge(columns, index, measure, None) for measure in column.measures)
    }
    unread = {n for n, column in enumerate(columns) if any(m.is_unread for m in column.measures)}
    unchecked = {
        n
        for n, column in enumerate(columns)
        if column.expected is None and n not in flagged | unread
    }
    notes = [
        event
        for part in score.parts
        for measure in part.measures
        for event in measure.events
        if event.kind in ("note", "grace")
    ]
    return Quality(
        measures=sum(column.measures[0].span for column in columns),
        off=len(flagged | unread),
        unread=len(unread),
        unchecked=sum(columns[n].measures[0].span for n in unchecked),
        notes=len(notes),
        doubtful=sum(event.confidence < DOUBTFUL_BELOW for event in notes),
    )


def score_warnings(score: Score) -> list[str]:
    """All that a user should know: how the score was joined, then its measures."""
    notices = [*score.notices, *shorthand_notices(score.parts), *_tell_unread(score)]
    return [*notices, *map(str, measure_warnings(score))]


def _tell_unread(score: Score) -> Iterator[str]:
    """A sentence for each part on the measures in which nothing was read."""
    for number, part in enumerate(score.parts):
        empty = [measure.number for measure in part.measures if measure.is_unread]
        if empty:
            where = f" of part {number + 1}" if len(score.parts) > 1 else ""
            measures = f"measure {empty[0]}"
            if len(empty) > 1:
                measures = f"measures {', '.join(map(str, empty[:-1]))} and {empty[-1]}"
            yield f"Nothing was read in {measures}{where}: a rest stands there instead."
